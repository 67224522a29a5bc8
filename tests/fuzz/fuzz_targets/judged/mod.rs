//! A small image with something in it for every gate, and its judging.

use std::sync::OnceLock;

use jiff::Timestamp;
use plimsoll_policy::{Allowlist, Evaluation, Input, Mistakes, Policy, evaluate};
use plimsoll_types::report::{Image, Vulnerability};
use plimsoll_types::{
    BlindKind, BlindSpot, ContentKind, EntryKind, FileEntry, ImageConfig, Inventory, InventoryFile,
    KnowledgeAge, PathBytes,
};
use serde_json::{Value, json};

struct Judged {
    inventory: Inventory,
    vulnerabilities: Vec<Vulnerability>,
    config: ImageConfig,
    image: Image,
    knowledge: Vec<KnowledgeAge>,
}

/// What the policy and the allowlists say of the image, twice the same.
pub fn evaluated(policy: &Policy, allowlists: &[Allowlist]) -> Evaluation {
    static JUDGED: OnceLock<Judged> = OnceLock::new();
    let judged = JUDGED.get_or_init(judged);
    let input = Input {
        inventory: &judged.inventory,
        vulnerabilities: &judged.vulnerabilities,
        blind_spots: &[],
        config: &judged.config,
        image: &judged.image,
        knowledge: &judged.knowledge,
        now: Timestamp::from_second(1_780_000_000).expect("in 2026"),
        allow_blind: &[],
    };
    let evaluation = evaluate(policy, allowlists, &input);
    assert_eq!(evaluate(policy, allowlists, &input), evaluation);
    evaluation
}

/// Mistakes are few, in the order of the text, within it, and each a line of its own that a terminal can show.
pub fn check(mistakes: &Mistakes, text: &str) {
    let mut count = 0;
    for mistake in mistakes {
        count += 1;
        // What is missing at the end of the text is missing on the line after it.
        let lines = text.split(['\n', '\r']).count() + 1;
        assert!((1..=lines).contains(&mistake.line) && mistake.column >= 1, "{mistake}");
        let shown = mistake.to_string();
        assert!(!shown.contains(char::is_control) && shown.len() < 4_000, "{shown:?}");
    }
    assert!((1..=100).contains(&count));
    assert!(mistakes.iter().is_sorted());
}

fn judged() -> Judged {
    let digest = plimsoll_oci::digest_of(b"");
    let config = json!({
        "os": "linux", "architecture": "amd64", "created": "2020-01-01T00:00:00Z",
        "config": {"User": "root", "ExposedPorts": {"22/tcp": {}}, "Env": ["A=b"], "Cmd": ["sh"], "Labels": {"a": "b"}},
        "rootfs": {"diff_ids": [digest]},
        "history": [{"created_by": "RUN /bin/sh -c apt-get install a # buildkit"}],
    });
    let image = json!({
        "reference": "r.io/a:1", "digest": digest, "platform": "linux/amd64", "other_platforms": [],
        "config_digest": digest,
        "layers": [{"index": 0, "digest": digest, "diff_id": digest, "media_type": "", "size": 100,
            "uncompressed_size": 1000, "created_by": null, "known": true}],
    });
    Judged {
        inventory: inventory(),
        vulnerabilities: read(json!([{
            "id": "CVE-2021-44228", "aliases": ["GHSA-a"], "advisories": ["A"], "severity": "high",
            "severity_source": null, "cvss": [{"version": "3.1", "vector": "", "score": 9.8, "source": "A"}],
            "package_id": "1", "purl": "pkg:maven/g/a@1.0", "fixed_versions": ["1.1"], "status": "fixed",
            "match": {"record": "A", "range": "< 1.1", "rule": "name"}, "layer": 0,
        }])),
        config: plimsoll_oci::parse_config(config.to_string().as_bytes()).expect("a config"),
        image: read(image),
        knowledge: vec![KnowledgeAge { subject: "npm".to_owned(), newest: None, days: Some(100) }],
    }
}

fn inventory() -> Inventory {
    let package = |id: u8, kind: &str, name: &str, version: &str| {
        json!({
            "id": id.to_string(), "name": name, "version": version, "type": kind, "arch": null, "epoch": 1,
            "purl": null, "source": {"name": "s", "version": "1"}, "origin": "o", "layer": 0, "locations": ["/a"],
            "licenses": [{"value": "GPL-3", "spdx": "GPL-3.0-only", "source": "x"}], "analyzer": "a", "owned_by": null,
        })
    };
    let file = FileEntry {
        path: PathBytes::from("usr/bin/su"),
        kind: EntryKind::File,
        link_target: Box::default(),
        mode: 0o4755,
        uid: 0,
        gid: 0,
        mtime: 0,
        rdev: None,
        size: 1_000,
        xattrs: vec![((*b"security.capability").into(), (*b"x").into())],
        link_group: 0,
        content: ContentKind::Elf,
        sha256: Some([1; 32]),
    };
    Inventory {
        packages: read(json!([
            package(1, "maven", "g:a", "1.0"),
            package(2, "rpm", "b", "2-3"),
            package(3, "npm", "c", "not a version")
        ])),
        files: vec![InventoryFile::new(file.path.clone(), 0, file)],
        blind_spots: vec![BlindSpot::new(BlindKind::EcosystemUnknown, "npm", "nothing is known of it")],
        distro: read(
            json!({"id": "debian", "id_like": [], "version_id": "12", "codename": null, "pretty_name": null}),
        ),
        ..Inventory::default()
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the shape of a report")
}
