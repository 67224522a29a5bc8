//! The services, one file each.

mod crawls;
mod documents;
mod scans;
mod tags;
mod verdict_stream;
mod verdicts;

use std::pin::Pin;

use futures_util::Stream;
use tonic::Status;

pub(crate) use crawls::CrawlApi;
pub(crate) use documents::MAX as MAX_DOCUMENTS;
pub(crate) use scans::ScanApi;
pub(crate) use tags::TagApi;
pub(crate) use verdicts::VerdictApi;

/// What a streaming call answers with.
type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
