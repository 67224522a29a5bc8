//! Columns for properties that few entries have, or that hardly change from entry to entry.

use plimsoll_types::Digest;

use crate::{CodecError, pb};

/// Writes the entries of a sparse column as distances.
#[derive(Default)]
pub(crate) struct Gaps {
    gaps: Vec<u32>,
    last: u32,
}

impl Gaps {
    /// Entries must come in ascending order.
    pub(crate) fn push(&mut self, entry: usize) {
        let entry = entry as u32;
        self.gaps.push(entry - self.last);
        self.last = entry;
    }

    pub(crate) fn into_column(self) -> Vec<u32> {
        self.gaps
    }
}

/// The entries behind `gaps`, each below `entries`. `repeats` says whether an entry may come twice.
pub(crate) fn positions(
    column: &'static str,
    gaps: &[u32],
    entries: usize,
    repeats: bool,
) -> impl Iterator<Item = Result<usize, CodecError>> {
    let mut position: usize = 0;
    gaps.iter().enumerate().map(move |(item, &gap)| {
        if gap == 0 && item > 0 && !repeats {
            return Err(CodecError::column(column, "an entry comes twice"));
        }
        position = position.saturating_add(gap as usize);
        if position < entries {
            Ok(position)
        } else {
            Err(CodecError::column(column, "an entry is beyond the last"))
        }
    })
}

/// Refuses arrays of one column that differ in length.
pub(crate) fn same_length(column: &'static str, expected: usize, found: usize) -> Result<(), CodecError> {
    if expected == found { Ok(()) } else { Err(CodecError::column(column, "the arrays differ in length")) }
}

/// Takes values of given lengths from one run of bytes.
pub(crate) struct Run<'a> {
    column: &'static str,
    bytes: &'a [u8],
}

impl<'a> Run<'a> {
    pub(crate) fn new(column: &'static str, bytes: &'a [u8]) -> Self {
        Self { column, bytes }
    }

    pub(crate) fn take(&mut self, length: u32) -> Result<&'a [u8], CodecError> {
        let (value, rest) = self
            .bytes
            .split_at_checked(length as usize)
            .ok_or_else(|| CodecError::column(self.column, "the bytes end before the values do"))?;
        self.bytes = rest;
        Ok(value)
    }

    pub(crate) fn finish(&self) -> Result<(), CodecError> {
        if self.bytes.is_empty() {
            Ok(())
        } else {
            Err(CodecError::column(self.column, "bytes are left over"))
        }
    }
}

/// Each value once, with the number of neighbours that share it.
pub(crate) fn runs(values: impl Iterator<Item = u32>) -> pb::Runs {
    let mut runs = pb::Runs::default();
    for value in values {
        match (runs.values.last(), runs.lengths.last_mut()) {
            (Some(last), Some(length)) if *last == value && *length < u32::MAX => *length += 1,
            _ => {
                runs.values.push(value);
                runs.lengths.push(1);
            }
        }
    }
    runs
}

/// Reads a column of runs value by value.
pub(crate) struct RunReader<'a> {
    column: &'static str,
    runs: std::iter::Zip<std::slice::Iter<'a, u32>, std::slice::Iter<'a, u32>>,
    value: u32,
    left: u32,
}

impl<'a> RunReader<'a> {
    pub(crate) fn new(column: &'static str, runs: Option<&'a pb::Runs>) -> Result<Self, CodecError> {
        let (values, lengths) = runs.map_or((&[][..], &[][..]), |runs| (&runs.values, &runs.lengths));
        same_length(column, values.len(), lengths.len())?;
        Ok(Self { column, runs: values.iter().zip(lengths), value: 0, left: 0 })
    }

    pub(crate) fn next(&mut self) -> Result<u32, CodecError> {
        while self.left == 0 {
            let ended = || CodecError::column(self.column, "fewer values than entries");
            (self.value, self.left) =
                self.runs.next().map(|(value, left)| (*value, *left)).ok_or_else(ended)?;
        }
        self.left -= 1;
        Ok(self.value)
    }

    pub(crate) fn finish(&self) -> Result<(), CodecError> {
        if self.left == 0 && self.runs.len() == 0 {
            Ok(())
        } else {
            Err(CodecError::column(self.column, "more values than entries"))
        }
    }
}

/// A digest field.
pub(crate) fn digest(column: &'static str, bytes: &[u8]) -> Result<Digest, CodecError> {
    bytes
        .try_into()
        .map(Digest::from_bytes)
        .map_err(|_| CodecError::column(column, "not the 32 bytes of a SHA-256"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(gaps: &[u32], entries: usize, repeats: bool) -> Result<Vec<usize>, CodecError> {
        positions("column", gaps, entries, repeats).collect()
    }

    #[test]
    fn positions_round_trip() {
        let mut gaps = Gaps::default();
        for entry in [0, 1, 1, 7] {
            gaps.push(entry);
        }
        assert_eq!(read(&gaps.into_column(), 8, true).unwrap(), [0, 1, 1, 7]);
    }

    #[test]
    fn positions_stay_below_the_entries_and_do_not_overflow() {
        assert!(read(&[7], 8, false).is_ok());
        assert!(read(&[8], 8, false).is_err());
        assert!(read(&[0], 0, false).is_err());
        assert!(read(&[u32::MAX, u32::MAX, u32::MAX], 8, true).is_err());
        assert!(read(&[1, 0], 8, false).is_err());
    }

    #[test]
    fn runs_are_read_to_exactly_their_end() {
        let coded = runs([7, 7, 7, 0, 7].into_iter());
        assert_eq!((&coded.values[..], &coded.lengths[..]), (&[7, 0, 7][..], &[3, 1, 1][..]));
        let mut reader = RunReader::new("column", Some(&coded)).unwrap();
        let values: Vec<u32> = (0..5).map(|_| reader.next().unwrap()).collect();
        assert_eq!(values, [7, 7, 7, 0, 7]);
        assert!(reader.finish().is_ok() && reader.next().is_err());
        let mut short = RunReader::new("column", Some(&coded)).unwrap();
        assert!(short.next().is_ok() && short.finish().is_err());
        assert!(RunReader::new("column", None).unwrap().finish().is_ok());
    }
}
