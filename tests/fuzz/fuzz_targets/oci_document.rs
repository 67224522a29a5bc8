//! Manifests and indexes, under every media type they could be served as: any bytes, and a document made of any texts.
//! No document is an image to one reader and an index to another, and no attestation is picked from an index.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_oci::{Document, parse_document, select_platform};
use plimsoll_types::{Digest, Platform, media_type};
use serde_json::{Value, json};

const SERVED_AS: [&str; 8] = [
    "",
    "application/json; charset=utf-8",
    media_type::OCI_INDEX,
    media_type::OCI_MANIFEST,
    media_type::DOCKER_LIST,
    media_type::DOCKER_MANIFEST,
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/vnd.in-toto+json",
];

fuzz_target!(|data: &[u8]| {
    check(data);
    let Some((shape, texts)) = data.split_first() else { return };
    check(document(*shape, texts).to_string().as_bytes());
});

/// A document of the fields `shape` has bits for, each with the next text of `data` in it.
fn document(shape: u8, data: &[u8]) -> Value {
    let mut texts = data.split(|byte| *byte == 0xff);
    let mut text = || match texts.next() {
        // Media types are long; one byte stands for one that matters.
        Some([byte]) => SERVED_AS[usize::from(*byte) % SERVED_AS.len()].to_owned(),
        text => String::from_utf8_lossy(text.unwrap_or_default()).into_owned(),
    };
    let digest = Digest::from_bytes([1; 32]);
    let mut fields = serde_json::Map::new();
    for bit in (0..8).filter(|bit| shape >> bit & 1 == 1) {
        let (name, value) = match bit {
            0 => ("mediaType", json!(text())),
            1 => ("config", json!({"mediaType": text(), "digest": digest, "size": 2})),
            2 => ("layers", json!([{"mediaType": text(), "digest": digest, "size": 2}])),
            3 => ("artifactType", json!(text())),
            4 => ("schemaVersion", json!(text().len())),
            5 => ("blobs", json!([])),
            _ => (
                "manifests",
                json!([{
                    "mediaType": text(), "digest": digest, "size": 2, "artifactType": text(),
                    "platform": {"os": text(), "architecture": text(), "variant": text()},
                    "annotations": {text(): text()},
                }, {
                    "digest": digest, "size": 3, "platform": {"os": "linux", "architecture": text()},
                }]),
            ),
        };
        fields.insert(name.to_owned(), value);
    }
    Value::Object(fields)
}

fn check(bytes: &[u8]) {
    let (mut images, mut indexes) = (0, 0);
    for served_as in SERVED_AS {
        let Ok(document) = parse_document(served_as, bytes) else { continue };
        assert_eq!(parse_document(served_as, bytes).expect("twice the same"), document);
        match document {
            Document::Image(manifest) => {
                images += 1;
                assert!(manifest.layers.len() <= 4096);
            }
            Document::Index(entries) => {
                indexes += 1;
                let wanted = Platform::new("linux", "amd64", None);
                if let Ok(entry) = select_platform(&entries, &wanted) {
                    assert!(!entry.is_attestation());
                    assert!(entry.platform.as_ref().is_none_or(|platform| wanted.accepts(platform)));
                }
            }
            Document::NotAnImage { what } => assert!(!what.is_empty() && what.len() < 4_000),
        }
    }
    assert!(images == 0 || indexes == 0, "an image or an index, depending on who looks");
}
