//! The messages as prost generates them. They never leave this crate.

include!(concat!(env!("OUT_DIR"), "/plimsoll.evidence.v1.rs"));

/// Messages between the roles of a fleet.
pub(crate) mod fleet {
    include!(concat!(env!("OUT_DIR"), "/plimsoll.fleet.v1.rs"));
}
