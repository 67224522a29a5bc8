//! When an excuse ends.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The first instant at which an excuse no longer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expiry(Timestamp);

impl Expiry {
    /// An RFC 3339 instant, or a date: then the excuse holds through that whole day in UTC, which is what
    /// people mean by "until the 31st".
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "{:?} is neither a date (2027-01-31) nor an RFC 3339 instant (2027-01-31T12:00:00Z)",
                crate::mistake::shorten(text)
            )
        };
        let text = text.trim();
        if text.len() == "2027-01-31".len() {
            let next_day = text.parse::<Date>().and_then(Date::tomorrow).map_err(|_| bad())?;
            let midnight = next_day.to_zoned(TimeZone::UTC).map_err(|_| bad())?;
            return Ok(Self(midnight.timestamp()));
        }
        text.parse().map(Self).map_err(|_| bad())
    }

    /// True from that instant on.
    pub(crate) fn is_over(self, now: Timestamp) -> bool {
        now >= self.0
    }
}

/// RFC 3339.
impl std::fmt::Display for Expiry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_over_at_that_instant_and_not_before() {
        let expiry = Expiry::parse("2027-01-31T12:00:00+02:00").unwrap();
        assert!(!expiry.is_over("2027-01-31T09:59:59.999999999Z".parse().unwrap()));
        assert!(expiry.is_over("2027-01-31T10:00:00Z".parse().unwrap()));
    }

    #[test]
    fn a_date_holds_through_its_whole_day_in_utc() {
        let expiry = Expiry::parse("2027-01-31").unwrap();
        assert!(!expiry.is_over("2027-01-31T23:59:59.999999999Z".parse().unwrap()));
        assert!(expiry.is_over("2027-02-01T00:00:00Z".parse().unwrap()));
        assert_eq!(expiry.to_string(), "2027-02-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_date_says_what_one_is() {
        for bad in ["", "soon", "2027-02-30", "2027-13-01", "31.01.2027", "2027-01-31T12:00:00", "9999-12-31"]
        {
            let message = Expiry::parse(bad).unwrap_err();
            assert!(message.contains("RFC 3339"), "{bad}: {message}");
        }
    }
}
