//! How long the codec takes, and how large its bytes are: `cargo bench -p plimsoll-proto`.
//!
//! One core, median of nine. An image of 60,000 entries must decode in under 15 ms, for a scan of an image
//! whose layers are all known has 150 ms for everything.

use std::hint::black_box;
use std::time::Instant;

use plimsoll_proto::{DecodeLimits, decode_index, decode_packages, encode_index, encode_packages};
use plimsoll_types::{
    ContentKind, Digest, EntryKind, FileEntry, IndexEvidence, OwnedPaths, PackageRecord, PackageType,
    PackagesEvidence, Payload, Record, Section,
};

const RUNS: usize = 9;

/// A generator good enough to make incompressible hashes (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn hash(&mut self) -> [u8; 32] {
        let mut hash = [0; 32];
        for part in hash.chunks_exact_mut(8) {
            part.copy_from_slice(&self.next().to_le_bytes());
        }
        hash
    }
}

/// A tree as `node_modules` makes them: a directory per package and twenty files in it.
fn index(entries: usize) -> IndexEvidence {
    let mut random = Random(entries as u64);
    let entry = |at: usize| {
        let (package, file) = (at / 20, at % 20);
        let directory = format!("usr/src/app/node_modules/package-{:x}", package * 7919);
        let (path, kind) = match file {
            0 => (directory, EntryKind::Directory),
            1 => (format!("{directory}/index.d.ts"), EntryKind::Symlink),
            _ => (format!("{directory}/lib/module-{file}-{:x}.js", random.next() & 0xffff), EntryKind::File),
        };
        FileEntry {
            path: path.as_str().into(),
            kind,
            link_target: if file == 1 { b"lib/index.d.ts".as_slice().into() } else { Box::default() },
            mode: if file == 0 { 0o755 } else { 0o644 },
            uid: 1000,
            gid: 1000,
            mtime: 1_690_000_000 + (random.next() % 86_400) as i64,
            rdev: None,
            size: random.next() % 40_000,
            xattrs: Vec::new(),
            link_group: 0,
            content: if file > 1 { ContentKind::Text } else { ContentKind::None },
            sha256: (file > 1).then(|| random.hash()),
        }
    };
    IndexEvidence {
        diff_id: Digest::from_bytes([1; 32]),
        uncompressed_size: 1 << 30,
        entries: (0..entries).map(entry).collect(),
        kept: Vec::new(),
        ambiguities: Vec::new(),
    }
}

fn packages(count: usize) -> PackagesEvidence {
    let mut section = Section::new("debian/dpkg", 1);
    for at in 0..count {
        let name = format!("package-{at}");
        let mut package = PackageRecord::new(PackageType::Deb, &name, format!("1.{at}-2+deb12u1"));
        package.arch = Some("amd64".to_owned());
        package.maintainer = Some("Debian Developers <devel@lists.example.org>".to_owned());
        let paths = (0..30).map(|file| format!("usr/share/{name}/file-{file}").as_str().into()).collect();
        for payload in [
            Payload::Package(Box::new(package)),
            Payload::Owned(OwnedPaths { package: name, arch: None, paths }),
        ] {
            section.records.push(Record { path: "var/lib/dpkg/status".into(), payload });
        }
    }
    PackagesEvidence { diff_id: Digest::from_bytes([1; 32]), sections: vec![section] }
}

fn median_ms<T>(mut run: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            let value = black_box(run());
            let took = start.elapsed().as_secs_f64() * 1e3;
            drop(value);
            took
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

fn report(what: &str, size: usize, encode: f64, decode: f64) {
    println!(
        "{what:<28} {:>9.1} KiB   encode {encode:>8.2} ms   decode {decode:>8.2} ms",
        size as f64 / 1024.0
    );
}

fn main() {
    let limits = DecodeLimits::default();
    for entries in [1_000, 60_000, 1_000_000] {
        let index = index(entries);
        let stored = encode_index(&index);
        let encode = median_ms(|| encode_index(&index));
        let decode = median_ms(|| decode_index(&stored, &limits).expect("own bytes decode"));
        report(&format!("index of {entries} entries"), stored.len(), encode, decode);
    }
    for count in [500, 2_500] {
        let packages = packages(count);
        let stored = encode_packages(&packages);
        let encode = median_ms(|| encode_packages(&packages));
        let decode = median_ms(|| decode_packages(&stored, &limits).expect("own bytes decode"));
        report(&format!("{count} packages, 30 paths each"), stored.len(), encode, decode);
    }
}
