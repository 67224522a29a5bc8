//! How long a role waits after failures in a row.

use std::time::Duration;

/// Doubles from a tenth of a second to ten seconds.
pub(crate) async fn after(failures: u32) {
    tokio::time::sleep(delay(failures)).await;
}

fn delay(failures: u32) -> Duration {
    Duration::from_millis(100 << failures.saturating_sub(1).min(7)).min(Duration::from_secs(10))
}

/// The wait before an attempt: what the other side asked for, or twice as long after each failure, from one second
/// to five minutes.
pub(crate) fn backoff(failures: u32, asked: Option<Duration>) -> Duration {
    asked
        .unwrap_or_else(|| Duration::from_secs(1 << failures.saturating_sub(1).min(8)))
        .min(Duration::from_secs(300))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound() {
        assert_eq!(delay(1), Duration::from_millis(100));
        assert_eq!(delay(3), Duration::from_millis(400));
        assert_eq!(delay(u32::MAX), Duration::from_secs(10));
    }
}
