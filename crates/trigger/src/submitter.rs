//! From an event to a scan.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use plimsoll_oci::RegistryMap;
use plimsoll_state::{Sighting, State};
use plimsoll_types::{Digest, Lane, Reference, ScanRequest, Tenant};
use sha2::{Digest as _, Sha256};

use crate::{Change, Event, Observer, Outcome, Reading};

/// What time it is, in milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The label of scans that says what asked for them.
const LABEL: &str = "trigger";

/// Acts on what sources read. `Ok` means that it is durable, so that the message it came in may go.
///
/// Acting on the same reading again changes nothing.
#[async_trait]
pub(crate) trait Act: Send + Sync {
    /// `tenant` is for whom; none: whose the registry is.
    async fn act(
        &self,
        source: &'static str,
        tenant: Option<&Tenant>,
        reading: &Reading,
    ) -> Result<Outcome, plimsoll_state::Error>;

    /// Says what became of something that was no event, or of one that has to come again.
    fn count(&self, source: &'static str, outcome: Outcome);
}

/// Submits scans of what was pushed, and notes which tags are seen and which are gone.
pub struct Submitter {
    state: Arc<dyn State>,
    registries: Arc<RegistryMap>,
    clock: Clock,
    observer: Arc<dyn Observer>,
}

impl Submitter {
    /// One that submits to `state`, for the tenants that `registries` names.
    pub fn new(
        state: Arc<dyn State>,
        registries: Arc<RegistryMap>,
        clock: Clock,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self { state, registries, clock, observer }
    }

    async fn pushed(
        &self,
        source: &'static str,
        tenant: Tenant,
        event: &Event,
    ) -> Result<Outcome, plimsoll_state::Error> {
        let request = ScanRequest {
            lane: Lane::Push,
            idempotency_key: Some(key(source, event)),
            labels: [(LABEL.to_owned(), source.to_owned())].into(),
            ..ScanRequest::new(tenant, event.image.to_string())
        };
        let now = (self.clock)();
        let outcome = match self.state.submit(&request, now).await {
            Ok(submitted) if submitted.created => {
                let scan = submitted.id;
                tracing::info!(%scan, reference = request.reference, trigger = source, "submitted");
                if let Some(at) = event.at {
                    let age = Duration::from_millis(now.saturating_sub(at).try_into().unwrap_or_default());
                    self.observer.age(source, age);
                }
                Outcome::Submitted
            }
            // Whether the configuration has changed since does not make it another push.
            Ok(_) | Err(plimsoll_state::Error::IdempotencyConflict { .. }) => Outcome::Duplicate,
            Err(error) => return Err(error),
        };
        // After the scan, so that nobody takes for known what nobody judges. A death in between brings the event again.
        if let (Some(tag), Some(digest)) = (&event.image.tag, event.image.digest) {
            let sighting = Sighting {
                tenant: request.tenant,
                registry: event.image.registry.clone(),
                repository: event.image.repository.clone(),
                tag: tag.clone(),
                digest,
            };
            self.state.seen(&[sighting], self.instant(event)).await?;
        }
        Ok(outcome)
    }

    async fn deleted(&self, tenant: Tenant, event: &Event) -> Result<Outcome, plimsoll_state::Error> {
        let Reference { registry, repository, tag, digest } = &event.image;
        let at = self.instant(event);
        let ended = self.state.tag_gone(&tenant, registry, repository, tag.as_deref(), *digest, at).await?;
        tracing::info!(reference = %event.image, ended, "tags are gone");
        Ok(Outcome::Gone)
    }

    /// When it happened, as far as we know; never later than now, or nothing that is seen from now on would count.
    fn instant(&self, event: &Event) -> i64 {
        let now = (self.clock)();
        event.at.map_or(now, |at| at.min(now))
    }
}

#[async_trait]
impl Act for Submitter {
    async fn act(
        &self,
        source: &'static str,
        tenant: Option<&Tenant>,
        reading: &Reading,
    ) -> Result<Outcome, plimsoll_state::Error> {
        let event = match reading {
            Reading::Event(event) => event,
            Reading::Other | Reading::Unsuccessful => {
                let outcome = if *reading == Reading::Other { Outcome::Other } else { Outcome::Unsuccessful };
                self.count(source, outcome);
                return Ok(outcome);
            }
        };
        let owner = || self.registries.find(&event.image.registry).map(|entry| entry.tenant.clone());
        let tenant = tenant.cloned().or_else(owner).unwrap_or_default();
        let outcome = match event.change {
            Change::Pushed => self.pushed(source, tenant, event).await?,
            Change::Deleted => self.deleted(tenant, event).await?,
        };
        self.count(source, outcome);
        Ok(outcome)
    }

    fn count(&self, source: &'static str, outcome: Outcome) {
        self.observer.count(source, outcome);
    }
}

/// The same for an event that is sent again, and another one for every other event. A digest, since what it is made of may
/// be as long and as odd as a stranger likes.
fn key(source: &str, event: &Event) -> String {
    let mut hash = Sha256::new();
    for part in [source, &event.id, &event.image.to_string()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    format!("{source}-{}", Digest::from_bytes(hash.finalize().into()).hex())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use plimsoll_state::{HistoryPage, ScanFilter};
    use plimsoll_types::ScanState;

    use super::*;

    /// Remembers what it was told.
    #[derive(Default)]
    pub(crate) struct Tally(Mutex<Vec<(&'static str, Outcome)>>);

    impl Tally {
        pub(crate) fn of(&self, outcome: Outcome) -> usize {
            self.0.lock().unwrap().iter().filter(|(_, it)| *it == outcome).count()
        }
    }

    impl Observer for Tally {
        fn count(&self, source: &'static str, outcome: Outcome) {
            self.0.lock().unwrap().push((source, outcome));
        }

        fn age(&self, _: &'static str, age: Duration) {
            assert_eq!(age, Duration::from_secs(5));
        }
    }

    pub(crate) const NOW: i64 = 1_772_352_005_000;

    const REGISTRIES: &str = "registries:\n  - {host: \"*.r.io\", tenant: team-a}\n";

    pub(crate) async fn submitter() -> (Arc<Submitter>, Arc<dyn State>, Arc<Tally>) {
        let (state, tally) =
            (plimsoll_state::connect("sqlite::memory:").await.unwrap(), Arc::new(Tally::default()));
        let registries = Arc::new(RegistryMap::parse(REGISTRIES).unwrap());
        let observer: Arc<dyn Observer> = Arc::clone(&tally) as _;
        (Arc::new(Submitter::new(Arc::clone(&state), registries, Arc::new(|| NOW), observer)), state, tally)
    }

    pub(crate) fn pushed(id: &str, image: &str) -> Reading {
        let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let image = format!("{image}@{digest}").parse().unwrap();
        Reading::Event(Event { id: id.to_owned(), change: Change::Pushed, image, at: Some(NOW - 5000) })
    }

    pub(crate) async fn scans(state: &dyn State, tenant: &str) -> Vec<ScanRequest> {
        let tenant = tenant.parse().unwrap();
        let scans = state.list(&tenant, &ScanFilter::default(), None, 100).await.unwrap();
        scans
            .into_iter()
            .inspect(|scan| assert_eq!(scan.state, ScanState::Submitted))
            .map(|scan| scan.request)
            .collect()
    }

    #[tokio::test]
    async fn a_push_is_a_scan_in_its_lane_pinned_to_its_digest() {
        let (submitter, state, _) = submitter().await;
        let push = pushed("e-1", "x.r.io/app:1");
        assert_eq!(submitter.act("ecr", None, &push).await.unwrap(), Outcome::Submitted);
        let scans = scans(&*state, "team-a").await;
        let [scan] = scans.as_slice() else { panic!("{scans:?}") };
        assert!(scan.reference.starts_with("x.r.io/app:1@sha256:e3b0"), "{}", scan.reference);
        assert_eq!((scan.lane, scan.labels["trigger"].as_str()), (Lane::Push, "ecr"));
    }

    #[tokio::test]
    async fn an_event_that_comes_again_is_one_scan_and_another_event_another() {
        let (submitter, state, tally) = submitter().await;
        let act = async |reading: &Reading| submitter.act("ecr", None, reading).await.unwrap();
        assert_eq!(act(&pushed("e-1", "x.r.io/app:1")).await, Outcome::Submitted);
        assert_eq!(act(&pushed("e-1", "x.r.io/app:1")).await, Outcome::Duplicate);
        assert_eq!(act(&pushed("e-2", "x.r.io/app:1")).await, Outcome::Submitted);
        assert_eq!(act(&pushed("e-1", "x.r.io/app:2")).await, Outcome::Submitted);
        assert_eq!(scans(&*state, "team-a").await.len(), 3);
        assert_eq!((tally.of(Outcome::Submitted), tally.of(Outcome::Duplicate)), (3, 1));
    }

    #[tokio::test]
    async fn the_tenant_is_the_one_who_asked_or_whose_the_registry_is() {
        let (submitter, state, _) = submitter().await;
        submitter.act("ecr", Some(&"team-b".parse().unwrap()), &pushed("1", "x.r.io/app:1")).await.unwrap();
        submitter.act("ecr", None, &pushed("1", "x.r.io/app:1")).await.unwrap();
        submitter.act("ecr", None, &pushed("1", "other.io/app:1")).await.unwrap();
        for tenant in ["team-a", "team-b", "default"] {
            assert_eq!(scans(&*state, tenant).await.len(), 1, "{tenant}");
        }
    }

    /// What is known of the tags of a repository, and whether it still holds.
    async fn tags(state: &dyn State) -> Vec<(String, bool)> {
        let page = HistoryPage { after: None, limit: 10 };
        let history = state.history(&"team-a".parse().unwrap(), "x.r.io", "app", None, &page).await.unwrap();
        history.into_iter().map(|span| (span.tag, span.gone_at.is_none())).collect()
    }

    #[tokio::test]
    async fn a_tag_is_seen_when_it_is_pushed_and_gone_when_it_is_deleted() {
        let (submitter, state, _) = submitter().await;
        submitter.act("ecr", None, &pushed("1", "x.r.io/app:1")).await.unwrap();
        submitter.act("ecr", None, &pushed("2", "x.r.io/app")).await.unwrap();
        assert_eq!(tags(&*state).await, [("1".to_owned(), true)]);
        let Reading::Event(push) = pushed("3", "x.r.io/app:1") else { panic!("an event") };
        let gone = Reading::Event(Event { change: Change::Deleted, at: None, ..push });
        for _ in 0..2 {
            assert_eq!(submitter.act("ecr", None, &gone).await.unwrap(), Outcome::Gone);
        }
        assert_eq!(tags(&*state).await, [("1".to_owned(), false)]);
    }

    #[tokio::test]
    async fn an_event_from_the_future_does_not_hide_what_comes_after_it() {
        let (submitter, ..) = submitter().await;
        let Reading::Event(push) = pushed("1", "x.r.io/app:1") else { panic!("an event") };
        assert_eq!(submitter.instant(&push), NOW - 5000);
        assert_eq!(submitter.instant(&Event { at: Some(i64::MAX), ..push.clone() }), NOW);
        assert_eq!(submitter.instant(&Event { at: None, ..push }), NOW);
    }

    #[tokio::test]
    async fn what_is_nothing_to_us_is_counted_and_nothing_else() {
        let (submitter, state, tally) = submitter().await;
        submitter.act("ecr", None, &Reading::Other).await.unwrap();
        submitter.act("ecr", None, &Reading::Unsuccessful).await.unwrap();
        assert_eq!((tally.of(Outcome::Other), tally.of(Outcome::Unsuccessful)), (1, 1));
        assert!(scans(&*state, "default").await.is_empty());
    }

    #[test]
    fn a_key_fits_whatever_an_id_is_made_of() {
        let Reading::Event(event) = pushed(&"\u{0}x".repeat(10_000), "x.r.io/app:1") else {
            panic!("an event")
        };
        let request = ScanRequest {
            idempotency_key: Some(key("distribution", &event)),
            ..ScanRequest::new(Tenant::default(), "a")
        };
        request.check().unwrap();
    }
}
