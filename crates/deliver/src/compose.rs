//! From a scan that ended to what is posted.

use bytes::Bytes;
use jiff::Timestamp;
use plimsoll_state::{ClaimedDelivery, Progress, State, Verdict};
use plimsoll_store::Store;
use plimsoll_types::{Failure, Retry, ScanId, ScanState};

use crate::clip::clip;
use crate::event::{Data, Event, OnPlatform, Why};
use crate::outcome::Outcome;
use crate::reasons::{Reasons, reasons};

/// The largest body that is posted.
const MAX_BODY: usize = 256 << 10;
/// The most platforms that are listed.
const MAX_PLATFORMS: usize = 128;
/// The longest kind of a failure.
const MAX_KIND: usize = 256;
/// The longest message of a failure.
const MAX_MESSAGE: usize = 8192;

/// Why a delivery cannot be written down.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The state did not answer.
    #[error(transparent)]
    State(#[from] plimsoll_state::Error),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] plimsoll_store::Error),
    /// There is nothing to tell.
    #[error("scan {0} has not ended, or was forgotten; there is nothing to tell")]
    NoEnd(ScanId),
    /// An instant nobody can write down.
    #[error("{0} is not an instant: {1}")]
    Instant(i64, String),
    /// The event is no JSON.
    #[error("the event cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

impl Error {
    /// What this does to a delivery. `None` for trouble of our own that passes: it is not the receiver's, so the attempt
    /// does not count, and is made again when the claim has ended.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        let reason = self.to_string();
        let retry = match self {
            Self::State(error) => error.retry(),
            Self::Store(error) => error.retry(),
            Self::NoEnd(_) | Self::Instant(..) | Self::Json(_) => return Some(Outcome::Hopeless { reason }),
        };
        // A mistake in the configuration of a store must not cost anybody a delivery before somebody could see it.
        matches!(retry, Retry::Never).then_some(Outcome::Away { reason, after: None })
    }
}

/// The body of a delivery, the same whenever it is asked for: a scan that ended does not change, and documents are
/// named by their content.
pub(crate) async fn compose(
    state: &dyn State,
    store: &dyn Store,
    delivery: &ClaimedDelivery,
    most_reasons: usize,
) -> Result<Bytes, Error> {
    let found = state.get(&delivery.tenant, delivery.scan).await?;
    let progress = found.ok_or(Error::NoEnd(delivery.scan))?;
    let listed = &progress.verdicts[..progress.verdicts.len().min(MAX_PLATFORMS)];
    let mut whys = Vec::with_capacity(listed.len());
    for verdict in listed {
        whys.push(reasons(store, verdict.verdict.document, most_reasons).await?);
    }
    within(MAX_BODY, most_reasons, |most| {
        Ok(serde_json::to_vec(&event(&progress, delivery, listed, &whys, most)?)?)
    })
    .map(Bytes::from)
}

/// The longest of `write(most)`, `write(most / 2)`, …, `write(0)` that fits into `max` bytes; the last in any case.
fn within(
    max: usize,
    mut most: usize,
    write: impl Fn(usize) -> Result<Vec<u8>, Error>,
) -> Result<Vec<u8>, Error> {
    loop {
        let bytes = write(most)?;
        if bytes.len() <= max || most == 0 {
            return Ok(bytes);
        }
        most /= 2;
    }
}

fn event<'a>(
    progress: &'a Progress,
    delivery: &'a ClaimedDelivery,
    listed: &'a [Verdict],
    whys: &'a [Option<Reasons>],
    most: usize,
) -> Result<Event<'a>, Error> {
    let scan = &progress.scan;
    let (kind, failure) = match scan.state {
        ScanState::Judged => ("dev.plimsoll.scan.judged", None),
        ScanState::Failed => ("dev.plimsoll.scan.failed", scan.failure.as_ref().map(why)),
        ScanState::Gone => ("dev.plimsoll.scan.gone", scan.failure.as_ref().map(why)),
        ScanState::Submitted | ScanState::Analyzing | ScanState::Cancelled => {
            return Err(Error::NoEnd(scan.id));
        }
    };
    let status = scan.status.filter(|_| scan.state == ScanState::Judged);
    let time = instant(scan.ended_at.unwrap_or(delivery.created_at))?;
    let platforms = listed.iter().zip(whys).map(|(verdict, why)| on_platform(verdict, why.as_ref(), most));
    Ok(Event {
        specversion: "1.0",
        id: scan.id,
        source: format!("/plimsoll/tenants/{}", delivery.tenant),
        kind,
        time: time.clone(),
        subject: &scan.request.reference,
        datacontenttype: "application/json",
        data: Data {
            scan: scan.id,
            tenant: &delivery.tenant,
            reference: &scan.request.reference,
            labels: &scan.request.labels,
            state: scan.state,
            status,
            exit_code: status.map_or(3, plimsoll_types::report::VerdictStatus::exit_code),
            failure,
            index: scan.index,
            submitted_at: instant(scan.submitted_at)?,
            ended_at: time,
            platforms: platforms.collect::<Result<_, _>>()?,
            platforms_total: progress.verdicts.len(),
        },
    })
}

fn on_platform<'a>(
    verdict: &'a Verdict,
    reasons: Option<&'a Reasons>,
    most: usize,
) -> Result<OnPlatform<'a>, Error> {
    let judged = &verdict.verdict;
    Ok(OnPlatform {
        platform: &verdict.platform,
        manifest: verdict.manifest,
        status: judged.status,
        document: judged.document,
        policy: judged.policy,
        knowledge: judged.knowledge,
        evaluated_at: instant(judged.evaluated_at)?,
        layers_known: judged.layers_known,
        layers: judged.layers,
        reasons: reasons.map(|reasons| &reasons.worst[..reasons.worst.len().min(most)]),
        reasons_total: reasons.map(|reasons| reasons.total),
    })
}

fn why(failure: &Failure) -> Why<'_> {
    Why {
        kind: clip(&failure.kind, MAX_KIND),
        message: clip(&failure.message, MAX_MESSAGE),
        retryable: failure.retryable,
    }
}

fn instant(millis: i64) -> Result<String, Error> {
    match Timestamp::from_millisecond(millis) {
        Ok(at) => Ok(at.to_string()),
        Err(error) => Err(Error::Instant(millis, error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_too_large_tells_fewer_reasons() {
        let write = |most: usize| Ok(vec![b'x'; 10 + most * 10]);
        assert_eq!(within(110, 10, write).unwrap().len(), 110);
        assert_eq!(within(109, 10, write).unwrap().len(), 60);
        assert_eq!(within(1, 10, write).unwrap().len(), 10, "without reasons it goes out in any case");
    }
}
