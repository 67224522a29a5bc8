//! What every Linux distribution has.

pub(crate) mod os_release;
