//! One file per format.

pub(crate) mod cyclonedx;
pub(crate) mod json;
pub(crate) mod sarif;
pub(crate) mod table;
