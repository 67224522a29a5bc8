//! The failpoints there are, and who passes them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::process::Role;

/// Each failpoint by the role that passes it. Where a reply is lost the process lives on; at the others it dies.
const POINTS: &[(Role, &[&str])] = &[
    (Role::Coordinator, &["claim/plan", "commit/publish", "commit/reply"]),
    (Role::Worker, &["claim/pull", "mid-blob", "put/result"]),
    (
        Role::Aggregator,
        &["result/fold", "claim/fold", "document/commit", "verdict/reply", "commit/deliver", "2xx/mark"],
    ),
];

/// How many there are.
pub(crate) fn count() -> usize {
    POINTS.iter().map(|(_, names)| names.len()).sum()
}

/// What the environment of a process of this role says: every point it can pass, each at a pass drawn by lot, until
/// all processes together have hit it so many times.
pub(crate) fn armed(role: Role, times: usize, latest: u64, random: &mut fastrand::Rng) -> String {
    let of_role = POINTS.iter().filter(|(of, _)| *of == role).flat_map(|(_, names)| *names);
    of_role.map(|name| format!("{name}={}*{times}", random.u64(1..=latest))).collect::<Vec<_>>().join(",")
}

/// How many points the log has at least so many times.
pub(crate) fn hit(log: &Path, times: usize) -> usize {
    let hits = hits(log);
    let names = POINTS.iter().flat_map(|(_, names)| *names);
    names.filter(|name| hits.get(**name).copied().unwrap_or_default() >= times).count()
}

/// How often each was hit.
pub(crate) fn hits(log: &Path) -> BTreeMap<String, usize> {
    let mut hits = BTreeMap::new();
    for line in std::fs::read_to_string(log).unwrap_or_default().lines() {
        let name = line.split(' ').next().unwrap_or_default();
        *hits.entry(name.to_owned()).or_default() += 1;
    }
    hits
}
