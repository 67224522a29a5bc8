//! Image configs, OCI and Docker (OCI image-spec, config.md; Docker image spec v1.2).

use std::collections::BTreeMap;

use plimsoll_types::{Digest, HistoryLine, ImageConfig, Platform};
use serde::Deserialize;
use serde_json::Value;

use crate::Error;
use crate::content::parse_object;

#[derive(Deserialize)]
struct RawConfig {
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    architecture: Option<String>,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    config: Option<RawRuntime>,
    #[serde(default)]
    rootfs: Option<RawRootfs>,
    #[serde(default)]
    history: Option<Vec<RawHistory>>,
}

#[derive(Deserialize)]
struct RawRootfs {
    #[serde(default)]
    diff_ids: Option<Vec<Digest>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawRuntime {
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    exposed_ports: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    env: Option<Vec<String>>,
    #[serde(default)]
    entrypoint: Option<Words>,
    #[serde(default)]
    cmd: Option<Words>,
    #[serde(default)]
    volumes: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    working_dir: Option<String>,
    #[serde(default)]
    labels: Option<BTreeMap<String, Option<String>>>,
    #[serde(default)]
    stop_signal: Option<String>,
    #[serde(default)]
    healthcheck: Option<RawHealthcheck>,
}

/// Docker once wrote a command as one string, and still reads it (moby, `strslice.StrSlice`).
#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    Many(Vec<String>),
    One(String),
}

#[derive(Deserialize)]
struct RawHealthcheck {
    #[serde(default, rename = "Test")]
    test: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct RawHistory {
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    created_by: Option<String>,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    empty_layer: Option<bool>,
}

/// Reads an image config. Unknown fields are passed over, and null is the same as absent, as Go's decoder
/// has it, which wrote most of them. What makes it no image config at all is a missing `rootfs`, or an
/// `os` or `architecture` that is missing: then nobody can say what the image is for.
pub fn parse_config(bytes: &[u8]) -> Result<ImageConfig, Error> {
    let bad = |why: String| Error::BadConfig { what: "the document".to_owned(), why };
    let raw: RawConfig = parse_object(bytes).map_err(bad)?;
    let rootfs = raw.rootfs.ok_or_else(|| bad("no `rootfs`".to_owned()))?;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let os = filled(raw.os).ok_or_else(|| bad("no `os`".to_owned()))?;
    let architecture = filled(raw.architecture).ok_or_else(|| bad("no `architecture`".to_owned()))?;
    let runtime = raw.config.unwrap_or_default();
    Ok(ImageConfig {
        platform: Platform::new(&os, &architecture, raw.variant.as_deref()),
        created: filled(raw.created),
        diff_ids: rootfs.diff_ids.unwrap_or_default(),
        history: raw.history.unwrap_or_default().into_iter().map(RawHistory::into_line).collect(),
        user: filled(runtime.user),
        exposed_ports: runtime.exposed_ports.unwrap_or_default().into_keys().collect(),
        env: runtime.env.unwrap_or_default(),
        entrypoint: runtime.entrypoint.map(Words::into_vec).unwrap_or_default(),
        cmd: runtime.cmd.map(Words::into_vec).unwrap_or_default(),
        volumes: runtime.volumes.unwrap_or_default().into_keys().collect(),
        working_dir: filled(runtime.working_dir),
        labels: runtime
            .labels
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| (name, value.unwrap_or_default()))
            .collect(),
        stop_signal: filled(runtime.stop_signal),
        healthcheck: runtime.healthcheck.and_then(|healthcheck| healthcheck.test),
    })
}

impl Words {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::Many(words) => words,
            Self::One(word) => vec![word],
        }
    }
}

impl RawHistory {
    fn into_line(self) -> HistoryLine {
        HistoryLine {
            created_by: self.created_by.filter(|text| !text.is_empty()),
            created: self.created,
            comment: self.comment.filter(|text| !text.is_empty()),
            empty_layer: self.empty_layer.unwrap_or(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_docker_config_is_read_whole() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let text = format!(
            r#"{{"architecture":"aarch64","os":"linux","variant":"v8","created":"2024-01-02T03:04:05Z",
            "docker_version":"20.10","config":{{"User":"www","ExposedPorts":{{"80/tcp":{{}},"443/tcp":{{}}}},
            "Env":["A=b"],"Entrypoint":"/run.sh","Cmd":["x","y"],"Volumes":{{"/data":{{}}}},"WorkingDir":"/w",
            "Labels":{{"b":"2","a":null}},"StopSignal":"SIGTERM","Healthcheck":{{"Test":["CMD","true"]}},
            "OnBuild":null}},"rootfs":{{"type":"layers","diff_ids":["{digest}"]}},
            "history":[{{"created_by":"ADD x","created":"2024"}},{{"empty_layer":true,"comment":"c"}}]}}"#
        );
        let config = parse_config(text.as_bytes()).unwrap();
        assert_eq!(config.platform.to_string(), "linux/arm64");
        assert_eq!(config.diff_ids, [digest.parse().unwrap()]);
        assert_eq!(config.exposed_ports, ["443/tcp", "80/tcp"]);
        assert_eq!((config.entrypoint, config.cmd), (vec!["/run.sh".into()], vec!["x".into(), "y".into()]));
        assert_eq!(config.labels, [("a".into(), String::new()), ("b".into(), "2".into())]);
        assert_eq!(config.healthcheck, Some(vec!["CMD".into(), "true".into()]));
        assert!(config.history[1].empty_layer && !config.history[0].empty_layer);
    }

    #[test]
    fn null_is_the_same_as_absent() {
        let text = br#"{"os":"linux","architecture":"amd64","config":null,"history":null,"created":null,
            "rootfs":{"diff_ids":null}}"#;
        let config = parse_config(text).unwrap();
        assert!(config.diff_ids.is_empty() && config.history.is_empty() && config.user.is_none());
    }

    #[test]
    fn what_is_no_config_says_why() {
        for (text, why) in [
            ("", "empty"),
            ("[]", "not a JSON object"),
            ("{}", "no `rootfs`"),
            (r#"{"rootfs":{}}"#, "no `os`"),
            (r#"{"rootfs":{},"os":"linux"}"#, "no `architecture`"),
            (r#"{"rootfs":{"diff_ids":["sha256:1"]},"os":"linux","architecture":"a"}"#, "not a digest"),
        ] {
            let error = parse_config(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse_config(&bytes);
        }
    }
}
