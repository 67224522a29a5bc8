//! The messages as prost generates them. They never leave this crate.

include!(concat!(env!("OUT_DIR"), "/plimsoll.evidence.v1.rs"));
