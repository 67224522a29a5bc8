//! The contract suite on every backend of this build. S3 is tried where `PLIMSOLL_TEST_S3` names an endpoint, as
//! `infra/dev/services.sh` does; keys come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use plimsoll_store::{FsStore, MemoryStore, S3Options, S3Store, Store, contract_tests, open};
use tempfile::TempDir;

fn in_memory() -> (Arc<dyn Store>, ()) {
    (Arc::new(MemoryStore::new()), ())
}

fn in_a_directory() -> (Arc<dyn Store>, TempDir) {
    let root = tempfile::tempdir().expect("a temporary directory");
    (Arc::new(FsStore::open(root.path()).expect("the store opens")), root)
}

/// The endpoint, and an address nobody has used before.
fn place() -> Option<(String, String)> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let Ok(endpoint) = std::env::var("PLIMSOLL_TEST_S3") else {
        println!("skipped: PLIMSOLL_TEST_S3 names no S3 server; `infra/dev/services.sh up s3` starts one");
        return None;
    };
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_nanos();
    Some((endpoint, format!("s3://plimsoll-test/store/{since}-{}-{count}", std::process::id())))
}

async fn in_a_bucket() -> Option<(Arc<dyn Store>, ())> {
    let (endpoint, address) = place()?;
    let options = S3Options { endpoint: Some(endpoint), ..S3Options::default() };
    Some((Arc::new(S3Store::open(&address, options).await.expect("the store opens")), ()))
}

contract_tests!(memory, Some(in_memory()));
contract_tests!(fs, Some(in_a_directory()));
contract_tests!(s3, in_a_bucket().await);

#[tokio::test]
async fn a_store_in_a_bucket_is_there_after_opening_it_again_by_its_address() {
    let Some((endpoint, address)) = place() else { return };
    let address = format!("{address}?endpoint={endpoint}&encryption=AES256");
    let key = plimsoll_store::Key::Config(plimsoll_types::Digest::from_bytes([1; 32]));
    let store = open(&address).await.expect("the store opens");
    store.put_if_absent(&key, "kept".into()).await.expect("the put succeeds");
    let again = open(&address).await.expect("the store opens again");
    let bytes = again.get(&key, None).await.expect("the get succeeds");
    assert_eq!(bytes.as_deref(), Some(&b"kept"[..]));
    let name = format!("{}/{}", address.split_once('?').expect("a query").0, key.path());
    let options = || S3Options { endpoint: Some(endpoint.clone()), ..S3Options::default() };
    let read = plimsoll_store::read_s3(&name, options(), 4).await.expect("the object is read");
    assert_eq!(read.as_deref(), Some(&b"kept"[..]));
    plimsoll_store::read_s3(&name, options(), 3).await.expect_err("it is larger than three bytes");
}
