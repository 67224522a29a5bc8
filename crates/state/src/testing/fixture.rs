//! What the promises are tried with.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_types::report::VerdictStatus;
use plimsoll_types::{
    Digest, Lane, LayerDone, LayerFailure, LayerOutcome, LayerResult, LayerSource, Platform, Retry, ScanId,
    ScanRequest, Tenant,
};

use crate::{
    BlobStanding, ClaimedTarget, Fingerprints, KnownLayer, LayerKey, NewVerdict, Planned, PlannedBlob,
    PlannedTarget, ScanPlan, State, WantedLayer,
};

pub(super) const NOW: i64 = 1_700_000_000_000;
pub(super) const LEASE: i64 = 60_000;
pub(super) const HOLDER: &str = "holder-1";

pub(super) type S = Arc<dyn State>;

pub(super) fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

/// A digest of which there are many.
pub(super) fn numbered(kind: u8, number: u32) -> Digest {
    let mut bytes = [kind; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Digest::from_bytes(bytes)
}

pub(super) fn tenant(name: &str) -> Tenant {
    name.parse().expect("a tenant's name")
}

pub(super) fn request() -> ScanRequest {
    ScanRequest::new(Tenant::default(), "registry.example/app:1")
}

pub(super) fn source(repository: &str) -> LayerSource {
    LayerSource {
        registry: "registry.example".into(),
        repository: repository.into(),
        tenant: "default".into(),
        credential: Some("pull".into()),
        plain_http: false,
    }
}

pub(super) fn blob(digest: Digest, standing: BlobStanding) -> PlannedBlob {
    PlannedBlob {
        digest,
        size: 1000,
        media_type: "application/layer".into(),
        diff_id: diff_id(digest),
        standing,
    }
}

pub(super) fn diff_id(digest: Digest) -> Digest {
    let mut bytes = *digest.as_bytes();
    bytes[31] ^= 0xff;
    Digest::from_bytes(bytes)
}

pub(super) fn version(byte: u8) -> Fingerprints {
    Fingerprints { index: digest(byte), packages: digest(byte.wrapping_add(1)) }
}

pub(super) fn known(digest: Digest) -> KnownLayer {
    KnownLayer { diff_id: diff_id(digest), uncompressed_size: 5000, fingerprints: version(200) }
}

/// An image of `layers`, all wanted. Its manifest follows from them.
pub(super) fn image(layers: &[Digest]) -> PlannedTarget {
    // FNV-1a, 64 bits, four times.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in layers.iter().flat_map(plimsoll_types::Digest::as_bytes) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let mut bytes = [0; 32];
    bytes.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&hash.to_be_bytes()));
    PlannedTarget {
        platform: Platform::new("linux", "amd64", None),
        manifest: Digest::from_bytes(bytes),
        config: digest(0xcc),
        blind_spots: Vec::new(),
        layers: layers.iter().map(|layer| blob(*layer, BlobStanding::Wanted)).collect(),
    }
}

pub(super) fn plan_of(targets: Vec<PlannedTarget>) -> ScanPlan {
    ScanPlan { index: None, source: source("app"), targets }
}

pub(super) fn plan(layers: &[Digest]) -> ScanPlan {
    plan_of(vec![image(layers)])
}

pub(super) async fn submit(state: &S, request: &ScanRequest) -> ScanId {
    state.submit(request, NOW).await.expect("the request is accepted").id
}

pub(super) async fn in_lane(state: &S, lane: Lane) -> ScanId {
    submit(state, &ScanRequest { lane, ..request() }).await
}

/// Submits and plans.
pub(super) async fn planned(state: &S, plan: &ScanPlan) -> (ScanId, Planned) {
    let id = submit(state, &request()).await;
    (id, record(state, id, plan).await)
}

pub(super) async fn record(state: &S, id: ScanId, plan: &ScanPlan) -> Planned {
    state.planned(id, plan, NOW).await.expect("the plan is recorded")
}

pub(super) fn digests(wanted: &[WantedLayer]) -> Vec<Digest> {
    wanted.iter().map(|layer| layer.job.digest).collect()
}

pub(super) fn key(layer: Digest) -> LayerKey {
    LayerKey { tenant: Tenant::default(), digest: layer }
}

pub(super) fn result(layer: Digest, attempt: u32, outcome: LayerOutcome) -> LayerResult {
    LayerResult { digest: layer, attempt, outcome, elapsed: Duration::from_millis(5) }
}

pub(super) fn done(layer: Digest) -> LayerResult {
    let known = known(layer);
    let outcome = LayerOutcome::Done(LayerDone {
        diff_id: known.diff_id,
        uncompressed_size: known.uncompressed_size,
        index: known.fingerprints.index,
        packages: known.fingerprints.packages,
        pulled_bytes: 1000,
    });
    result(layer, 0, outcome)
}

pub(super) fn failure(kind: &str, retry: Retry) -> LayerFailure {
    LayerFailure { kind: kind.into(), message: format!("it was {kind}"), retry }
}

pub(super) fn source_failed(layer: Digest, attempt: u32, source: LayerSource, retry: Retry) -> LayerResult {
    let outcome = LayerOutcome::SourceFailed { source, failure: failure("not_found", retry) };
    result(layer, attempt, outcome)
}

/// Settles a layer well, and wakes.
pub(super) async fn finish(state: &S, layer: Digest) {
    state.settle(&Tenant::default(), &done(layer), NOW).await.expect("the result is taken in");
    state.wake(&[key(layer)]).await.expect("targets are woken");
}

pub(super) async fn complete(state: &S) -> Vec<ClaimedTarget> {
    complete_at(state, NOW).await
}

pub(super) async fn complete_at(state: &S, now: i64) -> Vec<ClaimedTarget> {
    state.claim_complete(HOLDER, LEASE, 100, now).await.expect("the claim is answered")
}

pub(super) fn verdict(status: VerdictStatus, document: u8) -> NewVerdict {
    NewVerdict {
        status,
        document: digest(document),
        policy: Some(digest(0xb0)),
        knowledge: Some(digest(0xb1)),
        evaluated_at: NOW,
        layers_known: 1,
        layers: 1,
    }
}

/// Submits, plans with a layer that is known, and judges.
pub(super) async fn judged(state: &S, request: &ScanRequest, document: u8) -> ScanId {
    let id = submit(state, request).await;
    let mut image = image(&[digest(1)]);
    image.layers = vec![blob(digest(1), BlobStanding::Known(known(digest(1))))];
    record(state, id, &plan_of(vec![image])).await;
    let target = crate::TargetId { scan: id, ordinal: 0 };
    assert!(state.judged(target, &verdict(VerdictStatus::Pass, document), NOW).await.expect("it is judged"));
    id
}

pub(super) async fn progress(state: &S, id: ScanId) -> crate::Progress {
    state.get(&Tenant::default(), id).await.expect("the scan is read").expect("the scan exists")
}

/// Runs `count` tasks at once and gives what they give.
pub(super) async fn at_once<T, F>(count: u32, task: impl Fn(u32) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|number| tokio::spawn(task(number))).collect();
    let mut results = Vec::with_capacity(tasks.len());
    for task in tasks {
        results.push(task.await.expect("the task does not panic"));
    }
    results
}
