//! Python distributions.

pub(crate) mod dist_info;
mod metadata;
mod record;
