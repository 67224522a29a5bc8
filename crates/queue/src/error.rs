//! What can go wrong with a queue.

use std::time::Duration;

use plimsoll_types::Retry;

use crate::message::MAX_MESSAGE_BYTES;

/// Whatever a client library reports.
pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why the queue could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL names no queue that we know how to reach.
    #[error(
        "the queue {url:?} cannot be used: {why}; expected memory:, amqp://HOST/VHOST or sqs:PREFIX?region=REGION"
    )]
    Url {
        /// The URL, without a password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The URL names no queue of others that we know how to read.
    #[error(
        "the queue {url:?} cannot be read: {why}; expected https://sqs.REGION.amazonaws.com/ACCOUNT/NAME or \
         sqs:NAME?region=REGION"
    )]
    Inbox {
        /// The URL, without a password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A message has more bytes than a queue carries. None was sent.
    #[error(
        "a message of {size} bytes is over the bound of {MAX_MESSAGE_BYTES}; put its content into the store and \
         its key into the message"
    )]
    TooLarge {
        /// Body and headers together.
        size: usize,
    },
    /// A header cannot be carried. No message was sent.
    #[error("the header {name:?} cannot be carried: {why}")]
    Header {
        /// Its name.
        name: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// The service cannot be reached, or is not able to do this now.
    #[error("{service} is not available to {action}: {source}")]
    Unavailable {
        /// The service and where it is.
        service: String,
        /// What was tried.
        action: &'static str,
        /// When to try again, if the service named a time.
        after: Option<Duration>,
        /// What the client library said.
        source: Source,
    },
    /// The service understood, and says no.
    #[error("{service} refuses to {action}: {source}; {advice}")]
    Refused {
        /// The service and where it is.
        service: String,
        /// What was tried.
        action: &'static str,
        /// What the service said.
        source: Source,
        /// What may help.
        advice: &'static str,
    },
    /// The queue does not exist, and nobody asked us to create it.
    #[error(
        "there is no queue {name} in {service}; create it, or let plimsoll do so with create=true in the URL"
    )]
    NoQueue {
        /// The service and where it is.
        service: String,
        /// The missing queue.
        name: String,
    },
    /// Messages were sent and not all confirmed.
    #[error("{count} messages were not confirmed by {service}; publish them again")]
    Unconfirmed {
        /// The service and where it is.
        service: String,
        /// How many.
        count: usize,
    },
    /// The queue in memory holds all that it may.
    #[error("the queue in memory is full ({bytes} bytes); wait until some of its messages are done")]
    Full {
        /// What it holds.
        bytes: usize,
    },
    /// The message is no longer ours: the lease has ended, or the connection that was the lease. It comes back to
    /// somebody.
    #[error("the lease of the message has ended; it will be delivered again")]
    LeaseLost,
    /// The handle was closed.
    #[error("the queue has been closed")]
    Closed,
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unavailable { after, .. } => Retry::After(*after),
            Self::Unconfirmed { .. } | Self::Full { .. } => Retry::After(None),
            Self::Url { .. }
            | Self::Inbox { .. }
            | Self::TooLarge { .. }
            | Self::Header { .. }
            | Self::Refused { .. }
            | Self::NoQueue { .. }
            | Self::LeaseLost
            | Self::Closed => Retry::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_away_may_come_back_and_what_refuses_will_not_change_its_mind() {
        let away = Error::Unavailable {
            service: "RabbitMQ at mq:5672".into(),
            action: "publish",
            after: Some(Duration::from_secs(3)),
            source: "connection refused".into(),
        };
        assert_eq!(away.retry(), Retry::After(Some(Duration::from_secs(3))));
        assert_eq!(away.to_string(), "RabbitMQ at mq:5672 is not available to publish: connection refused");
        assert_eq!(Error::NoQueue { service: "SQS".into(), name: "q".into() }.retry(), Retry::Never);
    }
}
