//! The bytes of a snapshot: a header, blocks, and a table of contents that holds a checksum of every block.
//!
//! ```text
//! offset 0   "PLIMSOLL" · format u32 · contents: offset u64, length u64, SHA-256    (60 bytes, little endian)
//! then       blocks: sorted key-value pairs
//! then       the table of contents
//! ```
//!
//! The digest of a snapshot is the SHA-256 of its table of contents. As that holds the SHA-256 of every
//! block, it covers the whole file, and opening need not read more than the contents.

use plimsoll_types::Digest;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::advisory::{Event, Rating, Score, Stream};
use crate::snapshot::info::EcosystemInfo;
use plimsoll_types::report::Severity;

/// First bytes of every snapshot.
pub(crate) const MAGIC: [u8; 8] = *b"PLIMSOLL";
/// The version of this format.
pub(crate) const FORMAT: u32 = 1;
/// Length of the header.
pub(crate) const HEADER: u64 = 60;
/// Most bytes of a table of contents; 500,000 advisories need about 4 MB.
pub(crate) const MAX_CONTENTS: u64 = 256 << 20;
/// Most bytes of one block. A block is one key at least, and a key may have many entries.
pub(crate) const MAX_BLOCK: u32 = 64 << 20;

/// What follows the blocks.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contents {
    /// Seconds of the newest `modified` of all records.
    pub(crate) created: Option<i64>,
    /// Number of records.
    pub(crate) records_total: u64,
    /// What is known of which ecosystem.
    pub(crate) ecosystems: Vec<EcosystemInfo>,
    /// Records by number.
    pub(crate) records: Vec<Block>,
    /// Entries by [`package_key`].
    pub(crate) packages: Vec<Block>,
    /// Ratings by vulnerability id.
    pub(crate) ratings: Vec<Block>,
}

/// Where a block is and what it must hash to.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Block {
    /// Its first key.
    #[serde(with = "as_bytes")]
    pub(crate) first: Box<[u8]>,
    /// Where it begins in the file.
    pub(crate) offset: u64,
    /// How long it is.
    pub(crate) length: u32,
    /// SHA-256.
    #[serde(with = "as_bytes")]
    pub(crate) sha256: [u8; 32],
}

/// Bytes as one value: by default serde takes them one by one, which for the contents of a large snapshot is
/// most of the time it takes to open one.
mod as_bytes {
    use serde::de::{Deserialize as _, Error as _};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        bytes: &(impl AsRef<[u8]> + ?Sized),
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes.as_ref())
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: TryFrom<&'de [u8]>,
        D: Deserializer<'de>,
    {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        bytes.try_into().map_err(|_| D::Error::custom("the wrong number of bytes"))
    }
}

/// A record, as far as a finding needs it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredRecord {
    /// Id of the record.
    pub(crate) id: String,
    /// Ids of the findings it makes; never empty.
    pub(crate) findings: Vec<String>,
    /// Other names of its vulnerability.
    pub(crate) aliases: Vec<String>,
    /// One line.
    pub(crate) summary: Option<String>,
    /// Rating of the record as a whole.
    pub(crate) rating: Rating,
}

/// What one record says of one package.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredEntry {
    /// Number of the record.
    pub(crate) record: u32,
    /// Affected ranges.
    pub(crate) ranges: Vec<Vec<Event>>,
    /// Affected versions outside the ranges.
    pub(crate) versions: Vec<String>,
    /// Rating for this package.
    pub(crate) rating: Rating,
    /// No fix will come.
    pub(crate) will_not_fix: bool,
    /// Module stream.
    pub(crate) stream: Option<Stream>,
}

/// What all records of a vulnerability say about how bad it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredRating {
    /// The worst severity, and the record and field it is from.
    pub(crate) severity: Option<(Severity, String)>,
    /// Scores with the id of the record.
    pub(crate) cvss: Vec<(Score, String)>,
}

/// The key of a package's entries. `ecosystem` is canonical, `name` normalised.
pub(crate) fn package_key(ecosystem: &str, source: bool, name: &str) -> Vec<u8> {
    let names = if source { "s" } else { "b" };
    [ecosystem, names, name].join("\0").into_bytes()
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

/// The header's fields after magic and format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Where the contents begin.
    pub(crate) offset: u64,
    /// How long they are.
    pub(crate) length: u64,
    /// Their digest, which is the snapshot's.
    pub(crate) digest: Digest,
}

/// Why bytes are no header of ours.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadHeader {
    /// Another kind of file.
    Magic,
    /// Another format version.
    Format(u32),
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(FORMAT.to_le_bytes());
        out.extend(self.offset.to_le_bytes());
        out.extend(self.length.to_le_bytes());
        out.extend(self.digest.as_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8; HEADER as usize]) -> Result<Self, BadHeader> {
        let (magic, rest) = bytes.split_at(8);
        let (format, rest) = rest.split_at(4);
        let (offset, rest) = rest.split_at(8);
        let (length, digest) = rest.split_at(8);
        if magic != MAGIC {
            return Err(BadHeader::Magic);
        }
        let format = format.try_into().map(u32::from_le_bytes).unwrap_or_default();
        if format != FORMAT {
            return Err(BadHeader::Format(format));
        }
        Ok(Self {
            offset: offset.try_into().map(u64::from_le_bytes).unwrap_or_default(),
            length: length.try_into().map(u64::from_le_bytes).unwrap_or_default(),
            digest: Digest::from_bytes(digest.try_into().unwrap_or_default()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_round_trips_and_others_are_told_apart() {
        let header = Header { offset: 1 << 40, length: 7, digest: Digest::from_bytes([3; 32]) };
        let mut bytes: [u8; HEADER as usize] = header.encode().try_into().unwrap();
        assert_eq!(Header::decode(&bytes), Ok(header));
        bytes[8] = 9;
        assert_eq!(Header::decode(&bytes), Err(BadHeader::Format(9)));
        bytes[0] = 0;
        assert_eq!(Header::decode(&bytes), Err(BadHeader::Magic));
    }
}
