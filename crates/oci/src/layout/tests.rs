use std::path::Path;

use futures_util::TryStreamExt;
use plimsoll_types::media_type::OCI_MANIFEST;

use super::*;
use crate::archive::tests::{archive, file};

const MANIFEST: &[u8] = br#"{"schemaVersion":2,"config":{}}"#;

fn entry(bytes: &[u8], rest: &str) -> String {
    let digest = digest_of(bytes);
    format!(r#"{{"mediaType":"{OCI_MANIFEST}","digest":"{digest}","size":{}{rest}}}"#, bytes.len())
}

fn named(name: &str) -> String {
    format!(r#","annotations":{{"org.opencontainers.image.ref.name":"{name}"}}"#)
}

fn platform(architecture: &str) -> String {
    format!(r#","platform":{{"os":"linux","architecture":"{architecture}"}}"#)
}

fn index(entries: &[String]) -> String {
    format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","))
}

fn write(index: &str, blobs: &[&[u8]]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("blobs/sha256")).unwrap();
    std::fs::write(dir.path().join(INDEX), index).unwrap();
    for blob in blobs {
        std::fs::write(dir.path().join(blob_name(&digest_of(blob))), blob).unwrap();
    }
    dir
}

fn layout(path: &Path, tag: Option<&str>) -> Layout {
    let place = Place::Directory(path.to_owned());
    Layout::new("oci:test".into(), place, tag.map(str::to_owned), Limits::default())
}

#[tokio::test]
async fn a_tag_or_a_digest_names_an_entry() {
    let other: &[u8] = br#"{"schemaVersion":2,"config":{},"x":1}"#;
    let dir =
        write(&index(&[entry(MANIFEST, &named("1.0")), entry(other, &named("2.0"))]), &[MANIFEST, other]);
    let digest = digest_of(other).to_string();
    for (tag, bytes) in [("1.0", MANIFEST), ("2.0", other), (digest.as_str(), other)] {
        let fetched = layout(dir.path(), Some(tag)).resolve().await.unwrap();
        assert_eq!((&fetched.bytes[..], fetched.descriptor.digest), (bytes, digest_of(bytes)), "{tag}");
        assert_eq!(fetched.descriptor.media_type, OCI_MANIFEST);
    }
    for (tag, kind) in [(None, "ambiguous_reference"), (Some("3.0"), "not_found")] {
        let error = layout(dir.path(), tag).resolve().await.unwrap_err();
        assert!(error.kind() == kind && error.to_string().contains("1.0, 2.0"), "{error}");
    }
}

#[tokio::test]
async fn the_only_image_needs_no_name() {
    let attestation = entry(b"a", r#","annotations":{"vnd.docker.reference.type":"attestation-manifest"}"#);
    let dir = write(&index(&[attestation, entry(MANIFEST, "")]), &[MANIFEST]);
    assert_eq!(layout(dir.path(), None).resolve().await.unwrap().bytes, MANIFEST);
    let empty = write(&index(&[]), &[]);
    assert_eq!(layout(empty.path(), None).resolve().await.unwrap_err().kind(), "not_found");
}

#[tokio::test]
async fn one_image_under_two_names_is_no_question() {
    let dir =
        write(&index(&[entry(MANIFEST, &named("1.0")), entry(MANIFEST, &named("latest"))]), &[MANIFEST]);
    assert_eq!(layout(dir.path(), None).resolve().await.unwrap().bytes, MANIFEST);
}

#[tokio::test]
async fn what_is_no_layout_says_what_it_may_be() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("image.tar");
    std::fs::write(&file, "x").unwrap();
    for (path, kind, hint) in [
        (dir.path(), "bad_archive", "not an OCI image layout"),
        (&file, "bad_archive", "oci-archive:FILE"),
        (&dir.path().join("none"), "io", "check the path"),
    ] {
        let error = layout(path, None).resolve().await.unwrap_err();
        assert!(error.kind() == kind && error.to_string().contains(hint), "{error}");
    }
    let error = TarFile::open(dir.path().to_owned(), 10).await.unwrap_err();
    assert!(error.to_string().contains("name it oci:DIR"), "{error}");
}

#[tokio::test]
async fn an_index_of_unnamed_platforms_is_the_image() {
    let text = index(&[entry(MANIFEST, &platform("amd64")), entry(b"x", &platform("arm64"))]);
    let dir = write(&text, &[MANIFEST]);
    let source = layout(dir.path(), None);
    let fetched = source.resolve().await.unwrap();
    assert_eq!(
        (fetched.descriptor.media_type.as_str(), &fetched.bytes[..]),
        (media_type::OCI_INDEX, text.as_bytes())
    );
    assert_eq!(source.manifest(&digest_of(MANIFEST)).await.unwrap().bytes, MANIFEST);
}

#[tokio::test]
async fn blobs_are_checked_as_far_as_they_are_held() {
    let dir = write(&index(&[entry(MANIFEST, "")]), &[b"layer"]);
    let source = layout(dir.path(), None);
    let descriptor = |size, digest| Descriptor { media_type: String::new(), digest, size };
    let good = descriptor(5, digest_of(b"layer"));
    let chunks: Vec<Bytes> = source.blob(&good).await.unwrap().try_collect().await.unwrap();
    assert_eq!(chunks.concat(), b"layer");
    assert_eq!(source.config(&good).await.unwrap(), "layer");
    let kind = |result: Result<BlobStream, Error>| result.map(|_| ()).unwrap_err().kind();
    assert_eq!(kind(source.blob(&descriptor(4, good.digest)).await), "size_mismatch");
    assert_eq!(kind(source.blob(&descriptor(4, digest_of(b"none"))).await), "not_found");
    assert_eq!(source.resolve().await.unwrap_err().kind(), "not_found");
    std::fs::write(dir.path().join(blob_name(&good.digest)), "LAYER").unwrap();
    assert_eq!(source.config(&good).await.unwrap_err().kind(), "digest_mismatch");
    assert_eq!(source.manifest(&good.digest).await.unwrap_err().kind(), "digest_mismatch");
}

#[tokio::test]
async fn size_caps_hold() {
    let huge = Limits::default().manifest + 1;
    let entry = format!(r#"{{"digest":"{}","size":{huge}}}"#, digest_of(b"x"));
    let dir = write(&index(&[entry]), &[]);
    assert_eq!(layout(dir.path(), None).resolve().await.unwrap_err().kind(), "too_large");
    std::fs::File::create(dir.path().join(INDEX)).unwrap().set_len(huge).unwrap();
    assert_eq!(layout(dir.path(), None).resolve().await.unwrap_err().kind(), "too_large");
}

#[tokio::test]
async fn an_archive_is_read_as_a_directory_is() {
    let blob = blob_name(&digest_of(MANIFEST));
    let members =
        [file("oci-layout", "{}"), file(&blob, MANIFEST), file(INDEX, index(&[entry(MANIFEST, "")]))];
    let tar = archive(&members);
    let place = Place::Archive(TarFile::open(tar.path().to_owned(), 10).await.unwrap());
    let source = Layout::new("oci-archive:test".into(), place, None, Limits::default());
    let fetched = source.resolve().await.unwrap();
    assert_eq!(fetched.bytes, MANIFEST);
    let chunks: Vec<Bytes> = source.blob(&fetched.descriptor).await.unwrap().try_collect().await.unwrap();
    assert_eq!(chunks.concat(), MANIFEST);

    let docker = archive(&[file("manifest.json", "[]")]);
    let place = Place::Archive(TarFile::open(docker.path().to_owned(), 10).await.unwrap());
    let error = Layout::new("x".into(), place, None, Limits::default()).resolve().await.unwrap_err();
    assert!(error.to_string().contains("docker-archive"), "{error}");
}
