//! Why a text is not a version.

use crate::{MAX_VERSION_BYTES, Scheme};

/// Why a text is not a version of its scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// The text has no content.
    #[error("a {scheme} version cannot be empty")]
    Empty {
        /// The scheme it was read in.
        scheme: Scheme,
    },
    /// The text is longer than [`MAX_VERSION_BYTES`].
    #[error("a {scheme} version of {length} bytes is longer than the limit of {MAX_VERSION_BYTES}")]
    TooLong {
        /// The scheme it was read in.
        scheme: Scheme,
        /// Its length in bytes.
        length: usize,
    },
    /// The ecosystem has no order for such a text.
    #[error("{text:?} is not a {scheme} version: {problem}")]
    Invalid {
        /// The scheme it was read in.
        scheme: Scheme,
        /// The text, shortened to 100 characters.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl VersionError {
    pub(crate) fn invalid(scheme: Scheme, text: &str, problem: &'static str) -> Self {
        Self::Invalid { scheme, text: text.chars().take(100).collect(), problem }
    }
}
