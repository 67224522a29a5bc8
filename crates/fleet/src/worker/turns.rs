//! Which lane is looked at first.

use plimsoll_types::Lane;

/// One look in so many begins with the lane below.
const FLOOR: u32 = 8;

/// Higher lanes first, but now and then a lower one, so that none starves: one look in eight begins with push, one
/// in sixty-four with backfill.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    taken: u32,
}

impl Turns {
    /// The lanes in the order of the next look.
    pub(crate) fn next(&mut self) -> [Lane; 3] {
        use Lane::{Backfill, Interactive, Push};
        self.taken = self.taken.wrapping_add(1);
        if self.taken.is_multiple_of(FLOOR * FLOOR) {
            [Backfill, Interactive, Push]
        } else if self.taken.is_multiple_of(FLOOR) {
            [Push, Interactive, Backfill]
        } else {
            [Interactive, Push, Backfill]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lane_starves_and_the_highest_is_first_most_often() {
        let mut turns = Turns::default();
        let first: Vec<Lane> = (0..640).map(|_| turns.next()[0]).collect();
        let count = |lane| first.iter().filter(|first| **first == lane).count();
        assert_eq!((count(Lane::Interactive), count(Lane::Push), count(Lane::Backfill)), (560, 70, 10));
    }

    #[test]
    fn every_look_goes_through_all_lanes() {
        let mut turns = Turns::default();
        for _ in 0..200 {
            let order = turns.next();
            for lane in [Lane::Interactive, Lane::Push, Lane::Backfill] {
                assert!(order.contains(&lane), "{lane:?} is not in {order:?}");
            }
        }
    }
}
