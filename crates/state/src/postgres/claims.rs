//! Where there is anything to claim.

use std::collections::BTreeSet;

use plimsoll_types::Lane;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::Error;
use crate::rows::lane_number;

/// What a claim may find.
pub(super) struct InLanes {
    /// Lanes with something that is due.
    pub(super) lanes: BTreeSet<Lane>,
    /// Whether a deadline has come.
    pub(super) late: bool,
}

/// The lanes as they are numbered in the rows.
pub(super) fn every_lane() -> Vec<i64> {
    Lane::ALL.iter().copied().map(lane_number).collect()
}

/// Reads rows of one column, `lane`: NULL speaks of deadlines.
pub(super) fn in_lanes(rows: &[PgRow]) -> Result<InLanes, Error> {
    let mut found = InLanes { lanes: BTreeSet::new(), late: false };
    for row in rows {
        let number: Option<i64> = row.try_get("lane")?;
        match number {
            None => found.late = true,
            Some(number) => {
                found.lanes.extend(Lane::ALL.iter().copied().filter(|lane| lane_number(*lane) == number));
            }
        }
    }
    Ok(found)
}
