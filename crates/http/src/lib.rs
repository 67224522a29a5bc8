//! The HTTP client every part of Plimsoll that leaves the machine goes through.
//!
//! It adds to `reqwest` what talking to strangers needs: an address guard that holds after name resolution
//! and on every redirect, credentials that stay with the origin they were meant for, bodies with a cap, and
//! errors that say whether another attempt can help.

mod address;
mod backoff;
mod client;
mod error;
mod network;
mod origin;
mod request;
mod resolver;
mod response;
mod retry_after;
mod tls;
mod transport;

pub use address::{AddressPolicy, Refusal};
pub use backoff::Backoff;
pub use client::{Client, Config, Proxy};
pub use error::Error;
pub use network::{Network, NetworkError};
pub use origin::{is_loopback, same_origin};
pub use request::Request;
pub use reqwest::header;
pub use reqwest::{Method, StatusCode, Url};
pub use response::Response;
