//! The part of PromQL that our queries are written in, as a tree. Only what is known here is let through, so a word that is
//! misspelt is a mistake; precedence is not, since nothing that is asked of the tree depends on it.

/// A query.
#[derive(Debug, PartialEq)]
pub(crate) enum Query {
    Number,
    Selector(Selector),
    /// The labels that are left of an aggregation, or taken away.
    Aggregate {
        keeps: bool,
        labels: Vec<String>,
        of: Box<Self>,
    },
    Call {
        function: String,
        arguments: Vec<Self>,
    },
    /// Both sides, and the labels by which they are matched.
    Binary {
        sides: Box<[Self; 2]>,
        matching: Vec<String>,
    },
}

#[derive(Debug, PartialEq)]
pub(crate) struct Selector {
    pub(crate) metric: String,
    pub(crate) matchers: Vec<Matcher>,
    /// Whether it is for the values of some time.
    pub(crate) range: bool,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Matcher {
    pub(crate) label: String,
    /// The values it names: several, if it is a pattern.
    pub(crate) values: Vec<String>,
}

const AGGREGATIONS: &[&str] = &["avg", "count", "max", "min", "sum", "topk"];
const FUNCTIONS: &[&str] =
    &["absent", "clamp_max", "clamp_min", "histogram_quantile", "increase", "irate", "rate"];
const OPERATORS: &[&str] =
    &["+", "-", "*", "/", "%", "==", "!=", "<=", ">=", "<", ">", "and", "or", "unless"];
const MATCHES: &[&str] = &["=~", "!~", "!=", "="];

/// Reads a query.
pub(crate) fn parse(text: &str) -> Result<Query, String> {
    let mut reader = Reader { rest: text.trim_start() };
    let query = reader.query()?;
    if reader.rest.is_empty() { Ok(query) } else { Err(format!("nobody expects {:?}", reader.rest)) }
}

/// What is left to read, without space in front.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn query(&mut self) -> Result<Query, String> {
        let mut left = self.operand()?;
        while OPERATORS.iter().any(|operator| self.takes(operator)) {
            let mut matching = Vec::new();
            if self.takes("on") || self.takes("ignoring") {
                matching = self.labels()?;
                if self.takes("group_left") || self.takes("group_right") {
                    matching.extend(self.labels()?);
                }
            }
            left = Query::Binary { sides: Box::new([left, self.operand()?]), matching };
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Query, String> {
        if self.takes("(") {
            let query = self.query()?;
            return self.expect(")").map(|()| query);
        }
        let word = self.word(|c| c.is_ascii_alphanumeric() || "_:.".contains(c))?;
        if word.parse::<f64>().is_ok() {
            Ok(Query::Number)
        } else if AGGREGATIONS.contains(&word) {
            self.aggregate()
        } else if self.rest.starts_with('(') {
            if !FUNCTIONS.contains(&word) {
                return Err(format!("{word} is no function that is known here"));
            }
            Ok(Query::Call { function: word.to_owned(), arguments: self.arguments()? })
        } else {
            self.selector(word)
        }
    }

    /// Labels may stand before what is aggregated, or behind it.
    fn aggregate(&mut self) -> Result<Query, String> {
        let mut grouping = self.grouping()?;
        let of = self.arguments()?.pop().ok_or("nothing is aggregated")?;
        if grouping.is_none() {
            grouping = self.grouping()?;
        }
        let (keeps, labels) = grouping.unwrap_or((true, Vec::new()));
        Ok(Query::Aggregate { keeps, labels, of: Box::new(of) })
    }

    fn grouping(&mut self) -> Result<Option<(bool, Vec<String>)>, String> {
        if self.takes("by") {
            self.labels().map(|labels| Some((true, labels)))
        } else if self.takes("without") {
            self.labels().map(|labels| Some((false, labels)))
        } else {
            Ok(None)
        }
    }

    fn arguments(&mut self) -> Result<Vec<Query>, String> {
        self.list("(", ")", Self::query)
    }

    fn labels(&mut self) -> Result<Vec<String>, String> {
        self.list("(", ")", Self::label)
    }

    fn label(&mut self) -> Result<String, String> {
        self.word(|c| c.is_ascii_alphanumeric() || c == '_').map(str::to_owned)
    }

    fn selector(&mut self, metric: &str) -> Result<Query, String> {
        let braces = self.rest.starts_with('{');
        let matchers = if braces { self.list("{", "}", Self::matcher)? } else { Vec::new() };
        let range = self.takes("[");
        if range {
            let time = self.word(|c| c.is_ascii_alphanumeric())?;
            if !time.starts_with(|c: char| c.is_ascii_digit()) || !time.ends_with(['s', 'm', 'h', 'd']) {
                return Err(format!("{time} is no time"));
            }
            self.expect("]")?;
        }
        Ok(Query::Selector(Selector { metric: metric.to_owned(), matchers, range }))
    }

    fn matcher(&mut self) -> Result<Matcher, String> {
        let label = self.label()?;
        let sign = MATCHES.iter().find(|sign| self.takes(sign));
        let sign = sign.ok_or_else(|| format!("{label} is matched with nothing"))?;
        self.expect("\"")?;
        let (value, rest) = self.rest.split_once('"').ok_or("a text does not end")?;
        self.rest = rest.trim_start();
        let pattern = sign.ends_with('~');
        let values = if pattern { value.split('|').collect() } else { vec![value] };
        Ok(Matcher { label, values: values.into_iter().map(str::to_owned).collect() })
    }

    fn list<T>(
        &mut self,
        open: &str,
        close: &str,
        item: impl Fn(&mut Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        self.expect(open)?;
        let mut items = Vec::new();
        while !self.takes(close) {
            if !items.is_empty() {
                self.expect(",")?;
            }
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn word(&mut self, is_part: impl Fn(char) -> bool) -> Result<&'a str, String> {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        if word.is_empty() { Err(format!("a word is missing before {:?}", self.rest)) } else { Ok(word) }
    }

    /// Takes a sign, or a word as a whole.
    fn takes(&mut self, what: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(what) else { return false };
        let is_word = what.starts_with(|c: char| c.is_ascii_alphabetic());
        if is_word && rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            return false;
        }
        self.rest = rest.trim_start();
        true
    }

    fn expect(&mut self, what: &str) -> Result<(), String> {
        if self.takes(what) { Ok(()) } else { Err(format!("{what} is missing before {:?}", self.rest)) }
    }
}

#[test]
fn a_query_becomes_a_tree() {
    let query = parse(r#"sum by (le) (rate(a_bucket{x!="1", y=~"b|c"}[5m])) > on (z) group_left () 0.5"#)
        .expect("a query");
    let matcher = |label: &str, values: &[&str]| Matcher {
        label: label.into(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let selector = Selector {
        metric: "a_bucket".into(),
        matchers: vec![matcher("x", &["1"]), matcher("y", &["b", "c"])],
        range: true,
    };
    let rate = Query::Call { function: "rate".into(), arguments: vec![Query::Selector(selector)] };
    let sum = Query::Aggregate { keeps: true, labels: vec!["le".into()], of: Box::new(rate) };
    assert_eq!(query, Query::Binary { sides: Box::new([sum, Query::Number]), matching: vec!["z".into()] });
}

#[test]
fn what_is_no_query_is_refused() {
    for wrong in [
        "",
        "(",
        "a)",
        "a b",
        "a +",
        "a{",
        "a{b}",
        "a{b=}",
        "a{b=\"c}",
        "a[5m",
        "a[m]",
        "a[5x]",
        "sum",
        "sum by (a)",
        "rat(a[5m])",
        "a and",
        "and a b",
        "a{b=\"c\" d=\"e\"}",
        "sum(a) by",
    ] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
}
