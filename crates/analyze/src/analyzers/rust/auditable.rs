//! Crates of Rust binaries built with cargo-auditable.

use std::collections::BTreeSet;

use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_zlib_with_limit};
use plimsoll_types::{PackageRecord, PackageType, PathBytes, Payload, Record, Section};
use serde::Deserialize;

use crate::{Analyzer, Content, FileMeta, Interest, ReadError, Scratch, executable};

const SECTION: &[u8] = b".dep-v0";
/// A thousand crates take 20 KB.
const COMPRESSED_LIMIT: u64 = 4 << 20;
const JSON_LIMIT: usize = 32 << 20;

/// See the module documentation.
pub(crate) struct CargoAuditable;

impl Analyzer for CargoAuditable {
    fn id(&self) -> &'static str {
        "rust/auditable"
    }

    fn version(&self) -> u32 {
        1
    }

    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        executable::interest(file)
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        let mut seen = BTreeSet::new();
        executable::visit(content, |executable, extent| {
            let Some(region) = executable.section(SECTION).filter(|region| region.size > 0) else {
                return Ok(());
            };
            if region.size > COMPRESSED_LIMIT {
                return Err(ReadError::Limit(format!(
                    "the section .dep-v0 has {} bytes, more than the {COMPRESSED_LIMIT} that are read",
                    region.size
                )));
            }
            let compressed = extent.read_at(region.offset, region.size as usize)?;
            for package in packages(&compressed)? {
                if seen.insert((package.name.clone(), package.version.clone())) {
                    let payload = Payload::Package(Box::new(package));
                    section.records.push(Record { path: PathBytes::clone(file.path), payload });
                }
            }
            Ok(())
        })
    }

    fn depends_on_name(&self) -> bool {
        false
    }
}

#[derive(Deserialize)]
struct VersionInfo {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    #[serde(default)]
    source: String,
    /// `build` or `runtime`, which is the default.
    #[serde(default)]
    kind: String,
}

/// The crates whose code is in the binary.
fn packages(compressed: &[u8]) -> Result<Vec<PackageRecord>, ReadError> {
    let json =
        decompress_to_vec_zlib_with_limit(compressed, JSON_LIMIT).map_err(|error| match error.status {
            TINFLStatus::HasMoreOutput => {
                ReadError::Limit(format!("the crates in .dep-v0 expand to more than {JSON_LIMIT} bytes"))
            }
            _ => ReadError::Malformed("the section .dep-v0 is not zlib data".into()),
        })?;
    let info: VersionInfo = serde_json::from_slice(&json)
        .map_err(|error| ReadError::Malformed(format!("the crates in .dep-v0: {error}")))?;
    let runtime = info.packages.into_iter().filter(|package| package.kind != "build");
    Ok(runtime
        .map(|package| PackageRecord {
            extra: if package.source.is_empty() {
                Vec::new()
            } else {
                vec![("source".into(), package.source)]
            },
            ..PackageRecord::new(PackageType::Cargo, package.name, package.version)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::compress_to_vec_zlib;

    use super::*;
    use crate::{executable::tests::elf, testing::analyze};

    fn records(json: &[u8]) -> Vec<Payload> {
        let bytes = elf(&[(".dep-v0", &compress_to_vec_zlib(json, 6))]);
        analyze(&CargoAuditable, &[("bin/tool", &bytes)])
            .records
            .into_iter()
            .map(|record| record.payload)
            .collect()
    }

    #[test]
    fn crates_in_the_binary_are_listed_and_build_crates_are_not() {
        let found = records(
            br#"{"packages":[{"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"},
            {"name":"tool","version":"0.1.0","source":"local","dependencies":[0],"root":true}]}"#,
        );
        let [Payload::Package(package)] = &found[..] else { panic!("{found:?}") };
        assert_eq!((package.name.as_str(), package.version.as_str()), ("tool", "0.1.0"));
        assert_eq!(package.extra, [("source".to_owned(), "local".to_owned())]);
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let found = records(&vec![b' '; JSON_LIMIT + 1]);
        assert!(matches!(&found[..], [Payload::Unreadable { limit: true, .. }]), "{found:?}");
    }

    #[test]
    fn broken_sections_are_reported() {
        for json in [&b"[]"[..], b"{", b""] {
            let found = records(json);
            assert!(matches!(&found[..], [Payload::Unreadable { limit: false, .. }]), "{found:?}");
        }
    }
}
