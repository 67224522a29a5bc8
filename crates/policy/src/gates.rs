//! The register of gates.

pub(crate) mod coverage;
mod dockerfile;
mod files;
mod metadata;
mod packages;
mod vulnerabilities;

use crate::gate::Gate;

/// Every gate, sorted by id.
pub const ALL: &[&dyn Gate] = &[
    &coverage::Coverage,
    &dockerfile::Dockerfile,
    &files::Files,
    &metadata::Metadata,
    &packages::Packages,
    &vulnerabilities::Vulnerabilities,
];

/// The one gate whose rules may leave an image not judged.
pub(crate) const COVERAGE: &str = "coverage";

/// The gate with this id.
pub fn find(id: &str) -> Option<&'static dyn Gate> {
    ALL.iter().copied().find(|gate| gate.id() == id)
}

pub(crate) fn ids() -> impl Iterator<Item = &'static str> + Clone {
    ALL.iter().map(|gate| gate.id())
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_sorted_and_everything_is_documented() {
        let sorted = |ids: Vec<&str>| assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        sorted(ids().collect());
        for gate in ALL {
            assert!(gate.summary().ends_with('.'), "{}", gate.id());
            sorted(gate.triggers().iter().map(|trigger| trigger.id).collect());
            for trigger in gate.triggers() {
                assert!(!trigger.summary.is_empty() && !trigger.trigger_id.is_empty(), "{}", trigger.id);
                let mut names: Vec<_> = trigger.params.iter().map(|param| param.name).collect();
                names.sort_unstable();
                sorted(names);
                assert!(trigger.params.iter().all(|param| param.summary.ends_with('.')), "{}", trigger.id);
            }
        }
    }
}
