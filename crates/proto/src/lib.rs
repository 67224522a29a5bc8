//! Wire messages and the evidence codec: between the nouns of `plimsoll-types` and the bytes in the store.
//!
//! Stored bytes are an [`envelope`](EVIDENCE_FORMAT) (magic, format, kind, length) around one zstd frame of
//! one protobuf message (`proto/plimsoll/evidence/v1`). Encoding is deterministic. Decoding trusts nothing:
//! [`DecodeLimits`] bound what is allocated before it is allocated, and every length, index and enum value of
//! every column is checked, so that damaged bytes are a [`CodecError`] and never a panic or a wrong answer.
//!
//! With the feature `tonic` there is also `v1`, the gRPC API.

mod blob_link;
mod column;
mod envelope;
mod error;
mod index;
mod job;
mod kinds;
#[cfg(feature = "tonic")]
mod length;
mod limits;
mod packages;
mod paths;
#[expect(
    unreachable_pub,
    clippy::struct_field_names,
    clippy::trivially_copy_pass_by_ref,
    reason = "prost writes this file"
)]
mod pb;
#[cfg(feature = "tonic")]
#[expect(missing_docs, clippy::default_trait_access, reason = "prost and tonic write this file")]
pub mod v1;

pub use blob_link::{BlobLink, decode_blob_link, encode_blob_link};
pub use envelope::EVIDENCE_FORMAT;
pub use error::CodecError;
pub use index::{decode_index, encode_index};
pub use job::{decode_layer_job, decode_layer_result, encode_layer_job, encode_layer_result};
#[cfg(feature = "tonic")]
pub use length::encoded_len;
pub use limits::DecodeLimits;
pub use packages::{decode_packages, encode_packages};
