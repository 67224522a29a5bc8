//! How a batch is shared between lanes.

use plimsoll_types::Lane;

/// One part in so many is kept for each lane that is not the most urgent one.
const FLOOR: u32 = 8;

/// How many of a batch of `max` may be taken from which lane, in which order, so that urgent lanes come first and none
/// starves: first each lower lane's floor, then everything that is left from the most urgent lane down. `dice`, in
/// `0..8`, decides what a floor of less than one comes to, so that batches of one keep the proportion over time.
///
/// What a step does not find, the next steps may take: the second number is a bound on what all steps so far have taken.
pub(crate) fn shares(max: u32, dice: u32) -> Vec<(Lane, u32)> {
    let floor = max / FLOOR + u32::from(dice < max % FLOOR);
    let mut steps = Vec::new();
    let mut bound = 0;
    for lane in Lane::ALL.iter().rev().take(Lane::ALL.len() - 1) {
        bound = (bound + floor).min(max);
        steps.push((*lane, bound));
    }
    steps.extend(Lane::ALL.iter().map(|lane| (*lane, max)));
    steps
}

/// The dice for [`shares`].
pub(crate) fn dice() -> u32 {
    fastrand::u32(0..FLOOR)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Takes a batch from lanes with so much waiting.
    fn take(max: u32, dice: u32, mut waiting: BTreeMap<Lane, u32>) -> BTreeMap<Lane, u32> {
        let mut taken = BTreeMap::new();
        for (lane, bound) in shares(max, dice) {
            let so_far: u32 = taken.values().sum();
            let left = waiting.entry(lane).or_default();
            let now = (*left).min(bound.saturating_sub(so_far));
            *left -= now;
            *taken.entry(lane).or_default() += now;
        }
        taken
    }

    #[test]
    fn a_batch_of_sixteen_keeps_two_for_each_lower_lane() {
        let full = Lane::ALL.iter().map(|lane| (*lane, 100)).collect();
        let taken = take(16, 7, full);
        assert_eq!(taken, [(Lane::Backfill, 2), (Lane::Push, 2), (Lane::Interactive, 12)].into());
    }

    #[test]
    fn a_batch_of_one_is_mostly_urgent_and_sometimes_not() {
        let full: BTreeMap<_, _> = Lane::ALL.iter().map(|lane| (*lane, 1)).collect();
        let urgent = (0..8).filter(|dice| take(1, *dice, full.clone())[&Lane::Interactive] == 1).count();
        assert_eq!(urgent, 7);
    }

    proptest! {
        #[test]
        fn a_batch_is_full_if_enough_waits(max in 0_u32..200, dice in 0_u32..8, a in 0_u32..200, b in 0_u32..200, c in 0_u32..200) {
            let waiting = [(Lane::Backfill, a), (Lane::Push, b), (Lane::Interactive, c)].into();
            let taken: u32 = take(max, dice, waiting).values().sum();
            prop_assert_eq!(taken, max.min(a + b + c));
        }
    }
}
