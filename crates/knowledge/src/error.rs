//! What can go wrong between feeds and matches.

use std::io;
use std::path::{Path, PathBuf};

use plimsoll_types::Retry;

/// Why a snapshot could not be built, opened or matched against.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `read`, `write`, `open`.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A source of a kind no feed reads.
    #[error(
        "{} is no source of advisories: give a directory, a .zip, or a .json, .yaml or .yml file (unpack other archives first)",
        path.display()
    )]
    UnsupportedSource {
        /// The source.
        path: PathBuf,
    },
    /// A zip archive that cannot be opened.
    #[error("cannot read the zip archive {}: {message}; fetch it again", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// A source is over one of the [`crate::Limits`].
    #[error("{}: {what} is over the limit of {limit}; split the source", path.display())]
    Limit {
        /// The source.
        path: PathBuf,
        /// What was counted.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A feed marker that cannot be understood.
    #[error("the marker {} is not understood: {message}; expected {{\"completeness\": \"complete\", \"demonstration\" or \"incomplete\"}}", path.display())]
    Marker {
        /// The marker.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// Not one advisory in all sources.
    #[error("no source holds a single advisory{}", first_reason(skipped))]
    NoAdvisories {
        /// What was skipped, and why.
        skipped: Vec<crate::Skipped>,
    },
    /// The file is something else.
    #[error("{} is not a knowledge snapshot; make one with `plimsoll db build`", path.display())]
    NotASnapshot {
        /// The file.
        path: PathBuf,
    },
    /// A snapshot of another format version.
    #[error(
        "{} has snapshot format {found}, this program reads format {supported}; build it again with `plimsoll db build`",
        path.display()
    )]
    FormatVersion {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// Ours.
        supported: u32,
    },
    /// Bytes that are not what the snapshot's digest covers, or do not decode.
    #[error("the knowledge snapshot {} is damaged: {what}; build or fetch it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which part, and what is wrong with it.
        what: String,
    },
    /// A snapshot is moved to its place, which would replace a device or a pipe.
    #[error("cannot write {}: it is no regular file; name another", path.display())]
    NoRegularFile {
        /// The file.
        path: PathBuf,
    },
    /// A snapshot that would replace what it is made from.
    #[error("cannot write {}: it is one of the sources; name another file", path.display())]
    OverSource {
        /// The file.
        path: PathBuf,
    },
    /// A value that cannot be encoded.
    #[error("cannot encode the snapshot: {0}")]
    Encode(String),
}

fn first_reason(skipped: &[crate::Skipped]) -> String {
    skipped.first().map(|first| format!("; {first}")).unwrap_or_default()
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Io { source, .. }
                if matches!(
                    source.kind(),
                    io::ErrorKind::Interrupted
                        | io::ErrorKind::ResourceBusy
                        | io::ErrorKind::StorageFull
                        | io::ErrorKind::TimedOut
                        | io::ErrorKind::WouldBlock
                ) =>
            {
                Retry::After(None)
            }
            _ => Retry::Never,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_file_and_say_what_to_do() {
        let error = Error::NotASnapshot { path: "/x.db".into() };
        assert_eq!(error.to_string(), "/x.db is not a knowledge snapshot; make one with `plimsoll db build`");
        assert_eq!(error.retry(), Retry::Never);
    }

    #[test]
    fn a_full_disk_may_be_retried_and_a_missing_file_not() {
        let error = |kind: io::ErrorKind| Error::io("write", Path::new("/x"))(kind.into()).retry();
        assert_eq!(error(io::ErrorKind::StorageFull), Retry::After(None));
        assert_eq!(error(io::ErrorKind::NotFound), Retry::Never);
    }
}
