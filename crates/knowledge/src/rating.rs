//! Putting together what several records say about how bad a vulnerability is.

use plimsoll_types::report::Severity;

use crate::advisory::{Rating, Score};
use crate::snapshot::format::StoredRating;

/// Adds what one record states.
pub(crate) fn merge(rating: &mut StoredRating, stated: &Rating, record: &str) {
    if let Some((severity, field)) = &stated.severity {
        worse(&mut rating.severity, *severity, format!("{record} {field}"));
    }
    for score in &stated.cvss {
        add_score(&mut rating.cvss, score, record);
    }
}

/// Keeps the worse of two severities; of equal ones the one whose source sorts first.
pub(crate) fn worse(kept: &mut Option<(Severity, String)>, severity: Severity, source: String) {
    let better = match kept {
        None => true,
        Some((known, place)) => severity > *known || (severity == *known && source < *place),
    };
    if better {
        *kept = Some((severity, source));
    }
}

/// Adds a score, each vector once, under the record whose id sorts first.
pub(crate) fn add_score(scores: &mut Vec<(Score, String)>, score: &Score, record: &str) {
    match scores.iter_mut().find(|(known, _)| known.vector == score.vector) {
        Some((_, source)) if record < source.as_str() => record.clone_into(source),
        Some(_) => {}
        None => scores.push((score.clone(), record.to_owned())),
    }
    scores.sort_by(|(a, _), (b, _)| (&b.version, &a.vector).cmp(&(&a.version, &b.vector)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_severity_wins_and_ties_do_not_depend_on_the_order() {
        let states = [(Severity::Low, "c"), (Severity::High, "b"), (Severity::High, "a")];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mut kept = None;
            for index in order {
                let (severity, source): (Severity, &str) = states[index];
                worse(&mut kept, severity, source.to_owned());
            }
            assert_eq!(kept, Some((Severity::High, "a".to_owned())));
        }
    }

    #[test]
    fn a_vector_is_listed_once_newest_version_first() {
        let score = |version: &str, vector: &str| Score {
            version: version.into(),
            vector: vector.into(),
            score: None,
        };
        let mut scores = Vec::new();
        add_score(&mut scores, &score("3.1", "x"), "b");
        add_score(&mut scores, &score("4.0", "y"), "b");
        add_score(&mut scores, &score("3.1", "x"), "a");
        let listed: Vec<_> =
            scores.iter().map(|(score, from)| (score.vector.as_str(), from.as_str())).collect();
        assert_eq!(listed, [("y", "b"), ("x", "a")]);
    }
}
