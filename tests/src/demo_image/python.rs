//! Python distributions, as pip installs wheels.

use crate::image::Layer;

const SITE_PACKAGES: &str = "usr/local/lib/python3.11/site-packages";

/// The layer of `pip install`.
pub(super) fn site_packages() -> Layer {
    let layer = Layer::new("RUN pip install --no-cache-dir -r requirements.txt").directories(SITE_PACKAGES);
    [
        ("Django", "3.2", "BSD-3-Clause"),
        ("Flask", "0.12.2", "BSD"),
        ("Jinja2", "2.10", "BSD"),
        ("requests", "2.19.1", "Apache 2.0"),
        ("urllib3", "1.23", "MIT"),
    ]
    .into_iter()
    .fold(layer, |layer, (name, version, license)| distribution(layer, SITE_PACKAGES, name, version, license))
}

/// One distribution with its module and its dist-info.
pub(super) fn distribution(layer: Layer, place: &str, name: &str, version: &str, license: &str) -> Layer {
    let module = name.to_lowercase();
    let info = format!("{name}-{version}.dist-info");
    let metadata = format!(
        "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: {license}\nSummary: {name}\n\n"
    );
    let record = format!("{module}/__init__.py,,\n{info}/METADATA,,\n{info}/INSTALLER,,\n{info}/RECORD,,\n");
    layer
        .directories(&format!("{place}/{module}"))
        .file(&format!("{place}/{module}/__init__.py"), format!("__version__ = \"{version}\"\n"))
        .directories(&format!("{place}/{info}"))
        .file(&format!("{place}/{info}/METADATA"), metadata)
        .file(&format!("{place}/{info}/INSTALLER"), "pip\n")
        .file(&format!("{place}/{info}/RECORD"), record)
}
