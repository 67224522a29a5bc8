//! Claiming in the order of the lanes, in one statement.

use plimsoll_types::Lane;

use crate::lanes::{dice, shares};
use crate::rows::lane_number;

/// The steps of [`shares`] that [`picked`] has parts for.
const STEPS: usize = 5;

/// The parts `late` and `picked` of a statement, in this order: keys of rows that nobody else claims at the moment, locked. $1 is
/// now, $2 the most to claim, $3 and $4 are [`steps`].
///
/// First what is out of time, then step by step what is due, each step as far as all before it have left room. A step
/// leaves out what they took: rows that are locked by this statement are not skipped by it.
macro_rules! picked {
    ($table:literal, $key:literal, $open:literal, $due:literal) => {
        concat!(
            "late AS MATERIALIZED (
                 SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $open,
            " AND deadline IS NOT NULL AND deadline <= $1 AND next_at <= $1
                 ORDER BY deadline LIMIT $2 FOR UPDATE SKIP LOCKED
             ), ",
            $crate::postgres::claims::step!("1", "late", $table, $key, $due),
            $crate::postgres::claims::step!("2", "until_1", $table, $key, $due),
            $crate::postgres::claims::step!("3", "until_2", $table, $key, $due),
            $crate::postgres::claims::step!("4", "until_3", $table, $key, $due),
            $crate::postgres::claims::step!("5", "until_4", $table, $key, $due),
            "picked AS (SELECT * FROM until_5)"
        )
    };
}
pub(super) use picked;

/// One step, and everything up to it.
macro_rules! step {
    ($step:literal, $before:literal, $table:literal, $key:literal, $due:literal) => {
        concat!(
            "step_",
            $step,
            " AS MATERIALIZED (
                 SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $due,
            " AND lane = ($3::bigint[])[",
            $step,
            "] AND next_at <= $1 AND (",
            $key,
            ") NOT IN (SELECT ",
            $key,
            " FROM ",
            $before,
            ") ORDER BY next_at
                 LIMIT (SELECT GREATEST(0, ($4::bigint[])[",
            $step,
            "] - COUNT(*)) FROM ",
            $before,
            ") FOR UPDATE SKIP LOCKED
             ), until_",
            $step,
            " AS (SELECT * FROM ",
            $before,
            " UNION ALL SELECT * FROM step_",
            $step,
            "), "
        )
    };
}
pub(super) use step;

/// Lanes as they are numbered in the rows, and bounds on what is claimed after each.
pub(super) fn steps(max: u32) -> (Vec<i64>, Vec<i64>) {
    let steps = shares(max, dice());
    debug_assert_eq!(steps.len(), STEPS, "each step has its part in the statement");
    let number = |(lane, bound): (Lane, u32)| (lane_number(lane), i64::from(bound));
    steps.into_iter().map(number).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_has_its_part_in_the_statement() {
        let (lanes, bounds) = steps(16);
        assert_eq!((lanes.len(), bounds.len()), (STEPS, STEPS));
    }
}
