//! The stored link from a blob to its layer: any bytes, any message in a whole envelope, and a message with changes.
//! What comes out goes in and out again unchanged.

#![no_main]

mod evidence;

use libfuzzer_sys::fuzz_target;
use plimsoll_proto::{BlobLink, decode_blob_link, encode_blob_link};
use plimsoll_types::Digest;

fuzz_target!(|data: &[u8]| {
    let Some(link) = evidence::decode(data, sample, decode_blob_link) else { return };
    assert_eq!(decode_blob_link(&encode_blob_link(&link), &evidence::LIMITS).expect("it decodes"), link);
});

fn sample() -> Vec<u8> {
    encode_blob_link(&BlobLink { diff_id: Digest::from_bytes([1; 32]), size: 100, uncompressed_size: 10_240 })
}
