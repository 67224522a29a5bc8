//! What a blob is once uncompressed.

use plimsoll_types::Digest;

use crate::envelope::{Kind, open, seal};
use crate::{CodecError, DecodeLimits, column, pb};

/// The layer a blob decompresses to. Written only after one pull has verified the blob's digest and the
/// diff_id: what an image config claims is a stranger's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobLink {
    /// Digest of the uncompressed layer.
    pub diff_id: Digest,
    /// Size of the blob in bytes.
    pub size: u64,
    /// Size of the uncompressed layer in bytes.
    pub uncompressed_size: u64,
}

/// The stored bytes of a blob link.
pub fn encode_blob_link(link: &BlobLink) -> Vec<u8> {
    let BlobLink { diff_id, size, uncompressed_size } = *link;
    seal(
        Kind::BlobLink,
        &pb::BlobLink { diff_id: diff_id.as_bytes().to_vec().into(), size, uncompressed_size },
    )
}

/// The blob link in stored bytes.
pub fn decode_blob_link(stored: &[u8], limits: &DecodeLimits) -> Result<BlobLink, CodecError> {
    let link: pb::BlobLink = open(Kind::BlobLink, stored, limits)?;
    Ok(BlobLink {
        diff_id: column::digest("diff_id", &link.diff_id)?,
        size: link.size,
        uncompressed_size: link.uncompressed_size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_round_trips() {
        let link = BlobLink { diff_id: Digest::from_bytes([9; 32]), size: u64::MAX, uncompressed_size: 0 };
        assert_eq!(decode_blob_link(&encode_blob_link(&link), &DecodeLimits::default()).unwrap(), link);
    }

    #[test]
    fn a_diff_id_of_another_length_is_refused() {
        let stored =
            seal(Kind::BlobLink, &pb::BlobLink { diff_id: vec![1; 31].into(), ..Default::default() });
        assert!(matches!(
            decode_blob_link(&stored, &DecodeLimits::default()),
            Err(CodecError::Column { column: "diff_id", .. })
        ));
    }
}
