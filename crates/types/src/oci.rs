//! The parts of OCI manifests and configs that travel through Plimsoll, independent of whether a source
//! spoke OCI or Docker schema 2 (OCI image-spec, manifest.md and config.md).

use serde::{Deserialize, Serialize};

use crate::{Digest, Platform};

/// Media types Plimsoll knows.
pub mod media_type {
    /// OCI image manifest.
    pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// OCI image index.
    pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// OCI image config.
    pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// OCI layer, uncompressed.
    pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
    /// OCI layer, gzip.
    pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// OCI layer, zstd.
    pub const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
    /// Docker schema 2 manifest.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker schema 2 manifest list.
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// Docker image config.
    pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
    /// Docker layer, gzip.
    pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
}

/// A typed, sized pointer to content (OCI image-spec, descriptor.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Media type as the manifest states it.
    pub media_type: String,
    /// Digest of the content.
    pub digest: Digest,
    /// Size in bytes as the manifest states it.
    pub size: u64,
}

/// One image: the manifest of one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Media type of the manifest itself.
    pub media_type: String,
    /// The config.
    pub config: Descriptor,
    /// Layers, lowest first.
    pub layers: Vec<Descriptor>,
    /// `artifactType`, if stated.
    pub artifact_type: Option<String>,
}

/// The image config, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageConfig {
    /// Platform.
    pub platform: Platform,
    /// RFC 3339 time of creation, as stated.
    pub created: Option<String>,
    /// Claimed digests of the uncompressed layers, lowest first.
    pub diff_ids: Vec<Digest>,
    /// History, oldest first.
    pub history: Vec<HistoryLine>,
    /// `User`.
    pub user: Option<String>,
    /// `ExposedPorts`, sorted.
    pub exposed_ports: Vec<String>,
    /// `Env`, `NAME=value`, in order.
    pub env: Vec<String>,
    /// `Entrypoint`.
    pub entrypoint: Vec<String>,
    /// `Cmd`.
    pub cmd: Vec<String>,
    /// `Volumes`, sorted.
    pub volumes: Vec<String>,
    /// `WorkingDir`.
    pub working_dir: Option<String>,
    /// `Labels`, sorted by name.
    pub labels: Vec<(String, String)>,
    /// `StopSignal`.
    pub stop_signal: Option<String>,
    /// `Healthcheck.Test`, a Docker extension.
    pub healthcheck: Option<Vec<String>>,
}

/// One line of an image's history.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HistoryLine {
    /// The command that made it.
    pub created_by: Option<String>,
    /// RFC 3339 time.
    pub created: Option<String>,
    /// Comment.
    pub comment: Option<String>,
    /// True if it made no layer.
    pub empty_layer: bool,
}

impl ImageConfig {
    /// For each layer the history line that made it; all `None` if the lines that made layers are not as
    /// many as the layers, for then nobody can say which is which.
    pub fn layer_history(&self, layers: usize) -> Vec<Option<&HistoryLine>> {
        let lines: Vec<_> = self.history.iter().filter(|line| !line.empty_layer).collect();
        if lines.len() == layers { lines.into_iter().map(Some).collect() } else { vec![None; layers] }
    }
}
