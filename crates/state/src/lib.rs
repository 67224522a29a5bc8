//! What is asked, what is known and what is owed, in Postgres or SQLite.
//!
//! State is the truth of a fleet: messages on a queue are hints, and a process that dies loses nothing that
//! is written here. There is one trait per noun. What they have in common:
//!
//! - **Every write may be repeated.** A reply may be lost after the commit; the caller asks again, and the second
//!   call finds the first one's work and answers as it did. Callers retry by [`Error::retry`]; [`retrying`] does
//!   it for them.
//! - **Nothing is held while anybody waits.** A transaction is a few statements on indexed rows, without I/O
//!   between them. Work that takes longer is *claimed*: the row names a holder and the end of a lease. Whoever
//!   finds the lease ended may claim it again, so what is done under a claim has to bear being done twice.
//! - **The clock is the caller's.** Instants are milliseconds since the epoch and come as `now`. Leases should be
//!   much longer than the clocks of the fleet differ.
//! - **A tenant sees its own.** Methods for people take a [`Tenant`](plimsoll_types::Tenant) and find nothing of
//!   another's. Methods for the fleet's own roles do not, and give the tenant with what they return.
//! - **An end is an end.** A scan that is judged, failed, gone or cancelled stays so, and what would change it
//!   says `false`.
//!
//! A dialect is done when it passes the contract suite in [`testing`].

mod bells;
mod connect;
mod crawls;
mod deliveries;
mod error;
mod lanes;
mod layers;
mod plan;
mod planning;
mod postgres;
mod retained;
mod retrying;
mod rows;
mod scans;
mod settling;
mod sqlite;
mod state;
mod tags;
mod targets;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tokens;
mod verdicts;

pub use bells::{Bell, Bells, Ends, Listener};
pub use connect::{connect, connect_existing};
pub use crawls::{
    ClaimedCrawl, Crawl, CrawlActual, CrawlPlan, CrawlProgress, CrawlStep, Crawling, Crawls, FailureCount,
    FoundImage, FoundKind, Pace, ScanCount, Surveys,
};
pub use deliveries::{ClaimedDelivery, Deliveries, Delivery, DeliveryState};
pub use error::Error;
pub use layers::{Backlog, Due, LayerKey, LayerStanding, LayerState, Layers, Settled, WantedLayer};
pub use plan::{BlobStanding, Fingerprints, KnownLayer, PlannedBlob, PlannedTarget, ScanPlan};
pub use retained::{Retained, RetainedImage, RetainedLayer, RetainedScan};
pub use retrying::retrying;
pub use scans::{ClaimedScan, Planned, Progress, Scan, ScanFilter, Scans, Submitted};
pub use settling::{MAX_ATTEMPTS, MAX_INTERRUPTIONS, MAX_SOURCE_ATTEMPTS};
pub use state::{Forgotten, State, Upkeep};
pub use tags::{HistoryCursor, HistoryPage, Sighting, TagSpan, Tags};
pub use targets::{ClaimedLayer, ClaimedTarget, TargetId, Targets};
pub use tokens::{NewToken, Role, RoleError, Token, TokenId, Tokens};
pub use verdicts::{ImageVerdict, NewVerdict, StreamRange, Verdict, Verdicts};
