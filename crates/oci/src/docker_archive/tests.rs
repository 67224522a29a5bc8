use futures_util::TryStreamExt;

use super::*;
use crate::archive::tests::{archive, file, member};
use crate::{Document, parse_document};

fn config(layers: &[&[u8]]) -> String {
    let diff_ids: Vec<String> = layers.iter().map(|layer| format!("\"{}\"", digest_of(layer))).collect();
    format!(r#"{{"os":"linux","architecture":"amd64","rootfs":{{"diff_ids":[{}]}}}}"#, diff_ids.join(","))
}

fn item(config: &str, tags: &[&str], layers: &[&str]) -> String {
    serde_json::json!({"Config": config, "RepoTags": tags, "Layers": layers}).to_string()
}

async fn opened(members: &[Vec<u8>], tag: Option<&str>) -> (DockerArchive, tempfile::NamedTempFile) {
    let file = archive(members);
    let tar = TarFile::open(file.path().to_owned(), 100).await.unwrap();
    (DockerArchive::new(tar, tag.map(str::to_owned), Limits::default()), file)
}

async fn manifest(source: &DockerArchive) -> plimsoll_types::Manifest {
    let fetched = source.resolve().await.unwrap();
    assert_eq!(source.manifest(&fetched.descriptor.digest).await.unwrap(), fetched);
    match parse_document(&fetched.descriptor.media_type, &fetched.bytes).unwrap() {
        Document::Image(manifest) => manifest,
        other => panic!("{other:?}"),
    }
}

async fn read(source: &DockerArchive, descriptor: &Descriptor) -> Vec<u8> {
    let chunks: Vec<Bytes> = source.blob(descriptor).await.unwrap().try_collect().await.unwrap();
    chunks.concat()
}

#[tokio::test]
async fn the_old_layout_gets_a_manifest_with_true_digests() {
    let config = config(&[b"one", b"two", b"one"]);
    let list = format!("[{}]", item("c.json", &["a:1"], &["1/layer.tar", "2/layer.tar", "3/layer.tar"]));
    let (source, _file) = opened(
        &[
            file("1/layer.tar", "one"),
            file("2/layer.tar", "two"),
            member(b'2', "3/layer.tar", "../1/layer.tar", b""),
            file("c.json", &config),
            file("manifest.json", list),
        ],
        None,
    )
    .await;
    let manifest = manifest(&source).await;
    assert_eq!(source.config(&manifest.config).await.unwrap(), config);
    assert_eq!(manifest.config.digest, digest_of(config.as_bytes()));
    for (layer, content) in manifest.layers.iter().zip(["one", "two", "one"]) {
        assert_eq!((layer.digest, layer.size), (digest_of(content.as_bytes()), 3));
        assert_eq!(read(&source, layer).await, content.as_bytes());
    }
}

#[tokio::test]
async fn compressed_layers_are_named_by_their_own_digest() {
    let gzip = b"\x1f\x8b\x08 not really";
    let named = format!("blobs/sha256/{}", digest_of(gzip).hex());
    let config = config(&[b"plain", b"plain"]);
    let list = format!("[{}]", item("c.json", &[], &["old.tar.gz", &named]));
    let members =
        [file("old.tar.gz", gzip), file(&named, gzip), file("c.json", &config), file("manifest.json", list)];
    let (source, _file) = opened(&members, None).await;
    for layer in manifest(&source).await.layers {
        assert_eq!((layer.digest, layer.media_type.as_str()), (digest_of(gzip), media_type::OCI_LAYER_GZIP));
        assert_eq!(read(&source, &layer).await, gzip);
    }
}

#[tokio::test]
async fn an_image_is_chosen_by_any_spelling_of_its_tag() {
    let (one, two) = (config(&[]), config(&[b"x"]));
    let list = format!("[{},{}]", item("1", &["nginx:1"], &[]), item("2", &["r.io/b:2", "c:3"], &["l"]));
    let members = [file("1", &one), file("2", &two), file("l", "x"), file("manifest.json", list)];
    for (tag, layers) in [("nginx:1", 0), ("docker.io/library/nginx:1", 0), ("r.io/b:2", 1), ("c:3", 1)] {
        let (source, _file) = opened(&members, Some(tag)).await;
        assert_eq!(manifest(&source).await.layers.len(), layers, "{tag}");
    }
    for (tag, kind) in [(None, "ambiguous_reference"), (Some("c:4"), "not_found")] {
        let (source, _file) = opened(&members, tag).await;
        let error = source.resolve().await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains("nginx:1, r.io/b:2, c:3"), "{error}");
    }
}

#[tokio::test]
async fn an_image_without_tags_is_chosen_by_its_id() {
    let (one, two) = (config(&[]), config(&[b"x"]));
    let id = digest_of(two.as_bytes());
    let name = format!("{}.json", id.hex());
    let list = format!("[{},{}]", item("1", &["a:1"], &[]), item(&name, &[], &["l"]));
    let members = [file("1", &one), file(&name, &two), file("l", "x"), file("manifest.json", list)];
    let (source, _file) = opened(&members, Some(&id.to_string())).await;
    assert_eq!(manifest(&source).await.config.digest, id);
    let (source, _file) = opened(&members, None).await;
    let error = source.resolve().await.unwrap_err().to_string();
    assert!(error.contains(&format!("a:1, {id}")), "{error}");
}

#[tokio::test]
async fn broken_archives_say_what_is_missing() {
    let config = config(&[b"x"]);
    let list = |layers: &[&str]| file("manifest.json", format!("[{}]", item("c", &[], layers)));
    for (members, kind, said) in [
        (vec![file("x", "")], "bad_archive", "no manifest.json"),
        (vec![file("repositories", "{}")], "unsupported", "older than 1.10"),
        (vec![file("index.json", "{}")], "unsupported", "oci-archive"),
        (vec![file("manifest.json", "null")], "not_found", "holds no image"),
        (vec![file("manifest.json", "[]")], "not_found", "holds no image"),
        (vec![file("manifest.json", "{")], "bad_archive", "cannot be read"),
        (vec![list(&["l"])], "bad_archive", "config \"c\" is missing"),
        (vec![list(&["l"]), file("c", "{}")], "bad_config", "rootfs"),
        (vec![list(&["l"]), file("c", &config)], "bad_archive", "layer \"l\" is missing"),
        (
            vec![list(&["l", "l"]), file("c", &config), file("l", "x")],
            "bad_archive",
            "2 layers and the config 1",
        ),
    ] {
        let (source, _file) = opened(&members, None).await;
        let error = source.resolve().await.unwrap_err();
        assert!(error.kind() == kind && error.to_string().contains(said), "{said}: {error}");
    }
}

#[tokio::test]
async fn one_member_is_hashed_once_and_cannot_be_thousands_of_layers() {
    let gzip = b"\x1f\x8b\x08 not really";
    let (source, _file) = opened(&[file("l", gzip)], None).await;
    let extent = source.file.find("l").unwrap();
    let diff_id = digest_of(b"plain");
    let mut hashed = HashMap::new();
    let first = source.layer("l", extent, diff_id, &mut hashed).await.unwrap();
    assert_eq!((first.digest, hashed.len()), (digest_of(gzip), 1));
    // What stands in the map shows whether it was asked.
    hashed.insert(extent.offset, digest_of(b"known"));
    let second = source.layer("l", extent, diff_id, &mut hashed).await.unwrap();
    assert_eq!(second.digest, digest_of(b"known"));

    let many = MAX_LAYERS + 1;
    let config = config(&vec![&b"x"[..]; many]);
    let list = format!("[{}]", item("c", &[], &vec!["l"; many]));
    let (source, _file) =
        opened(&[file("l", "x"), file("c", &config), file("manifest.json", list)], None).await;
    let error = source.resolve().await.unwrap_err();
    assert!(error.kind() == "bad_archive" && error.to_string().contains("the limit is 4096"), "{error}");
}
