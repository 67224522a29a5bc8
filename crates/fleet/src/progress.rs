//! What a person waiting for a scan may be told.

use plimsoll_types::Digest;

/// A step of the work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The image has so many distinct layers; so many of them, of so many bytes, have to be read.
    Planned {
        /// Distinct layers.
        layers: usize,
        /// Of these, to be read.
        outstanding: usize,
        /// Compressed bytes of these.
        bytes: u64,
    },
    /// So many more bytes of a layer have been pulled.
    Pulled {
        /// Digest of the layer's blob.
        layer: Digest,
        /// Bytes since the last event.
        bytes: u64,
    },
    /// A layer's evidence is in the store.
    Analyzed {
        /// Digest of the layer's blob.
        layer: Digest,
    },
}

/// Receives events; must not block.
pub type Progress = dyn Fn(Event) + Send + Sync;
