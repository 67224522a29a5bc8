//! How a layer is compressed.

use std::io::Write;

use flate2::write::GzEncoder;
use plimsoll_types::media_type;

/// How a layer is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, one member.
    #[default]
    Gzip,
    /// gzip, several members one after the other.
    GzipMembers,
    /// zstd.
    Zstd,
}

impl Compression {
    /// The media type of a layer so compressed.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::None => media_type::OCI_LAYER,
            Self::Gzip | Self::GzipMembers => media_type::OCI_LAYER_GZIP,
            Self::Zstd => media_type::OCI_LAYER_ZSTD,
        }
    }

    /// The compressed bytes.
    pub fn compress(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::None => bytes.to_vec(),
            Self::Gzip => gzip(bytes),
            Self::GzipMembers => bytes.chunks(bytes.len() / 3 + 1).flat_map(gzip).collect(),
            Self::Zstd => zstd::bulk::compress(bytes, 3).expect("zstd compresses into memory"),
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("gzip compresses into memory")
}
