//! Severity words of the feeds, and CVSS scores.

use std::str::FromStr;

use plimsoll_types::report::Severity;

use crate::advisory::Score;

/// The severity a word means. `None` for words that say nobody has rated it yet.
pub(crate) fn from_word(word: &str) -> Option<Severity> {
    // Debian marks urgencies it derived with asterisks: `low**`.
    let word = word.trim().trim_end_matches('*');
    let is = |words: &[&str]| words.iter().any(|candidate| word.eq_ignore_ascii_case(candidate));
    Some(match () {
        () if is(&["critical", "emergency"]) => Severity::Critical,
        () if is(&["high", "important"]) => Severity::High,
        () if is(&["medium", "moderate"]) => Severity::Medium,
        () if is(&["low", "minor"]) => Severity::Low,
        () if is(&["negligible", "none", "unimportant"]) => Severity::Negligible,
        () => return None,
    })
}

/// The severity in front of an erratum's title: `Important: curl security update`.
pub(crate) fn from_title(title: &str) -> Option<Severity> {
    title.split_once(':').and_then(|(word, _)| from_word(word))
}

/// A CVSS vector, scored. `None` if the text is not even the beginning of a vector.
pub(crate) fn score(vector: &str) -> Option<Score> {
    let vector = vector.trim();
    let version = match vector.split_once('/') {
        Some((head, _)) => match head.strip_prefix("CVSS:") {
            Some(version @ ("3.0" | "3.1" | "4.0")) => version,
            None if head.starts_with("AV:") => "2.0",
            _ => return None,
        },
        None => return None,
    };
    let score = cvss::Cvss::from_str(vector).ok().map(|parsed| parsed.score());
    Some(Score { version: version.to_owned(), vector: vector.to_owned(), score })
}

/// The rating of the newest CVSS version with a valid vector.
pub(crate) fn from_scores(scores: &[Score]) -> Option<Severity> {
    scores
        .iter()
        .filter_map(|score| Some((score.version.as_str(), score.score?)))
        .max_by(|a, b| a.0.cmp(b.0).then(a.1.total_cmp(&b.1)))
        .map(|(_, score)| Severity::from_cvss(score))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_every_feed_have_a_severity() {
        for (word, severity) in [
            ("MODERATE", Some(Severity::Medium)),
            ("Important", Some(Severity::High)),
            ("low**", Some(Severity::Low)),
            ("unimportant", Some(Severity::Negligible)),
            ("Critical", Some(Severity::Critical)),
            ("not yet assigned", None),
            ("end-of-life", None),
            ("untriaged", None),
        ] {
            assert_eq!(from_word(word), severity, "{word}");
        }
        assert_eq!(from_title("Important: texlive security update"), Some(Severity::High));
        assert_eq!(from_title("texlive: security update"), None);
    }

    #[test]
    fn vectors_of_all_four_versions_are_scored() {
        for (vector, version, expected) in [
            ("AV:N/AC:L/Au:N/C:N/I:N/A:C", "2.0", 7.8),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", "3.0", 6.1),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "3.1", 9.8),
            ("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "4.0", 7.3),
        ] {
            let scored = score(vector).unwrap();
            assert_eq!(scored.version, version);
            assert!((scored.score.unwrap() - expected).abs() < 1e-9, "{vector}: {scored:?}");
        }
    }

    #[test]
    fn a_broken_vector_keeps_its_text_and_has_no_score() {
        assert_eq!(score("CVSS:3.1/AV:X").unwrap().score, None);
        assert_eq!(score("HIGH"), None);
        assert_eq!(score("CVSS:9.9/AV:N"), None);
    }

    #[test]
    fn the_newest_version_decides() {
        let scores: Vec<_> =
            ["AV:N/AC:L/Au:N/C:C/I:C/A:C", "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", "CVSS:4.0/AV:Z"]
                .iter()
                .filter_map(|vector| score(vector))
                .collect();
        assert_eq!(from_scores(&scores), Some(Severity::Low));
        assert_eq!(from_scores(&[]), None);
    }

    /// The published examples of FIRST, as a line of "vector score # remark".
    #[test]
    fn published_scores_are_reproduced() {
        let Some(data) = std::env::var_os("PLIMSOLL_TEST_DATA") else {
            eprintln!("skipped: PLIMSOLL_TEST_DATA is not set");
            return;
        };
        let folder = std::path::Path::new(&data).join("versions/claircore/toolkit/types/cvss/testdata");
        let (mut compared, mut wrong) = (0, Vec::new());
        for list in ["v2_score.list", "v30_score.list", "v31_score.list", "v4_score.list"] {
            for line in std::fs::read_to_string(folder.join(list)).unwrap().lines() {
                let mut words = line.split('#').next().unwrap().split_whitespace();
                let (Some(vector), Some(expected)) = (words.next(), words.next()) else { continue };
                // Temporal and environmental metrics of versions 2 and 3 make another score than the base
                // score, which is the one advisories state.
                if list.starts_with("v4") || base_only(vector) {
                    compared += 1;
                    let expected: f64 = expected.parse().unwrap();
                    let found = score(vector).and_then(|score| score.score);
                    if found.is_none_or(|found| (found - expected).abs() > 1e-9) {
                        wrong.push((vector.to_owned(), expected, found));
                    }
                }
            }
        }
        assert!(compared > 40, "only {compared} vectors compared");
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    fn base_only(vector: &str) -> bool {
        vector.split('/').filter(|part| !part.starts_with("CVSS:")).count() <= 8
    }
}
