//! Immutable bytes under typed keys, behind one trait.
//!
//! Everything in the store is content-addressed, or a pure function of what its key names: whoever writes a
//! key writes the same bytes. That is why the only write is [`Store::put_if_absent`], why writing twice is
//! harmless, and why no reader ever needs a lock. What is read is still checked by its reader (by digest, or by
//! the evidence codec's checksum): a store promises that an object is whole, not that no disk ever lies.
//!
//! A backend is done when it passes the contract suite in [`testing`].

mod body;
mod error;
mod fs;
mod key;
mod memory;
mod open;
mod s3;
mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use body::Body;
pub use error::Error;
pub use fs::FsStore;
pub use key::{Key, Prefix};
pub use memory::MemoryStore;
pub use open::{open, open_existing};
pub use s3::{Encryption, S3Options, S3Store, read_s3};
pub use store::{Meta, Put, Store};
