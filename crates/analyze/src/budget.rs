//! What the records of one file may hold.

use plimsoll_types::PackageRecord;

use crate::ReadError;

/// As much as [`crate::Limits::section_bytes`] gives a whole section by default. The runner counts when a file has
/// been read, which is too late for a small one that stands for endless records: four bytes of an apk database can
/// name a path of four thousand.
const MAX_BYTES: usize = 256 << 20;

/// What a text or a path takes beside its bytes, roughly.
const FIXED: usize = 64;

/// What is left for the records of one file.
pub(crate) struct Budget {
    left: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: MAX_BYTES }
    }
}

impl Budget {
    /// Of this many bytes.
    #[cfg(test)]
    pub(crate) fn of(left: usize) -> Self {
        Self { left }
    }

    /// Takes what a text or a path of this many bytes needs.
    pub(crate) fn text(&mut self, length: usize) -> Result<(), ReadError> {
        self.take(length.saturating_add(FIXED))
    }

    /// Takes what a package needs beside its texts.
    pub(crate) fn package(&mut self) -> Result<(), ReadError> {
        self.take(size_of::<PackageRecord>())
    }

    fn take(&mut self, bytes: usize) -> Result<(), ReadError> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            ReadError::Limit(format!("what it lists takes more than {} MiB", MAX_BYTES >> 20))
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_at_its_limit_and_not_before() {
        let mut budget = Budget::of(2 * (FIXED + 10));
        assert!(budget.text(10).is_ok() && budget.text(10).is_ok());
        assert!(matches!(budget.text(0), Err(ReadError::Limit(_))));
        assert!(Budget::of(usize::MAX - 1).text(usize::MAX).is_err());
        let package = size_of::<PackageRecord>();
        assert!(Budget::of(package).package().is_ok() && Budget::of(package - 1).package().is_err());
    }
}
