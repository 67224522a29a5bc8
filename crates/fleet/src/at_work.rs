//! What a role works on at the same time.

use std::collections::BTreeSet;

use tokio::task::JoinSet;

/// Tasks under claims, at most so many at a time, and what each has claimed.
pub(crate) struct AtWork<K> {
    slots: u32,
    tasks: JoinSet<K>,
    held: BTreeSet<K>,
}

impl<K: Copy + Ord + Send + 'static> AtWork<K> {
    pub(crate) fn new(slots: u32) -> Self {
        Self { slots: slots.max(1), tasks: JoinSet::new(), held: BTreeSet::new() }
    }

    /// How many more may be claimed, at least one: waits until something ends if nothing more may.
    pub(crate) async fn room(&mut self) -> u32 {
        while let Some(ended) = self.tasks.try_join_next() {
            self.ended(ended);
        }
        while self.tasks.len() >= self.slots as usize {
            if let Some(ended) = self.tasks.join_next().await {
                self.ended(ended);
            }
        }
        self.slots - self.tasks.len() as u32
    }

    /// Works on what was claimed.
    pub(crate) fn begin(&mut self, claimed: K, work: impl Future<Output = ()> + Send + 'static) {
        self.held.insert(claimed);
        self.tasks.spawn(async move {
            work.await;
            claimed
        });
    }

    /// What is claimed and worked on.
    pub(crate) fn held(&self) -> Vec<K> {
        self.held.iter().copied().collect()
    }

    /// The claim of a task that panicked stays until its lease ends: a second look at what makes us panic can wait.
    fn ended(&mut self, ended: Result<K, tokio::task::JoinError>) {
        match ended {
            Ok(claimed) => {
                self.held.remove(&claimed);
            }
            Err(error) => tracing::error!(%error, "work on a claim panicked; please report it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn room_is_waited_for_and_what_has_ended_is_not_held() {
        let mut at_work = AtWork::new(2);
        let (end, ended) = oneshot::channel::<()>();
        at_work.begin(1, async move {
            let _gone = ended.await;
        });
        assert_eq!((at_work.room().await, at_work.held()), (1, vec![1]));
        at_work.begin(2, std::future::pending());
        let waits = tokio::time::timeout(std::time::Duration::from_millis(20), at_work.room()).await;
        assert!(waits.is_err(), "both slots are taken");
        end.send(()).expect("the first one waits");
        assert_eq!((at_work.room().await, at_work.held()), (1, vec![2]));
    }

    #[tokio::test]
    async fn what_panics_makes_room_and_stays_claimed() {
        let mut at_work = AtWork::new(1);
        at_work.begin(7, async { panic!("on purpose") });
        assert_eq!((at_work.room().await, at_work.held()), (1, vec![7]));
    }
}
