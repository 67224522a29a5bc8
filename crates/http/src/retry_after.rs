//! The `Retry-After` header (RFC 9110, section 10.2.3): seconds, or an HTTP date.

use std::time::Duration;

use jiff::Timestamp;

/// Nobody means more than this; a larger number is a mistake or malice.
const MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long to wait from `now`. A date in the past is no wait; nonsense is none at all.
pub(crate) fn parse(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a u64 holds mean a long time, too.
        return Some(value.parse().map_or(MAX, Duration::from_secs).min(MAX));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    let wait = date.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or_default().min(MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        for (value, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("99999999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("soon", None),
        ] {
            assert_eq!(parse(value, now), seconds.map(Duration::from_secs), "{value:?}");
        }
    }
}
