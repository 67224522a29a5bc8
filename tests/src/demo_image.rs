//! The image `make demo` judges: an application on a Debian 12 of the middle of 2023, as many were built and are still
//! running, with well-known vulnerable versions in every ecosystem.
//!
//! Two tags share their lower layers: `1` as first built, `2` with an upgrading and a deleting layer on top. The contents
//! are ours, written from facts (names, versions, formats); no upstream file is in it, and none of it runs.

mod build_info;
mod debian;
mod java;
mod node;
mod python;

use serde_json::json;

use crate::image::{Compression, Image, ImageBuilder, Layer};

pub use build_info::{Section, compile};

/// Both tags of the demo image.
pub struct DemoImage {
    /// As first built: six layers.
    pub first: Image,
    /// With an upgrade and a clean-up on top: eight layers, of which six are the first's.
    pub second: Image,
}

impl DemoImage {
    /// Makes the image. Needs a C compiler (`cc`) for the two binaries with build info.
    pub fn build() -> anyhow::Result<Self> {
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        let base = ImageBuilder::new(architecture)
            .config("Env", json!(["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]))
            .config("Entrypoint", json!(["/usr/local/bin/server"]))
            .config("ExposedPorts", json!({"8080/tcp": {}, "22/tcp": {}}))
            .config("WorkingDir", json!("/srv/app"))
            .layer(debian::base(architecture))
            .history("CMD [\"bash\"]")
            .layer(python::site_packages())
            .layer(node::modules())
            .layer(java::archives()?)
            .layer(binaries()?)
            .layer(legacy())
            .history("EXPOSE 8080 22")
            .history("ENTRYPOINT [\"/usr/local/bin/server\"]");
        let first = base.clone().build();
        let second = base.layer(debian::upgrade(architecture)).layer(clean_up()).build();
        Ok(Self { first, second })
    }
}

/// A program with Go build info and one with cargo-auditable's list.
fn binaries() -> anyhow::Result<Layer> {
    let go = build_info::go(
        "go1.20.4",
        "example.com/demo/server",
        &[
            ("github.com/gorilla/mux", "v1.8.0"),
            ("golang.org/x/crypto", "v0.9.0"),
            ("golang.org/x/net", "v0.10.0"),
            ("google.golang.org/protobuf", "v1.30.0"),
        ],
    );
    let rust = build_info::cargo_auditable(&[
        ("demo-agent", "0.3.1"),
        ("chrono", "0.4.19"),
        ("openssl-src", "111.24.0+1.1.1s"),
        ("rustls-webpki", "0.101.1"),
        ("time", "0.1.43"),
    ]);
    let program = |path: &str, section: Section| {
        anyhow::Ok(crate::image::Entry::file(path, compile(&section)?).mode(0o755))
    };
    Ok(Layer::new("COPY bin/server bin/agent /usr/local/bin/")
        .directories("usr/local/bin")
        .entry(&program("usr/local/bin/server", go)?)
        .entry(&program("usr/local/bin/agent", rust)?))
}

/// What the last layer of the second tag deletes.
fn legacy() -> Layer {
    let legacy =
        Layer::new("COPY legacy/ /opt/legacy/").compression(Compression::Zstd).directories("opt/legacy");
    let legacy = node::package(legacy, "opt/legacy/node_modules", "qs", "6.5.2");
    let site_packages = "opt/legacy/lib/python3.11/site-packages";
    python::distribution(legacy.directories(site_packages), site_packages, "PyYAML", "5.3", "MIT")
}

/// Deletes one package by name, and a directory's content by an opaque marker.
fn clean_up() -> Layer {
    Layer::new("RUN rm -rf /srv/app/node_modules/minimist /opt/legacy/* && echo gone > /opt/legacy/README")
        .whiteout("srv/app/node_modules/minimist")
        .directories("opt/legacy")
        .opaque("opt/legacy")
        .file("opt/legacy/README", "gone\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tags_share_their_lower_layers() {
        let demo = match DemoImage::build() {
            Ok(demo) => demo,
            Err(error) => return println!("skipped: {error:#}"),
        };
        assert_eq!((demo.first.layers.len(), demo.second.layers.len()), (6, 8));
        assert_eq!(demo.first.layers[..], demo.second.layers[..6]);
    }
}
