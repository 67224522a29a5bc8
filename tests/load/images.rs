//! Images that share their layers, as those of one organisation do: a few bases, on them runtimes, dependencies and
//! applications. Layers are made once; an image is a choice of four of them and a config of its own.

use plimsoll_tests::image::{Image, ImageBuilder, LayerBlob};

use crate::layers::{self, Made};

/// Layers of each kind, lowest first.
const KINDS: [usize; 4] = [6, 8, 20, 14];

/// Every layer there is.
pub(crate) struct Shelf {
    layers: [Vec<Made>; 4],
}

impl Shelf {
    /// Makes the layers.
    pub(crate) fn fill() -> Self {
        let make: [fn(usize) -> Made; 4] =
            [layers::base, layers::runtime, layers::dependencies, layers::application];
        let mut layers = [const { Vec::new() }; 4];
        for ((shelf, make), count) in layers.iter_mut().zip(make).zip(KINDS) {
            shelf.extend((0..count).map(make));
        }
        Self { layers }
    }

    /// How many layers there are.
    pub(crate) fn len(&self) -> usize {
        self.layers.iter().map(Vec::len).sum()
    }

    /// Images that hold every layer between them.
    pub(crate) fn covering(&self, run: &str) -> Vec<Image> {
        let most = KINDS.iter().copied().max().unwrap_or_default();
        (0..most).map(|at| Self::assemble(&self.choice([at; 4]), &format!("{run} warm {at}"))).collect()
    }

    /// The image with this number in this run: no other run and no other number has the same manifest.
    pub(crate) fn image(&self, run: &str, number: usize) -> Image {
        Self::assemble(&self.numbered(number), &format!("{run} {number}"))
    }

    /// How many packages the image with this number has.
    pub(crate) fn packages(&self, number: usize) -> usize {
        self.numbered(number).iter().map(|made| made.packages).sum()
    }

    /// Spreads numbers over the combinations, so that neighbours share some layers and not all.
    fn numbered(&self, number: usize) -> [&Made; 4] {
        let [bases, runtimes, dependencies, _] = KINDS;
        self.choice([
            number,
            number / bases,
            number / bases / runtimes,
            number / bases / runtimes / dependencies + number,
        ])
    }

    fn choice(&self, at: [usize; 4]) -> [&Made; 4] {
        let [a, b, c, d] = &self.layers;
        [&a[at[0] % a.len()], &b[at[1] % b.len()], &c[at[2] % c.len()], &d[at[3] % d.len()]]
    }

    fn assemble(layers: &[&Made; 4], version: &str) -> Image {
        let image = ImageBuilder::new("amd64")
            .config("User", "1000".into())
            .config("Cmd", vec!["/srv/app/run"].into())
            .config("Labels", serde_json::json!({"org.opencontainers.image.version": version}));
        layers.iter().fold(image, |image, made| image.ready(made.created_by, &made.blob)).build()
    }
}

/// Images of `layers` small layers each that nobody else has.
pub(crate) fn small(run: &str, number: usize, layers: usize) -> Image {
    let image = ImageBuilder::new("amd64").config("User", "1000".into());
    (0..layers).fold(image, |image, at| image.layer(layers::small(&format!("{run}-{number}-{at}")))).build()
}

/// An image of layers that other images have, under a config of its own.
pub(crate) fn borrowed(run: &str, number: usize, layers: &[LayerBlob]) -> Image {
    let image = ImageBuilder::new("amd64")
        .config("User", "1000".into())
        .config("Labels", serde_json::json!({"org.opencontainers.image.version": format!("{run} {number}")}));
    layers.iter().fold(image, |image, layer| image.ready("COPY . /srv", layer)).build()
}
