//! What coordinator, workers and aggregator tell each other about a layer.

use std::time::Duration;

use crate::{Digest, Retry};

/// One layer somebody waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerJob {
    /// Digest of the blob.
    pub digest: Digest,
    /// Size of the blob in bytes, as the manifest has it.
    pub size: u64,
    /// Media type, as the manifest has it.
    pub media_type: String,
    /// What the image config claims the uncompressed layer's digest is.
    pub claimed_diff_id: Digest,
    /// Where it may be pulled from, best first.
    pub sources: Vec<LayerSource>,
    /// How often it was published before.
    pub attempt: u32,
}

/// One repository that has a layer, as one tenant sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerSource {
    /// Registry host, with its port if it has one.
    pub registry: String,
    /// Repository.
    pub repository: String,
    /// Whose credentials are used.
    pub tenant: String,
    /// Name of the credential; never a secret.
    pub credential: Option<String>,
    /// Speak plain HTTP to the registry.
    pub plain_http: bool,
}

/// What became of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerResult {
    /// Digest of the blob.
    pub digest: Digest,
    /// The job's attempt.
    pub attempt: u32,
    /// How it ended.
    pub outcome: LayerOutcome,
    /// From lease to result.
    pub elapsed: Duration,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerOutcome {
    /// Evidence and blob link are in the store.
    Done(LayerDone),
    /// The blob could not be had from one source. Says nothing of the layer.
    SourceFailed {
        /// Which.
        source: LayerSource,
        /// Why.
        failure: LayerFailure,
    },
    /// Verified bytes could not be analyzed, or took their process with them: the layer's own fault.
    LayerFailed(LayerFailure),
    /// The attempt was ended from outside: a worker that stops, a store or queue that is away.
    Interrupted(String),
}

/// Where the evidence of a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerDone {
    /// Verified digest of the uncompressed layer.
    pub diff_id: Digest,
    /// Its size in bytes.
    pub uncompressed_size: u64,
    /// Fingerprint of the `index` evidence.
    pub index: Digest,
    /// Fingerprint of the `packages` evidence.
    pub packages: Digest,
    /// Bytes pulled for it; 0 if the store had it already.
    pub pulled_bytes: u64,
}

/// Why a source or a layer failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerFailure {
    /// Stable name of the kind.
    pub kind: String,
    /// For a person: what failed and what to do.
    pub message: String,
    /// Whether the same attempt may succeed later.
    pub retry: Retry,
}
