//! Image configs: any bytes, and a whole config made of any texts. Platforms are in their normal form, lists that are
//! sets are sorted.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_oci::parse_config;
use plimsoll_types::{Digest, Platform, dockerfile_line};
use serde_json::{Value, json};

fuzz_target!(|data: &[u8]| {
    check(data);
    let mut texts = data.split(|byte| *byte == 0xff).map(String::from_utf8_lossy);
    let mut text = || texts.next().unwrap_or_default();
    let mut config = json!({
        "os": text(), "architecture": text(), "variant": text(), "created": text(),
        "config": {
            "User": text(), "ExposedPorts": {text(): {}, text(): {}}, "Env": [text()], "Entrypoint": text(),
            "Cmd": [text()], "Volumes": {text(): null}, "Labels": {text(): text(), text(): null},
            "Healthcheck": {"Test": [text()]},
        },
        "rootfs": {"type": "layers", "diff_ids": [Digest::from_bytes([1; 32])]},
        "history": [{"created_by": text(), "empty_layer": true}],
    });
    check(config.to_string().as_bytes());
    // Any value in the place of any field.
    if let Some(value) = data.get(1..).and_then(|json| serde_json::from_slice::<Value>(json).ok()) {
        let fields = ["os", "config", "rootfs", "history", "variant"];
        config[fields[usize::from(data[0]) % fields.len()]] = value;
        check(config.to_string().as_bytes());
    }
});

fn check(bytes: &[u8]) {
    let Ok(config) = parse_config(bytes) else { return };
    assert_eq!(parse_config(bytes).expect("twice the same"), config);
    let Platform { os, architecture, variant } = &config.platform;
    assert_eq!(Platform::new(os, architecture, variant.as_deref()), config.platform);
    assert!(config.exposed_ports.is_sorted_by(|a, b| a < b) && config.volumes.is_sorted_by(|a, b| a < b));
    assert!(config.labels.is_sorted_by(|a, b| a.0 < b.0));
    for line in config.history.iter().filter_map(|line| line.created_by.as_deref()) {
        assert!(!dockerfile_line(line).contains('\n'));
    }
}
