//! The lists of dpkg and its packages' copyright files, of any bytes; the first says which. Paths are clean and sorted.

#![no_main]

mod analyzer;

use libfuzzer_sys::fuzz_target;
use plimsoll_types::{ContentKind, Payload};

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = data.split_first() else { return };
    let (id, path) = match choice % 4 {
        0 => ("debian/dpkg-lists", "var/lib/dpkg/info/a:amd64.list"),
        1 => ("debian/dpkg-lists", "var/lib/dpkg/diversions"),
        2 => ("debian/dpkg-lists", "var/lib/dpkg/status.d/a.md5sums"),
        _ => ("debian/copyright", "usr/share/doc/a/copyright"),
    };
    for record in analyzer::read(id, path, ContentKind::Text, data) {
        match record.payload {
            Payload::Owned(owned) => {
                assert_eq!(owned.package, "a");
                assert!(owned.paths.is_sorted_by(|one, other| one < other));
                assert!(owned.paths.iter().all(|path| !path.is_root()));
            }
            Payload::Licenses { licenses, .. } => assert!(!licenses.is_empty()),
            _ => {}
        }
    }
});
