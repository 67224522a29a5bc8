//! A registry as an organisation has it: repositories on a few bases, tags that share layers, and what is no image at all.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_tests::image::{Blob, Image, ImageBuilder, Layer, LayerBlob};
use plimsoll_tests::registry::Registry;
use plimsoll_types::{Digest, media_type};
use serde_json::json;

use crate::parameters::Parameters;

/// What a registry was filled with, and what is to be expected of it.
pub(crate) struct Generated {
    pub(crate) registry: Registry,
    /// Images and indexes, each once for each repository.
    pub(crate) images: usize,
    /// Manifests that are no images.
    pub(crate) not_images: usize,
    /// Tags whose manifests are broken.
    pub(crate) broken: usize,
    /// Sizes of the layers of all images, by digest.
    pub(crate) layers: BTreeMap<Digest, u64>,
    /// References of the images.
    pub(crate) references: Vec<String>,
}

/// So many bases, and so many runtimes on them.
const BASES: usize = 6;
const RUNTIMES: usize = 24;

impl Generated {
    pub(crate) fn new(parameters: &Parameters) -> Self {
        let mut made = Self {
            registry: Registry::start().expect("a registry on loopback"),
            images: 0,
            not_images: 0,
            broken: 0,
            layers: BTreeMap::new(),
            references: Vec::new(),
        };
        let mut random = fastrand::Rng::with_seed(7);
        let runtimes = runtimes(&mut random);
        let mut counted = BTreeSet::new();
        for number in 0..parameters.tags {
            let repository =
                format!("team-{}/app-{:03}", number % 7, number % parameters.repositories.max(1));
            let tag = format!("v{number}");
            match number % 100 {
                // 5 in 100 are charts, 2 are broken, and 3 are indexes.
                3 | 23 | 43 | 63 | 83 => {
                    made.registry.push_manifest(&repository, &tag, chart(number));
                    made.not_images += 1;
                }
                11 | 61 => {
                    made.registry.push_manifest(&repository, &tag, broken(number));
                    made.broken += 1;
                }
                17 | 37 | 77 => {
                    let images = ["amd64", "arm64"]
                        .map(|architecture| image(architecture, number, &runtimes, &mut random));
                    let reference =
                        made.registry.push_index(&repository, &tag, &images.iter().collect::<Vec<_>>(), true);
                    for image in &images {
                        made.count(image);
                    }
                    made.images += 1;
                    made.references.push(reference);
                }
                rest => {
                    let image = image("amd64", number, &runtimes, &mut random);
                    let reference = made.registry.push(&repository, &tag, &image);
                    made.count(&image);
                    if counted.insert((repository.clone(), image.manifest.digest.clone())) {
                        made.images += 1;
                        made.references.push(reference);
                    }
                    // One in ten has another name too, which makes it no other image.
                    if rest % 10 == 0 {
                        made.registry.push(&repository, &format!("latest-{number}"), &image);
                    }
                }
            }
        }
        made
    }

    fn count(&mut self, image: &Image) {
        for layer in &image.layers {
            let digest = layer.blob.digest.parse().expect("a digest");
            self.layers.insert(digest, layer.blob.bytes.len() as u64);
        }
    }
}

/// Stacks of layers that images are built on.
fn runtimes(random: &mut fastrand::Rng) -> Vec<Vec<LayerBlob>> {
    let bases: Vec<LayerBlob> =
        (0..BASES).map(|number| layer(&format!("base-{number}"), 200_000, random)).collect();
    let stack = |number: usize| {
        vec![bases[number % BASES].clone(), layer(&format!("runtime-{number}"), 100_000, random)]
    };
    (0..RUNTIMES).map(stack).collect()
}

/// A layer of its own, as a part of an image nobody serves.
fn layer(name: &str, bytes: usize, random: &mut fastrand::Rng) -> LayerBlob {
    let noise: Vec<u8> = (0..bytes).map(|_| random.u8(..)).collect();
    let layer = Layer::new(name).directories("srv").file(&format!("srv/{name}"), noise);
    ImageBuilder::new("amd64").layer(layer).build().layers.remove(0)
}

fn image(
    architecture: &str,
    number: usize,
    runtimes: &[Vec<LayerBlob>],
    random: &mut fastrand::Rng,
) -> Image {
    let stack = &runtimes[number % runtimes.len()];
    let builder =
        stack.iter().fold(ImageBuilder::new(architecture), |builder, layer| builder.ready("FROM", layer));
    let own = layer(&format!("app-{architecture}-{number}"), 4000 + random.usize(..20_000), random);
    builder.ready("COPY", &own).config("User", "1000".into()).build()
}

/// An image of one layer, another one for each number.
pub(crate) fn another(number: u64) -> Image {
    let mut random = fastrand::Rng::with_seed(number);
    let own = layer(&format!("another-{number}"), 1000, &mut random);
    ImageBuilder::new("amd64").ready("COPY", &own).config("User", "1000".into()).build()
}

/// What a Helm chart looks like.
fn chart(number: usize) -> Blob {
    let digest = Digest::from_bytes([number as u8; 32]).to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": digest, "size": 2},
        "layers": [],
        "annotations": {"number": number.to_string()},
    });
    Blob::new(media_type::OCI_MANIFEST, manifest.to_string().into_bytes())
}

/// A manifest that ends in the middle, or has no config.
fn broken(number: usize) -> Blob {
    let text = if number.is_multiple_of(2) {
        format!("{{\"schemaVersion\":2,\"number\":{number},")
    } else {
        format!("{{\"schemaVersion\":2,\"number\":{number},\"layers\":[]}}")
    };
    Blob::new(media_type::OCI_MANIFEST, text.into_bytes())
}
