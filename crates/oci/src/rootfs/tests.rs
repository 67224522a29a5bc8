use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::TryStreamExt;
use header::BLOCK;

use super::*;
use crate::{Document, parse_config, parse_document};

fn source(path: &Path) -> Rootfs {
    Rootfs::new(path.to_owned(), Platform::new("linux", "arm", Some("v6")), Limits::default())
}

/// The layer, and its bytes.
async fn layer(source: &Rootfs) -> Result<(Descriptor, Vec<u8>), Error> {
    let fetched = source.resolve().await?;
    let document = parse_document(&fetched.descriptor.media_type, &fetched.bytes)?;
    let Document::Image(manifest) = document else { panic!("{document:?}") };
    let chunks: Vec<Bytes> = source.blob(&manifest.layers[0]).await?.try_collect().await?;
    Ok((manifest.layers[0].clone(), chunks.concat()))
}

/// Flag, name, link and content of each entry of a tar without pax headers.
fn entries(tar: &[u8]) -> Vec<(char, String, String, Vec<u8>)> {
    let text = |field: &[u8]| String::from_utf8_lossy(field).trim_end_matches('\0').to_owned();
    let (mut at, mut found) = (0, Vec::new());
    while tar[at] != 0 {
        let block = &tar[at..at + BLOCK];
        let size = usize::from_str_radix(&text(&block[124..136]), 8).unwrap();
        let content = tar[at + BLOCK..at + BLOCK + size].to_vec();
        found.push((block[156] as char, text(&block[..100]), text(&block[157..257]), content));
        at += BLOCK + size.next_multiple_of(BLOCK);
    }
    assert_eq!(tar.len() - at, 2 * BLOCK);
    found
}

fn names(tar: &[u8]) -> Vec<String> {
    entries(tar).into_iter().map(|(_, name, ..)| name).collect()
}

#[tokio::test]
async fn a_tree_becomes_a_sorted_tar() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir_all(at("b/sub")).unwrap();
    fs::write(at("b/sub/f"), vec![7; 700]).unwrap();
    fs::write(at("a"), "").unwrap();
    fs::write(at("B"), "big").unwrap();
    fs::hard_link(at("B"), at("z")).unwrap();
    symlink("/etc/passwd", at("link")).unwrap();
    let (descriptor, tar) = layer(&source(dir.path())).await.unwrap();
    assert_eq!((descriptor.size, descriptor.digest), (tar.len() as u64, digest_of(&tar)));
    let expected = [
        ('0', "B", "", b"big".to_vec()),
        ('0', "a", "", Vec::new()),
        ('5', "b/", "", Vec::new()),
        ('5', "b/sub/", "", Vec::new()),
        ('0', "b/sub/f", "", vec![7; 700]),
        ('2', "link", "/etc/passwd", Vec::new()),
        ('1', "z", "B", Vec::new()),
    ]
    .map(|(flag, name, link, content)| (flag, name.to_owned(), link.to_owned(), content));
    assert_eq!(entries(&tar), expected);
}

#[tokio::test]
async fn the_same_tree_elsewhere_is_the_same_image() {
    let mut images = Vec::new();
    for order in [["a", "b"], ["b", "a"]] {
        let dir = tempfile::tempdir().unwrap();
        for name in order {
            let file = fs::File::create(dir.path().join(name)).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000)).unwrap();
            file.set_permissions(fs::Permissions::from_mode(0o4751)).unwrap();
        }
        images.push(source(dir.path()).resolve().await.unwrap());
    }
    assert_eq!(images[0], images[1]);
}

#[tokio::test]
async fn the_config_names_platform_and_layer() {
    let dir = tempfile::tempdir().unwrap();
    let source = source(dir.path());
    let fetched = source.resolve().await.unwrap();
    assert_eq!(source.manifest(&fetched.descriptor.digest).await.unwrap(), fetched);
    let Document::Image(manifest) = parse_document("", &fetched.bytes).unwrap() else { panic!() };
    let config = parse_config(&source.config(&manifest.config).await.unwrap()).unwrap();
    assert_eq!(config.platform.to_string(), "linux/arm/v6");
    assert_eq!(config.diff_ids, [manifest.layers[0].digest]);
    assert!(names(&layer(&source).await.unwrap().1).is_empty());
}

#[tokio::test]
async fn a_change_between_two_readings_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    for change in ["rewritten", "grown", "gone", "new neighbour"] {
        fs::write(&path, "before").unwrap();
        let source = source(dir.path());
        source.resolve().await.unwrap();
        // Longer than a tick of the clock that stamps files.
        tokio::time::sleep(Duration::from_millis(20)).await;
        match change {
            "rewritten" => fs::write(&path, "after!").unwrap(),
            "grown" => fs::write(&path, "grown to more").unwrap(),
            "gone" => fs::remove_file(&path).unwrap(),
            _ => fs::write(dir.path().join("g"), "").unwrap(),
        }
        let error = layer(&source).await.unwrap_err();
        assert!(error.kind() == "changed" && error.retry().is_retryable(), "{change}: {error}");
        let _ = fs::remove_file(dir.path().join("g"));
    }
}

#[tokio::test]
async fn a_symlink_out_of_the_tree_is_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let dir = tempfile::tempdir().unwrap();
    symlink(outside.path(), dir.path().join("dir")).unwrap();
    symlink(outside.path().join("secret"), dir.path().join("file")).unwrap();
    let (_, tar) = layer(&source(dir.path())).await.unwrap();
    assert_eq!(entries(&tar).iter().map(|entry| entry.0).collect::<String>(), "22");
}

#[tokio::test]
async fn sockets_are_left_out_and_pipes_are_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(dir.path().join("pipe")).status();
    let (_, tar) = layer(&source(dir.path())).await.unwrap();
    let pipe = made.is_ok_and(|status| status.success());
    assert_eq!(names(&tar), if pipe { vec!["pipe"] } else { vec![] });
}

#[tokio::test]
async fn limits_on_depth_and_entries_hold() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("1/2/3")).unwrap();
    let with = |rootfs_depth, rootfs_entries| {
        let limits = Limits { rootfs_entries, rootfs_depth, ..Limits::default() };
        let source = Rootfs::new(dir.path().to_owned(), Platform::host_linux(), limits);
        async move { source.resolve().await.map(|_| ()) }
    };
    assert!(with(3, 3).await.is_ok());
    assert_eq!(with(2, 3).await.unwrap_err().kind(), "too_large");
    assert_eq!(with(3, 2).await.unwrap_err().kind(), "too_large");
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "x").unwrap();
    for missing in [path.clone(), dir.path().join("missing")] {
        assert_eq!(source(&missing).resolve().await.unwrap_err().kind(), "io");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&path).is_ok() {
        println!("skipped: permissions do not bind this user (root)");
        return;
    }
    let error = source(dir.path()).resolve().await.unwrap_err();
    assert!(error.kind() == "io" && error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert!(error.to_string().contains("root"), "{error}");
}

#[tokio::test]
async fn attributes_of_the_image_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "x").unwrap();
    let set = rustix::fs::setxattr(&path, "user.plimsoll", b"value", rustix::fs::XattrFlags::empty());
    if let Err(error) = set {
        println!("skipped: the temporary directory takes no user attributes ({error})");
        return;
    }
    let (_, tar) = layer(&source(dir.path())).await.unwrap();
    let record = b"36 SCHILY.xattr.user.plimsoll=value\n";
    assert!(tar.windows(record.len()).any(|window| window == record));
}
