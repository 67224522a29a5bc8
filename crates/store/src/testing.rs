//! The contract suite: what every backend promises, one function per promise.
//!
//! [`contract_tests!`](crate::contract_tests) turns them into tests of one backend. A backend that is a service
//! runs them against the real service.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use plimsoll_types::{Digest, EvidenceGroup, Retry};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};

use crate::{Body, Error, Key, Prefix, Put, Store};

/// Makes a module of tests, one per promise. `$fresh` is an expression, in which one may `await`, that gives an empty
/// store as `Some((Arc<dyn Store>, guard))`; the guard lives as long as the test. It gives `None`, and prints a line
/// `skipped: <why>`, where there is no such service. Needs tokio with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! contract_tests {
    ($module:ident, $fresh:expr) => {
        $crate::contract_tests!(@each $module, $fresh,
            absent_is_an_answer
            bytes_come_back_as_put
            every_kind_of_key_has_its_own_object
            an_empty_object_is_an_object
            the_first_writer_wins
            many_writers_make_one_object
            many_objects_are_each_created_once
            ranges_are_clamped
            a_streamed_body_is_stored_whole
            a_large_object_is_stored_whole
            many_large_writers_make_one_object
            a_failing_body_stores_nothing
            a_large_failing_body_stores_nothing
            a_dropped_put_stores_nothing
            a_body_of_another_size_stores_nothing
            listing_is_sorted_and_by_prefix
            listing_goes_on_after_a_key
            thousands_of_keys_are_listed
            deleting_makes_room
            touching_makes_young
        );
    };
    (@each $module:ident, $fresh:expr, $($promise:ident)*) => {
        mod $module {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let Some((store, _guard)) = $fresh else { return };
                    $crate::testing::$promise(store).await;
                }
            )*
        }
    };
}

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn evidence(diff_id: u8, group: EvidenceGroup, fingerprint: u8) -> Key {
    Key::Evidence { diff_id: digest(diff_id), group, fingerprint: digest(fingerprint) }
}

async fn put(store: &dyn Store, key: &Key, bytes: &'static [u8]) -> Put {
    store.put_if_absent(key, Bytes::from_static(bytes).into()).await.expect("the put succeeds")
}

async fn get(store: &dyn Store, key: &Key) -> Option<Bytes> {
    store.get(key, None).await.expect("the get succeeds")
}

async fn stored_size(store: &dyn Store, key: &Key) -> Option<u64> {
    store.head(key).await.expect("the head succeeds").map(|meta| meta.size)
}

async fn modified(store: &dyn Store, key: &Key) -> SystemTime {
    store.head(key).await.expect("the head succeeds").expect("the object is there").modified
}

async fn assert_absent(store: &dyn Store, key: &Key) {
    assert_eq!(store.head(key).await.expect("the head succeeds"), None);
    assert_eq!(get(store, key).await, None);
    assert_eq!(store.list(&Prefix::All, None, 10).await.expect("the list succeeds"), []);
}

/// What is not there is `None`, `false` or empty, never an error.
pub async fn absent_is_an_answer(store: Arc<dyn Store>) {
    let key = Key::Manifest(digest(1));
    assert_absent(&*store, &key).await;
    assert_eq!(store.get(&key, Some(0..9)).await.expect("the get succeeds"), None);
    assert!(!store.delete(&key).await.expect("the delete succeeds"));
}

/// A put is visible to every later call.
pub async fn bytes_come_back_as_put(store: Arc<dyn Store>) {
    let key = evidence(1, EvidenceGroup::Index, 2);
    assert_eq!(put(&*store, &key, b"\0evidence\xff").await, Put::Created);
    assert_eq!(stored_size(&*store, &key).await, Some(10));
    assert_eq!(get(&*store, &key).await.as_deref(), Some(&b"\0evidence\xff"[..]));
}

/// The same digest under another kind is another object.
pub async fn every_kind_of_key_has_its_own_object(store: Arc<dyn Store>) {
    let (a, b) = (digest(1), digest(2));
    let keys = [
        Key::BlobLink(a),
        Key::Manifest(a),
        Key::Config(a),
        Key::Snapshot(a),
        Key::Verdict(a),
        Key::Policy(a),
        Key::Policy(b),
        evidence(1, EvidenceGroup::Index, 1),
        evidence(1, EvidenceGroup::Packages, 1),
        evidence(1, EvidenceGroup::Packages, 2),
    ];
    for key in &keys {
        let put = store.put_if_absent(key, key.path().into_bytes().into()).await;
        assert_eq!(put.expect("the put succeeds"), Put::Created, "{key}");
    }
    for key in &keys {
        assert_eq!(get(&*store, key).await, Some(key.path().into_bytes().into()));
    }
}

/// Empty is not absent.
pub async fn an_empty_object_is_an_object(store: Arc<dyn Store>) {
    let key = Key::Config(digest(1));
    assert_eq!(put(&*store, &key, b"").await, Put::Created);
    assert_eq!(stored_size(&*store, &key).await, Some(0));
    assert_eq!(get(&*store, &key).await, Some(Bytes::new()));
    assert_eq!(put(&*store, &key, b"").await, Put::Existed);
}

/// A second put changes nothing, whatever it brings.
pub async fn the_first_writer_wins(store: Arc<dyn Store>) {
    let key = Key::BlobLink(digest(1));
    assert_eq!(put(&*store, &key, b"first").await, Put::Created);
    assert_eq!(put(&*store, &key, b"first").await, Put::Existed);
    assert_eq!(put(&*store, &key, b"second, and longer").await, Put::Existed);
    let late = Body::reader(&b"streamed"[..], Some(8));
    assert_eq!(store.put_if_absent(&key, late).await.expect("the put succeeds"), Put::Existed);
    assert_eq!(get(&*store, &key).await.as_deref(), Some(&b"first"[..]));
}

/// Of writers at the same time exactly one creates, and what is read is what that one wrote.
pub async fn many_writers_make_one_object(store: Arc<dyn Store>) {
    let key = Key::Snapshot(digest(1));
    let write = |writer: u8| {
        let (store, key) = (Arc::clone(&store), key.clone());
        tokio::spawn(async move {
            let body = vec![writer; 100_000];
            let body = match writer % 2 {
                0 => body.into(),
                _ => Body::reader(io::Cursor::new(body), None),
            };
            (writer, store.put_if_absent(&key, body).await.expect("the put succeeds"))
        })
    };
    let mut creators = Vec::new();
    for writing in (0..16).map(write).collect::<Vec<_>>() {
        let (writer, put) = writing.await.expect("the writer does not panic");
        creators.extend((put == Put::Created).then_some(writer));
    }
    assert_eq!(creators.len(), 1, "{creators:?}");
    assert_eq!(get(&*store, &key).await, Some(vec![creators[0]; 100_000].into()));
}

/// Of writers racing for many objects, each object has one creator, who is the one that is read.
pub async fn many_objects_are_each_created_once(store: Arc<dyn Store>) {
    const OBJECTS: u8 = 24;
    let write = |writer: u8| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut created = Vec::new();
            for object in 0..OBJECTS {
                let put = store.put_if_absent(&Key::Verdict(digest(object)), vec![writer; 100].into()).await;
                created.extend((put.expect("the put succeeds") == Put::Created).then_some(object));
            }
            (writer, created)
        })
    };
    let mut creators = BTreeMap::new();
    for writing in (0..8).map(write).collect::<Vec<_>>() {
        let (writer, created) = writing.await.expect("the writer does not panic");
        for object in created {
            assert_eq!(creators.insert(object, writer), None, "{object} was created twice");
        }
    }
    for object in 0..OBJECTS {
        let writer = creators.get(&object).copied().expect("somebody created it");
        assert_eq!(get(&*store, &Key::Verdict(digest(object))).await, Some(vec![writer; 100].into()));
    }
}

/// Ranges give what of them exists.
pub async fn ranges_are_clamped(store: Arc<dyn Store>) {
    let key = Key::Snapshot(digest(1));
    put(&*store, &key, b"0123456789").await;
    #[expect(clippy::reversed_empty_ranges, reason = "a caller's mistake must be harmless")]
    for (range, expected) in [
        (0..10, "0123456789"),
        (3..5, "34"),
        (9..10, "9"),
        (8..99, "89"),
        (0..u64::MAX, "0123456789"),
        (10..20, ""),
        (11..20, ""),
        (u64::MAX - 1..u64::MAX, ""),
        (4..4, ""),
        (5..4, ""),
    ] {
        let bytes = store.get(&key, Some(range.clone())).await.expect("the get succeeds");
        assert_eq!(bytes, Some(Bytes::from_static(expected.as_bytes())), "{range:?}");
    }
}

/// A body larger than any buffer, whose reader hands out odd pieces.
pub async fn a_streamed_body_is_stored_whole(store: Arc<dyn Store>) {
    let content: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    for (byte, size) in [(1, None), (2, Some(content.len() as u64))] {
        let key = Key::Snapshot(digest(byte));
        let body = Body::reader(Pieces { content: content.clone(), at: 0, fail_at: None }, size);
        assert_eq!(store.put_if_absent(&key, body).await.expect("the put succeeds"), Put::Created);
        assert!(get(&*store, &key).await.is_some_and(|stored| stored == content));
    }
}

fn large(size: usize) -> Vec<u8> {
    (0..size as u32).map(|at| (at % 251) as u8).collect()
}

/// A body that no backend sends in one piece.
pub async fn a_large_object_is_stored_whole(store: Arc<dyn Store>) {
    let content = large(20_000_001);
    for (byte, size) in [(1, None), (2, Some(content.len() as u64))] {
        let key = Key::Snapshot(digest(byte));
        let body = Body::reader(Pieces { content: content.clone(), at: 0, fail_at: None }, size);
        assert_eq!(store.put_if_absent(&key, body).await.expect("the put succeeds"), Put::Created);
        let again = Body::reader(Pieces { content: content.clone(), at: 0, fail_at: None }, size);
        assert_eq!(store.put_if_absent(&key, again).await.expect("the put succeeds"), Put::Existed);
        assert_eq!(stored_size(&*store, &key).await, Some(content.len() as u64));
        assert!(get(&*store, &key).await.is_some_and(|stored| stored == content));
        let range = 16_000_000..17_000_000;
        let part = store.get(&key, Some(range.start as u64..range.end as u64)).await;
        assert!(part.expect("the get succeeds").is_some_and(|part| part == content[range]));
    }
    let key = Key::Snapshot(digest(3));
    let put = store.put_if_absent(&key, content.clone().into()).await;
    assert_eq!(put.expect("the put succeeds"), Put::Created);
    assert!(get(&*store, &key).await.is_some_and(|stored| stored == content));
}

/// As [`many_writers_make_one_object`], for objects that are sent in pieces. Two writers may both be told that theirs is
/// the one: there are S3 servers that look for the object before they put the pieces together, and not while they do.
/// What is stored is what one of them sent, whole.
pub async fn many_large_writers_make_one_object(store: Arc<dyn Store>) {
    const SIZE: usize = 9_000_000;
    let key = Key::Snapshot(digest(1));
    let write = |writer: u8| {
        let (store, key) = (Arc::clone(&store), key.clone());
        tokio::spawn(async move {
            let body = Body::reader(io::Cursor::new(vec![writer; SIZE]), None);
            (writer, store.put_if_absent(&key, body).await.expect("the put succeeds"))
        })
    };
    let mut creators = Vec::new();
    for writing in (0..4).map(write).collect::<Vec<_>>() {
        let (writer, put) = writing.await.expect("the writer does not panic");
        creators.extend((put == Put::Created).then_some(writer));
    }
    assert!(!creators.is_empty(), "nobody has written it");
    let stored = get(&*store, &key).await.expect("it is stored");
    assert!(stored.len() == SIZE && stored.iter().all(|byte| *byte == stored[0]), "pieces of several");
    assert!(creators.contains(&stored[0]), "{} is none of {creators:?}", stored[0]);
}

/// A reader's error leaves nothing behind, is worth a retry, and does not stand in the next writer's way.
pub async fn a_failing_body_stores_nothing(store: Arc<dyn Store>) {
    let key = Key::Snapshot(digest(1));
    for size in [None, Some(500_000)] {
        let pieces = Pieces { content: vec![7; 500_000], at: 0, fail_at: Some(400_000) };
        let error =
            store.put_if_absent(&key, Body::reader(pieces, size)).await.expect_err("the reader failed");
        assert!(matches!(error, Error::Body { .. }), "{error}");
        assert_eq!(error.retry(), Retry::After(None));
        assert_absent(&*store, &key).await;
    }
    assert_eq!(put(&*store, &key, b"whole").await, Put::Created);
}

/// As [`a_failing_body_stores_nothing`], when most of a large body is already on its way.
pub async fn a_large_failing_body_stores_nothing(store: Arc<dyn Store>) {
    let key = Key::Snapshot(digest(1));
    for size in [None, Some(20_000_000)] {
        let pieces = Pieces { content: large(20_000_000), at: 0, fail_at: Some(18_000_000) };
        let error = store.put_if_absent(&key, Body::reader(pieces, size)).await;
        let error = error.expect_err("the reader failed");
        assert!(matches!(error, Error::Body { .. }), "{error}");
        assert_absent(&*store, &key).await;
    }
    let short = Body::reader(Pieces { content: large(18_000_000), at: 0, fail_at: None }, Some(18_000_001));
    let error = store.put_if_absent(&key, short).await.expect_err("the size is wrong");
    assert!(matches!(error, Error::BodySize { .. }), "{error}");
    assert_absent(&*store, &key).await;
}

/// A put that nobody waits for any more leaves nothing behind, however far it was.
pub async fn a_dropped_put_stores_nothing(store: Arc<dyn Store>) {
    let key = Key::Snapshot(digest(1));
    for size in [100_000, 18_000_000] {
        let (mut writer, reader) = tokio::io::duplex(64 << 10);
        let putting = {
            let (store, key) = (Arc::clone(&store), key.clone());
            tokio::spawn(async move { store.put_if_absent(&key, Body::reader(reader, None)).await })
        };
        writer.write_all(&large(size)).await.expect("the put reads");
        putting.abort();
        assert!(putting.await.is_err_and(|error| error.is_cancelled()), "the body has not ended");
        assert_absent(&*store, &key).await;
    }
    assert_eq!(put(&*store, &key, b"whole").await, Put::Created);
}

/// A body that ends early or late is refused, also where nothing was announced but zero bytes.
pub async fn a_body_of_another_size_stores_nothing(store: Arc<dyn Store>) {
    let key = Key::Verdict(digest(1));
    for (size, content) in [(4, &b"12345"[..]), (6, b"12345"), (0, b"1"), (1, b"")] {
        let put = store.put_if_absent(&key, Body::reader(content, Some(size))).await;
        let error = put.expect_err("the size is wrong");
        assert!(matches!(error, Error::BodySize { expected, .. } if expected == size), "{error}");
        assert_absent(&*store, &key).await;
    }
}

async fn fill(store: &dyn Store) -> Vec<Key> {
    let mut keys = Vec::new();
    for byte in [0x00, 0x0f, 0x10, 0xa0, 0xff] {
        keys.push(Key::BlobLink(digest(byte)));
        keys.push(Key::Config(digest(byte)));
        for fingerprint in [3, 9] {
            keys.push(evidence(byte, EvidenceGroup::Index, fingerprint));
            keys.push(evidence(byte, EvidenceGroup::Packages, fingerprint));
        }
    }
    for key in &keys {
        put(store, key, b"x").await;
    }
    keys.sort_by_key(Key::path);
    keys
}

/// A prefix names exactly its keys, in the order of their paths.
pub async fn listing_is_sorted_and_by_prefix(store: Arc<dyn Store>) {
    let keys = fill(&*store).await;
    for prefix in [
        Prefix::All,
        Prefix::BlobLinks,
        Prefix::Configs,
        Prefix::Layers,
        Prefix::Layer(digest(0x10)),
        Prefix::Layer(digest(0x11)),
        Prefix::Manifests,
    ] {
        let expected: Vec<_> =
            keys.iter().filter(|key| key.path().starts_with(&prefix.path())).cloned().collect();
        assert_eq!(store.list(&prefix, None, 1000).await.expect("the list succeeds"), expected, "{prefix:?}");
    }
}

/// Pages of any size give every key once; `after` need not be there, nor lie below the prefix.
pub async fn listing_goes_on_after_a_key(store: Arc<dyn Store>) {
    let keys = fill(&*store).await;
    for max in [1, 2, 7, keys.len(), 1000] {
        let mut listed: Vec<Key> = Vec::new();
        loop {
            let page = store.list(&Prefix::All, listed.last(), max).await.expect("the list succeeds");
            assert!(page.len() <= max);
            let last = page.len() < max;
            listed.extend(page);
            if last {
                break;
            }
        }
        assert_eq!(listed, keys, "pages of {max}");
    }
    let list =
        async |prefix, after| store.list(&prefix, Some(&after), 1000).await.expect("the list succeeds");
    let gone = list(Prefix::BlobLinks, Key::BlobLink(digest(0x20))).await;
    assert_eq!(gone, [Key::BlobLink(digest(0xa0)), Key::BlobLink(digest(0xff))]);
    assert_eq!(list(Prefix::BlobLinks, Key::Verdict(digest(0))).await, []);
    assert_eq!(list(Prefix::Configs, Key::BlobLink(digest(0xff))).await.len(), 5);
    assert_eq!(store.list(&Prefix::All, None, 0).await.expect("the list succeeds"), []);
}

/// More keys than any service lists at once.
pub async fn thousands_of_keys_are_listed(store: Arc<dyn Store>) {
    const WRITERS: u16 = 16;
    let key = |number: u16| {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&number.wrapping_mul(40_503).to_be_bytes());
        Key::BlobLink(Digest::from_bytes(bytes))
    };
    let numbers = 0..2_100_u16;
    let write = |writer: u16| {
        let (store, numbers) = (Arc::clone(&store), numbers.clone());
        tokio::spawn(async move {
            for number in numbers.filter(|number| number % WRITERS == writer) {
                put(&*store, &key(number), b"x").await;
            }
        })
    };
    for writing in (0..WRITERS).map(write).collect::<Vec<_>>() {
        writing.await.expect("the writer does not panic");
    }
    let mut keys: Vec<_> = numbers.map(key).collect();
    keys.sort_by_key(Key::path);
    let list =
        async |after, max| store.list(&Prefix::BlobLinks, after, max).await.expect("the list succeeds");
    assert!(list(None, usize::MAX).await == keys);
    assert!(list(None, 1_500).await == keys[..1_500]);
    assert!(list(Some(&keys[1_499]), 1_500).await == keys[1_500..]);
}

/// After a delete the key is absent, its neighbours are not, and it can be put anew.
pub async fn deleting_makes_room(store: Arc<dyn Store>) {
    let (key, neighbour) = (evidence(1, EvidenceGroup::Index, 1), evidence(1, EvidenceGroup::Index, 2));
    put(&*store, &key, b"old").await;
    put(&*store, &neighbour, b"stays").await;
    assert!(store.delete(&key).await.expect("the delete succeeds"));
    assert!(!store.delete(&key).await.expect("the delete succeeds"));
    assert_eq!(get(&*store, &key).await, None);
    assert_eq!(put(&*store, &key, b"new").await, Put::Created);
    assert_eq!(get(&*store, &key).await.as_deref(), Some(&b"new"[..]));
    assert_eq!(get(&*store, &neighbour).await.as_deref(), Some(&b"stays"[..]));
    let listed = store.list(&Prefix::Layers, None, 10).await.expect("the list succeeds");
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([key, neighbour]));
}

/// A touch makes an object as young as a new one, and changes nothing else. What is not there cannot be touched, and is not
/// there afterwards.
pub async fn touching_makes_young(store: Arc<dyn Store>) {
    const PATIENCE: Duration = Duration::from_secs(30);
    let (key, other) = (Key::Manifest(digest(1)), Key::Manifest(digest(2)));
    assert!(!store.touch(&key).await.expect("the touch is answered"));
    assert_absent(&*store, &key).await;
    put(&*store, &key, b"whole").await;
    put(&*store, &other, b"other").await;
    let (before, others) = (modified(&*store, &key).await, modified(&*store, &other).await);
    // Ages may be in whole seconds, so the first touch need not show.
    let began = std::time::Instant::now();
    while modified(&*store, &key).await <= before {
        assert!(began.elapsed() < PATIENCE, "a touch does not show");
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(store.touch(&key).await.expect("the touch is answered"));
    }
    assert_eq!(get(&*store, &key).await.as_deref(), Some(&b"whole"[..]));
    assert_eq!(put(&*store, &key, b"again").await, Put::Existed);
    assert_eq!(modified(&*store, &other).await, others, "a neighbour is not touched");
    assert!(store.delete(&key).await.expect("the delete succeeds"));
    assert!(!store.touch(&key).await.expect("the touch is answered"));
    assert_eq!(get(&*store, &key).await, None);
}

/// Hands out its content in pieces of odd sizes, and may break off.
struct Pieces {
    content: Vec<u8>,
    at: usize,
    fail_at: Option<usize>,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.fail_at.is_some_and(|fail_at| self.at >= fail_at) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        // A lone byte now and then: no reader promises full buffers.
        let most = if self.at % 7 == 3 { 1 } else { 65_537 };
        let end = self.content.len().min(self.at + to.remaining().min(most));
        to.put_slice(&self.content[self.at..end]);
        self.at = end;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    /// A promise that is written and not run would be no promise.
    #[test]
    fn the_macro_runs_every_promise() {
        let source = include_str!("testing.rs");
        let (head, tail) = source.split_once("(@each $module:ident").unwrap();
        let listed: Vec<_> = head.split_once("$fresh,\n").unwrap().1.lines().map(str::trim).collect();
        let mut promises = 0;
        for line in tail.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
            let name = line.split('(').next().unwrap();
            assert!(listed.contains(&name), "contract_tests! does not run {name}");
            promises += 1;
        }
        assert!(promises > 10);
    }
}
