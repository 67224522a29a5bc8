//! Images in files: OCI layouts and archives, and what `docker save` writes.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use serde_json::{Value, json};

use super::{Blob, Entry, Image, Layer};

/// Writes `images` by tag as an OCI layout (OCI image-spec, image-layout.md) into `directory`.
pub fn oci_layout(directory: &Path, images: &[(&str, &Image)]) -> io::Result<()> {
    for (path, bytes) in layout_files(images) {
        let path = directory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}

/// Writes an OCI layout as one tar.
pub fn oci_archive(file: &Path, images: &[(&str, &Image)]) -> io::Result<()> {
    write_tar(file, &layout_files(images))
}

/// Writes what `docker save` writes since Docker 25: an OCI layout, and a manifest.json that points into it.
pub fn docker_archive(file: &Path, images: &[(&str, &Image)]) -> io::Result<()> {
    let blob = |hex: &str| format!("blobs/sha256/{hex}");
    let manifest: Vec<_> = images
        .iter()
        .map(|(tag, image)| {
            let layers: Vec<_> = image.layers.iter().map(|layer| blob(hex(&layer.diff_id))).collect();
            json!({"Config": blob(image.config.hex()), "RepoTags": [tag], "Layers": layers})
        })
        .collect();
    let mut files = vec![("manifest.json".to_owned(), Value::from(manifest).to_string().into_bytes())];
    let mut seen = BTreeSet::new();
    for (_, image) in images {
        files.push((blob(image.config.hex()), image.config.bytes.to_vec()));
        for layer in image.layers.iter().filter(|layer| seen.insert(layer.diff_id.clone())) {
            files.push((blob(hex(&layer.diff_id)), layer.tar.to_vec()));
        }
    }
    write_tar(file, &files)
}

/// Writes what `docker save` wrote before: a directory per layer, and `<config digest>.json`.
pub fn docker_archive_old(file: &Path, images: &[(&str, &Image)]) -> io::Result<()> {
    let mut files = Vec::new();
    let mut manifest = Vec::new();
    let mut repositories = json!({});
    let mut seen = BTreeSet::new();
    for (tag, image) in images {
        let layer_path = |diff_id: &str| format!("{}/layer.tar", hex(diff_id));
        for layer in image.layers.iter().filter(|layer| seen.insert(layer.diff_id.clone())) {
            let id = hex(&layer.diff_id);
            files.push((format!("{id}/VERSION"), b"1.0".to_vec()));
            files.push((format!("{id}/json"), json!({"id": id}).to_string().into_bytes()));
            files.push((layer_path(&layer.diff_id), layer.tar.to_vec()));
        }
        let config = format!("{}.json", image.config.hex());
        let layers: Vec<_> = image.layers.iter().map(|layer| layer_path(&layer.diff_id)).collect();
        manifest.push(json!({"Config": config, "RepoTags": [tag], "Layers": layers}));
        files.push((config, image.config.bytes.to_vec()));
        if let (Some((name, version)), Some(top)) = (tag.rsplit_once(':'), image.layers.last()) {
            repositories[name][version] = hex(&top.diff_id).into();
        }
    }
    files.push(("manifest.json".to_owned(), Value::from(manifest).to_string().into_bytes()));
    files.push(("repositories".to_owned(), repositories.to_string().into_bytes()));
    write_tar(file, &files)
}

fn hex(digest: &str) -> &str {
    digest.trim_start_matches("sha256:")
}

fn layout_files(images: &[(&str, &Image)]) -> Vec<(String, Vec<u8>)> {
    let descriptor = |(tag, image): &(&str, &Image)| {
        let mut descriptor = image.manifest.descriptor();
        descriptor["platform"] = json!({"architecture": image.architecture, "os": "linux"});
        descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        descriptor
    };
    let manifests: Vec<_> = images.iter().map(descriptor).collect();
    let index = json!({"schemaVersion": 2, "manifests": manifests});
    let mut files = vec![
        ("oci-layout".to_owned(), b"{\"imageLayoutVersion\":\"1.0.0\"}".to_vec()),
        ("index.json".to_owned(), index.to_string().into_bytes()),
    ];
    let mut seen = BTreeSet::new();
    let blobs = images.iter().flat_map(|(_, image)| image.blobs());
    let file = |blob: &Blob| (format!("blobs/sha256/{}", blob.hex()), blob.bytes.to_vec());
    files.extend(blobs.filter(|blob| seen.insert(blob.digest.clone())).map(file));
    files
}

fn write_tar(path: &Path, files: &[(String, Vec<u8>)]) -> io::Result<()> {
    let tar =
        files.iter().fold(Layer::default(), |tar, (name, content)| tar.entry(&Entry::file(name, content)));
    fs::write(path, tar.to_tar())
}
