//! The contract suite on both backends of this build.

use std::sync::Arc;

use plimsoll_store::{FsStore, MemoryStore, Store, contract_tests};
use tempfile::TempDir;

fn in_memory() -> (Arc<dyn Store>, ()) {
    (Arc::new(MemoryStore::new()), ())
}

fn in_a_directory() -> (Arc<dyn Store>, TempDir) {
    let root = tempfile::tempdir().expect("a temporary directory");
    (Arc::new(FsStore::open(root.path()).expect("the store opens")), root)
}

contract_tests!(memory, in_memory());
contract_tests!(fs, in_a_directory());
