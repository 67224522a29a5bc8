//! A layer job, as a worker takes it from a queue and a child from its input: any bytes, and a job with changes. What
//! comes out can be worked on, and goes in and out again unchanged.

#![no_main]

mod edits;

use libfuzzer_sys::fuzz_target;
use plimsoll_proto::{decode_layer_job, encode_layer_job};
use plimsoll_types::{Digest, LayerJob, LayerSource};

fuzz_target!(|data: &[u8]| {
    let Some((way, data)) = data.split_first() else { return };
    let bytes = if way % 2 == 0 { data.to_vec() } else { edits::edit(&encode_layer_job(&sample()), data) };
    match decode_layer_job(&bytes) {
        Ok(job) => {
            assert!(!job.sources.is_empty());
            assert_eq!(decode_layer_job(&encode_layer_job(&job)).expect("what was encoded decodes"), job);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

fn sample() -> LayerJob {
    let source = |registry: &str, credential: Option<&str>| LayerSource {
        registry: registry.to_owned(),
        repository: "team/app".to_owned(),
        tenant: "team".to_owned(),
        credential: credential.map(str::to_owned),
        plain_http: credential.is_none(),
    };
    LayerJob {
        digest: Digest::from_bytes([1; 32]),
        size: 100,
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
        claimed_diff_id: Digest::from_bytes([2; 32]),
        sources: vec![source("registry.example", Some("pull")), source("localhost:5000", None)],
        attempt: 3,
    }
}
