//! What one operation on a store in a directory costs: `cargo bench -p plimsoll-store`.
//!
//! A scan of an image whose layers are all known gets about forty small objects; they may cost a few
//! milliseconds of its 150.

use std::time::Instant;

use plimsoll_store::{FsStore, Key, Store};
use plimsoll_types::Digest;

const OBJECTS: u8 = 40;
const SIZE: usize = 4096;

fn key(number: u8) -> Key {
    Key::BlobLink(Digest::from_bytes([number; 32]))
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let root = tempfile::tempdir().expect("a temporary directory");
    let store = FsStore::open(root.path()).expect("the store opens");
    runtime.block_on(async {
        let start = Instant::now();
        for number in 0..OBJECTS {
            store.put_if_absent(&key(number), vec![number; SIZE].into()).await.expect("the put succeeds");
        }
        report("put", start);
        let start = Instant::now();
        for number in 0..OBJECTS {
            store.get(&key(number), None).await.expect("the get succeeds");
        }
        report("get", start);
        let start = Instant::now();
        for number in 0..OBJECTS {
            store.head(&key(number)).await.expect("the head succeeds");
        }
        report("head", start);
    });
}

fn report(what: &str, start: Instant) {
    let each = start.elapsed().as_secs_f64() * 1e3 / f64::from(OBJECTS);
    println!("{what:<5} {each:>7.3} ms each ({OBJECTS} objects of {SIZE} bytes, one after the other)");
}
