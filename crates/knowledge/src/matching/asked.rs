//! What is asked about an inventory, as far as the memo has no answer to it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use plimsoll_types::report::Vulnerability;
use plimsoll_types::{BlindSpot, Package};

use super::answer::Answer;
use super::entry;
use super::memo::{Memo, Recalled};
use super::query::Query;

/// The queries of an inventory, divided.
pub(super) struct Asked<'q> {
    /// Packages with an answer that was given before.
    pub(super) answered: Vec<(&'q Package, Arc<Answer>)>,
    /// The queries of all others.
    pub(super) unanswered: Vec<&'q Query<'q>>,
    /// The answers to keep, when there are any.
    pub(super) answers: Answers<'q>,
}

impl<'q> Asked<'q> {
    pub(super) fn of(queries: &'q [Query<'q>], memo: &Memo) -> Self {
        let of_packages = || queries.chunk_by(|a, b| std::ptr::eq(a.package, b.package));
        // Two packages of one id are answered for as one, which no question of one package can say.
        let (mut ids, mut doubles) = (HashSet::with_capacity(queries.len()), HashSet::new());
        for of_package in of_packages() {
            if let [query, ..] = of_package
                && !ids.insert(query.package.id.as_str())
            {
                doubles.insert(query.package.id.as_str());
            }
        }
        let mut asked =
            Self { answered: Vec::new(), unanswered: Vec::new(), answers: Answers { by_id: HashMap::new() } };
        let (mut packages, mut questions) = (Vec::new(), Vec::new());
        for of_package in of_packages() {
            let [Query { package, .. }, ..] = of_package else { continue };
            if doubles.contains(package.id.as_str()) {
                asked.unanswered.extend(of_package);
            } else {
                packages.push((*package, of_package));
                questions.push(question(package, of_package));
            }
        }
        let recalled = memo.recall(&questions);
        for (((package, of_package), question), recalled) in packages.into_iter().zip(questions).zip(recalled)
        {
            match recalled {
                Recalled::Answer(answer) => asked.answered.push((package, answer)),
                Recalled::Again => {
                    asked.unanswered.extend(of_package);
                    asked.answers.by_id.insert(&package.id, (question, Answer::default()));
                }
                Recalled::Nothing => asked.unanswered.extend(of_package),
            }
        }
        asked
    }
}

/// All that the answer depends on.
fn question(package: &Package, queries: &[Query<'_>]) -> Vec<u8> {
    let mut question = vec![u8::from(entry::is_overlays(package))];
    for query in queries {
        query.write_question(&mut question);
    }
    question
}

/// Answers in the making, by the id of the package that is asked about.
pub(super) struct Answers<'q> {
    by_id: HashMap<&'q str, (Vec<u8>, Answer)>,
}

impl Answers<'_> {
    /// Notes what could not be decided about a package.
    pub(super) fn note_spots(&mut self, query: &Query<'_>, spots: &[BlindSpot]) {
        if let Some((_, answer)) = self.by_id.get_mut(query.package.id.as_str()) {
            answer.add_spots(spots);
        }
    }

    /// Notes the findings of each package.
    pub(super) fn note_findings(&mut self, findings: &[Vulnerability]) {
        if self.by_id.is_empty() {
            return;
        }
        for finding in findings {
            if let Some((_, answer)) = self.by_id.get_mut(finding.package_id.as_str()) {
                answer.add(finding);
            }
        }
    }

    /// Questions and answers.
    pub(super) fn into_iter(self) -> impl Iterator<Item = (Vec<u8>, Answer)> {
        self.by_id.into_values()
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_types::PackageType;

    use crate::fixture::{built, image, package, record};
    use crate::{Snapshot, match_inventory};

    #[test]
    fn an_answer_is_told_of_the_package_that_is_asked_about() {
        let built = built(&[&record("A-1", r#""aliases":["CVE-2024-1"]"#, "PyPI", "a", "1.0..2.0")]);
        built.matches(&image(None, vec![package(PackageType::Pypi, "a", "1.5")]));
        let mut other = package(PackageType::Pypi, "a", "1.5");
        (other.id, other.layer) = ("another".to_owned(), Some(7));
        let other = image(None, vec![other]);
        let anew = match_inventory(&other, &Snapshot::open(&built.path()).unwrap()).unwrap();
        assert_eq!((anew.vulnerabilities.len(), built.matches(&other)), (1, anew));
    }

    #[test]
    fn packages_of_one_id_are_answered_for_as_one() {
        let built = built(&[&record("A-1", "", "PyPI", "a", "1.0..2.0")]);
        let alone = |version| package(PackageType::Pypi, "a", version);
        built.matches(&image(None, vec![alone("1.5")]));
        built.matches(&image(None, vec![alone("1.7")]));
        let mut both = vec![alone("1.5"), alone("1.7"), alone("not a version")];
        for package in &mut both {
            "one".clone_into(&mut package.id);
        }
        let both = image(None, both);
        let anew = match_inventory(&both, &Snapshot::open(&built.path()).unwrap()).unwrap();
        assert_eq!((anew.vulnerabilities.len(), anew.blind_spots.len(), built.matches(&both)), (1, 1, anew));
    }
}
