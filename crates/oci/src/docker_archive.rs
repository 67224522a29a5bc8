//! `docker-archive:FILE`, what `docker save` writes, in its old and its new layout.
//!
//! Such an archive has no OCI manifest, so one is made, with true digests: an uncompressed layer's digest is
//! the diff_id its config claims (and whoever reads the layer verifies); a compressed one's is in its name in
//! the new layout, and is computed in the old one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use plimsoll_types::{Descriptor, Digest, Reference, media_type};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use crate::archive::{Extent, TarFile};
use crate::content::{check_size, digest_of, finish, verify_descriptor};
use crate::document::MAX_LAYERS;
use crate::synthesis::synthesise;
use crate::{BlobStream, Error, Fetched, Limits, Source, parse_config};

const INDEX: &str = "manifest.json";

pub(crate) struct DockerArchive {
    file: TarFile,
    tag: Option<String>,
    limits: Limits,
    image: OnceCell<Image>,
}

/// The image the reference names, looked up once.
struct Image {
    manifest: Fetched,
    config: (Digest, Bytes),
    layers: HashMap<Digest, Extent>,
}

/// One element of `manifest.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

impl DockerArchive {
    pub(crate) fn new(file: TarFile, tag: Option<String>, limits: Limits) -> Self {
        Self { file, tag, limits, image: OnceCell::new() }
    }

    async fn image(&self) -> Result<&Image, Error> {
        self.image.get_or_try_init(|| self.read_image()).await
    }

    async fn read_image(&self) -> Result<Image, Error> {
        let item = choose(self.items().await?, self.tag.as_deref(), &self.name())?;
        let config = self.file.read(&item.config, self.limits.config).await?;
        let config = config.ok_or_else(|| self.bad(format!("the config {:?} is missing", item.config)))?;
        let diff_ids = parse_config(&config)?.diff_ids;
        let names = item.layers.unwrap_or_default();
        if names.len() != diff_ids.len() {
            let why = format!("{INDEX} lists {} layers and the config {}", names.len(), diff_ids.len());
            return Err(self.bad(why));
        }
        if names.len() > MAX_LAYERS {
            return Err(self.bad(format!("{} layers; the limit is {MAX_LAYERS}", names.len())));
        }
        let mut layers = HashMap::new();
        let mut hashed = HashMap::new();
        let mut descriptors = Vec::new();
        for (name, diff_id) in names.iter().zip(diff_ids) {
            let extent = self.file.find(name);
            let extent = extent.ok_or_else(|| self.bad(format!("the layer {name:?} is missing")))?;
            let descriptor = self.layer(name, extent, diff_id, &mut hashed).await?;
            layers.insert(descriptor.digest, extent);
            descriptors.push(descriptor);
        }
        let config_descriptor = Descriptor {
            media_type: media_type::DOCKER_CONFIG.to_owned(),
            digest: digest_of(&config),
            size: config.len() as u64,
        };
        let manifest = synthesise(&config_descriptor, &descriptors);
        Ok(Image { manifest, config: (config_descriptor.digest, config), layers })
    }

    async fn items(&self) -> Result<Vec<Item>, Error> {
        if let Some(bytes) = self.file.read(INDEX, self.limits.manifest).await? {
            let items: Option<Vec<Item>> = serde_json::from_slice(&bytes)
                .map_err(|error| self.bad(format!("{INDEX} cannot be read: {error}")))?;
            return Ok(items.unwrap_or_default());
        }
        let why = if self.file.contains("index.json") {
            "it is an OCI archive; name it oci-archive:FILE"
        } else if self.file.contains("repositories") {
            "it was saved by a Docker older than 1.10; load it and save it again"
        } else {
            return Err(self.bad(format!("it has no {INDEX}, so it is not what `docker save` writes")));
        };
        Err(Error::Unsupported { what: self.file.path().display().to_string(), why: why.to_owned() })
    }

    /// The descriptor of one layer. `hashed` holds digests by offset, so that a member is read once however many
    /// layers it is said to be.
    async fn layer(
        &self,
        name: &str,
        extent: Extent,
        diff_id: Digest,
        hashed: &mut HashMap<u64, Digest>,
    ) -> Result<Descriptor, Error> {
        let head = self.file.head(extent, 4).await?;
        let media_type = match &head[..] {
            [0x1f, 0x8b, ..] => media_type::OCI_LAYER_GZIP,
            [0x28, 0xb5, 0x2f, 0xfd] => media_type::OCI_LAYER_ZSTD,
            _ => media_type::OCI_LAYER,
        };
        let in_name = name.strip_prefix("blobs/sha256/").map(|hex| format!("sha256:{hex}").parse());
        let digest = match in_name {
            _ if media_type == media_type::OCI_LAYER => diff_id,
            Some(Ok(digest)) => digest,
            _ => match hashed.entry(extent.offset) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(unknown) => *unknown.insert(self.hash(extent).await?),
            },
        };
        Ok(Descriptor { media_type: media_type.to_owned(), digest, size: extent.size })
    }

    async fn hash(&self, extent: Extent) -> Result<Digest, Error> {
        let mut hasher = Sha256::new();
        let mut stream = self.file.stream(extent);
        while let Some(chunk) = stream.next().await {
            hasher.update(&chunk?);
        }
        Ok(finish(hasher))
    }

    fn name(&self) -> String {
        format!("docker-archive:{}", self.file.path().display())
    }

    fn bad(&self, why: String) -> Error {
        Error::BadArchive { path: self.file.path().to_owned(), why }
    }

    fn missing(&self, digest: &Digest) -> Error {
        Error::NotFound { what: format!("{digest} in {}", self.name()), detail: String::new() }
    }
}

impl Item {
    /// What it can be named by: its tags, else the digest of its config, which is in the config's name.
    fn names(&self) -> Vec<String> {
        let tags: Vec<String> = self.repo_tags.iter().flatten().cloned().collect();
        if !tags.is_empty() {
            return tags;
        }
        let name = self.config.rsplit('/').next().unwrap_or_default();
        let hex = name.trim_end_matches(".json").trim_start_matches("sha256:");
        let id = format!("sha256:{hex}").parse::<Digest>();
        vec![id.map_or_else(|_| self.config.clone(), |id| id.to_string())]
    }
}

/// The item `tag` names, spelled as there or in full.
fn choose(mut items: Vec<Item>, tag: Option<&str>, what: &str) -> Result<Item, Error> {
    let names = |items: &[Item]| -> Vec<String> { items.iter().flat_map(Item::names).collect() };
    let Some(tag) = tag else {
        return match (items.len(), items.pop()) {
            (1, Some(item)) => Ok(item),
            (0, _) | (_, None) => {
                Err(Error::NotFound { what: what.to_owned(), detail: "it holds no image".to_owned() })
            }
            (_, Some(last)) => {
                items.push(last);
                Err(Error::Ambiguous { what: what.to_owned(), available: names(&items) })
            }
        };
    };
    let full = |name: &str| name.parse::<Reference>().ok();
    let wanted = full(tag);
    let is_wanted = |name: &String| name == tag || (wanted.is_some() && full(name) == wanted);
    match items.iter().position(|item| item.names().iter().any(is_wanted)) {
        Some(at) => Ok(items.swap_remove(at)),
        None => Err(Error::NotFound {
            what: format!("{what}:{tag}"),
            detail: format!("it holds {}", names(&items).join(", ")),
        }),
    }
}

#[async_trait]
impl Source for DockerArchive {
    async fn resolve(&self) -> Result<Fetched, Error> {
        Ok(self.image().await?.manifest.clone())
    }

    async fn manifest(&self, digest: &Digest) -> Result<Fetched, Error> {
        let manifest = &self.image().await?.manifest;
        if manifest.descriptor.digest == *digest { Ok(manifest.clone()) } else { Err(self.missing(digest)) }
    }

    async fn config(&self, descriptor: &Descriptor) -> Result<Bytes, Error> {
        let what = format!("config {}", descriptor.digest);
        check_size(&what, descriptor, self.limits.config)?;
        match &self.image().await?.config {
            (digest, bytes) if *digest == descriptor.digest => {
                verify_descriptor(&what, bytes.clone(), descriptor)
            }
            _ => Err(self.missing(&descriptor.digest)),
        }
    }

    async fn blob(&self, descriptor: &Descriptor) -> Result<BlobStream, Error> {
        let extent = self.image().await?.layers.get(&descriptor.digest);
        let extent = *extent.ok_or_else(|| self.missing(&descriptor.digest))?;
        if extent.size != descriptor.size {
            let what = format!("layer {}", descriptor.digest);
            return Err(Error::SizeMismatch { what, expected: descriptor.size, actual: extent.size });
        }
        Ok(self.file.stream(extent))
    }
}

#[cfg(test)]
mod tests;
