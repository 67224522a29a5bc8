//! The image maker: layers written by us, file by file, and the images, layouts and archives made of them.
//!
//! Everything is deterministic: fixed times, owners and order, so that a test may name a digest.

mod archive;
mod builder;
mod compression;
mod entry;
mod layer;
mod tar;

pub use archive::{docker_archive, docker_archive_old, oci_archive, oci_layout};
pub use builder::{Blob, Image, ImageBuilder, LayerBlob, index};
pub use compression::Compression;
pub use entry::Entry;
pub use layer::Layer;
pub use tar::{BLOCK, Header};

/// The time of everything: 2023-08-01T00:00:00Z.
pub const MTIME: i64 = 1_690_848_000;
/// [`MTIME`] as configs and histories write it.
pub const CREATED: &str = "2023-08-01T00:00:00Z";
