//! The nouns every other crate speaks in. No I/O, no clocks, no policy: values, their text forms and
//! their serde shapes.
//!
//! Serialised field names of [`report`] are a public contract (`plimsoll.report/v1`): fields may be
//! added, never renamed.

mod blind_spot;
mod crawl;
mod digest;
mod dockerfile;
mod evidence;
mod file_entry;
mod inventory;
mod job;
mod knowledge_age;
mod oci;
mod package;
mod path;
mod platform;
mod purl;
mod reference;
pub mod report;
mod retry;
mod scan;

pub use blind_spot::{BlindClass, BlindKind, BlindSpot};
pub use crawl::{CrawlId, CrawlIdError, CrawlRequest, CrawlState, CrawlStateError};
pub use digest::{Digest, DigestError};
pub use dockerfile::dockerfile_line;
pub use evidence::{
    DatabaseState, Evidence, EvidenceGroup, IndexEvidence, KeptFile, OsRelease, OwnedPaths, PackagesEvidence,
    Payload, Record, Section, SectionStatus,
};
pub use file_entry::{ContentKind, EntryKind, FileEntry, Xattr};
pub use inventory::{Distro, Inventory, InventoryFile, NestedRoot};
pub use job::{LayerDone, LayerFailure, LayerJob, LayerOutcome, LayerResult, LayerSource};
pub use knowledge_age::KnowledgeAge;
pub use oci::{Descriptor, HistoryLine, ImageConfig, Manifest, media_type};
pub use package::{LicenseClaim, Package, PackageRecord, PackageType, SourcePackage};
pub use path::PathBytes;
pub use platform::{Platform, PlatformError};
pub use purl::{Purl, PurlError};
pub use reference::{ImageSource, Reference, ReferenceError};
pub use retry::Retry;
pub use scan::{
    Failure, Lane, LaneError, RequestError, ScanId, ScanIdError, ScanRequest, ScanState, ScanStateError,
    Tenant, TenantError,
};
