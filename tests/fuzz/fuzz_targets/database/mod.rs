//! What holds of the records of any package database of an operating system.

use plimsoll_types::{DatabaseState, Payload, Record};

/// Packages have a name and a version and own each path once; the database says that it was read and how many it gave,
/// or that it was not.
pub fn check(records: &[Record]) {
    let mut packages = 0;
    let mut states = Vec::new();
    for record in records {
        match &record.payload {
            Payload::Package(package) => {
                packages += 1;
                assert!(!package.name.is_empty() && !package.version.is_empty());
                assert!(package.owned_paths.is_sorted_by(|one, other| one < other));
                assert!(package.source.as_ref().is_none_or(|source| source.version.is_some()));
            }
            Payload::Database(state) => states.push(state),
            payload => panic!("no fact of a database: {payload:?}"),
        }
    }
    match states[..] {
        [DatabaseState::Read { packages: count, .. }] => assert_eq!(*count, packages),
        [DatabaseState::Unreadable { message, .. }] => assert!(!message.is_empty()),
        _ => panic!("one state, not {states:?}"),
    }
}
