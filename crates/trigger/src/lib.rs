//! What asks for scans because something happened: an image was pushed, a tag was deleted.
//!
//! A [`Source`] turns what a registry sends into [`Event`]s and knows nothing else; there is one file for each, and
//! [`sources::ALL`] lists them. What it sends arrives in a queue ([`Consumer`]) or by HTTP ([`Webhooks`]). The
//! [`Submitter`] turns an event into a scan, in one place for all: in lane push, pinned to the digest the event names, and
//! once however often the event comes.
//!
//! Registries are also worked through from one end to the other: [`crawl`].
//!
//! Everything ends in the state: a scan is submitted there, and what becomes of it is read there. Every byte of an event is a
//! stranger's: names are read as those of references are, and what is no event is refused with its reason.

mod consumer;
pub mod crawl;
mod error;
mod event;
mod observer;
mod proof;
pub mod sources;
mod submitter;
mod webhooks;

pub use consumer::{Config, Consumer};
pub use error::{Malformed, Rejection, WebhooksError};
pub use event::{Change, Event, Reading};
pub use observer::{Observer, Outcome};
pub use sources::Source;
pub use submitter::{Clock, Submitter};
pub use webhooks::{Admission, Receipt, Webhooks};
