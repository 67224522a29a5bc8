//! PAX extended headers (POSIX.1-2001): `LENGTH KEY=VALUE\n`, over and over.

use std::collections::BTreeMap;

use super::number::decimal;
use crate::TarFault;

const XATTR: &[u8] = b"SCHILY.xattr.";

/// The records of one extended header that matter here. Of two with one key the last counts. An empty value
/// takes a record back.
#[derive(Clone, Debug, Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) linkpath: Option<Vec<u8>>,
    pub(super) size: Option<Vec<u8>>,
    pub(super) uid: Option<Vec<u8>>,
    pub(super) gid: Option<Vec<u8>>,
    pub(super) mtime: Option<Vec<u8>>,
    /// Not used, but a time that is none condemns the header.
    pub(super) other_times: [Option<Vec<u8>>; 2],
    /// `SCHILY.xattr.*` without the prefix; empty values are values.
    pub(super) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) sparse: PaxSparse,
}

/// `GNU.sparse.*`.
#[derive(Clone, Debug, Default)]
pub(super) struct PaxSparse {
    pub(super) major: Option<Vec<u8>>,
    pub(super) minor: Option<Vec<u8>>,
    pub(super) name: Option<Vec<u8>>,
    pub(super) size: Option<Vec<u8>>,
    pub(super) real_size: Option<Vec<u8>>,
    pub(super) num_blocks: Option<Vec<u8>>,
    /// Numbers between commas; version 0.0 spreads them over many records of the same keys.
    pub(super) map: Option<Vec<u8>>,
}

impl Pax {
    pub(super) fn parse(mut data: &[u8]) -> Result<Self, TarFault> {
        let mut pax = Self::default();
        let mut spread = Vec::new();
        let mut spread_count = 0_u64;
        while !data.is_empty() {
            let Record { key, value, rest } = Record::first(data)?;
            data = rest;
            match key {
                b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                    let wanted: &[u8] = if spread_count.is_multiple_of(2) {
                        b"GNU.sparse.offset"
                    } else {
                        b"GNU.sparse.numbytes"
                    };
                    if key != wanted || value.contains(&b',') {
                        return Err(TarFault::Sparse("offsets and lengths do not alternate"));
                    }
                    if spread_count > 0 {
                        spread.push(b',');
                    }
                    spread.extend_from_slice(value);
                    spread_count += 1;
                }
                _ => pax.set(key, value),
            }
        }
        if spread_count > 0 {
            pax.sparse.map = Some(spread);
        }
        Ok(pax)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        if let Some(name) = key.strip_prefix(XATTR) {
            self.xattrs.insert(name.to_vec(), value.to_vec());
            return;
        }
        let slot = match key {
            b"path" => &mut self.path,
            b"linkpath" => &mut self.linkpath,
            b"size" => &mut self.size,
            b"uid" => &mut self.uid,
            b"gid" => &mut self.gid,
            b"mtime" => &mut self.mtime,
            b"atime" => &mut self.other_times[0],
            b"ctime" => &mut self.other_times[1],
            b"GNU.sparse.major" => &mut self.sparse.major,
            b"GNU.sparse.minor" => &mut self.sparse.minor,
            b"GNU.sparse.name" => &mut self.sparse.name,
            b"GNU.sparse.size" => &mut self.sparse.size,
            b"GNU.sparse.realsize" => &mut self.sparse.real_size,
            b"GNU.sparse.numblocks" => &mut self.sparse.num_blocks,
            b"GNU.sparse.map" => &mut self.sparse.map,
            _ => return,
        };
        *slot = (!value.is_empty()).then(|| value.to_vec());
    }

    /// True if, as a global header, it would change entries for a reader that honours it.
    pub(super) fn changes_entries(&self) -> bool {
        self.path.is_some()
            || self.linkpath.is_some()
            || self.size.is_some()
            || self.uid.is_some()
            || self.gid.is_some()
            || !self.xattrs.is_empty()
    }
}

/// One record, and what follows it.
struct Record<'a> {
    key: &'a [u8],
    value: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Record<'a> {
    /// The first record of `data`.
    fn first(data: &'a [u8]) -> Result<Self, TarFault> {
        let space =
            data.iter().position(|byte| *byte == b' ').ok_or(TarFault::Pax("a record has no length"))?;
        let length = decimal(&data[..space])
            .and_then(|length| usize::try_from(length).ok())
            .filter(|length| *length >= 5 && *length <= data.len() && *length > space + 1)
            .ok_or(TarFault::Pax("the length of a record is wrong"))?;
        let (record, rest) = data.split_at(length);
        let Some((b'\n', body)) = record[space + 1..].split_last() else {
            return Err(TarFault::Pax("a record does not end its line"));
        };
        let equals =
            body.iter().position(|byte| *byte == b'=').ok_or(TarFault::Pax("a record has no '='"))?;
        let (key, value) = (&body[..equals], &body[equals + 1..]);
        let is_text = matches!(key, b"path" | b"linkpath" | b"uname" | b"gname");
        if key.contains(&0) || (is_text && value.contains(&0)) {
            return Err(TarFault::Pax("a record holds a NUL byte"));
        }
        Ok(Self { key, value, rest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_two_records_counts_and_an_empty_one_takes_back() {
        let pax = Pax::parse(b"9 path=a\n9 path=b\n8 uid=7\n7 uid=\n").unwrap();
        assert_eq!(pax.path.as_deref(), Some(&b"b"[..]));
        assert_eq!(pax.uid, None);
    }

    #[test]
    fn values_are_bytes_and_may_hold_newlines_and_nuls() {
        let pax = Pax::parse(b"25 SCHILY.xattr.u.a=\0\n=\xff\n").unwrap();
        assert_eq!(pax.xattrs.get(&b"u.a"[..]).map(Vec::as_slice), Some(&b"\0\n=\xff"[..]));
    }

    #[test]
    fn malformed_records_are_refused() {
        for data in [
            &b"path=a\n"[..],
            b"9path=a\n",
            b"11 path=a\n",
            b"8 path=a\n",
            b"9 path-a\n",
            b"-9 path=a\n",
            b"99999999999999999999 path=a\n",
            b"4 a\n",
            b"5    \n",
            b"11 path=a\0\n",
            b"\0\0\0",
        ] {
            assert!(Pax::parse(data).is_err(), "{}", data.escape_ascii());
        }
    }

    #[test]
    fn spread_sparse_records_become_a_map() {
        let pax = Pax::parse(b"23 GNU.sparse.offset=1\n25 GNU.sparse.numbytes=2\n").unwrap();
        assert_eq!(pax.sparse.map.as_deref(), Some(&b"1,2"[..]));
        assert!(Pax::parse(b"25 GNU.sparse.numbytes=2\n").is_err());
    }
}
