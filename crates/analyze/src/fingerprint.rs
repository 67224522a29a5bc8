//! Which evidence can stand in for which: everything but the layer's bytes that decides a group's evidence.

use plimsoll_types::{Digest, EvidenceGroup};
use sha2::{Digest as _, Sha256};

use crate::{Analyzer, Limits};

/// Raised whenever the index of some layer could come out different.
const INDEX_VERSION: u32 = 2;

/// Raised whenever the runner itself changes what ends in a section.
const RUNNER_VERSION: u32 = 2;

/// The fingerprint of a group: its analyzers' ids and versions, the runner's own version, and the limits that
/// can change the outcome. The order of `analyzers` does not matter; group `index` does not depend on them.
pub fn fingerprint(group: EvidenceGroup, analyzers: &[&dyn Analyzer], limits: &Limits) -> Digest {
    // Named one by one, so that a new limit cannot be forgotten here.
    let Limits {
        memory_per_file: _,
        spool_per_file,
        kept_file_bytes,
        kept_files,
        records_per_section,
        section_bytes,
        scratch_bytes,
        names_per_inode,
        ambiguities,
        temp_dir: _,
    } = limits;
    let mut text = format!("plimsoll evidence 1\ngroup {}\n", group.as_str());
    let mut line = |name: &str, value: u64| {
        text.push_str(name);
        text.push(' ');
        text.push_str(&value.to_string());
        text.push('\n');
    };
    match group {
        EvidenceGroup::Index => {
            line("index", u64::from(INDEX_VERSION));
            line("kept_file_bytes", *kept_file_bytes);
            line("kept_files", u64::from(*kept_files));
            line("ambiguities", u64::from(*ambiguities));
        }
        EvidenceGroup::Packages => {
            line("runner", u64::from(RUNNER_VERSION));
            line("spool_per_file", *spool_per_file);
            line("records_per_section", *records_per_section);
            line("section_bytes", *section_bytes);
            line("scratch_bytes", *scratch_bytes);
            line("names_per_inode", u64::from(*names_per_inode));
            let mut analyzers: Vec<_> = analyzers.iter().map(|one| (one.id(), one.version())).collect();
            analyzers.sort_unstable();
            for (id, version) in analyzers {
                line(id, u64::from(version));
            }
        }
    }
    Digest::from_bytes(Sha256::digest(text.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Named;

    const A: Named = Named { id: "a/a", version: 1 };
    const A2: Named = Named { id: "a/a", version: 2 };
    const B: Named = Named { id: "b/b", version: 1 };

    fn packages(analyzers: &[&dyn Analyzer], limits: &Limits) -> Digest {
        fingerprint(EvidenceGroup::Packages, analyzers, limits)
    }

    #[test]
    fn a_raised_version_or_another_analyzer_changes_packages_alone() {
        let limits = Limits::default();
        assert_ne!(packages(&[&A], &limits), packages(&[&A2], &limits));
        assert_ne!(packages(&[&A], &limits), packages(&[&A, &B], &limits));
        assert_eq!(packages(&[&B, &A], &limits), packages(&[&A, &B], &limits));
        let index = |analyzers: &[&dyn Analyzer]| fingerprint(EvidenceGroup::Index, analyzers, &limits);
        assert_eq!(index(&[&A]), index(&[&A2, &B]));
        assert_ne!(index(&[]), packages(&[], &limits));
    }

    #[test]
    fn only_limits_that_change_evidence_change_it() {
        let base = Limits::default();
        let same = Limits { memory_per_file: 1, temp_dir: Some("/x".into()), ..base.clone() };
        let other = Limits { spool_per_file: 1, ..base.clone() };
        assert_eq!(packages(&[&A], &base), packages(&[&A], &same));
        assert_ne!(packages(&[&A], &base), packages(&[&A], &other));
    }
}
