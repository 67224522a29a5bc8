//! Complete targets out: folded, judged once for the instant of the claim, document first, then one transaction.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use plimsoll_proto::BlobLink;
use plimsoll_state::{
    Bell, ClaimedLayer, ClaimedTarget, Fingerprints, LayerState as Settled, NewVerdict, TargetId, retrying,
};
use plimsoll_store::Key;
use plimsoll_telemetry::{Parent, failpoint};
use plimsoll_types::report::{Report, VerdictStatus};
use plimsoll_types::{Failure, Reference, Retry, ScanState};
use tracing::Instrument as _;

use super::Aggregator;
use super::metrics::Ended;
use crate::at_work::AtWork;
use crate::document::{Document, document};
use crate::fold::fold;
use crate::judge::{Rules, judge, not_judged_in_time};
use crate::plan::{LayerState, Plan, PlannedLayer};
use crate::resolve::{Resolved, recall};
use crate::rulebook::Rulebook;
use crate::{Error, wait};

/// Attempts to tell the state that an outcome could not be kept: some twenty seconds.
const HAND_BACK_ATTEMPTS: u32 = 16;

/// How a target could not be judged.
enum Trouble {
    /// For now.
    Step(Error),
    /// For good: the scan ends.
    Ends(ScanState, Failure),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Step(error)
    }
}

impl Aggregator {
    pub(super) async fn judge_targets(self: Arc<Self>) {
        let mut complete = self.state.listen(Bell::Complete);
        let mut failures = 0;
        let mut at_work = AtWork::new(self.config.slots);
        loop {
            let free = at_work.room().await;
            let now = (self.clock)();
            let unknown = (failures > 0).then(|| at_work.held());
            match self.claim(free, unknown, now).await {
                Ok(targets) => {
                    failures = 0;
                    let all = (targets.len() as u32) < free;
                    for target in targets {
                        let (this, id) = (Arc::clone(&self), target.id);
                        let span = tracing::info_span!("judge", scan = %id.scan, target = id.ordinal);
                        Parent::of_trace(&id.scan.to_string()).adopt(&span);
                        let work = async move { this.settle_target(&target, now).await };
                        at_work.begin(id, work.instrument(span));
                    }
                    if all {
                        // What completes a scan wakes this at once; a deadline does not.
                        let _ = tokio::time::timeout(self.config.idle, complete.rung()).await;
                    }
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, "no complete scans can be claimed");
                    wait::after(failures).await;
                }
            }
        }
    }

    /// Claims at most `free` targets. After a claim that failed, all but what is `held` is given back before: that claim may
    /// have been made, and nobody would work on it until its lease ended.
    async fn claim(
        &self,
        free: u32,
        held: Option<Vec<TargetId>>,
        now: i64,
    ) -> Result<Vec<ClaimedTarget>, plimsoll_state::Error> {
        let holder = &self.config.holder;
        if let Some(held) = held {
            self.state.disclaim_complete(holder, &held, now).await?;
        }
        self.state.claim_complete(holder, self.config.lease.as_millis() as i64, free, now).await
    }

    async fn settle_target(&self, target: &ClaimedTarget, now: i64) {
        failpoint!("claim/fold");
        let (began, _held) = (Instant::now(), self.metrics.hold());
        let outcome = match self.verdict(target, now).await {
            Ok(verdict) => self.keep(target, &verdict, now).await,
            Err(Trouble::Ends(end, failure)) => self.give_up(target, end, &failure, now).await,
            Err(Trouble::Step(error)) => self.set_aside(target, &error, now).await,
        };
        let ended = match outcome {
            Ok(ended) => ended,
            Err(error) => self.hand_back(target, error, now).await,
        };
        self.metrics.ended(ended, began.elapsed());
    }

    /// What happens to a target whose outcome could not be kept: it is made again, soon if the state can be told, and
    /// when the lease has ended if not.
    async fn hand_back(&self, target: &ClaimedTarget, error: plimsoll_state::Error, now: i64) -> Ended {
        tracing::warn!(scan = %target.id.scan, %error, "the outcome could not be kept; it is made again");
        let error = Error::from(error);
        let told = retrying(HAND_BACK_ATTEMPTS, || self.set_aside(target, &error, now)).await;
        told.unwrap_or_else(|error| {
            tracing::warn!(scan = %target.id.scan, %error, "the target stays claimed until its lease ends");
            Ended::Lost
        })
    }

    async fn keep(
        &self,
        target: &ClaimedTarget,
        verdict: &NewVerdict,
        now: i64,
    ) -> Result<Ended, plimsoll_state::Error> {
        let first = self.state.judged(target.id, verdict, now).await?;
        failpoint!("verdict/reply" => return Ok(Ended::Lost));
        let took_ms = (self.clock)() - target.submitted_at;
        let (scan, ordinal) = (target.id.scan, target.id.ordinal);
        let (status, document) = (verdict.status.as_str(), verdict.document);
        tracing::info!(%scan, target = ordinal, status, %document, first, took_ms, "judged");
        if !first {
            return Ok(Ended::Lost);
        }
        self.metrics.verdict(verdict.status, target.lane, took_ms);
        Ok(Ended::Judged)
    }

    /// What happens to a target some step failed for.
    async fn set_aside(
        &self,
        target: &ClaimedTarget,
        error: &Error,
        now: i64,
    ) -> Result<Ended, plimsoll_state::Error> {
        let retry = error.retry();
        let failure = Failure {
            kind: error.kind().to_owned(),
            message: error.to_string(),
            retryable: retry.is_retryable(),
        };
        match retry {
            Retry::After(delay) if target.attempts + 1 < self.config.attempts => {
                tracing::warn!(scan = %target.id.scan, kind = failure.kind, failure.message, "judging is put off");
                if matches!(error, Error::Damaged { .. } | Error::Vanished { .. }) {
                    // Whatever was lost is made again; what was not costs a look into the store.
                    let layers: Vec<_> = target.layers.iter().map(|layer| layer.digest).collect();
                    self.state.want_again(&target.tenant, &layers, now).await?;
                }
                let next_at = now + wait::backoff(target.attempts + 1, delay).as_millis() as i64;
                let held = self.state.release(target.id, &self.config.holder, next_at, &failure).await?;
                Ok(if held { Ended::PutOff } else { Ended::Lost })
            }
            _ => self.give_up(target, ScanState::Failed, &failure, now).await,
        }
    }

    async fn give_up(
        &self,
        target: &ClaimedTarget,
        end: ScanState,
        failure: &Failure,
        now: i64,
    ) -> Result<Ended, plimsoll_state::Error> {
        tracing::warn!(scan = %target.id.scan, %end, kind = failure.kind, failure.message, "no verdict");
        let ended = self.state.give_up(target.id, &self.config.holder, end, failure, now).await?;
        Ok(if ended { Ended::GivenUp } else { Ended::Lost })
    }

    async fn verdict(&self, target: &ClaimedTarget, now: i64) -> Result<NewVerdict, Trouble> {
        if let Some((end, failure)) = target.layers.iter().find_map(trouble) {
            return Err(Trouble::Ends(end, failure));
        }
        let standing = self.rules.borrow().clone();
        let rules = standing.for_target(&self.engine, target).await?;
        let image = recall(&self.engine, target.index, target.manifest, target.config).await?;
        let plan = plan(target, &image, self.engine.fingerprints())?;
        let known = target.layers.iter().filter(|layer| layer.known.is_some()).count();
        let (report, document) = if target.layers.iter().any(is_outstanding) {
            late(target, &image, &plan, &rules, known, now)?
        } else {
            self.judged(target, image, plan, rules.clone(), now).await?
        };
        let key = Key::Verdict(document.digest);
        self.engine.store.put_if_absent(&key, document.bytes.into()).await.map_err(Error::from)?;
        failpoint!("document/commit");
        Ok(NewVerdict {
            status: report.verdict.status,
            document: document.digest,
            policy: Some(rules.policy.digest()),
            knowledge: rules.knowledge.as_deref().map(plimsoll_knowledge::Snapshot::digest),
            evaluated_at: now,
            layers_known: known as u32,
            layers: target.layers.len() as u32,
        })
    }

    async fn judged(
        &self,
        target: &ClaimedTarget,
        image: Resolved,
        plan: Plan,
        rulebook: Rulebook,
        now: i64,
    ) -> Result<(Report, Document), Trouble> {
        let mut folded = fold(&self.engine, &plan).instrument(tracing::info_span!("fold")).await?;
        let (reference, allow_blind) = (spelled(&target.reference), target.allow_blind.clone());
        let at = instant(now)?;
        let work = move || {
            let rules = Rules {
                knowledge: rulebook.knowledge.as_deref(),
                policy: &rulebook.policy,
                allowlists: &rulebook.allowlists,
                allow_blind: &allow_blind,
                now: at,
            };
            let report = judge(&reference, &image, &plan, &mut folded, &rules)?;
            let document = document(&image, &plan, &rules, &report)?;
            Ok::<_, Error>((report, document))
        };
        let span = tracing::info_span!("evaluate");
        match tokio::task::spawn_blocking(move || span.in_scope(work)).await {
            Ok(result) => Ok(result?),
            Err(panic) => {
                let message = format!("judging the image panicked: {panic}; please report it");
                Err(Trouble::Ends(ScanState::Failed, Failure::lasting("panic", message)))
            }
        }
    }
}

/// The answer at the deadline.
fn late(
    target: &ClaimedTarget,
    image: &Resolved,
    plan: &Plan,
    rulebook: &Rulebook,
    known: usize,
    now: i64,
) -> Result<(Report, Document), Error> {
    let rules = Rules {
        knowledge: rulebook.knowledge.as_deref(),
        policy: &rulebook.policy,
        allowlists: &rulebook.allowlists,
        allow_blind: &target.allow_blind,
        now: instant(now)?,
    };
    let why = format!(
        "not judged: the deadline passed with {known} of {} layers known; ask again, the others are still being read",
        target.layers.len()
    );
    let report = not_judged_in_time(&spelled(&target.reference), image, plan, &rules, why);
    debug_assert_eq!(report.verdict.status, VerdictStatus::NotJudged);
    let document = document(image, plan, &rules, &report)?;
    Ok((report, document))
}

/// A reference as every report spells it.
fn spelled(reference: &str) -> String {
    reference.parse::<Reference>().map_or_else(|_| reference.to_owned(), |parsed| parsed.to_string())
}

fn instant(now: i64) -> Result<Timestamp, Error> {
    Timestamp::from_millisecond(now).map_err(|error| Error::Instant(error.to_string()))
}

fn is_outstanding(layer: &ClaimedLayer) -> bool {
    layer.state == Settled::Outstanding
}

/// Why a layer ends its scan, if it does.
fn trouble(layer: &ClaimedLayer) -> Option<(ScanState, Failure)> {
    let (end, word) = match layer.state {
        Settled::Failed => (ScanState::Failed, "cannot be analyzed"),
        Settled::Quarantined => (ScanState::Failed, "was given up after too many attempts"),
        Settled::Gone => (ScanState::Gone, "is gone from its registry"),
        Settled::Outstanding | Settled::Done | Settled::Unreadable => return None,
    };
    let (kind, why) = match &layer.failure {
        Some(failure) => (failure.kind.clone(), format!(": {}", failure.message)),
        None => ("layer".to_owned(), String::new()),
    };
    Some((end, Failure::lasting(kind, format!("layer {} {word}{why}", layer.digest))))
}

/// The plan the steps know, of a plan that was carried out by others.
fn plan(target: &ClaimedTarget, image: &Resolved, own: Fingerprints) -> Result<Plan, Error> {
    let mut layers = Vec::with_capacity(target.layers.len());
    for (descriptor, layer) in image.manifest.layers.iter().zip(&target.layers) {
        let (link, fingerprints, state) = match (&layer.known, layer.state) {
            (Some(known), _) if known.diff_id != layer.claimed_diff_id => {
                return Err(Error::FalseClaim {
                    layer: layer.digest,
                    claimed: layer.claimed_diff_id,
                    got: known.diff_id,
                });
            }
            (Some(known), _) => {
                let (diff_id, uncompressed_size) = (known.diff_id, known.uncompressed_size);
                let link = BlobLink { diff_id, size: layer.size, uncompressed_size };
                (Some(link), known.fingerprints, LayerState::Known)
            }
            (None, Settled::Unreadable) => (None, own, LayerState::Encrypted),
            (None, _) => (None, own, LayerState::Outstanding),
        };
        layers.push(PlannedLayer {
            descriptor: descriptor.clone(),
            claimed_diff_id: layer.claimed_diff_id,
            link,
            fingerprints,
            state,
        });
    }
    Ok(Plan { layers })
}
