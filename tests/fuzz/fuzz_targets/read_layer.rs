//! A whole layer, threads and decompressors included, from a blob of any bytes.

#![no_main]

use std::io::{self, BufRead};

use libfuzzer_sys::fuzz_target;
use plimsoll_layer::{EntrySink, Error, Expected, Fault, Limits, read_layer};
use plimsoll_types::{Digest, FileEntry};

fuzz_target!(|data: &[u8]| {
    let limits = Limits {
        max_uncompressed_bytes: 8 << 20,
        max_hole_bytes: 1 << 20,
        max_zstd_window_log: 20,
        ..Limits::default()
    };
    // Nobody can know the digest beforehand: the mismatch names it, and then the bytes are the layer's.
    let unknown = Expected { digest: Digest::from_bytes([0; 32]), size: None, diff_id: None };
    let Err(Error::DigestMismatch { got, .. }) = read_layer(data, &unknown, &limits, &mut Skip) else {
        panic!("bytes with another digest were taken for the layer");
    };
    let known = Expected { digest: got, size: Some(data.len() as u64), diff_id: None };
    match read_layer(data, &known, &limits, &mut Skip) {
        Ok(layer) => assert!(layer.digest == got && layer.size == data.len() as u64),
        Err(error) => assert_eq!(error.fault(), Fault::Layer, "{error}"),
    }
});

struct Skip;

impl EntrySink for Skip {
    fn entry(&mut self, _: FileEntry, _: &mut dyn BufRead) -> io::Result<()> {
        Ok(())
    }

    fn ambiguity(&mut self, _: String) {}
}
