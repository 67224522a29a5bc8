//! Front-coded lists of paths.

use plimsoll_types::PathBytes;

use crate::envelope::check;
use crate::{CodecError, pb};

/// How many bytes of written-out paths a message may still produce.
pub(crate) struct PathBudget {
    limit: u64,
    used: u64,
}

impl PathBudget {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, used: 0 }
    }

    fn take(&mut self, bytes: usize) -> Result<(), CodecError> {
        self.used = self.used.saturating_add(bytes as u64);
        check("path bytes", self.used, self.limit)
    }
}

/// Front-codes `paths` in the order given.
pub(crate) fn encode<'a>(paths: impl ExactSizeIterator<Item = &'a PathBytes>) -> pb::Paths {
    let mut shared = Vec::with_capacity(paths.len());
    let mut rest = Vec::with_capacity(paths.len());
    let mut bytes = Vec::new();
    let mut before: &[u8] = &[];
    for path in paths {
        let path = path.as_bytes();
        let common = before.iter().zip(path).take_while(|(a, b)| a == b).count();
        shared.push(common as u32);
        rest.push((path.len() - common) as u32);
        bytes.extend_from_slice(&path[common..]);
        before = path;
    }
    pb::Paths { shared, rest, bytes: bytes.into() }
}

/// Writes the list out; each path is checked to be clean.
pub(crate) fn decode(
    column: &'static str,
    paths: Option<&pb::Paths>,
    budget: &mut PathBudget,
) -> Result<Vec<PathBytes>, CodecError> {
    let mut written = Vec::with_capacity(paths.map_or(0, |paths| paths.shared.len()));
    decode_each(column, paths, budget, |path| {
        written.push(path);
        Ok(())
    })?;
    Ok(written)
}

/// Hands out the paths of the list one by one.
pub(crate) fn decode_each(
    column: &'static str,
    paths: Option<&pb::Paths>,
    budget: &mut PathBudget,
    mut take: impl FnMut(PathBytes) -> Result<(), CodecError>,
) -> Result<(), CodecError> {
    let Some(pb::Paths { shared, rest, bytes }) = paths else { return Ok(()) };
    let damaged = |why| CodecError::column(column, why);
    if shared.len() != rest.len() {
        return Err(damaged("the arrays differ in length"));
    }
    let mut path: Vec<u8> = Vec::new();
    let mut bytes = bytes.as_ref();
    for (&shared, &rest) in shared.iter().zip(rest) {
        if shared as usize > path.len() {
            return Err(damaged("a path shares more than the path before it has"));
        }
        let Some((suffix, remaining)) = bytes.split_at_checked(rest as usize) else {
            return Err(damaged("the bytes end before the paths do"));
        };
        bytes = remaining;
        path.truncate(shared as usize);
        path.extend_from_slice(suffix);
        budget.take(path.len())?;
        take(clean(column, &path)?)?;
    }
    if bytes.is_empty() { Ok(()) } else { Err(damaged("bytes are left over")) }
}

/// One path that must be clean already.
pub(crate) fn clean(column: &'static str, raw: &[u8]) -> Result<PathBytes, CodecError> {
    let path = PathBytes::clean(raw);
    // Cleaning only ever removes bytes.
    if path.as_bytes().len() == raw.len() {
        Ok(path)
    } else {
        Err(CodecError::column(column, "a path is not clean"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_all(paths: &pb::Paths, limit: u64) -> Result<Vec<PathBytes>, CodecError> {
        decode("paths", Some(paths), &mut PathBudget::new(limit))
    }

    #[test]
    fn neighbours_share_their_prefix_and_any_order_round_trips() {
        let paths: Vec<PathBytes> = ["usr/bin/a", "usr/bin/ab", "usr", "etc", "usr/bin/a", ""]
            .into_iter()
            .map(PathBytes::from)
            .collect();
        let coded = encode(paths.iter());
        assert_eq!(coded.shared, [0, 9, 3, 0, 0, 0]);
        assert_eq!(coded.bytes, "usr/bin/abetcusr/bin/a");
        assert_eq!(decode_all(&coded, 1000).unwrap(), paths);
    }

    #[test]
    fn each_broken_array_is_named() {
        let coded = |shared: &[u32], rest: &[u32], bytes: &'static [u8]| pb::Paths {
            shared: shared.to_vec(),
            rest: rest.to_vec(),
            bytes: bytes.into(),
        };
        for (paths, why) in [
            (coded(&[0], &[], b""), "differ in length"),
            (coded(&[1], &[1], b"a"), "shares more"),
            (coded(&[0, 2], &[1, 0], b"a"), "shares more"),
            (coded(&[0], &[2], b"a"), "end before"),
            (coded(&[0], &[u32::MAX], b"a"), "end before"),
            (coded(&[0], &[1], b"ab"), "left over"),
            (coded(&[0], &[2], b"/a"), "not clean"),
            (coded(&[0], &[4], b"a/.."), "not clean"),
        ] {
            let error = decode_all(&paths, 1000).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn few_bytes_cannot_stand_for_more_than_the_limit() {
        let bomb = pb::Paths { shared: vec![0, 5, 5], rest: vec![5, 0, 0], bytes: "abcde".into() };
        assert!(decode_all(&bomb, 15).is_ok());
        assert!(matches!(decode_all(&bomb, 14), Err(CodecError::Limit { size: 15, limit: 14, .. })));
    }
}
