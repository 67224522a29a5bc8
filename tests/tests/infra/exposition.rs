//! What `/metrics` says: families with their kinds, and the labels of their series.

use std::collections::{BTreeMap, BTreeSet};

/// Everything that can be asked for.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    /// Kinds of families, by their names without endings.
    kinds: BTreeMap<String, String>,
    /// Labels of the series of a name, with all their values.
    series: BTreeMap<String, Labels>,
}

pub(crate) type Labels = BTreeMap<String, BTreeSet<String>>;

impl Exposition {
    /// Adds what one process shows.
    #[track_caller]
    pub(crate) fn add(&mut self, text: &str) {
        assert!(text.ends_with("# EOF\n"), "an OpenMetrics text is whole: {text}");
        for line in text.lines() {
            if let Some(family) = line.strip_prefix("# TYPE ") {
                let (name, kind) = family.split_once(' ').expect("a name and a kind");
                self.kinds.insert(name.to_owned(), kind.to_owned());
            } else if !line.starts_with('#') {
                let (name, labels) = series(line);
                let known = self.series.entry(name.to_owned()).or_default();
                for (label, value) in labels {
                    known.entry(label).or_default().insert(value);
                }
            }
        }
    }

    /// The labels of the series of this name.
    pub(crate) fn labels(&self, name: &str) -> Option<&Labels> {
        self.series.get(name)
    }

    /// Whether a rate of this name makes sense.
    pub(crate) fn only_grows(&self, name: &str) -> bool {
        let kind = |ending: &str| self.kinds.get(name.strip_suffix(ending)?).map(String::as_str);
        kind("_total") == Some("counter")
            || ["_bucket", "_sum", "_count"].into_iter().any(|ending| kind(ending) == Some("histogram"))
    }

    /// Whether this is the name of a family or of its series.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.kinds.contains_key(name) || self.series.contains_key(name)
    }
}

/// The name and the labels of a line. Ours have no values with quotes.
fn series(line: &str) -> (&str, Vec<(String, String)>) {
    let Some((name, rest)) = line.split_once('{') else {
        return (line.split_once(' ').expect("a value").0, Vec::new());
    };
    let (labels, _) = rest.rsplit_once('}').expect("an end of the labels");
    let label = |pair: &str| {
        let (label, value) = pair.split_once('=').expect("a label and a value");
        (label.to_owned(), value.trim_matches('"').to_owned())
    };
    (name, labels.split(',').map(label).collect())
}

#[test]
fn an_exposition_is_read_series_by_series() {
    let mut exposition = Exposition::default();
    exposition.add(
        "# HELP jobs Jobs.\n# TYPE jobs counter\njobs_total{kind=\"layer\",outcome=\"done\"} 1\n\
         jobs_total{kind=\"layer\",outcome=\"lost\"} 0\n# HELP held Held.\n# TYPE held gauge\nheld 3\n# EOF\n",
    );
    let labels = exposition.labels("jobs_total").expect("jobs");
    assert_eq!(labels["outcome"], ["done", "lost"].map(str::to_owned).into());
    assert_eq!(exposition.labels("held"), Some(&Labels::new()));
    assert!(exposition.only_grows("jobs_total") && !exposition.only_grows("held"));
    assert!(exposition.knows("jobs") && exposition.labels("jobs").is_none() && !exposition.knows("job"));
}
