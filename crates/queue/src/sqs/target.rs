//! The queues in SQS, found or made when they are first needed.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::QueueAttributeName;
use tokio::sync::Mutex;

use super::acks::Acks;
use super::client::Settings;
use super::failure::{failure, is_no_queue};
use crate::{Channel, Error};

/// How long SQS keeps a message that nobody takes: the longest it can.
const RETENTION_SECONDS: u32 = 14 * 24 * 60 * 60;

/// Which of the two queues of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rack {
    Ready,
    Dead,
}

/// One queue in SQS.
pub(super) struct Target {
    pub(super) client: Client,
    pub(super) url: String,
    pub(super) acks: Acks,
    service: String,
    /// Somebody has deleted it: the next call looks for it anew.
    gone: AtomicBool,
}

impl Target {
    pub(super) fn failure<E>(&self, action: &'static str, error: &SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        if is_no_queue(error) {
            self.gone.store(true, Ordering::Relaxed);
        }
        failure(&self.service, action, error)
    }

    pub(super) fn refused(&self, action: &'static str, said: String, advice: &'static str) -> Error {
        Error::Refused { service: self.service.clone(), action, source: said.into(), advice }
    }

    pub(super) fn unconfirmed(&self, count: usize) -> Error {
        Error::Unconfirmed { service: self.service.clone(), count }
    }
}

pub(super) struct Targets {
    client: Client,
    settings: Settings,
    known: Mutex<HashMap<String, Arc<Target>>>,
    closed: AtomicBool,
}

impl Targets {
    pub(super) async fn new(settings: Settings) -> Self {
        let client = settings.client().await;
        Self { client, settings, known: Mutex::default(), closed: AtomicBool::new(false) }
    }

    pub(super) async fn target(&self, channel: &Channel, rack: Rack) -> Result<Arc<Target>, Error> {
        self.ensure_open()?;
        let mut name = channel.name(&self.settings.prefix, '-');
        if rack == Rack::Dead {
            name.push_str("-dead");
        }
        // Held while asking, so that a queue is asked for once.
        let mut known = self.known.lock().await;
        if let Some(target) = known.get(&name).filter(|target| !target.gone.load(Ordering::Relaxed)) {
            return Ok(Arc::clone(target));
        }
        let url = self.url(&name).await?;
        let target = Arc::new(Target {
            acks: Acks::new(self.client.clone(), url.clone(), self.settings.service.clone()),
            client: self.client.clone(),
            url,
            service: self.settings.service.clone(),
            gone: AtomicBool::new(false),
        });
        known.insert(name, Arc::clone(&target));
        Ok(target)
    }

    async fn url(&self, name: &str) -> Result<String, Error> {
        let service = &self.settings.service;
        let url = match self.client.get_queue_url().queue_name(name).send().await {
            Ok(found) => found.queue_url,
            Err(error) if !is_no_queue(&error) => return Err(failure(service, "find a queue", &error)),
            Err(_) if self.settings.create => {
                let retention = QueueAttributeName::MessageRetentionPeriod;
                let made = self
                    .client
                    .create_queue()
                    .queue_name(name)
                    .attributes(retention, RETENTION_SECONDS.to_string())
                    .send()
                    .await;
                made.map_err(|error| failure(service, "create a queue", &error))?.queue_url
            }
            Err(_) => None,
        };
        url.ok_or_else(|| Error::NoQueue { service: service.clone(), name: name.to_owned() })
    }

    pub(super) fn ensure_open(&self) -> Result<(), Error> {
        if self.closed.load(Ordering::Relaxed) { Err(Error::Closed) } else { Ok(()) }
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}
