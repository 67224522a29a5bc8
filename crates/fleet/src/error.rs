//! Why a step failed.

use plimsoll_proto::CodecError;
use plimsoll_types::{Digest, Retry};

use crate::blob_reader::SourceFailure;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The source of the image failed, or has no such image.
    #[error(transparent)]
    Source(#[from] plimsoll_oci::Error),
    /// A layer could not be read.
    #[error(transparent)]
    Layer(#[from] plimsoll_layer::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] plimsoll_store::Error),
    /// Stored bytes are damaged. The step has removed them: the same scan again makes them anew.
    #[error("{key} in the store is damaged ({source}); it was removed, run the scan again")]
    Damaged {
        /// Where.
        key: String,
        /// How.
        source: CodecError,
    },
    /// Evidence that was planned on is gone.
    #[error("{key} has vanished from the store; run the scan again")]
    Vanished {
        /// Where it was.
        key: String,
    },
    /// The manifest names another number of layers than the config.
    #[error("the manifest lists {manifest} layers, the config {config}; rebuild the image")]
    LayerCount {
        /// Layers in the manifest.
        manifest: usize,
        /// diff_ids in the config.
        config: usize,
    },
    /// The knowledge snapshot could not be read.
    #[error(transparent)]
    Knowledge(#[from] plimsoll_knowledge::Error),
    /// The deadline passed before it was known which image is meant.
    #[error("not judged: the deadline passed before the image was resolved{}; ask again, with more time", after(.last.as_deref()))]
    Deadline {
        /// What the last attempt ran into.
        last: Option<String>,
    },
    /// Resolving took longer than one attempt may.
    #[error("the registry did not show the image within {seconds} s; it is tried again")]
    Slow {
        /// How long it was given.
        seconds: u64,
    },
    /// An index offers images for more platforms than one scan is about.
    #[error(
        "the index offers images for {found} platforms, and a scan is about {most} at most; name those that are meant"
    )]
    Platforms {
        /// How many.
        found: usize,
        /// How many at most.
        most: usize,
    },
    /// What was asked for is no reference.
    #[error("{reference:?} names no image: {source}")]
    Reference {
        /// What was asked for.
        reference: String,
        /// Why.
        source: plimsoll_types::ReferenceError,
    },
    /// A policy or allowlist a scan asks for cannot be used.
    #[error("policy or allowlist {digest}: {why}")]
    Rules {
        /// Its digest.
        digest: Digest,
        /// Why not.
        why: String,
    },
    /// A config claims another content for a layer than the layer has.
    #[error("layer {layer} holds {got}, and the image config claims {claimed}; rebuild the image")]
    FalseClaim {
        /// Digest of the blob.
        layer: Digest,
        /// The claim.
        claimed: Digest,
        /// The truth.
        got: Digest,
    },
    /// A policy or allowlist a scan asks for is not there.
    #[error("policy or allowlist {digest}: the store has nothing by this digest; put it there first")]
    NoRules {
        /// Its digest.
        digest: Digest,
    },
    /// What a verdict was judged by is not there.
    #[error(
        "the verdict was judged by {what} {digest}, which is neither in the store nor what was given; name that one"
    )]
    OtherInput {
        /// What kind of input.
        what: &'static str,
        /// Its digest.
        digest: Digest,
    },
    /// An instant no calendar has.
    #[error("no verdict can hold for this instant: {0}")]
    Instant(String),
    /// A report that cannot be written down.
    #[error("the verdict document cannot be written: {0}")]
    Document(#[from] serde_json::Error),
    /// A temporary file failed.
    #[error("a temporary file cannot be used: {0}; name a directory with room in TMPDIR")]
    Temporary(std::io::Error),
    /// A store that has verdicts, and a state that nobody ever worked with.
    #[error(
        "the state knows of no scan and no layer, and the store has verdicts: it is not the state of this store"
    )]
    ForeignState,
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] plimsoll_queue::Error),
    /// The state failed.
    #[error(transparent)]
    State(#[from] plimsoll_state::Error),
    /// Analyzing a layer panicked.
    #[error("analyzing layer {layer} panicked: {message}; please report it")]
    Panicked {
        /// Digest of the blob.
        layer: Digest,
        /// What the panic said.
        message: String,
    },
}

impl Error {
    /// Stable name of the kind, for reports.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Source(error) => error.kind(),
            Self::Layer(error) => source_failure(error).map_or(error.kind(), plimsoll_oci::Error::kind),
            Self::Store(_) => "store",
            Self::Damaged { .. } => "store_damaged",
            Self::Vanished { .. } => "store_vanished",
            Self::LayerCount { .. } | Self::FalseClaim { .. } => "bad_image",
            Self::Knowledge(_) => "knowledge",
            Self::Deadline { .. } => "deadline",
            Self::Slow { .. } => "timeout",
            Self::Platforms { .. } => "too_many_platforms",
            Self::Reference { .. } => "bad_reference",
            Self::Rules { .. } | Self::NoRules { .. } => "bad_policy",
            Self::OtherInput { .. } => "other_input",
            Self::Instant(_) | Self::Document(_) => "internal",
            Self::ForeignState => "foreign_state",
            Self::Queue(_) => "queue",
            Self::State(_) => "state",
            Self::Temporary(_) => "temporary",
            Self::Panicked { .. } => "panic",
        }
    }

    /// Whether what failed is part of the fleet, and not the image or where it comes from: then an attempt says nothing
    /// about the scan, and is not counted against it as others are.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::Store(_) | Self::Queue(_) | Self::State(_) | Self::Damaged { .. } | Self::Vanished { .. }
        )
    }

    /// Whether the same step may succeed later.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Source(error) => error.retry(),
            Self::Layer(error) => source_failure(error).map_or(error.retry(), plimsoll_oci::Error::retry),
            Self::Store(error) => error.retry(),
            Self::Queue(error) => error.retry(),
            Self::State(error) => error.retry(),
            Self::Damaged { .. }
            | Self::Vanished { .. }
            | Self::Deadline { .. }
            | Self::Slow { .. }
            | Self::Temporary(_) => Retry::After(None),
            Self::LayerCount { .. }
            | Self::Knowledge(_)
            | Self::Reference { .. }
            | Self::Rules { .. }
            | Self::NoRules { .. }
            | Self::OtherInput { .. }
            | Self::Instant(_)
            | Self::Document(_)
            | Self::Platforms { .. }
            | Self::ForeignState
            | Self::FalseClaim { .. }
            | Self::Panicked { .. } => Retry::Never,
        }
    }
}

fn after(last: Option<&str>) -> String {
    last.map(|last| format!(" ({last})")).unwrap_or_default()
}

/// The source's own error inside a layer error.
fn source_failure(error: &plimsoll_layer::Error) -> Option<&plimsoll_oci::Error> {
    match error {
        plimsoll_layer::Error::Read { source, .. } => {
            source.get_ref()?.downcast_ref::<SourceFailure>().map(|failure| &failure.0)
        }
        _ => None,
    }
}
