//! What the URL says of our queues.

use std::time::Duration;

use url::Url;

use super::place::{Place, create, lease};
use crate::Error;
use crate::open::{Options, bad};

pub(super) struct Settings {
    pub(super) prefix: String,
    pub(super) lease: Duration,
    pub(super) create: bool,
    pub(super) place: Place,
}

impl Settings {
    pub(super) fn of(url: &Url) -> Result<Self, Error> {
        let mut options = Options::of(url, &["create", "endpoint", "lease_ms", "region"])?;
        let place = Place::of(&mut options);
        let (create, lease) = (create(url, &mut options)?, lease(&mut options)?);
        Ok(Self { prefix: prefix(url)?, lease, create, place })
    }
}

/// The start of the names of queues. SQS takes 80 bytes, and we add up to 24.
fn prefix(url: &Url) -> Result<String, Error> {
    let prefix = url.path();
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if prefix.is_empty() || prefix.len() > 50 || !prefix.bytes().all(known) {
        let why = format!("the prefix {prefix:?} is not made of 1 to 50 letters, digits, '-' and '_'");
        return Err(bad(url, why));
    }
    Ok(prefix.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> Result<Settings, Error> {
        Settings::of(&Url::parse(url).expect("a URL"))
    }

    #[test]
    fn a_url_says_which_queues_and_where() {
        let settings = settings("sqs:team-a?region=eu-west-1&lease_ms=1500&create=true").expect("it is good");
        assert_eq!(settings.prefix, "team-a");
        assert_eq!(settings.lease, Duration::from_secs(2), "rounded up to what SQS can do");
        assert!(settings.create);
        assert_eq!(settings.place.service(), "SQS at eu-west-1");
    }

    #[test]
    fn queues_are_not_created_unasked() {
        assert!(!settings("sqs:plimsoll").expect("it is good").create);
    }

    #[test]
    fn what_is_no_name_of_a_queue_is_refused() {
        for url in ["sqs:", "sqs:a.b", "sqs://host/a", "sqs:a?create=1", "sqs:a?visibility=3"] {
            assert!(matches!(settings(url), Err(Error::Url { .. })), "{url}");
        }
    }
}
