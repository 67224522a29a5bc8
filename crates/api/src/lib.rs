//! What listens, and what asks: the gRPC services of `proto/plimsoll/v1`, and their [`client`].
//!
//! A [`Server`] answers from state and store alone. It pulls nothing, judges nothing and speaks to no queue: a scan is
//! submitted by one transaction, and what becomes of it is read. So any number of servers can run side by side, each
//! may be killed at any moment, and a stream that breaks is opened again on another one.
//!
//! Beside it [`probe`] answers over HTTP for any role: alive, ready, metrics; and a server takes webhooks there, if there
//! are any.

mod access;
mod call;
pub mod client;
mod clock;
mod config;
mod convert;
mod error;
mod metrics;
pub mod probe;
mod request;
mod server;
mod services;
mod status;
pub mod token;
mod watches;
mod webhooks;

pub use access::Access;
pub use config::{Config, GRPC_PORT, HTTP_PORT, Limits, Tls};
pub use error::Error;
pub use server::{Parts, Server, serve};
