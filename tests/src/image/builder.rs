//! An image: layers, config, manifest; and the index over several.

use bytes::Bytes;
use plimsoll_types::media_type;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{CREATED, Compression, Layer};

/// Bytes under their digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// `sha256:<hex>`.
    pub digest: String,
    /// Media type, as descriptors state it.
    pub media_type: String,
    /// The bytes.
    pub bytes: Bytes,
}

impl Blob {
    /// The blob of these bytes.
    pub fn new(media_type: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { digest: digest(&bytes), media_type: media_type.to_owned(), bytes }
    }

    fn json(media_type: &str, value: &Value) -> Self {
        Self::new(media_type, value.to_string().into_bytes())
    }

    /// The 64 digits.
    pub fn hex(&self) -> &str {
        self.digest.trim_start_matches("sha256:")
    }

    /// The descriptor of this blob.
    pub fn descriptor(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest, "size": self.bytes.len()})
    }
}

fn digest(bytes: &[u8]) -> String {
    plimsoll_types::Digest::from_bytes(Sha256::digest(bytes).into()).to_string()
}

/// A layer of a finished image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerBlob {
    /// The compressed layer.
    pub blob: Blob,
    /// The uncompressed layer.
    pub tar: Bytes,
    /// Digest of the uncompressed layer.
    pub diff_id: String,
}

/// A finished image of one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// `architecture`.
    pub architecture: String,
    /// The manifest.
    pub manifest: Blob,
    /// The config.
    pub config: Blob,
    /// The layers, lowest first.
    pub layers: Vec<LayerBlob>,
}

impl Image {
    /// Manifest, config and layers.
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        [&self.manifest, &self.config].into_iter().chain(self.layers.iter().map(|layer| &layer.blob))
    }
}

/// A layer of an image in the making.
#[derive(Clone, Debug)]
enum Part {
    Made(Layer),
    Ready(LayerBlob),
}

/// An image in the making.
#[derive(Clone, Debug)]
pub struct ImageBuilder {
    architecture: String,
    layers: Vec<Part>,
    history: Vec<Value>,
    config: Map<String, Value>,
    docker: bool,
}

impl ImageBuilder {
    /// An image for linux on `architecture`, without layers.
    pub fn new(architecture: &str) -> Self {
        Self {
            architecture: architecture.to_owned(),
            layers: Vec::new(),
            history: Vec::new(),
            config: Map::new(),
            docker: false,
        }
    }

    /// Adds a layer and its line of history.
    pub fn layer(mut self, layer: Layer) -> Self {
        self.history.push(json!({"created": CREATED, "created_by": layer.created_by}));
        self.layers.push(Part::Made(layer));
        self
    }

    /// Adds the layer of another image, which is not compressed again, and a line of history.
    pub fn ready(mut self, created_by: &str, layer: &LayerBlob) -> Self {
        self.history.push(json!({"created": CREATED, "created_by": created_by}));
        self.layers.push(Part::Ready(layer.clone()));
        self
    }

    /// Adds a line of history that made no layer.
    pub fn history(mut self, created_by: &str) -> Self {
        self.history.push(json!({"created": CREATED, "created_by": created_by, "empty_layer": true}));
        self
    }

    /// Forgets the history so far: one that fits no layers.
    pub fn without_history(mut self) -> Self {
        self.history.clear();
        self
    }

    /// Sets a field of the config's `config` object, such as `Env` or `User`.
    pub fn config(mut self, key: &str, value: Value) -> Self {
        self.config.insert(key.to_owned(), value);
        self
    }

    /// Media types of Docker's schema 2 in place of OCI's.
    pub fn docker(mut self) -> Self {
        self.docker = true;
        self
    }

    /// The finished image.
    pub fn build(self) -> Image {
        let layer = |part: &Part| match part {
            Part::Made(layer) => self.layer_blob(layer),
            Part::Ready(layer) => layer.clone(),
        };
        let layers: Vec<_> = self.layers.iter().map(layer).collect();
        let diff_ids: Vec<_> = layers.iter().map(|layer| &layer.diff_id).collect();
        let config = json!({
            "architecture": self.architecture,
            "os": "linux",
            "created": CREATED,
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": self.history,
        });
        let (config_type, manifest_type) = if self.docker {
            (media_type::DOCKER_CONFIG, media_type::DOCKER_MANIFEST)
        } else {
            (media_type::OCI_CONFIG, media_type::OCI_MANIFEST)
        };
        let config = Blob::json(config_type, &config);
        let descriptors: Vec<_> = layers.iter().map(|layer| layer.blob.descriptor()).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": manifest_type,
            "config": config.descriptor(),
            "layers": descriptors,
        });
        let manifest = Blob::json(manifest_type, &manifest);
        Image { architecture: self.architecture, manifest, config, layers }
    }

    fn layer_blob(&self, layer: &Layer) -> LayerBlob {
        let tar = Bytes::from(layer.to_tar());
        let default = match (self.docker, layer.compression) {
            (true, Compression::Gzip | Compression::GzipMembers) => media_type::DOCKER_LAYER_GZIP,
            _ => layer.compression.media_type(),
        };
        let media_type = layer.media_type.as_deref().unwrap_or(default);
        let blob = Blob::new(media_type, layer.compression.compress(&tar));
        LayerBlob { blob, diff_id: digest(&tar), tar }
    }
}

/// An index over images; `attested` adds to each the attestation manifest that BuildKit would.
pub fn index(images: &[&Image], attested: bool) -> (Blob, Vec<Blob>) {
    let mut manifests = Vec::new();
    let mut more = Vec::new();
    for image in images {
        let mut descriptor = image.manifest.descriptor();
        descriptor["platform"] = json!({"architecture": image.architecture, "os": "linux"});
        manifests.push(descriptor);
    }
    for image in images.iter().filter(|_| attested) {
        let (manifest, blobs) = attestation();
        let mut descriptor = manifest.descriptor();
        descriptor["platform"] = json!({"architecture": "unknown", "os": "unknown"});
        descriptor["annotations"] = json!({
            "vnd.docker.reference.digest": image.manifest.digest,
            "vnd.docker.reference.type": "attestation-manifest",
        });
        manifests.push(descriptor);
        more.push(manifest);
        more.extend(blobs);
    }
    let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests});
    (Blob::json(media_type::OCI_INDEX, &index), more)
}

fn attestation() -> (Blob, Vec<Blob>) {
    let statement = Blob::new(
        "application/vnd.in-toto+json",
        &b"{\"predicateType\":\"https://slsa.dev/provenance/v0.2\"}"[..],
    );
    let config = json!({
        "architecture": "unknown",
        "os": "unknown",
        "rootfs": {"type": "layers", "diff_ids": [statement.digest]},
    });
    let config = Blob::json(media_type::OCI_CONFIG, &config);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": config.descriptor(),
        "layers": [statement.descriptor()],
    });
    (Blob::json(media_type::OCI_MANIFEST, &manifest), vec![config, statement])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        let layer = Layer::new("COPY a /a").file("a", "content");
        ImageBuilder::new("amd64").layer(layer).history("CMD [\"/a\"]").build()
    }

    #[test]
    fn the_same_image_twice_is_the_same_bytes() {
        assert_eq!(image(), image());
    }

    #[test]
    fn digests_are_of_what_they_name() {
        let image = image();
        let manifest: Value = serde_json::from_slice(&image.manifest.bytes).unwrap();
        assert_eq!(manifest["layers"][0]["digest"], image.layers[0].blob.digest);
        let config: Value = serde_json::from_slice(&image.config.bytes).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], digest(&image.layers[0].tar));
        assert_ne!(image.layers[0].diff_id, image.layers[0].blob.digest);
    }

    #[test]
    fn a_layer_of_another_image_stays_as_it_is() {
        let first = image();
        let second =
            ImageBuilder::new("amd64").ready("COPY a /a", &first.layers[0]).config("User", "1".into());
        let second = second.build();
        assert_eq!(second.layers, first.layers);
        assert_ne!(second.manifest.digest, first.manifest.digest);
    }

    #[test]
    fn every_compression_is_another_blob_of_the_same_layer() {
        use Compression::{Gzip, GzipMembers, None, Zstd};
        let with = |compression| {
            let layer = Layer::new("").file("a", vec![7; 9000]).compression(compression);
            ImageBuilder::new("amd64").layer(layer).build().layers.remove(0)
        };
        let layers = [None, Gzip, GzipMembers, Zstd].map(with);
        let blobs: std::collections::BTreeSet<_> = layers.iter().map(|layer| &layer.blob.digest).collect();
        assert_eq!(blobs.len(), 4);
        assert!(layers.iter().all(|layer| layer.diff_id == layers[0].diff_id));
        assert_eq!(layers[0].blob.digest, layers[0].diff_id);
    }
}
