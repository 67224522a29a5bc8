//! From a reference to one image: manifest, config, platform.

use bytes::Bytes;
use plimsoll_oci::{
    Document, Fetched, IndexEntry, Source, digest_of, parse_config, parse_document, rivals, select_platform,
};
use plimsoll_store::Key;
use plimsoll_types::{BlindKind, BlindSpot, Descriptor, Digest, ImageConfig, Manifest, Platform};

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

/// Resolves what `source` names to the image for `platform`. Manifest, index and config end in the store.
pub async fn resolve(engine: &Engine, source: &dyn Source, platform: &Platform) -> Result<Resolved, Error> {
    let top = source.resolve().await?;
    keep_manifest(engine, &top).await?;
    let mut blind_spots = Vec::new();
    let (fetched, index, mut other_platforms, named) = match document(&top)? {
        Document::Index(entries) => {
            let entry = select_platform(&entries, platform)?;
            blind_spots.extend(ambiguous(&entries, entry));
            let fetched = source.manifest(&entry.descriptor.digest).await?;
            keep_manifest(engine, &fetched).await?;
            let others = other_platforms(&entries, entry);
            (fetched, Some(top.descriptor.digest), others, entry.platform.clone())
        }
        _ => (top, None, Vec::new(), None),
    };
    let manifest = match document(&fetched)? {
        Document::Image(manifest) => manifest,
        Document::Index(_) => return Err(not_an_image(&fetched, "an index inside an index").into()),
        Document::NotAnImage { what } => return Err(not_an_image(&fetched, &what).into()),
    };
    let config = parse_config(&config_bytes(engine, source, &manifest.config).await?)?;
    if config.diff_ids.len() != manifest.layers.len() {
        return Err(Error::LayerCount { manifest: manifest.layers.len(), config: config.diff_ids.len() });
    }
    blind_spots.extend(blind_spots_of(&manifest, &config));
    // Where index and config disagree the config is what the runtime would run.
    if named.is_some_and(|named| named != config.platform) {
        other_platforms.retain(|other| *other != config.platform);
    }
    Ok(Resolved {
        digest: fetched.descriptor.digest,
        index,
        platform: config.platform.clone(),
        other_platforms,
        blind_spots,
        manifest,
        config,
    })
}

fn document(fetched: &Fetched) -> Result<Document, plimsoll_oci::Error> {
    parse_document(&fetched.descriptor.media_type, &fetched.bytes)
}

fn not_an_image(fetched: &Fetched, kind: &str) -> plimsoll_oci::Error {
    plimsoll_oci::Error::NotAnImage { what: fetched.descriptor.digest.to_string(), kind: kind.to_owned() }
}

async fn keep_manifest(engine: &Engine, fetched: &Fetched) -> Result<(), Error> {
    engine
        .store
        .put_if_absent(&Key::Manifest(fetched.descriptor.digest), fetched.bytes.clone().into())
        .await?;
    Ok(())
}

async fn config_bytes(engine: &Engine, source: &dyn Source, config: &Descriptor) -> Result<Bytes, Error> {
    let key = Key::Config(config.digest);
    if let Some(bytes) = engine.store.get(&key, None).await? {
        if digest_of(&bytes) == config.digest {
            return Ok(bytes);
        }
        engine.store.delete(&key).await?;
    }
    let bytes = source.config(config).await?;
    engine.store.put_if_absent(&key, bytes.clone().into()).await?;
    Ok(bytes)
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
