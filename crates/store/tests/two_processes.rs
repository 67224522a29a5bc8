//! Several processes on one directory: every object is created once, and is whole whenever it is seen.
//!
//! The test runs itself again as its own children, so it has no test harness: `main` is the parent, and with
//! [`ROLE`] set, a writer or a reader.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use plimsoll_store::{Body, FsStore, Key, Prefix, Put, Store};
use plimsoll_types::Digest;

const ROLE: &str = "PLIMSOLL_TEST_ROLE";
const ROOT: &str = "PLIMSOLL_TEST_ROOT";
const OBJECTS: u16 = 300;
const SIZE: usize = 20_000;

fn main() -> ExitCode {
    // Whatever the harness would understand (`--list`, a filter) is answered with no tests.
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let root = std::env::var_os(ROOT).map(PathBuf::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    match (std::env::var(ROLE).as_deref(), root) {
        (Ok("writer"), Some(root)) => runtime.block_on(write(&root)),
        (Ok("reader"), Some(root)) => runtime.block_on(read(&root)),
        _ => parent(),
    }
    ExitCode::SUCCESS
}

fn parent() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let root = root.path().join("store");
    // Nobody has made the directory yet: the children race for that too.
    let reader = child("reader", &root);
    let writers: Vec<Child> = (0..3).map(|_| child("writer", &root)).collect();
    let mut created = 0;
    for writer in writers {
        let output = writer.wait_with_output().expect("the writer ends");
        assert!(output.status.success(), "a writer failed");
        let count = String::from_utf8(output.stdout).expect("a number");
        created += count.trim().parse::<u16>().expect("a number");
    }
    let output = reader.wait_with_output().expect("the reader ends");
    assert!(output.status.success(), "the reader saw an object that was not whole");
    assert_eq!(created, OBJECTS, "every object is created exactly once");
    let left = std::fs::read_dir(root.join("tmp")).expect("tmp is there").count();
    assert_eq!(left, 0, "no temporary file is left");
    println!("two_processes: {created} objects created once each by three processes, read whole by a fourth");
}

fn child(role: &str, root: &Path) -> Child {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.env(ROLE, role).env(ROOT, root).stdout(Stdio::piped());
    command.spawn().expect("the child starts")
}

fn key(number: u16) -> Key {
    let [high, low] = number.to_be_bytes();
    let mut bytes = [0; 32];
    // Few shards, so that directories are made under contention.
    bytes[..3].copy_from_slice(&[low % 4, high, low]);
    Key::BlobLink(Digest::from_bytes(bytes))
}

fn content(number: u16) -> Vec<u8> {
    vec![(number % 251) as u8; SIZE]
}

/// Writes every object, streamed and not, and prints how many of them this process created.
async fn write(root: &Path) {
    let store = FsStore::open(root).expect("the store opens");
    let mut created = 0;
    for number in 0..OBJECTS {
        let body = match number % 2 {
            0 => content(number).into(),
            _ => Body::reader(std::io::Cursor::new(content(number)), Some(SIZE as u64)),
        };
        let put = store.put_if_absent(&key(number), body).await.expect("the put succeeds");
        created += u16::from(put == Put::Created);
    }
    println!("{created}");
}

/// Looks until everything is there; whatever is seen must be whole.
async fn read(root: &Path) {
    let store = FsStore::open(root).expect("the store opens");
    let mut seen = 0;
    while seen < OBJECTS {
        seen = 0;
        for number in 0..OBJECTS {
            if let Some(bytes) = store.get(&key(number), None).await.expect("the get succeeds") {
                assert!(bytes == content(number), "object {number} has {} bytes", bytes.len());
                seen += 1;
            }
        }
    }
    let listed = store.list(&Prefix::All, None, usize::MAX).await.expect("the list succeeds");
    assert_eq!(listed.len(), usize::from(OBJECTS));
}
