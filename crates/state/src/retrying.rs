//! Trying again.

use std::time::Duration;

use plimsoll_types::Retry;

use crate::Error;

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(2);

/// Calls `call` up to `attempts` times while its error says that it may pass, with a growing, jittered pause. Every
/// write of this crate bears it: a repeated call finds the work of one whose reply was lost.
///
/// # Errors
/// The last error.
pub async fn retrying<T, F>(attempts: u32, mut call: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut pause = FIRST;
    for _ in 1..attempts {
        match call().await {
            Err(error) if matches!(error.retry(), Retry::After(_)) => {}
            done => return done,
        }
        tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        pause = (pause * 2).min(LONGEST);
    }
    call().await
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    fn lost() -> Error {
        sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()).into()
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_as_often_as_allowed() {
        let mut calls = 0;
        let failed = retrying(3, || {
            calls += 1;
            ready(Err::<(), _>(lost()))
        });
        assert!(failed.await.is_err());
        assert_eq!(calls, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn what_stays_is_tried_once_and_success_ends_it() {
        let mut calls = 0;
        let refused = retrying(3, || {
            calls += 1;
            ready(Err::<(), _>(Error::Usage("no")))
        });
        assert!(refused.await.is_err());
        assert_eq!(calls, 1);
        let mut calls = 0;
        let done = retrying(5, || {
            calls += 1;
            ready(if calls < 3 { Err(lost()) } else { Ok(calls) })
        });
        assert_eq!(done.await.expect("the third call succeeds"), 3);
    }
}
