use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::SystemTime;

use plimsoll_types::{Digest, EvidenceGroup, Retry};

use super::*;

fn key() -> Key {
    Key::Manifest(Digest::from_bytes([0xab; 32]))
}

fn temporaries(root: &Path) -> usize {
    std::fs::read_dir(root.join("tmp")).unwrap().count()
}

#[tokio::test]
async fn objects_are_private_sharded_and_where_the_key_says() {
    let root = tempfile::tempdir().unwrap();
    let store = FsStore::open(root.path().join("a/store")).unwrap();
    let diff_id = Digest::from_bytes([0xcd; 32]);
    let evidence = Key::Evidence { diff_id, group: EvidenceGroup::Index, fingerprint: diff_id };
    for key in [key(), evidence] {
        store.put_if_absent(&key, "x".into()).await.unwrap();
    }
    let mode = |path: &str| store.root().join(path).metadata().unwrap().permissions().mode() & 0o777;
    let (ab, cd) = ("ab".repeat(32), "cd".repeat(32));
    assert_eq!(mode(&format!("manifests/ab/{ab}")), 0o600);
    assert_eq!(mode(&format!("layers/cd/{cd}/index/{cd}")), 0o600);
    assert_eq!((mode("."), mode("manifests/ab")), (0o700, 0o700));
    assert_eq!(temporaries(store.root()), 0);
}

#[tokio::test]
async fn a_store_is_there_after_opening_it_again() {
    let root = tempfile::tempdir().unwrap();
    FsStore::open(root.path()).unwrap().put_if_absent(&key(), "kept".into()).await.unwrap();
    let again = FsStore::open(root.path()).unwrap();
    assert_eq!(again.get(&key(), None).await.unwrap().as_deref(), Some(&b"kept"[..]));
}

#[tokio::test]
async fn a_failed_body_leaves_no_temporary_file() {
    let root = tempfile::tempdir().unwrap();
    let store = FsStore::open(root.path()).unwrap();
    store.put_if_absent(&key(), Body::reader(&b"12"[..], Some(3))).await.unwrap_err();
    assert_eq!(temporaries(root.path()), 0);
}

#[tokio::test]
async fn a_dropped_put_leaves_no_temporary_file() {
    let root = tempfile::tempdir().unwrap();
    let store = FsStore::open(root.path()).unwrap();
    let (key, endless) = (key(), tokio::io::duplex(1));
    let put = store.put_if_absent(&key, Body::reader(endless.1, None));
    tokio::time::timeout(std::time::Duration::from_millis(200), put).await.unwrap_err();
    assert_eq!(temporaries(root.path()), 0);
    assert!(store.head(&key).await.unwrap().is_none());
}

#[test]
fn only_old_files_of_dead_writers_are_swept() {
    let root = tempfile::tempdir().unwrap();
    FsStore::open(root.path()).unwrap();
    let tmp = root.path().join("tmp");
    let age = |file: &File| {
        file.set_modified(SystemTime::now() - std::time::Duration::from_secs(3600)).unwrap();
    };
    let alive = Temporary::create(&tmp).unwrap();
    age(alive.file());
    age(&File::create(tmp.join("1-0-dead")).unwrap());
    File::create(tmp.join("1-1-young")).unwrap();
    assert_eq!(temporaries(root.path()), 3);
    FsStore::open(root.path()).unwrap();
    assert!(!tmp.join("1-0-dead").exists() && tmp.join("1-1-young").exists());
    assert!(matches!(alive.finish(&root.path().join("x/alive")), Ok(Put::Created)));
}

#[tokio::test]
async fn strangers_in_the_directory_are_not_listed() {
    let root = tempfile::tempdir().unwrap();
    let store = FsStore::open(root.path()).unwrap();
    store.put_if_absent(&key(), "x".into()).await.unwrap();
    std::fs::write(root.path().join("manifests/README"), "").unwrap();
    std::fs::write(root.path().join("manifests/ab/.DS_Store"), "").unwrap();
    std::fs::create_dir_all(root.path().join("manifests/cd")).unwrap();
    std::fs::write(root.path().join("manifests/cd").join("ab".repeat(32)), "").unwrap();
    assert_eq!(store.list(&Prefix::All, None, 99).await.unwrap(), [key()]);
}

#[test]
fn a_directory_of_another_format_is_refused_with_advice() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("format"), "plimsoll store 2\n").unwrap();
    let message = FsStore::open(root.path()).unwrap_err().to_string();
    assert!(message.contains("plimsoll store 2") && message.contains("--store"), "{message}");
}

#[test]
fn a_file_in_the_way_is_named() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("file");
    std::fs::write(&path, "").unwrap();
    for path in [path.clone(), path.join("below")] {
        let error = FsStore::open(&path).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        assert!(error.to_string().contains("--store"), "{error}");
        assert_eq!(error.retry(), Retry::Never);
    }
}

#[tokio::test]
async fn a_store_that_may_not_be_written_says_so() {
    let root = tempfile::tempdir().unwrap();
    let store = FsStore::open(root.path()).unwrap();
    std::fs::set_permissions(root.path().join("tmp"), Permissions::from_mode(0o500)).unwrap();
    if File::create(root.path().join("tmp/probe")).is_ok() {
        println!("skipped: this user (root) may write where nobody may");
        return;
    }
    let error = store.put_if_absent(&key(), "x".into()).await.unwrap_err();
    assert!(error.to_string().contains("write access"), "{error}");
    assert_eq!(error.retry(), Retry::Never);
}
