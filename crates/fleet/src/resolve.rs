//! From a reference to one image: manifest, config, platform.

use async_trait::async_trait;
use bytes::Bytes;
use plimsoll_oci::{
    BlobStream, Document, Fetched, IndexEntry, Source, digest_of, parse_config, parse_document, rivals,
    select_platform,
};
use plimsoll_store::Key;
use plimsoll_types::{BlindKind, BlindSpot, Descriptor, Digest, ImageConfig, Manifest, Platform};

use crate::keep::keep;
use crate::{Engine, Error};

/// An image, pinned: no later step reads the reference again.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Digest of the image's manifest.
    pub digest: Digest,
    /// Digest of the index the reference named, if it named one.
    pub index: Option<Digest>,
    /// The image's platform.
    pub platform: Platform,
    /// What else the index offers.
    pub other_platforms: Vec<Platform>,
    /// The manifest.
    pub manifest: Manifest,
    /// The config.
    pub config: ImageConfig,
    /// What manifest and config already say that nobody will see.
    pub blind_spots: Vec<BlindSpot>,
}

impl Resolved {
    /// An error if the image stands alone and is for another platform than the one asked for by name.
    pub fn must_be_for(&self, wanted: &Platform) -> Result<(), plimsoll_oci::Error> {
        let same = (&wanted.os, &wanted.architecture) == (&self.platform.os, &self.platform.architecture);
        if self.index.is_some() || same {
            return Ok(());
        }
        let (wanted, available) = (wanted.clone(), vec![self.platform.clone()]);
        Err(plimsoll_oci::Error::NoSuchPlatform { wanted, available })
    }
}

/// What a reference named when it was looked at: no later step reads a tag.
#[derive(Clone, Debug)]
pub(crate) struct Pinned {
    top: Fetched,
    document: Document,
}

impl Pinned {
    /// Digest of the index, if it is one.
    pub(crate) fn index(&self) -> Option<Digest> {
        matches!(self.document, Document::Index(_)).then_some(self.top.descriptor.digest)
    }

    /// The platforms an index offers images for, attestations left out; empty for an image that stands alone.
    pub(crate) fn platforms(&self) -> Vec<Platform> {
        let mut platforms: Vec<Platform> = self
            .entries()
            .iter()
            .filter(|entry| !entry.is_attestation())
            .filter_map(|entry| entry.platform.clone())
            .collect();
        platforms.sort();
        platforms.dedup();
        platforms
    }

    /// Puts what was pinned into the store.
    pub(crate) async fn keep(&self, engine: &Engine) -> Result<(), Error> {
        keep_manifest(engine, &self.top).await
    }

    fn entries(&self) -> &[IndexEntry] {
        match &self.document {
            Document::Index(entries) => entries,
            _ => &[],
        }
    }
}

/// Looks at what `source` names.
pub(crate) async fn pin(source: &dyn Source) -> Result<Pinned, Error> {
    let top = source.resolve().await?;
    let document = document(&top)?;
    Ok(Pinned { top, document })
}

/// Resolves what `source` names to the image for `platform`. Manifest, index and config end in the store.
pub async fn resolve(engine: &Engine, source: &dyn Source, platform: &Platform) -> Result<Resolved, Error> {
    let pinned = pin(source).await?;
    let ((), image) = tokio::try_join!(pinned.keep(engine), image(engine, source, &pinned, platform))?;
    Ok(image)
}

/// The image for `platform` of what was pinned. Its manifest and config end in the store; a manifest that was pinned
/// itself has to be put there by [`Pinned::keep`].
pub(crate) async fn image(
    engine: &Engine,
    source: &dyn Source,
    pinned: &Pinned,
    platform: &Platform,
) -> Result<Resolved, Error> {
    let entry = match &pinned.document {
        Document::Index(entries) => Some(select_platform(entries, platform)?),
        _ => None,
    };
    assemble(engine, source, pinned, entry, None).await
}

/// An image that was resolved before, from what is in the store; `config` is the digest of its config.
pub async fn recall(
    engine: &Engine,
    index: Option<Digest>,
    manifest: Digest,
    config: Digest,
) -> Result<Resolved, Error> {
    let mut engine = engine.clone();
    engine.answers_from_store = true;
    // Nobody waits for two gets one after the other.
    let (top, config) = tokio::try_join!(
        stored_manifest(&engine, index.unwrap_or(manifest)),
        stored_config(&engine, config)
    )?;
    let pinned = Pinned { document: document(&top)?, top };
    let entry = pinned.entries().iter().find(|entry| entry.descriptor.digest == manifest);
    assemble(&engine, &Nowhere, &pinned, entry, config).await
}

/// Manifest and config of an image, and what they and the index say. `at_hand` is what may be the config.
async fn assemble(
    engine: &Engine,
    source: &dyn Source,
    pinned: &Pinned,
    entry: Option<&IndexEntry>,
    at_hand: Option<Bytes>,
) -> Result<Resolved, Error> {
    let mut blind_spots = Vec::new();
    let (fetched, mut other_platforms) = match entry {
        Some(entry) => {
            blind_spots.extend(ambiguous(pinned.entries(), entry));
            let fetched = manifest(engine, source, entry.descriptor.digest).await?;
            (fetched, other_platforms(pinned.entries(), entry))
        }
        None => (pinned.top.clone(), Vec::new()),
    };
    let manifest = match document(&fetched)? {
        Document::Image(manifest) => manifest,
        Document::Index(_) => return Err(not_an_image(&fetched, "an index inside an index").into()),
        Document::NotAnImage { what } => return Err(not_an_image(&fetched, &what).into()),
    };
    let config = match at_hand.filter(|bytes| digest_of(bytes) == manifest.config.digest) {
        Some(bytes) => bytes,
        None => config_bytes(engine, source, &manifest.config).await?,
    };
    let config = parse_config(&config).map_err(|error| error.about(manifest.config.digest))?;
    if config.diff_ids.len() != manifest.layers.len() {
        return Err(Error::LayerCount { manifest: manifest.layers.len(), config: config.diff_ids.len() });
    }
    blind_spots.extend(blind_spots_of(&manifest, &config));
    // Where index and config disagree the config is what the runtime would run.
    let named = entry.and_then(|entry| entry.platform.as_ref());
    if named.is_some_and(|named| *named != config.platform) {
        other_platforms.retain(|other| *other != config.platform);
    }
    Ok(Resolved {
        digest: fetched.descriptor.digest,
        index: pinned.index(),
        platform: config.platform.clone(),
        other_platforms,
        blind_spots,
        manifest,
        config,
    })
}

/// A manifest an index lists.
async fn manifest(engine: &Engine, source: &dyn Source, digest: Digest) -> Result<Fetched, Error> {
    if engine.answers_from_store {
        match stored_manifest(engine, digest).await {
            Err(Error::Vanished { .. }) => {}
            stored => return stored,
        }
    }
    let fetched = source.manifest(&digest).await?;
    keep_manifest(engine, &fetched).await?;
    Ok(fetched)
}

/// A manifest or index of the store. What is damaged is removed and counts as not there.
async fn stored_manifest(engine: &Engine, digest: Digest) -> Result<Fetched, Error> {
    let key = Key::Manifest(digest);
    if let Some(bytes) = engine.store.get(&key, None).await? {
        if digest_of(&bytes) == digest {
            // Without the word of a registry the document says itself what it is.
            let descriptor = Descriptor { media_type: String::new(), digest, size: bytes.len() as u64 };
            return Ok(Fetched { descriptor, bytes });
        }
        engine.store.delete(&key).await?;
    }
    Err(Error::Vanished { key: key.path() })
}

/// The source of an image nobody may be asked for any more.
struct Nowhere;

fn vanished(what: &Digest) -> plimsoll_oci::Error {
    let detail = "it has vanished from the store; scan the image again".to_owned();
    plimsoll_oci::Error::NotFound { what: what.to_string(), detail }
}

#[async_trait]
impl Source for Nowhere {
    async fn resolve(&self) -> Result<Fetched, plimsoll_oci::Error> {
        let detail = "a pinned image is not resolved again".to_owned();
        Err(plimsoll_oci::Error::NotFound { what: "the reference".to_owned(), detail })
    }

    async fn manifest(&self, digest: &Digest) -> Result<Fetched, plimsoll_oci::Error> {
        Err(vanished(digest))
    }

    async fn config(&self, descriptor: &Descriptor) -> Result<Bytes, plimsoll_oci::Error> {
        Err(vanished(&descriptor.digest))
    }

    async fn blob(&self, descriptor: &Descriptor) -> Result<BlobStream, plimsoll_oci::Error> {
        Err(vanished(&descriptor.digest))
    }
}

fn document(fetched: &Fetched) -> Result<Document, plimsoll_oci::Error> {
    parse_document(&fetched.descriptor.media_type, &fetched.bytes)
        .map_err(|error| error.about(fetched.descriptor.digest))
}

fn not_an_image(fetched: &Fetched, kind: &str) -> plimsoll_oci::Error {
    plimsoll_oci::Error::NotAnImage { what: fetched.descriptor.digest.to_string(), kind: kind.to_owned() }
}

async fn keep_manifest(engine: &Engine, fetched: &Fetched) -> Result<(), Error> {
    keep(engine, &Key::Manifest(fetched.descriptor.digest), fetched.bytes.clone()).await
}

async fn config_bytes(engine: &Engine, source: &dyn Source, config: &Descriptor) -> Result<Bytes, Error> {
    if engine.answers_from_store
        && let Some(bytes) = stored_config(engine, config.digest).await?
    {
        return Ok(bytes);
    }
    let bytes = source.config(config).await?;
    keep(engine, &Key::Config(config.digest), bytes.clone()).await?;
    Ok(bytes)
}

/// A config of the store. What is damaged is removed and counts as not there.
async fn stored_config(engine: &Engine, digest: Digest) -> Result<Option<Bytes>, Error> {
    let key = Key::Config(digest);
    let bytes = engine.store.get(&key, None).await?;
    if bytes.as_ref().is_none_or(|bytes| digest_of(bytes) == digest) {
        return Ok(bytes);
    }
    engine.store.delete(&key).await?;
    Ok(None)
}

fn other_platforms(entries: &[IndexEntry], chosen: &IndexEntry) -> Vec<Platform> {
    let mut others: Vec<Platform> = entries
        .iter()
        .filter(|entry| entry.descriptor.digest != chosen.descriptor.digest && !entry.is_attestation())
        .filter_map(|entry| entry.platform.clone())
        .collect();
    others.sort();
    others.dedup();
    others
}

/// Several images for one platform. The first is taken, as container runtimes do; that another may run is said.
fn ambiguous(entries: &[IndexEntry], chosen: &IndexEntry) -> Option<BlindSpot> {
    let rivals = rivals(entries, chosen);
    let others: Vec<String> =
        rivals.iter().take(3).map(|entry| entry.descriptor.digest.to_string()).collect();
    let platform = chosen.platform.as_ref().filter(|_| !others.is_empty())?;
    let message = format!(
        "the index offers {} images for {platform}; the first was judged, which is the one most runtimes take, and not {}; \
         name an image by its digest",
        rivals.len() + 1,
        others.join(", "),
    );
    Some(BlindSpot::new(BlindKind::AmbiguousPlatform, platform.to_string(), message))
}

fn blind_spots_of(manifest: &Manifest, config: &ImageConfig) -> Vec<BlindSpot> {
    let mut spots = Vec::new();
    if config.platform.os == "windows" {
        let message = "Windows images are not understood: registry hives and updates are not read";
        spots.push(BlindSpot::new(BlindKind::Windows, config.platform.to_string(), message));
    }
    for (index, layer) in manifest.layers.iter().enumerate() {
        if is_encrypted(layer) {
            let message = format!("layer {index} is encrypted; scan the image before it is encrypted");
            let spot = BlindSpot::new(BlindKind::EncryptedLayer, layer.digest.to_string(), message);
            spots.push(BlindSpot { layer: Some(index as u32), ..spot });
        }
    }
    spots
}

/// ocicrypt marks encrypted layers in their media type.
pub(crate) fn is_encrypted(layer: &Descriptor) -> bool {
    layer.media_type.ends_with("+encrypted")
}
