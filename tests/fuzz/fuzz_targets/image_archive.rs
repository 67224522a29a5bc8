//! Images in a tar, as `docker-archive:` and `oci-archive:`: any bytes with their checksums put right, and an archive
//! of any members. What they hand out is what its digest and size say, and layers end where they should.

#![no_main]

use std::path::Path;
use std::sync::OnceLock;

use futures_util::StreamExt as _;
use libfuzzer_sys::fuzz_target;
use plimsoll_oci::{Document, Limits, Options, digest_of, open, parse_document};
use plimsoll_types::{Descriptor, ImageSource};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

const BLOCK: usize = 512;

fuzz_target!(|data: &[u8]| {
    let mut tar = data.to_vec();
    for block in tar.chunks_exact_mut(BLOCK).filter(|block| block[148..156].iter().all(|byte| *byte == b'#'))
    {
        sum(block);
    }
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    for archive in [tar, docker(data), oci(data)] {
        std::fs::write(file.path(), archive).expect("a file");
        runtime().block_on(read(file.path()));
    }
});

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_current_thread().max_blocking_threads(2).build().expect("a runtime"))
}

/// What `docker save` writes, with the members the input names before and between what must be there.
fn docker(data: &[u8]) -> Vec<u8> {
    let layers = ["l", "m", "l"];
    let diff_ids = layers.map(|_| digest_of(data));
    let config =
        json!({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": diff_ids}}).to_string();
    let list = json!([{"Config": "c", "RepoTags": ["a:1"], "Layers": layers}]).to_string();
    let there =
        [member(b'0', b"c", config.as_bytes()), member(b'0', b"manifest.json", list.as_bytes())].concat();
    [there, members(data), vec![0; 2 * BLOCK]].concat()
}

/// An image layout of one image, and the members the input names.
fn oci(data: &[u8]) -> Vec<u8> {
    let mut bytes = members(data);
    let mut blob = |content: &[u8]| {
        let digest = digest_of(content);
        bytes.extend(member(b'0', format!("blobs/sha256/{}", digest.hex()).as_bytes(), content));
        json!({"digest": digest, "size": content.len()})
    };
    let layer = blob(data);
    let config = blob(br#"{"os":"linux","architecture":"amd64","rootfs":{}}"#);
    let manifest = blob(json!({"config": config, "layers": [layer, layer]}).to_string().as_bytes());
    let index = json!({"manifests": [manifest]}).to_string();
    bytes.extend(member(b'0', b"index.json", index.as_bytes()));
    bytes
}

/// A member for each piece of the input: its type, which of a few names it has, and its content.
fn members(data: &[u8]) -> Vec<u8> {
    const NAMES: [&[u8]; 6] = [b"l", b"m", b"c", b"index.json", b"manifest.json", b"d/../l"];
    let mut bytes = Vec::new();
    for piece in data.split(|byte| *byte == 0xff) {
        if let [flag, name, content @ ..] = piece {
            bytes.extend(member(*flag, NAMES[usize::from(*name) % NAMES.len()], content));
        }
    }
    bytes
}

/// A member of a tar. Its link target is what its content begins with.
fn member(flag: u8, name: &[u8], content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; BLOCK];
    bytes[..name.len()].copy_from_slice(name);
    bytes[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    bytes[156] = flag;
    let link = &content[..content.len().min(100)];
    bytes[157..157 + link.len()].copy_from_slice(link);
    bytes[257..265].copy_from_slice(b"ustar\x0000");
    sum(&mut bytes);
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

/// Puts a header's checksum right.
fn sum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

async fn read(path: &Path) {
    let limits = Limits { manifest: 1 << 16, config: 1 << 16, archive_members: 100, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let path = path.to_owned();
    for source in [
        ImageSource::DockerArchive { path: path.clone(), tag: None },
        ImageSource::OciArchive { path: path.clone(), tag: None },
    ] {
        let Ok(source) = open(&source, &options).await else { continue };
        let Ok(fetched) = source.resolve().await else { continue };
        let size = fetched.bytes.len() as u64;
        assert!(fetched.descriptor.digest == digest_of(&fetched.bytes) && fetched.descriptor.size == size);
        let document = parse_document(&fetched.descriptor.media_type, &fetched.bytes);
        let Ok(Document::Image(manifest)) = document else { continue };
        if let Ok(config) = source.config(&manifest.config).await {
            assert_eq!(digest_of(&config), manifest.config.digest);
        }
        for layer in manifest.layers {
            drain(source.blob(&layer).await, &layer).await;
        }
    }
}

/// A layer has the size it was announced with, or its last piece is an error.
async fn drain(blob: Result<plimsoll_oci::BlobStream, plimsoll_oci::Error>, layer: &Descriptor) {
    let Ok(mut blob) = blob else { return };
    let mut size = 0;
    while let Some(chunk) = blob.next().await {
        let Ok(chunk) = chunk else {
            assert!(blob.next().await.is_none(), "an error is the end");
            return;
        };
        size += chunk.len() as u64;
    }
    assert_eq!(size, layer.size);
}
