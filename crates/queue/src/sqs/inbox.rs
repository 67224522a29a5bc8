//! A queue in SQS that others fill.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName::RedrivePolicy;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::place::{Place, create, lease};
use super::target::{Name, Rack, Racks, Target, find};
use super::wire::Form;
use super::{MAX_HIDDEN, depth, receive};
use crate::open::{Options, bad};
use crate::{Capabilities, Delivery, Depth, Error, Inbox, LeaseEnd};

/// A queue that others fill, and the one beside it for what cannot be understood.
pub struct SqsInbox {
    racks: Arc<dyn Racks>,
    lease: Duration,
}

impl SqsInbox {
    /// An inbox at a URL; see [`crate::open_inbox`]. Credentials are found the way every AWS tool finds them.
    pub async fn new(url: &Url) -> Result<Self, Error> {
        let settings = Settings::of(url)?;
        let (client, service, lease) =
            (settings.place.client().await, settings.place.service(), settings.lease);
        let racks = InboxRacks { client, service, settings, known: Mutex::default() };
        Ok(Self { racks: Arc::new(racks), lease })
    }
}

#[async_trait]
impl Inbox for SqsInbox {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, Error> {
        receive::receive(&self.racks, Rack::Ready, self.lease, max, wait).await
    }

    async fn receive_dead(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, Error> {
        receive::receive(&self.racks, Rack::Dead, self.lease, max, wait).await
    }

    async fn depth(&self) -> Result<Depth, Error> {
        depth(&*self.racks.target(Rack::Ready).await?).await
    }

    async fn check(&self) -> Result<(), Error> {
        self.depth().await?;
        self.racks.target(Rack::Dead).await.map(drop)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { lease: LeaseEnd::Clock(self.lease), max_delay: MAX_HIDDEN, durable: true }
    }
}

struct InboxRacks {
    client: Client,
    service: String,
    settings: Settings,
    known: Mutex<Known>,
}

/// What was found.
#[derive(Default)]
struct Known {
    ready: Option<Arc<Target>>,
    dead: Option<Arc<Target>>,
}

#[async_trait]
impl Racks for InboxRacks {
    async fn target(&self, rack: Rack) -> Result<Arc<Target>, Error> {
        // Held while asking, so that a queue is asked for once.
        let mut known = self.known.lock().await;
        let ready = match current(known.ready.as_ref()) {
            Some(ready) => ready,
            None => Arc::clone(known.ready.insert(self.at(self.ready().await?))),
        };
        if rack == Rack::Ready {
            return Ok(ready);
        }
        match current(known.dead.as_ref()) {
            Some(dead) => Ok(dead),
            None => Ok(Arc::clone(known.dead.insert(self.at(self.dead(&ready).await?)))),
        }
    }
}

fn current(known: Option<&Arc<Target>>) -> Option<Arc<Target>> {
    known.filter(|target| !target.is_gone()).map(Arc::clone)
}

impl InboxRacks {
    fn at(&self, url: String) -> Arc<Target> {
        Arc::new(Target::new(&self.client, url, Form::Others, &self.service))
    }

    async fn ready(&self) -> Result<String, Error> {
        match &self.settings.url {
            Some(url) if !self.settings.create => Ok(url.clone()),
            _ => self.find(&self.settings.queue).await,
        }
    }

    async fn dead(&self, ready: &Target) -> Result<String, Error> {
        if let Some(dead) = &self.settings.dead {
            return self.find(&Name { name: dead.clone(), owner: self.settings.queue.owner.clone() }).await;
        }
        let asked = ready.client.get_queue_attributes().queue_url(&ready.url).attribute_names(RedrivePolicy);
        let answer =
            asked.send().await.map_err(|error| ready.failure("find the queue of dead letters", &error))?;
        let policy =
            answer.attributes().and_then(|all| all.get(&RedrivePolicy)).and_then(|text| redrive(text));
        let beside = || Name {
            name: format!("{}-dead", self.settings.queue.name),
            owner: self.settings.queue.owner.clone(),
        };
        self.find(&policy.unwrap_or_else(beside)).await
    }

    async fn find(&self, queue: &Name) -> Result<String, Error> {
        find(&self.client, &self.service, queue, self.settings.create).await
    }
}

/// The queue that a redrive policy names: `{"deadLetterTargetArn":"arn:aws:sqs:REGION:ACCOUNT:NAME",…}`.
fn redrive(policy: &str) -> Option<Name> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let mut parts = policy["deadLetterTargetArn"].as_str()?.split(':').skip(4);
    let (owner, name) = (parts.next()?, parts.next()?);
    Some(Name { name: name.to_owned(), owner: Some(owner.to_owned()) })
}

/// What the URL says.
struct Settings {
    /// The queue's URL, if it was named by one.
    url: Option<String>,
    queue: Name,
    dead: Option<String>,
    lease: Duration,
    create: bool,
    place: Place,
}

impl Settings {
    fn of(url: &Url) -> Result<Self, Error> {
        Self::read(url).map_err(|error| match error {
            Error::Url { url, why } => Error::Inbox { url, why },
            other => other,
        })
    }

    fn read(url: &Url) -> Result<Self, Error> {
        let mut options = Options::of(url, &["create", "dead", "endpoint", "lease_ms", "region"])?;
        let mut place = Place::of(&mut options);
        let dead = options.take("dead").map(|name| checked(url, &name).map(str::to_owned)).transpose()?;
        let (create, lease) = (create(url, &mut options)?, lease(&mut options)?);
        let (address, queue) = match url.scheme() {
            "sqs" => (None, Name::of(checked(url, url.path())?)),
            "https" | "http" => {
                let queue = queue_of(url)?;
                if let Some(region) = region_of(url) {
                    place.region.get_or_insert(region);
                } else {
                    place.endpoint.get_or_insert(url.origin().ascii_serialization());
                }
                let mut bare = url.clone();
                bare.set_query(None);
                (Some(bare.to_string()), queue)
            }
            other => return Err(bad(url, format!("the scheme {other:?} is not known"))),
        };
        Ok(Self { url: address, queue, dead, lease, create, place })
    }
}

/// Account and name of a queue's URL.
fn queue_of(url: &Url) -> Result<Name, Error> {
    let mut parts = url.path().trim_start_matches('/').split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(owner), Some(name), None) if !owner.is_empty() && owner.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(Name { name: checked(url, name)?.to_owned(), owner: Some(owner.to_owned()) })
        }
        _ => Err(bad(url, "its path is not /ACCOUNT/NAME")),
    }
}

/// The region in the name of one of AWS's own endpoints.
fn region_of(url: &Url) -> Option<String> {
    let region = url.host_str()?.strip_prefix("sqs.")?;
    let region =
        region.strip_suffix(".amazonaws.com").or_else(|| region.strip_suffix(".amazonaws.com.cn"))?;
    (!region.contains('.')).then(|| region.to_owned())
}

fn checked<'n>(url: &Url, name: &'n str) -> Result<&'n str, Error> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if name.is_empty() || name.len() > 80 || !name.bytes().all(known) {
        return Err(bad(url, format!("{name:?} is not made of 1 to 80 letters, digits, '-' and '_'")));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> Result<Settings, Error> {
        Settings::of(&Url::parse(url).expect("a URL"))
    }

    #[test]
    fn a_url_as_aws_shows_it_says_everything() {
        let url = "https://sqs.eu-west-1.amazonaws.com/123456789012/image-events";
        let settings = settings(url).expect("it is good");
        assert_eq!(settings.url.as_deref(), Some(url));
        assert_eq!(settings.queue, Name { name: "image-events".into(), owner: Some("123456789012".into()) });
        assert_eq!((settings.place.region.as_deref(), settings.place.endpoint), (Some("eu-west-1"), None));
        assert!(!settings.create);
    }

    #[test]
    fn a_service_that_is_not_aws_is_asked_where_it_is() {
        let settings =
            settings("http://127.0.0.1:9324/000000000000/q?region=us-east-1&dead=q-no&lease_ms=1500");
        let settings = settings.expect("it is good");
        assert_eq!(settings.place.endpoint.as_deref(), Some("http://127.0.0.1:9324"));
        assert_eq!(settings.url.as_deref(), Some("http://127.0.0.1:9324/000000000000/q"));
        assert_eq!((settings.dead.as_deref(), settings.lease), (Some("q-no"), Duration::from_secs(2)));
    }

    #[test]
    fn a_name_is_enough_where_the_environment_says_the_rest() {
        let settings = settings("sqs:image-events?create=true").expect("it is good");
        assert_eq!((settings.url, settings.queue), (None, Name::of("image-events")));
        assert!(settings.create && settings.place == Place::default());
    }

    #[test]
    fn what_names_no_queue_says_what_would() {
        for url in [
            "sqs:",
            "sqs:a.b",
            "sqs:a?visibility=3",
            "sqs:a?dead=x/y",
            "https://sqs.eu-west-1.amazonaws.com/q",
            "https://sqs.eu-west-1.amazonaws.com/team/q",
            "https://sqs.eu-west-1.amazonaws.com/1/q/r",
            "amqp://host/q",
        ] {
            match settings(url) {
                Err(error @ Error::Inbox { .. }) => {
                    assert!(error.to_string().contains("ACCOUNT/NAME"), "{error}");
                }
                Err(other) => panic!("{url}: {other}"),
                Ok(_) => panic!("{url} is accepted"),
            }
        }
    }

    #[test]
    fn a_redrive_policy_names_the_queue_of_dead_letters() {
        let policy =
            r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:no","maxReceiveCount":"9"}"#;
        assert_eq!(redrive(policy), Some(Name { name: "no".into(), owner: Some("123456789012".into()) }));
        for odd in ["", "{}", r#"{"deadLetterTargetArn":"no"}"#, r#"{"deadLetterTargetArn":5}"#] {
            assert_eq!(redrive(odd), None, "{odd}");
        }
    }
}
