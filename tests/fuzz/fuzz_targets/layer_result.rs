//! What became of a layer job, as an aggregator takes it from a queue and a worker from its child: any bytes, and a result of
//! every kind with changes. What comes out goes in and out again unchanged.

#![no_main]

mod edits;

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use plimsoll_proto::{decode_layer_result, encode_layer_result};
use plimsoll_types::{Digest, LayerDone, LayerFailure, LayerOutcome, LayerResult, LayerSource, Retry};

fuzz_target!(|data: &[u8]| {
    let Some((way, data)) = data.split_first() else { return };
    let bytes = match sample(*way) {
        Some(sample) => edits::edit(&encode_layer_result(&sample), data),
        None => data.to_vec(),
    };
    match decode_layer_result(&bytes) {
        Ok(result) => {
            let again = decode_layer_result(&encode_layer_result(&result));
            assert_eq!(again.expect("what was encoded decodes"), result);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

/// One of every kind; `None` for bytes as they come.
fn sample(way: u8) -> Option<LayerResult> {
    let digest = |byte| Digest::from_bytes([byte; 32]);
    let failure =
        |retry| LayerFailure { kind: "rate_limited".to_owned(), message: "slower".to_owned(), retry };
    let source = LayerSource {
        registry: "registry.example".to_owned(),
        repository: "team/app".to_owned(),
        tenant: "team".to_owned(),
        credential: Some("pull".to_owned()),
        plain_http: false,
    };
    let outcome = match way % 5 {
        0 => return None,
        1 => LayerOutcome::Done(LayerDone {
            diff_id: digest(2),
            uncompressed_size: 10_240,
            index: digest(3),
            packages: digest(4),
            pulled_bytes: 100,
        }),
        2 => {
            let failure = failure(Retry::After(Some(Duration::from_secs(7))));
            LayerOutcome::SourceFailed { source, failure }
        }
        3 => LayerOutcome::LayerFailed(failure(Retry::Never)),
        _ => LayerOutcome::Interrupted("the worker stops".to_owned()),
    };
    Some(LayerResult { digest: digest(1), attempt: 3, outcome, elapsed: Duration::from_millis(1_500) })
}
