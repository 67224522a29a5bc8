//! Promises of [`Bells`](crate::Bells).

use std::time::Duration;

use plimsoll_types::report::VerdictStatus;

use super::fixture::*;
use crate::{Bell, BlobStanding, TargetId};

/// How long a bell may take.
const PATIENCE: Duration = Duration::from_secs(10);

async fn in_time<T>(heard: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, heard).await.expect("the bell is heard")
}

/// Also what was rung before anybody waited, and nothing for what was not.
pub async fn whoever_listens_hears_of_work_and_of_ends(state: S) {
    let (mut submitted, mut complete) = (state.listen(Bell::Submitted), state.listen(Bell::Complete));
    let mut ends = state.ends();
    let id = submit(&state, &request()).await;
    in_time(submitted.rung()).await;

    let mut image = image(&[digest(1)]);
    image.layers = vec![blob(digest(1), BlobStanding::Known(known(digest(1))))];
    record(&state, id, &plan_of(vec![image])).await;
    in_time(complete.rung()).await;

    let (other, _) = planned(&state, &plan(&[digest(2)])).await;
    in_time(submitted.rung()).await;
    finish(&state, digest(2)).await;
    in_time(complete.rung()).await;

    for (scan, document) in [(id, 1), (other, 2)] {
        let target = TargetId { scan, ordinal: 0 };
        state.judged(target, &verdict(VerdictStatus::Pass, document), NOW).await.expect("it is judged");
        assert_eq!(in_time(ends.next()).await, Some(scan));
    }
    assert_eq!(ends.try_next(), None);
}
