//! Where images come from: registries, OCI layouts and archives, docker archives, root filesystems.
//!
//! Every place is a [`Source`]: a manifest or an index, then manifests, configs and blobs by digest. Manifests
//! and configs are verified here and have size caps. Blobs are streamed and verified by whoever reads them,
//! which costs one hash instead of two; none is ever held whole, in memory or on disk.

mod archive;
mod blocking;
mod config;
mod content;
mod credentials;
mod docker_archive;
mod document;
mod ecr;
mod error;
mod layout;
mod limits;
mod registries;
mod registry;
mod rootfs;
mod select;
mod source;
mod synthesis;

pub use config::parse_config;
pub use content::digest_of;
pub use credentials::{Credentials, Secret};
pub use document::{Document, IndexEntry, parse_document};
pub use ecr::{EcrAccount, EcrHost, EcrLogin, EcrTokens};
pub use error::Error;
pub use limits::Limits;
pub use registries::{EcrAccess, RegistriesError, RegistryEntry, RegistryMap};
pub use registry::{Catalog, Head, Names, Place, Repository};
pub use select::{rivals, select_platform};
pub use source::{BlobStream, Fetched, Options, Source, open};
