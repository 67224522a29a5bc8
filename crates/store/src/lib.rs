//! Immutable bytes under typed keys, behind one trait.

mod key;

pub use key::Key;
