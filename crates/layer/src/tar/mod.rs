//! The tar of a layer, entry by entry.
//!
//! `walk` owns the order of things; `header` and `pax` know the formats of headers, `sparse` those of sparse
//! maps, `body` the content of one file, `entry` makes what an image-spec layer means of it,
//! and `foreign` names what is no tar at all.

mod body;
mod entry;
mod foreign;
mod header;
mod number;
mod pax;
mod sparse;
mod stream;
mod walk;

use std::io::{BufReader, Read};

use plimsoll_types::Digest;

pub(crate) use walk::{WalkError, WalkFault, walk};

use crate::{EntrySink, Error, Limits};

/// The walk alone, over an uncompressed layer that nobody verifies. Returns the number of entries.
///
/// [`crate::read_layer`] is what images are read with; this is for fuzzing, and for trees that are packed on
/// the fly. `layer` is what errors name.
pub fn walk_tar(
    tar: impl Read,
    layer: Digest,
    limits: &Limits,
    sink: &mut dyn EntrySink,
) -> Result<u64, Error> {
    walk(BufReader::with_capacity(64 << 10, tar), limits, sink)
        .map_err(|error| error.into_error(layer, limits))
}
