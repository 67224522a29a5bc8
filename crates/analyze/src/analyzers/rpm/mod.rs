//! rpm: the package database in its three backends.

pub(crate) mod berkeley;
mod header;
pub(crate) mod ndb;
mod number;
mod package;
pub(crate) mod sqlite;
mod sqlite_file;
mod wal;
