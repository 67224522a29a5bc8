//! What must hold in the end.

use std::fmt;

use plimsoll_types::Digest;
use serde_json::Value;
use sqlx::Row as _;

use crate::fleet::Fleet;
use crate::parameters::Parameters;
use crate::process::lock;
use crate::script::Outcome;
use crate::{PATIENCE, points, wait_for};

/// Rows that nobody works on any more, by what they are.
const LEFT_OVER: &[(&str, &str)] = &[
    ("scans that have not ended", "SELECT COUNT(*) FROM scans WHERE ended_at IS NULL"),
    ("scans that have ended without a verdict", "SELECT COUNT(*) FROM scans WHERE state <> 'judged'"),
    ("targets that wait", "SELECT COUNT(*) FROM targets WHERE waiting"),
    ("layers that are outstanding", "SELECT COUNT(*) FROM layers WHERE state = 'outstanding'"),
    ("layers that ended badly", "SELECT COUNT(*) FROM layers WHERE state NOT IN ('outstanding', 'done')"),
    ("interests of scans that have ended", "SELECT COUNT(*) FROM interests"),
    ("sources of layers that are known", "SELECT COUNT(*) FROM layer_sources"),
    ("verdicts without a number", "SELECT COUNT(*) FROM verdicts WHERE sequence IS NULL"),
    ("callbacks that are owed", "SELECT COUNT(*) FROM deliveries WHERE state <> 'delivered'"),
];

/// What was found.
#[derive(Debug)]
pub(crate) struct Found {
    scans: usize,
    verdicts: usize,
    /// Scans without a verdict.
    lost: usize,
    /// Verdicts whose document is not in the store, or not the one that `plimsoll scan` writes.
    different: usize,
    /// Blobs pulled to their end more often than once, and than jobs for them were interrupted.
    duplicated: usize,
    /// Jobs begun more often than once.
    redone: usize,
    kills: usize,
    failpoints: (usize, usize),
    left: Vec<String>,
}

pub(crate) fn check(parameters: &Parameters, fleet: &mut Fleet, outcome: &Outcome) -> Found {
    fleet.services.faults.fail(None);
    let left = settled(parameters, fleet);
    fleet.end();
    let (duplicated, redone) = pulls(fleet);
    let (verdicts, different) = documents(fleet);
    let total = if parameters.failpoints.is_some() { points::count() } else { 0 };
    Found {
        scans: parameters.scans,
        verdicts,
        lost: parameters.scans.saturating_sub(verdicts),
        different,
        duplicated,
        redone,
        kills: outcome.kills,
        failpoints: (points::hit(&fleet.failpoints(), parameters.times).min(total), total),
        left,
    }
}

/// Waits for what trails behind a verdict; gives what does not come to its end. Messages are among it: one that was held by
/// a process that was killed comes back when its lease ends, and somebody has to be there to take it.
fn settled(parameters: &Parameters, fleet: &Fleet) -> Vec<String> {
    let deadline = std::time::Instant::now() + PATIENCE / 2;
    let mut dead = 0;
    loop {
        let mut left = Vec::new();
        for (what, sql) in LEFT_OVER {
            let count = wait_for("the database", PATIENCE, || fleet.services.number(sql));
            if count > 0 {
                left.push(format!("{count} {what}"));
            }
        }
        let untold = parameters.scans.saturating_sub(fleet.receiver.scans());
        if untold > 0 {
            left.push(format!("{untold} scans nobody was told of"));
        }
        let messages = fleet.services.messages();
        // Once they were looked at they may be out of sight for a while.
        dead = messages.dead.max(dead);
        for (what, count) in [("messages", messages.alive), ("dead letters", dead)] {
            if count > 0 {
                left.push(format!("{count} {what}"));
            }
        }
        if left.is_empty() || std::time::Instant::now() > deadline {
            return left;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// Layers pulled for nothing, and jobs begun again.
fn pulls(fleet: &Fleet) -> (usize, usize) {
    let ledger = lock(&fleet.ledger);
    let of = |counts: &std::collections::BTreeMap<String, usize>, layer: &str| {
        counts.get(layer).copied().unwrap_or_default()
    };
    let mut counted = (0, 0);
    for layer in &fleet.images.layers {
        let for_nothing = fleet.registry.completed(layer).saturating_sub(1 + of(&ledger.interrupted, layer));
        if for_nothing > 0 {
            println!("chaos: {layer} was pulled {for_nothing} times for nothing");
        }
        counted.0 += for_nothing;
        counted.1 += of(&ledger.taken, layer).saturating_sub(1);
    }
    counted
}

/// How many verdicts there are, and how many of them are not what a scan by hand says.
fn documents(fleet: &Fleet) -> (usize, usize) {
    // Nobody is interrupted any more.
    fleet.registry.slow_down(1, std::time::Duration::ZERO);
    let rows = wait_for("the verdicts", PATIENCE, || {
        fleet.services.rows("SELECT reference, document FROM verdicts ORDER BY reference, scan, ordinal")
    });
    let mut different = 0;
    for row in &rows {
        let (reference, digest): (String, Vec<u8>) = (row.get("reference"), row.get("document"));
        let digest = Digest::from_bytes(digest.try_into().expect("a digest"));
        let Some(document) = fleet.services.document(digest) else {
            println!("chaos: the document of {reference} is not in the store");
            different += 1;
            continue;
        };
        let parsed: Value = serde_json::from_slice(&document).expect("a document is JSON");
        let clock = parsed["verdict"]["evaluated_at"].as_str().expect("an instant");
        if fleet.document_by_hand(&reference, clock) != document {
            println!("chaos: the document of {reference} is another one by hand");
            different += 1;
        }
    }
    (rows.len(), different)
}

impl Found {
    /// What is not as it must be.
    pub(crate) fn complaints(&self, parameters: &Parameters) -> Vec<String> {
        let mut complaints = self.left.clone();
        let numbers = [("lost", self.lost), ("different", self.different), ("duplicated", self.duplicated)];
        complaints.extend(numbers.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{n} {what}")));
        if self.verdicts > self.scans {
            complaints.push(format!("{} verdicts of {} scans", self.verdicts, self.scans));
        }
        if self.kills < parameters.kills {
            complaints.push(format!("only {} of {} kills met work", self.kills, parameters.kills));
        }
        if self.failpoints.0 < self.failpoints.1 {
            complaints
                .push(format!("only {} of {} failpoints were hit", self.failpoints.0, self.failpoints.1));
        }
        complaints
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scans,
            verdicts,
            lost,
            different,
            duplicated,
            redone,
            kills,
            failpoints: (hit, total),
            ..
        } = self;
        write!(
            f,
            "chaos: scans={scans} verdicts={verdicts} lost={lost} different={different} \
             duplicated_layers={duplicated} redone={redone} kills={kills} failpoints={hit}/{total}"
        )
    }
}
