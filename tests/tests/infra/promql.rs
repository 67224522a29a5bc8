//! Queries held against what there is to ask for.

use std::collections::BTreeSet;

use crate::exposition::Exposition;
use crate::query::{Matcher, Query, Selector, parse};

/// Labels that scraping gives to every series, and the values that are ours.
const TARGET: &[(&str, &[&str])] =
    &[("instance", &[]), ("job", &["plimsoll"]), ("role", &["coordinator", "worker", "aggregator"])];
/// What Prometheus says of a target by itself.
const UP: &str = "up";

/// The labels that the answer to a query may have, or what is wrong with the query.
pub(crate) fn labels(query: &str, known: &Exposition) -> Result<BTreeSet<String>, Vec<String>> {
    let tree =
        parse(&query.replace("$__rate_interval", "5m")).map_err(|why| vec![format!("{query}: {why}")])?;
    let mut check = Check { known, complaints: Vec::new() };
    let labels = check.walk(&tree);
    if check.complaints.is_empty() {
        return Ok(labels);
    }
    Err(check.complaints.into_iter().map(|complaint| format!("{query}: {complaint}")).collect())
}

struct Check<'a> {
    known: &'a Exposition,
    complaints: Vec<String>,
}

impl Check<'_> {
    /// Checks a query, and gives the labels its answer may have.
    fn walk(&mut self, query: &Query) -> BTreeSet<String> {
        match query {
            Query::Number => BTreeSet::new(),
            Query::Selector(selector) => self.selector(selector),
            Query::Aggregate { keeps, labels, of } => {
                let below = self.walk(of);
                self.had(&below, labels);
                below.into_iter().filter(|label| labels.contains(label) == *keeps).collect()
            }
            Query::Binary { sides, matching } => {
                let [left, right] = sides.as_ref();
                let both: BTreeSet<_> = self.walk(left).into_iter().chain(self.walk(right)).collect();
                self.had(&both, matching);
                both
            }
            Query::Call { function, arguments } => self.call(function, arguments),
        }
    }

    fn call(&mut self, function: &str, arguments: &[Query]) -> BTreeSet<String> {
        let mut labels = arguments.iter().fold(BTreeSet::new(), |_, argument| self.walk(argument));
        let range = match arguments {
            [Query::Selector(selector)] if selector.range => Some(selector),
            _ => None,
        };
        let grows = range.is_some_and(|selector| self.known.only_grows(&selector.metric));
        if ["rate", "increase", "irate"].contains(&function) && !grows {
            self.complaints.push(format!("{function} of what does not only grow, or of no range"));
        }
        if function == "histogram_quantile" && !labels.remove("le") {
            self.complaints.push("a quantile of something without buckets".to_owned());
        }
        labels
    }

    fn selector(&mut self, selector: &Selector) -> BTreeSet<String> {
        let name = &selector.metric;
        let own = self.known.labels(name);
        if own.is_none() && name != UP {
            self.complaints.push(format!("no role shows {name}"));
        }
        for matcher in &selector.matchers {
            let of_target = TARGET.iter().find(|(label, _)| *label == matcher.label);
            let values = own.and_then(|own| own.get(&matcher.label)).map_or_else(
                || of_target.map(|(_, values)| values.to_vec()),
                |values| Some(values.iter().map(String::as_str).collect()),
            );
            self.matcher(name, matcher, values.as_deref());
        }
        let own = own.into_iter().flat_map(|own| own.keys().cloned());
        TARGET.iter().map(|(label, _)| (*label).to_owned()).chain(own).collect()
    }

    /// Every value a matcher names is one that there is.
    fn matcher(&mut self, name: &str, matcher: &Matcher, there: Option<&[&str]>) {
        let label = &matcher.label;
        let Some(there) = there else {
            self.complaints.push(format!("{name} has no label {label}"));
            return;
        };
        for value in matcher.values.iter().filter(|value| !there.contains(&value.as_str())) {
            self.complaints.push(format!("{label} of {name} is never {value:?}, but one of {there:?}"));
        }
    }

    /// Complains about labels that nothing has.
    fn had(&mut self, there: &BTreeSet<String>, labels: &[String]) {
        let absent = labels.iter().filter(|label| !there.contains(*label));
        self.complaints.extend(absent.map(|label| format!("nothing has the label {label}")));
    }
}

fn known() -> Exposition {
    let mut known = Exposition::default();
    known.add(
        "# TYPE jobs counter\njobs_total{outcome=\"done\"} 1\njobs_total{outcome=\"lost\"} 1\n\
         # TYPE waiting gauge\nwaiting{lane=\"push\"} 1\n\
         # TYPE seconds histogram\nseconds_bucket{le=\"1.0\",lane=\"push\"} 1\nseconds_count{lane=\"push\"} 1\n# EOF\n",
    );
    known
}

#[test]
fn a_query_that_finds_what_it_asks_for_is_fine() {
    for (query, expected) in [
        (r#"sum by (outcome) (rate(jobs_total{outcome=~"done|lost"}[$__rate_interval]))"#, &["outcome"][..]),
        (
            r#"max by (lane) (waiting) / on () group_left () count(up{job="plimsoll", role="worker"} == 1)"#,
            &["lane"],
        ),
        ("histogram_quantile(0.99, sum by (le, lane) (rate(seconds_bucket[5m]))) > 3", &["lane"]),
        (r#"sum(waiting) > 0 unless sum(rate(seconds_count{role="worker"}[15m])) > 0"#, &[]),
        ("sum without (lane, job, role) (waiting)", &["instance"]),
    ] {
        let expected = expected.iter().map(|label| (*label).to_owned()).collect();
        assert_eq!(labels(query, &known()), Ok(expected), "{query}");
    }
}

#[test]
fn a_query_for_what_is_not_there_is_found_out() {
    for (query, complaint) in [
        ("sum(", "a word is missing"),
        ("jobs", "no role shows jobs"),
        (r#"jobs_total{outcome="Done"}"#, "is never \"Done\""),
        (r#"jobs_total{outcome=~"done|gone"}"#, "is never \"gone\""),
        (r#"jobs_total{lane="push"}"#, "no label lane"),
        (r#"up{role="workers"}"#, "is never \"workers\""),
        ("sum by (lane) (jobs_total)", "nothing has the label lane"),
        ("rate(waiting[5m])", "does not only grow"),
        ("rate(jobs_total)", "of no range"),
        ("histogram_quantile(0.9, sum by (lane) (rate(seconds_bucket[5m])))", "without buckets"),
        ("waiting / on (outcome) waiting", "nothing has the label outcome"),
    ] {
        let complaints = labels(query, &known()).expect_err(query);
        assert!(complaints.len() == 1 && complaints[0].contains(complaint), "{query}: {complaints:?}");
    }
}
