//! The queues in SQS, found or made when they are first needed.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::QueueAttributeName;
use tokio::sync::Mutex;

use super::acks::Acks;
use super::failure::{failure, is_no_queue};
use super::settings::Settings;
use super::wire::Form;
use crate::{Channel, Error};

/// How long SQS keeps a message that nobody takes: the longest it can.
const RETENTION_SECONDS: u32 = 14 * 24 * 60 * 60;

/// Which of the two queues of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rack {
    Ready,
    Dead,
}

/// The two queues of whatever is received from.
#[async_trait]
pub(super) trait Racks: Send + Sync {
    /// One of them, found or made when it is first needed.
    async fn target(&self, rack: Rack) -> Result<Arc<Target>, Error>;
}

/// Those of a channel.
pub(super) struct ChannelRacks {
    pub(super) targets: Arc<Targets>,
    pub(super) channel: Channel,
}

#[async_trait]
impl Racks for ChannelRacks {
    async fn target(&self, rack: Rack) -> Result<Arc<Target>, Error> {
        self.targets.target(&self.channel, rack).await
    }
}

/// One queue in SQS.
pub(super) struct Target {
    pub(super) client: Client,
    pub(super) url: String,
    pub(super) acks: Acks,
    pub(super) form: Form,
    service: String,
    /// Somebody has deleted it: the next call looks for it anew.
    gone: AtomicBool,
}

impl Target {
    pub(super) fn new(client: &Client, url: String, form: Form, service: &str) -> Self {
        Self {
            acks: Acks::new(client.clone(), url.clone(), service.to_owned()),
            client: client.clone(),
            url,
            form,
            service: service.to_owned(),
            gone: AtomicBool::new(false),
        }
    }

    /// Whether somebody has deleted it: then it has to be looked for anew.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

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
    service: String,
    known: Mutex<HashMap<String, Arc<Target>>>,
    closed: AtomicBool,
}

impl Targets {
    pub(super) async fn new(settings: Settings) -> Self {
        let (client, service) = (settings.place.client().await, settings.place.service());
        Self { client, settings, service, known: Mutex::default(), closed: AtomicBool::new(false) }
    }

    pub(super) async fn target(&self, channel: &Channel, rack: Rack) -> Result<Arc<Target>, Error> {
        self.ensure_open()?;
        let mut name = channel.name(&self.settings.prefix, '-');
        if rack == Rack::Dead {
            name.push_str("-dead");
        }
        // Held while asking, so that a queue is asked for once.
        let mut known = self.known.lock().await;
        if let Some(target) = known.get(&name).filter(|target| !target.is_gone()) {
            return Ok(Arc::clone(target));
        }
        let url = find(&self.client, &self.service, &Name::of(&name), self.settings.create).await?;
        let target = Arc::new(Target::new(&self.client, url, Form::Ours, &self.service));
        known.insert(name, Arc::clone(&target));
        Ok(target)
    }

    pub(super) fn ensure_open(&self) -> Result<(), Error> {
        if self.closed.load(Ordering::Relaxed) { Err(Error::Closed) } else { Ok(()) }
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}

/// A queue by name, and whose it is if it is not ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) name: String,
    pub(super) owner: Option<String>,
}

impl Name {
    pub(super) fn of(name: &str) -> Self {
        Self { name: name.to_owned(), owner: None }
    }
}

/// The URL of a queue, which is made if it is missing and may be.
pub(super) async fn find(
    client: &Client,
    service: &str,
    queue: &Name,
    create: bool,
) -> Result<String, Error> {
    let name = &queue.name;
    let asked = client.get_queue_url().queue_name(name);
    let url = match asked.set_queue_owner_aws_account_id(queue.owner.clone()).send().await {
        Ok(found) => found.queue_url,
        Err(error) if !is_no_queue(&error) => return Err(failure(service, "find a queue", &error)),
        Err(_) if create => {
            let retention = QueueAttributeName::MessageRetentionPeriod;
            let made =
                client.create_queue().queue_name(name).attributes(retention, RETENTION_SECONDS.to_string());
            made.send().await.map_err(|error| failure(service, "create a queue", &error))?.queue_url
        }
        Err(_) => None,
    };
    url.ok_or_else(|| Error::NoQueue { service: service.to_owned(), name: name.clone() })
}
