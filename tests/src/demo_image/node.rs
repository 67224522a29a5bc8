//! Node packages, as npm installs them.

use serde_json::json;

use crate::image::Layer;

const NODE_MODULES: &str = "srv/app/node_modules";

/// The layer of `npm ci`.
pub(super) fn modules() -> Layer {
    let application = json!({"name": "demo-frontend", "version": "1.0.0", "private": true});
    let layer = Layer::new("RUN npm ci --omit=dev")
        .directories(NODE_MODULES)
        .file("srv/app/package.json", application.to_string());
    [
        ("@types/node", "18.16.18"),
        ("axios", "0.18.0"),
        ("express", "4.16.4"),
        ("lodash", "4.17.10"),
        ("minimist", "1.2.0"),
    ]
    .into_iter()
    .fold(layer, |layer, (name, version)| package(layer, NODE_MODULES, name, version))
}

/// One package with its module.
pub(super) fn package(layer: Layer, place: &str, name: &str, version: &str) -> Layer {
    let directory = format!("{place}/{name}");
    let manifest = json!({"name": name, "version": version, "license": "MIT", "main": "index.js"});
    layer
        .directories(&directory)
        .file(&format!("{directory}/package.json"), manifest.to_string())
        .file(&format!("{directory}/index.js"), format!("module.exports = \"{name}\";\n"))
}
