//! Archives and layouts collected from other projects: each gives an image or a typed error.

use std::path::{Path, PathBuf};

use futures_util::TryStreamExt;
use plimsoll_oci::{Document, Options, Source, open, parse_config, parse_document};
use plimsoll_types::ImageSource;

/// What became of one sample.
async fn outcome(source: &ImageSource) -> String {
    match read(source).await {
        Ok(what) => what,
        Err(error) => {
            assert!(error.to_string().len() > error.kind().len(), "{source}: {error}");
            error.kind().to_owned()
        }
    }
}

async fn read(source: &ImageSource) -> Result<String, plimsoll_oci::Error> {
    let opened = open(source, &Options::default()).await?;
    let fetched = opened.resolve().await?;
    match parse_document(&fetched.descriptor.media_type, &fetched.bytes)? {
        Document::NotAnImage { what } => Ok(what),
        Document::Index(entries) => {
            for entry in &entries {
                drop(opened.manifest(&entry.descriptor.digest).await?);
            }
            Ok(format!("index of {}", entries.len()))
        }
        Document::Image(manifest) => {
            parse_config(&opened.config(&manifest.config).await?)?;
            for layer in &manifest.layers {
                assert_eq!(length(&*opened, layer).await?, layer.size);
            }
            Ok(format!("image of {}", manifest.layers.len()))
        }
    }
}

async fn length(source: &dyn Source, layer: &plimsoll_types::Descriptor) -> Result<u64, plimsoll_oci::Error> {
    let chunks = source.blob(layer).await?;
    chunks.try_fold(0, async |sum, chunk| Ok(sum + chunk.len() as u64)).await
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(dir).expect("the sample data can be listed");
    for path in entries.map(|entry| entry.expect("the sample data can be listed").path()) {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[tokio::test]
async fn every_sample_is_an_image_or_a_typed_error() {
    let Some(data) = std::env::var_os("PLIMSOLL_TEST_DATA") else {
        println!("skipped: PLIMSOLL_TEST_DATA does not name the sample data");
        return;
    };
    let root = PathBuf::from(data).join("images");
    let mut all = Vec::new();
    files(&root, &mut all);
    all.sort();
    let mut outcomes = std::collections::BTreeMap::new();
    for path in &all {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for source in [
            ImageSource::DockerArchive { path: path.clone(), tag: None },
            ImageSource::OciArchive { path: path.clone(), tag: None },
        ] {
            outcomes.insert((name.clone(), source.to_string().starts_with("docker")), outcome(&source).await);
        }
        if name == "index.json" {
            let dir = path.parent().unwrap();
            let key = (dir.file_name().unwrap().to_string_lossy().into_owned(), false);
            outcomes.insert(key, outcome(&ImageSource::OciDir { path: dir.to_owned(), tag: None }).await);
        }
    }
    for (name, docker, expected) in [
        ("hello-world-v25.tar", true, "image of 1"),
        ("hello-world-v25.tar", false, "not_found"),
        ("no_manifest.tar", true, "unsupported"),
        ("buildkit-attestation", false, "not_found"),
        ("null_manifest.tar", true, "not_found"),
        ("test_bundle.tar", true, "ambiguous_reference"),
        ("test_image_1.tar", true, "image of 1"),
        ("test_link.tar", true, "ambiguous_reference"),
        ("whiteout_image.tar", true, "image of 3"),
        ("empty.tar", true, "bad_archive"),
        ("content.tar.zst", true, "unsupported"),
        ("test_index_one_image", false, "image of 1"),
        ("test_index", false, "ambiguous_reference"),
    ] {
        let found = &outcomes[&(name.to_owned(), docker)];
        assert_eq!(found, expected, "{name}, docker: {docker}; all: {outcomes:#?}");
    }
}
