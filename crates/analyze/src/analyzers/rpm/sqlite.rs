//! `rpmdb.sqlite` and its write-ahead log: the database of Fedora, RHEL 9 and later, Mariner, Amazon Linux.

use std::io::{Cursor, Read, Seek, SeekFrom};

use plimsoll_types::{DatabaseState, PathBytes, Payload, Record, Section};

use super::package;
use super::sqlite_file::{File, Value};
use super::wal::Wal;
use crate::budget::Budget;
use crate::lines::reason;
use crate::{Analyzer, Content, FileMeta, Interest, ReadError, Scratch};

/// A database up to this size is kept until the end of the layer, for the case that its log follows.
const KEPT_BYTES: u64 = 48 << 20;

/// The largest log read. SQLite starts over at 4 MB unless somebody reads all the while.
const LOG_BYTES: u64 = 16 << 20;

const LOG_SUFFIX: &[u8] = b"-wal";

/// Reads rpm's SQLite database.
pub(crate) struct RpmSqlite;

impl Analyzer for RpmSqlite {
    fn id(&self) -> &'static str {
        "rpm/sqlite"
    }

    fn version(&self) -> u32 {
        2
    }

    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        match file.path.file_name() {
            b"rpmdb.sqlite" => Interest::Whole,
            // Emptied when the last connection closes, which is what most images have.
            b"rpmdb.sqlite-wal" if file.size > 0 => Interest::Whole,
            _ => Interest::None,
        }
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        scratch: &mut Scratch,
    ) -> Result<(), ReadError> {
        if file.path.file_name().ends_with(LOG_SUFFIX) {
            scratch.insert(file.path.clone(), content.bytes(LOG_BYTES)?);
            return Ok(());
        }
        let size = content.size();
        read_database(file.path, &mut *content, size, None, section)?;
        if size <= KEPT_BYTES {
            content.seek(SeekFrom::Start(0))?;
            scratch.insert(file.path.clone(), content.bytes(KEPT_BYTES)?);
        }
        Ok(())
    }

    /// Reads databases again through the logs that have something committed.
    fn finish(&self, mut scratch: Scratch, section: &mut Section) {
        let logs: Vec<_> =
            scratch.keys().filter(|path| path.as_bytes().ends_with(LOG_SUFFIX)).cloned().collect();
        for log in logs {
            let bytes = scratch.remove(&log).unwrap_or_default();
            let Some(wal) = Wal::parse(&bytes) else { continue };
            let base = &log.as_bytes()[..log.as_bytes().len() - LOG_SUFFIX.len()];
            let base = PathBytes::clean(base);
            let unreadable =
                |limit, message: &str| Payload::Unreadable { limit, message: message.to_owned() };
            let Some(database) = scratch.get(&base) else {
                let message = if section.records.iter().any(|record| record.path == base) {
                    unreadable(true, "its database is too large to be read together with it")
                } else {
                    unreadable(false, "has committed changes, but its database is not in the same layer")
                };
                section.records.push(Record { path: log, payload: message });
                continue;
            };
            section.records.retain(|record| record.path != base);
            let size = database.len() as u64;
            if let Err(error) = read_database(&base, Cursor::new(database), size, Some(&wal), section) {
                section.records.push(Record { path: base, payload: unreadable(false, &error.to_string()) });
            }
        }
    }
}

/// Packages of readable rows stay listed when another row or page is broken; the state then says so.
fn read_database(
    path: &PathBytes,
    content: impl Read + Seek,
    size: u64,
    wal: Option<&Wal<'_>>,
    section: &mut Section,
) -> Result<(), ReadError> {
    let format = "rpm".to_owned();
    let mut packages = 0;
    let mut broken = None;
    let mut budget = Budget::default();
    // SQLite takes an empty file for a database without tables.
    if size > 0 || wal.is_some() {
        let outcome = File::open(content, size, wal).and_then(|mut file| {
            file.rows("Packages", |columns| {
                let Some(Value::Bytes(blob)) = columns.get(1) else {
                    return Err(ReadError::Malformed("a row of Packages has no blob".to_owned()));
                };
                match package::add(blob, path, section, &mut budget) {
                    Ok(()) => packages += 1,
                    Err(error) => broken = broken.take().or(Some(reason(error)?)),
                }
                Ok(())
            })
        });
        if let Err(error) = outcome {
            broken = Some(reason(error)?);
        }
    }
    let state = match broken {
        None => DatabaseState::Read { format, packages },
        Some(message) => DatabaseState::Unreadable { format, message },
    };
    section.records.push(Record { path: path.clone(), payload: Payload::Database(state) });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, databases, packages, payloads, real};

    const PATH: &str = "var/lib/rpm/rpmdb.sqlite";

    #[test]
    fn what_is_no_database_is_unreadable_and_an_empty_file_is_empty() {
        let state = |bytes: &[u8]| databases(&analyze(&RpmSqlite, &[(PATH, bytes)])).remove(0);
        assert_eq!(state(b""), DatabaseState::Read { format: "rpm".into(), packages: 0 });
        for bytes in [&b"bogus"[..], &[0; 200], b"SQLite format 3\0"] {
            assert!(matches!(state(bytes), DatabaseState::Unreadable { .. }));
        }
    }

    #[test]
    fn a_log_without_its_database_is_told_if_it_holds_anything() {
        let log = super::super::wal::tests::log(512, &[(1, 1, vec![0; 512])]);
        let path = format!("{PATH}-wal");
        let section = analyze(&RpmSqlite, &[(&path, &log)]);
        assert!(matches!(&payloads(&section)[..], [Payload::Unreadable { limit: false, .. }]));
        assert!(analyze(&RpmSqlite, &[(&path, b"not a log")]).records.is_empty());
        assert!(analyze(&RpmSqlite, &[(&path, b"")]).records.is_empty());
    }

    #[test]
    fn a_log_that_breaks_its_database_makes_it_unreadable() {
        let Some(database) = real("packages/rpm/go-rpmdb/cbl-mariner-2.0/rpmdb.sqlite") else { return };
        let mut first = database[..4096].to_vec();
        first[100] = 7;
        let log = super::super::wal::tests::log(4096, &[(1, 880, first)]);
        let path = format!("{PATH}-wal");
        for order in [[(PATH, &database[..]), (&path, &log)], [(&path, &log), (PATH, &database[..])]] {
            let section = analyze(&RpmSqlite, &order);
            assert_eq!(packages(&section).len(), 0);
            assert!(matches!(databases(&section)[..], [DatabaseState::Unreadable { .. }]));
        }
    }

    #[test]
    fn a_real_mariner_database_is_read() {
        let Some(database) = real("packages/rpm/go-rpmdb/cbl-mariner-2.0/rpmdb.sqlite") else { return };
        let section = analyze(&RpmSqlite, &[(PATH, &database)]);
        let packages = packages(&section);
        assert_eq!(databases(&section), [DatabaseState::Read { format: "rpm".into(), packages: 129 }]);
        let bash = packages.iter().find(|package| package.name == "bash").unwrap();
        assert_eq!((&*bash.version, bash.arch.as_deref()), ("5.1.8-1.cm2", Some("x86_64")));
        assert_eq!(bash.vendor.as_deref(), Some("Microsoft Corporation"));
        assert!(
            bash.owned_paths.contains(&"usr/bin/bash".into())
                || bash.owned_paths.contains(&"bin/bash".into())
        );
    }
}
