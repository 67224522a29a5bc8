//! The API of a Plimsoll server, `plimsoll.v1`: messages, clients and servers as generated from `proto/plimsoll/v1`,
//! whose comments are the reference.

include!(concat!(env!("OUT_DIR"), "/plimsoll.v1.rs"));

pub use prost_types::{Duration, Timestamp};

/// The compiled protos and what they import, for gRPC reflection: an encoded `google.protobuf.FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plimsoll.v1.fds"));
