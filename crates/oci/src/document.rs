//! Manifests and indexes, OCI and Docker schema 2 (OCI image-spec, manifest.md and image-index.md).
//!
//! The shapes are ours rather than `oci-spec`'s: those require fields that images in the wild leave out, and
//! reading a document as "an image with nothing in it" is the one mistake a scanner must not make.

use std::collections::BTreeMap;

use plimsoll_types::{Descriptor, Digest, Manifest, Platform, media_type};
use serde::Deserialize;

use crate::Error;
use crate::content::parse_object;

/// Layers of one manifest; container runtimes stop at 127.
pub(crate) const MAX_LAYERS: usize = 4096;

/// What a manifest document turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// One image.
    Image(Manifest),
    /// Several manifests to choose from.
    Index(Vec<IndexEntry>),
    /// Well-formed and no container image: a signature, an attestation, a chart.
    NotAnImage {
        /// What it is, for people.
        what: String,
    },
}

/// One line of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// The manifest it points to.
    pub descriptor: Descriptor,
    /// Its platform, if stated and sensible.
    pub platform: Option<Platform>,
    /// `artifactType`, if stated.
    pub artifact_type: Option<String>,
    /// Annotations, sorted by name.
    pub annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDocument {
    #[serde(default)]
    schema_version: Option<u64>,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    config: Option<RawDescriptor>,
    #[serde(default)]
    layers: Option<Vec<RawDescriptor>>,
    #[serde(default)]
    manifests: Option<Vec<RawDescriptor>>,
    #[serde(default)]
    blobs: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    fs_layers: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    #[serde(default)]
    media_type: Option<String>,
    digest: Digest,
    size: u64,
    #[serde(default)]
    platform: Option<RawPlatform>,
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Deserialize)]
struct RawPlatform {
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    architecture: Option<String>,
    #[serde(default)]
    variant: Option<String>,
}

/// Artifacts by a telling part of their config's or layers' media type.
const ARTIFACTS: &[(&str, &str)] = &[
    ("application/vnd.cncf.helm.", "a Helm chart"),
    ("application/vnd.dev.cosign.", "a cosign signature"),
    ("application/vnd.dev.sigstore.", "a sigstore bundle"),
    ("application/vnd.cncf.notary.", "a Notary signature"),
    ("application/vnd.in-toto", "an attestation"),
    ("application/vnd.dsse.", "an attestation"),
    ("application/vnd.cyclonedx", "an SBOM"),
    ("application/spdx", "an SBOM"),
    ("text/spdx", "an SBOM"),
    ("application/vnd.syft", "an SBOM"),
    ("application/vnd.wasm", "a WebAssembly module"),
    ("application/vnd.docker.plugin.", "a Docker plugin"),
    ("application/vnd.docker.ai.", "a machine learning model"),
    ("application/vnd.buildkit.cacheconfig", "a build cache"),
];

/// Reads a manifest or index. `media_type` is what the source says it is; the document's own `mediaType`
/// must not contradict it, and a document that can be read both as an image and as an index is refused
/// (GHSA-77vh-xpmg-72qh): two readers would see two different things under one digest.
pub fn parse_document(media_type: &str, bytes: &[u8]) -> Result<Document, Error> {
    let bad = |why: String| Error::BadManifest { what: "the document".to_owned(), why };
    let raw: RawDocument = parse_object(bytes).map_err(bad)?;
    let media_type = settle_media_type(media_type, &raw)?;
    if is_schema1(media_type) || raw.schema_version == Some(1) || raw.fs_layers.is_some() {
        return Err(Error::Unsupported {
            what: "the image".to_owned(),
            why: "it is a Docker schema 1 image, a format registries gave up in 2017; push it again with a \
                  current Docker"
                .to_owned(),
        });
    }
    let is_listed = raw.manifests.is_some() || is_index(media_type);
    if is_listed && (raw.config.is_some() || raw.layers.is_some()) {
        return Err(bad("it is both an image and an index".to_owned()));
    }
    let media_type = media_type.to_owned();
    match (is_index(&media_type), is_manifest(&media_type)) {
        (true, _) => Ok(index(raw)),
        (_, true) => image(media_type, raw).map_err(bad),
        _ if !media_type.is_empty() || raw.blobs.is_some() => {
            Ok(Document::NotAnImage { what: describe(raw.artifact_type, &media_type, &[]) })
        }
        _ if raw.manifests.is_some() => Ok(index(raw)),
        _ if raw.config.is_some() => image(media_type::OCI_MANIFEST.to_owned(), raw).map_err(bad),
        _ => Err(bad("it has neither `config` and `layers` nor `manifests`".to_owned())),
    }
}

/// The media type of a document: its own word if it has one, else the source's if that means anything.
/// Empty if neither says.
fn settle_media_type<'a>(stated: &'a str, raw: &'a RawDocument) -> Result<&'a str, Error> {
    let stated = stated.split(';').next().unwrap_or_default().trim();
    let known = |media_type: &str| is_index(media_type) || is_manifest(media_type) || is_schema1(media_type);
    let inner = raw.media_type.as_deref().unwrap_or_default();
    if known(stated) && known(inner) && stated != inner {
        let why = format!("it is served as {stated} and says it is {inner}");
        return Err(Error::BadManifest { what: "the document".to_owned(), why });
    }
    Ok(match (inner.is_empty(), known(stated)) {
        (false, _) => inner,
        (true, true) => stated,
        // Registries without a notion of manifests say application/json or octet-stream.
        (true, false) => "",
    })
}

/// The media type to report for a document that came with `stated`, found as [`parse_document`] finds it.
pub(crate) fn media_type_of(stated: &str, bytes: &[u8]) -> String {
    let Ok(raw) = parse_object::<RawDocument>(bytes) else { return stated.to_owned() };
    match settle_media_type(stated, &raw) {
        Ok("") if raw.manifests.is_some() => media_type::OCI_INDEX.to_owned(),
        Ok("") if raw.config.is_some() => media_type::OCI_MANIFEST.to_owned(),
        Ok("") | Err(_) => stated.to_owned(),
        Ok(settled) => settled.to_owned(),
    }
}

fn is_index(media_type: &str) -> bool {
    matches!(media_type, media_type::OCI_INDEX | media_type::DOCKER_LIST)
}

fn is_manifest(media_type: &str) -> bool {
    matches!(media_type, media_type::OCI_MANIFEST | media_type::DOCKER_MANIFEST)
}

fn is_schema1(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.docker.distribution.manifest.v1+")
}

pub(crate) fn is_image_config(media_type: &str) -> bool {
    matches!(media_type, media_type::OCI_CONFIG | media_type::DOCKER_CONFIG)
}

/// Docker 1.10 and some proxies stored configs under types that say nothing, and Docker still takes them for
/// images (moby, `distribution/pull_v2.go`). OCI manifests have no such past.
fn may_be_image_config(manifest: &str, config: &str) -> bool {
    let silent = matches!(config, "application/octet-stream" | "application/json" | "text/html");
    config.is_empty() || is_image_config(config) || (silent && manifest == media_type::DOCKER_MANIFEST)
}

fn image(media_type: String, raw: RawDocument) -> Result<Document, String> {
    let config = raw.config.ok_or("an image manifest without `config`")?.into_descriptor();
    let layers: Vec<Descriptor> =
        raw.layers.unwrap_or_default().into_iter().map(RawDescriptor::into_descriptor).collect();
    if layers.len() > MAX_LAYERS {
        return Err(format!("{} layers; the limit is {MAX_LAYERS}", layers.len()));
    }
    let artifact_type = raw.artifact_type.filter(|artifact_type| !artifact_type.is_empty());
    // Cosign, BuildKit attestations and SBOM tools hide behind an image config; their layers give them away.
    let no_layer =
        |layer: &Descriptor| artifact_name(&layer.media_type).is_some() || layer.media_type.ends_with("json");
    let artifact = artifact_type.as_deref().is_some_and(|artifact_type| !is_image_config(artifact_type));
    if artifact || layers.iter().any(no_layer) || !may_be_image_config(&media_type, &config.media_type) {
        return Ok(Document::NotAnImage { what: describe(artifact_type, &config.media_type, &layers) });
    }
    Ok(Document::Image(Manifest { media_type, config, layers, artifact_type }))
}

/// Go writes an empty list as null, so an index may say it has no manifests in three ways.
fn index(raw: RawDocument) -> Document {
    let manifests = raw.manifests.unwrap_or_default();
    Document::Index(manifests.into_iter().map(RawDescriptor::into_entry).collect())
}

fn artifact_name(media_type: &str) -> Option<&'static str> {
    ARTIFACTS.iter().find(|(prefix, _)| media_type.starts_with(prefix)).map(|(_, name)| *name)
}

fn describe(artifact_type: Option<String>, media_type: &str, layers: &[Descriptor]) -> String {
    let artifact_type = artifact_type.unwrap_or_default();
    let types =
        [artifact_type.as_str(), media_type].into_iter().chain(layers.iter().map(|l| l.media_type.as_str()));
    if let Some(name) = types.clone().find_map(artifact_name) {
        return name.to_owned();
    }
    let stated = types.into_iter().find(|t| !t.is_empty() && !is_image_config(t)).unwrap_or("unknown");
    format!("an artifact of type {}", stated.chars().take(200).collect::<String>())
}

impl RawDescriptor {
    fn into_descriptor(self) -> Descriptor {
        Descriptor { media_type: self.media_type.unwrap_or_default(), digest: self.digest, size: self.size }
    }

    fn into_entry(mut self) -> IndexEntry {
        let platform = self.platform.take().and_then(RawPlatform::into_platform);
        let annotations = self.annotations.take().unwrap_or_default();
        IndexEntry {
            platform,
            artifact_type: self.artifact_type.take(),
            annotations: annotations.into_iter().map(|(k, v)| (k, v.unwrap_or_default())).collect(),
            descriptor: self.into_descriptor(),
        }
    }
}

impl RawPlatform {
    fn into_platform(self) -> Option<Platform> {
        let (os, architecture) = (self.os?, self.architecture?);
        (!os.is_empty() && !architecture.is_empty())
            .then(|| Platform::new(&os, &architecture, self.variant.as_deref()))
    }
}

#[cfg(test)]
mod tests;
