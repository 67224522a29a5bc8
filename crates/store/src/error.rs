//! What can go wrong with a store.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use plimsoll_types::Retry;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("cannot {action} {}: {source}{}", path.display(), hint(source))]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The place holds something that is not a store of a format this version knows.
    #[error(
        "{} is not a store of this version of plimsoll (it says {found:?}); name another one with --store",
        path.display()
    )]
    Format {
        /// The file that says so.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// The reader of a body failed; nothing was stored.
    #[error("the content of {key} could not be read to its end: {source}")]
    Body {
        /// [`crate::Key::path`].
        key: String,
        /// What the reader said.
        source: io::Error,
    },
    /// The reader of a body ended early or late; nothing was stored.
    #[error("the content of {key} was announced as {expected} bytes and is {found}")]
    BodySize {
        /// [`crate::Key::path`].
        key: String,
        /// As announced.
        expected: u64,
        /// As read; one more than announced stands for any number of more.
        found: u64,
    },
    /// An object is larger than the backend, or whoever reads it, can take.
    #[error("{key} is larger than {limit} bytes")]
    TooLarge {
        /// [`crate::Key::path`], or the address of the object.
        key: String,
        /// What can be taken.
        limit: u64,
    },
    /// An address names no place a store can be in.
    #[error(
        "{address:?} is no place for a store: {why}; it is a directory, file:DIRECTORY or s3://BUCKET/PATH"
    )]
    Address {
        /// As given.
        address: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An S3 server refused, or was not reached.
    #[error("cannot {action} {url}: {reason}{advice}")]
    S3 {
        /// What was tried.
        action: &'static str,
        /// On which object or listing.
        url: String,
        /// What the server said, or what became of the connection.
        reason: String,
        /// What to do about it, if that is known.
        advice: &'static str,
        /// Whether the same request may succeed later.
        retry: Retry,
    },
    /// An S3 server ignores the condition that makes writers safe from each other.
    #[error(
        "{address} cannot be a store: its server ignores `If-None-Match: *` on {request}, so one writer could replace \
         what another wrote; use a server that honours it"
    )]
    Unconditional {
        /// Which store.
        address: String,
        /// The request that was to fail and did not.
        request: &'static str,
    },
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Io { source, .. } => match source.kind() {
                // Somebody frees space, a quota or a descriptor, or a network file system comes back.
                ErrorKind::StorageFull
                | ErrorKind::QuotaExceeded
                | ErrorKind::ResourceBusy
                | ErrorKind::Interrupted
                | ErrorKind::TimedOut
                | ErrorKind::StaleNetworkFileHandle => Retry::After(None),
                _ if is_out_of_files(source) => Retry::After(None),
                _ => Retry::Never,
            },
            Self::Body { .. } => Retry::After(None),
            Self::S3 { retry, .. } => *retry,
            Self::Format { .. }
            | Self::BodySize { .. }
            | Self::TooLarge { .. }
            | Self::Address { .. }
            | Self::Unconditional { .. } => Retry::Never,
        }
    }

    /// For a request that cannot be repeated as it is, though the whole call can.
    pub(crate) fn worth_another_attempt(mut self) -> Self {
        if let Self::S3 { retry: retry @ Retry::Never, .. } = &mut self {
            *retry = Retry::After(None);
        }
        self
    }
}

fn is_out_of_files(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE]
        .iter()
        .any(|errno| code == Some(errno.raw_os_error()))
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            "; give this user write access to the store, or name another directory with --store"
        }
        ErrorKind::ReadOnlyFilesystem => "; name a directory on a writable file system with --store",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; free some space, or name a directory on another file system with --store"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "; something else is in the way: name another directory with --store"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io(kind: ErrorKind) -> Error {
        Error::Io { action: "write", path: "/s/x".into(), source: kind.into() }
    }

    #[test]
    fn messages_name_the_file_and_what_to_do() {
        for (kind, advice) in [
            (ErrorKind::PermissionDenied, "write access"),
            (ErrorKind::StorageFull, "free some space"),
            (ErrorKind::ReadOnlyFilesystem, "writable"),
        ] {
            let message = io(kind).to_string();
            assert!(message.starts_with("cannot write /s/x: ") && message.contains(advice), "{message}");
        }
    }

    #[test]
    fn a_full_disk_may_have_room_later_and_a_forbidden_one_stays_forbidden() {
        assert_eq!(io(ErrorKind::StorageFull).retry(), Retry::After(None));
        assert_eq!(io(ErrorKind::PermissionDenied).retry(), Retry::Never);
    }
}
