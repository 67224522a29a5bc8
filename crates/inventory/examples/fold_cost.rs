//! What folding an image costs whose layers' evidence is in memory: some 6,000 files in four layers (a Debian, Python
//! packages, Node modules, an application). Prints the least time in µs: `cargo run --release -p plimsoll-inventory
//! --example fold_cost`, with the number of folds as an argument (default 300).

use std::sync::Arc;
use std::time::Instant;

use plimsoll_types::{
    ContentKind, DatabaseState, Digest, EntryKind, Evidence, FileEntry, IndexEvidence, LicenseClaim,
    OsRelease, OwnedPaths, PackageRecord, PackageType, PackagesEvidence, Payload, Record, Section,
    SourcePackage,
};

fn main() {
    let folds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(300);
    let layers: Vec<Arc<Evidence>> =
        [base(), wheels(), modules("srv/app/node_modules", "module", 160), application()]
            .map(|layer| Arc::new(layer.evidence()))
            .into();
    let inventory = plimsoll_inventory::fold_shared(&layers);
    println!("{} files, {} packages", inventory.files.len(), inventory.packages.len());
    println!("fold_shared  {} µs", least(folds, || drop(plimsoll_inventory::fold_shared(&layers))));
}

fn least(runs: usize, mut run: impl FnMut()) -> u128 {
    let mut times: Vec<_> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_micros()
        })
        .collect();
    times.sort_unstable();
    times.first().copied().unwrap_or_default()
}

#[derive(Default)]
struct Layer {
    entries: Vec<FileEntry>,
    records: Vec<Record>,
}

impl Layer {
    fn entry(&mut self, path: &str, kind: EntryKind, target: &str) {
        let is_file = kind == EntryKind::File;
        self.entries.push(FileEntry {
            path: path.into(),
            kind,
            link_target: target.as_bytes().into(),
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: 0,
            rdev: None,
            size: 100,
            xattrs: Vec::new(),
            link_group: 0,
            content: ContentKind::Text,
            sha256: is_file.then_some([7; 32]),
        });
    }

    fn file(&mut self, path: &str) {
        self.entry(path, EntryKind::File, "");
    }

    fn files(&mut self, paths: &[String]) {
        for path in paths {
            self.file(path);
        }
    }

    fn directories(&mut self, path: &str) {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for end in ends {
            if !self.entries.iter().any(|entry| entry.path.as_bytes() == &path.as_bytes()[..end]) {
                self.entry(&path[..end], EntryKind::Directory, "");
            }
        }
    }

    fn fact(&mut self, path: &str, payload: Payload) {
        self.records.push(Record { path: path.into(), payload });
    }

    fn package(&mut self, path: &str, package_type: PackageType, name: &str) {
        let mut record = PackageRecord::new(package_type, name, "1.2.3");
        record.licenses =
            vec![LicenseClaim { value: "MIT".into(), spdx: Some("MIT".into()), source: format!("/{path}") }];
        if package_type == PackageType::Deb {
            record.arch = Some("amd64".into());
            record.maintainer = Some("Debian <d@debian.org>".into());
            record.source = Some(SourcePackage { name: format!("source-{name}"), version: None });
            record.licenses = Vec::new();
        }
        self.fact(path, Payload::Package(Box::new(record)));
    }

    fn owned(&mut self, path: &str, package: &str, paths: &[String]) {
        let mut paths: Vec<_> = paths.iter().map(|path| path.as_str().into()).collect();
        paths.sort();
        self.fact(path, Payload::Owned(OwnedPaths { package: package.into(), arch: None, paths }));
    }

    fn evidence(mut self) -> Evidence {
        let diff_id = Digest::from_bytes([0; 32]);
        self.records.sort();
        let section = Section { records: self.records, ..Section::new("bench/all", 1) };
        let (kept, ambiguities) = (Vec::new(), Vec::new());
        let entries = self.entries;
        Evidence {
            index: IndexEvidence { diff_id, uncompressed_size: 0, entries, kept, ambiguities },
            packages: PackagesEvidence { diff_id, sections: vec![section] },
        }
    }
}

fn base() -> Layer {
    let mut layer = Layer::default();
    for place in ["etc", "usr/bin", "usr/lib", "usr/share/doc", "var/lib/dpkg/info"] {
        layer.directories(place);
    }
    layer.entry("lib", EntryKind::Symlink, "usr/lib");
    layer.file("usr/lib/os-release");
    layer.entry("etc/os-release", EntryKind::Symlink, "../usr/lib/os-release");
    let release = OsRelease { id: "debian".into(), version_id: Some("12".into()), ..OsRelease::default() };
    layer.fact("usr/lib/os-release", Payload::OsRelease(release));
    let status = "var/lib/dpkg/status";
    for number in 0..95 {
        let name = format!("library-{number}");
        let (place, doc) =
            (format!("usr/lib/x86_64-linux-gnu/{name}"), format!("usr/share/doc/{name}/copyright"));
        layer.directories(&place);
        layer.directories(doc.trim_end_matches("/copyright"));
        let paths: Vec<_> = (0..24).map(|file| format!("{place}/part-{file}.so.7")).collect();
        layer.files(&paths);
        layer.file(&doc);
        let license = LicenseClaim { value: "GPL-2+".into(), spdx: None, source: format!("/{doc}") };
        layer.fact(&doc, Payload::Licenses { package: name.clone(), licenses: vec![license] });
        let list = format!("var/lib/dpkg/info/{name}.list");
        layer.file(&list);
        layer.owned(&list, &name, &paths);
        layer.package(status, PackageType::Deb, &name);
    }
    layer.file(status);
    layer.fact(status, Payload::Database(DatabaseState::Read { format: "deb".into(), packages: 95 }));
    layer
}

fn wheels() -> Layer {
    let mut layer = Layer::default();
    let place = "usr/local/lib/python3.11/site-packages";
    for number in 0..60 {
        let name = format!("wheel-{number}");
        let info = format!("{place}/{name}-1.2.3.dist-info");
        layer.directories(&format!("{place}/{name}"));
        layer.directories(&info);
        let paths: Vec<_> = (0..24).map(|file| format!("{place}/{name}/part{file}.py")).collect();
        layer.files(&paths);
        let (metadata, record) = (format!("{info}/METADATA"), format!("{info}/RECORD"));
        layer.file(&metadata);
        layer.file(&record);
        layer.package(&metadata, PackageType::Pypi, &name);
        layer.owned(&record, &name, &paths);
    }
    layer
}

fn modules(place: &str, kind: &str, count: usize) -> Layer {
    let mut layer = Layer::default();
    for number in 0..count {
        let name = format!("{kind}-{number}");
        let directory = format!("{place}/{name}");
        layer.directories(&directory);
        for file in ["package.json", "index.js", "README.md", "LICENSE", "lib/main.js"] {
            layer.file(&format!("{directory}/{file}"));
        }
        layer.package(&format!("{directory}/package.json"), PackageType::Npm, &name);
    }
    layer
}

fn application() -> Layer {
    let mut layer = modules("srv/app/node_modules/@own", "part", 15);
    layer.directories("srv/app/static");
    for number in 0..80 {
        layer.file(&format!("srv/app/static/{number}.css"));
    }
    layer
}
