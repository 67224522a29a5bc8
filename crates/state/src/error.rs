//! What can go wrong with a database.

use plimsoll_types::{RequestError, Retry, ScanId};

/// Why the state could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text names no database this crate can open.
    #[error("{0}; write sqlite:FILE or postgres://USER@HOST/DATABASE")]
    Url(String),
    /// There is no such database, and it was not to be made.
    #[error("{file}: there is no such file; check the path")]
    NoFile {
        /// Where it is not.
        file: String,
    },
    /// The file of a database cannot be made.
    #[error("{file}: {source}; check the path and whose directory it is")]
    File {
        /// Where.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The database cannot be opened, or not brought to this version's schema.
    #[error("cannot prepare the database: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The database did not answer, or said no.
    #[error("the database did not do it: {0}{hint}", hint = hint(.0))]
    Database(#[from] sqlx::Error),
    /// A row holds what this version cannot read.
    #[error("the database holds a {what} this version cannot read ({found}); was it written by a newer one?")]
    Row {
        /// Of which noun.
        what: &'static str,
        /// What it holds.
        found: String,
    },
    /// The request breaks a bound.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The idempotency key stands for another request.
    #[error(
        "idempotency key {key:?} stands for another request, scan {scan}; use a new key for a new request"
    )]
    IdempotencyConflict {
        /// The key.
        key: String,
        /// The scan it stands for.
        scan: ScanId,
    },
    /// Verdicts after the cursor are forgotten, or the cursor was never given out.
    #[error("cursor {cursor} is outside {oldest}..={newest}; list the scans, then go on from {newest}")]
    OutOfRange {
        /// The cursor.
        cursor: u64,
        /// The least cursor that is accepted.
        oldest: u64,
        /// The number given last.
        newest: u64,
    },
    /// There is no such scan; it may have been forgotten.
    #[error("there is no scan {0}")]
    NoSuchScan(ScanId),
    /// The caller asked for what makes no sense.
    #[error("{0}")]
    Usage(&'static str),
}

impl Error {
    /// Whether the same call may succeed later. Every call may be repeated, also one whose reply was lost.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Database(error) | Self::Migrate(sqlx::migrate::MigrateError::Execute(error)) => {
                retry(error)
            }
            _ => Retry::Never,
        }
    }

    pub(crate) fn row(what: &'static str, found: impl std::fmt::Display) -> Self {
        Self::Row { what, found: found.to_string().chars().take(200).collect() }
    }
}

fn retry(error: &sqlx::Error) -> Retry {
    let passes = match error {
        // Protocol: a connection that broke in the middle of a message.
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code_passes(&code)),
        _ => false,
    };
    if passes { Retry::After(None) } else { Retry::Never }
}

/// True for codes that say "not now". SQLSTATE (PostgreSQL manual, appendix A) has five characters; SQLite's extended
/// result codes are decimal numbers whose low byte is the primary code.
fn code_passes(code: &str) -> bool {
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    const IO: u32 = 10;
    const FULL: u32 = 13;
    const CANNOT_OPEN: u32 = 14;
    if code.len() == 5 {
        // Connection lost, resources short, shutting down or starting up, a disk that fails, a password that is being
        // changed; serialization, deadlock, lock and statement timeouts; a standby that was the primary a moment ago.
        return ["08", "28", "53", "57", "58"].iter().any(|class| code.starts_with(class))
            || ["40001", "40003", "40P01", "55P03", "25006", "25P03"].contains(&code);
    }
    code.parse::<u32>().is_ok_and(|code| [BUSY, LOCKED, IO, FULL, CANNOT_OPEN].contains(&(code & 0xff)))
}

fn hint(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::PoolTimedOut => "; every connection is in use: is the database slow, or its limit low?",
        sqlx::Error::Io(_) => "; is the database running, and reachable from here?",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_pass_are_told_from_those_that_stay() {
        for code in [
            "40001", "40P01", "57P01", "57014", "53300", "08006", "5", "517", "261", "13", "58030", "28P01",
            "522", "14",
        ] {
            assert!(code_passes(code), "{code}");
        }
        for code in ["23505", "42P01", "22021", "1", "11", "19", "2067", "787"] {
            assert!(!code_passes(code), "{code}");
        }
    }

    #[test]
    fn a_lost_connection_is_worth_another_try_and_a_used_key_is_not() {
        let lost = Error::from(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()));
        assert_eq!(lost.retry(), Retry::After(None));
        assert!(lost.to_string().contains("running"), "{lost}");
        let scan = ScanId::new(0, [0; 10]);
        let used = Error::IdempotencyConflict { key: "k".into(), scan };
        assert_eq!(used.retry(), Retry::Never);
        assert!(used.to_string().contains("new key"), "{used}");
    }
}
