//! What is scanned: images that share layers, made by us, and those of a corpus.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use plimsoll_tests::image::{Blob, Entry, Image, ImageBuilder, Layer};
use plimsoll_tests::registry::Registry;
use serde_json::Value;

/// Bytes in a layer that do not compress, so that pulling it takes several pieces.
const BALLAST: usize = 256 << 10;

/// Images in a registry.
pub(crate) struct Images {
    /// One for each scan.
    pub(crate) references: Vec<String>,
    /// The blobs of all their layers.
    pub(crate) layers: BTreeSet<String>,
}

/// Serves `count` images: those of the corpus, and as many of ours as are missing.
pub(crate) fn serve(registry: &Registry, count: usize, corpus: &[impl AsRef<Path>], seed: u64) -> Images {
    let mut images = Images { references: Vec::new(), layers: BTreeSet::new() };
    for layout in corpus {
        layouts(registry, layout.as_ref(), &mut images);
    }
    images.references.truncate(count);
    let bases: Vec<_> = (0..count.div_ceil(10)).map(|n| ballast(&format!("base{n}"), seed)).collect();
    let middles: Vec<_> = (0..count.div_ceil(3)).map(|n| ballast(&format!("middle{n}"), seed)).collect();
    for n in images.references.len()..count {
        let own = ballast(&format!("own{n}"), seed);
        let layers = [&bases[n % bases.len()], &middles[n % middles.len()], &own];
        let image = image(&layers);
        images.references.push(registry.push(&format!("app{n}"), "1", &image));
        images.layers.extend(image.layers.iter().map(|layer| layer.blob.digest.clone()));
    }
    images
}

fn image(layers: &[&Layer]) -> Image {
    let builder = ImageBuilder::new("amd64").config("User", "1000".into());
    layers.iter().map(|layer| (*layer).clone()).fold(builder, ImageBuilder::layer).build()
}

/// A layer that installs a Python package, and is slow to pull. One in four has a known vulnerability.
fn ballast(name: &str, seed: u64) -> Layer {
    let mut random = fastrand::Rng::with_seed(
        name.bytes().fold(seed, |seed, byte| seed.wrapping_mul(31) ^ u64::from(byte)),
    );
    let package = if random.u8(0..4) == 0 { "quay".to_owned() } else { name.to_owned() };
    let info = format!("usr/lib/python3/dist-packages/{package}-1.0.dist-info");
    let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(BALLAST).collect();
    Layer::new(&format!("RUN pip install {package}"))
        .directories(&info)
        .file(&format!("{info}/METADATA"), format!("Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"))
        .file(&format!("{info}/RECORD"), format!("{package}-1.0.dist-info/METADATA,,\n"))
        .entry(&Entry::file(format!("opt/{name}"), bytes))
}

/// Serves the images of an OCI layout that have layers and name a platform of ours.
fn layouts(registry: &Registry, layout: &Path, images: &mut Images) {
    let blob = |digest: &str| fs::read(layout.join("blobs").join(digest.replace(':', "/")));
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    let index = fs::read(layout.join("index.json"));
    let index = json(&index.unwrap_or_else(|error| panic!("CORPUS {}: {error}", layout.display())));
    for descriptor in index["manifests"].as_array().into_iter().flatten() {
        let digest = descriptor["digest"].as_str().unwrap_or_default();
        let Ok(bytes) = blob(digest) else { continue };
        let manifest = json(&bytes);
        let Some(layers) = manifest["layers"].as_array().filter(|layers| !layers.is_empty()) else {
            continue;
        };
        let digests: Vec<_> = layers.iter().filter_map(|layer| layer["digest"].as_str()).collect();
        let config = manifest["config"]["digest"].as_str().unwrap_or_default();
        for digest in digests.iter().copied().chain([config]) {
            let bytes = blob(digest).unwrap_or_else(|error| panic!("CORPUS {digest}: {error}"));
            registry.push_blob(Blob::new("application/octet-stream", bytes));
        }
        let media_type = descriptor["mediaType"].as_str().unwrap_or_default();
        let repository = format!("corpus{}", images.references.len());
        images.references.push(registry.push_manifest(&repository, "1", Blob::new(media_type, bytes)));
        images.layers.extend(digests.into_iter().map(str::to_owned));
    }
}
