//! `Packages`: the Berkeley DB of older rpm. Not read; its presence is recorded.

use plimsoll_types::{DatabaseState, Payload, Record, Section};

use crate::{Analyzer, Content, FileMeta, Interest, ReadError, Scratch};

/// Where the magic of a Berkeley DB stands, and what it is for its hash and B-tree files, in both byte orders.
const MAGIC_AT: usize = 12;
const MAGIC: [u32; 2] = [0x0006_1561, 0x0005_3162];

/// Recognises rpm's Berkeley DB.
pub(crate) struct RpmBerkeley;

impl Analyzer for RpmBerkeley {
    fn id(&self) -> &'static str {
        "rpm/berkeley"
    }

    fn version(&self) -> u32 {
        1
    }

    /// The name is a common one, so the content must look like it, unless the place leaves no doubt.
    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        if file.path.file_name() != b"Packages" {
            return Interest::None;
        }
        let is_at_home = file.path.parent_bytes().ends_with(b"lib/rpm");
        if is_at_home || file.head.is_empty() || is_berkeley(file.head) {
            Interest::Head(512)
        } else {
            Interest::None
        }
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        let head = content.bytes(512)?;
        let state = if is_berkeley(&head) {
            DatabaseState::Unsupported { format: "rpm (Berkeley DB)".to_owned() }
        } else if head.is_empty() {
            DatabaseState::Read { format: "rpm".to_owned(), packages: 0 }
        } else {
            DatabaseState::Unreadable { format: "rpm".to_owned(), message: "not a Berkeley DB".to_owned() }
        };
        section.records.push(Record { path: file.path.clone(), payload: Payload::Database(state) });
        Ok(())
    }
}

fn is_berkeley(head: &[u8]) -> bool {
    let magic = head.get(MAGIC_AT..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
    MAGIC.contains(&u32::from_le_bytes(magic)) || MAGIC.contains(&u32::from_be_bytes(magic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, databases, real};

    #[test]
    fn a_berkeley_db_is_recognised_anywhere_and_other_files_only_at_home() {
        let mut bytes = [0; 600];
        bytes[12..16].copy_from_slice(&0x0006_1561_u32.to_le_bytes());
        let unsupported = DatabaseState::Unsupported { format: "rpm (Berkeley DB)".into() };
        for path in ["var/lib/rpm/Packages", "opt/x/Packages"] {
            assert_eq!(databases(&analyze(&RpmBerkeley, &[(path, &bytes)]))[0], unsupported, "{path}");
        }
        assert!(analyze(&RpmBerkeley, &[("var/lib/apt/Packages", b"Package: a\n")]).records.is_empty());
        let section = analyze(&RpmBerkeley, &[("var/lib/rpm/Packages", b"bogus")]);
        assert!(matches!(databases(&section)[..], [DatabaseState::Unreadable { .. }]));
    }

    #[test]
    fn a_real_one_is_recognised() {
        let Some(bytes) = real("packages/rpm/go-rpmdb/libuuid/Packages") else { return };
        let section = analyze(&RpmBerkeley, &[("var/lib/rpm/Packages", &bytes)]);
        assert!(matches!(databases(&section)[..], [DatabaseState::Unsupported { .. }]));
    }
}
