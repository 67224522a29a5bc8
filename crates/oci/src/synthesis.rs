//! Manifests for images that come without one.

use bytes::Bytes;
use plimsoll_types::{Descriptor, media_type};
use serde::Serialize;

use crate::Fetched;
use crate::content::digest_of;

/// Field order is part of the digest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u32,
    media_type: &'a str,
    config: &'a Descriptor,
    layers: &'a [Descriptor],
}

/// An OCI manifest for `config` and `layers`: the same input gives the same bytes.
pub(crate) fn synthesise(config: &Descriptor, layers: &[Descriptor]) -> Fetched {
    let manifest = Manifest { schema_version: 2, media_type: media_type::OCI_MANIFEST, config, layers };
    // Text and numbers only: there is nothing in it that could fail to serialise.
    let bytes = Bytes::from(serde_json::to_vec(&manifest).unwrap_or_default());
    let descriptor = Descriptor {
        media_type: media_type::OCI_MANIFEST.to_owned(),
        digest: digest_of(&bytes),
        size: bytes.len() as u64,
    };
    Fetched { descriptor, bytes }
}
