//! What asks for scans: whole registries that are worked through.
//!
//! Everything here ends in the state: a scan is submitted there, and what becomes of it is read there.

pub mod crawl;
