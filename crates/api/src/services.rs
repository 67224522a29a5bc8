//! The services, one file each.

mod documents;
mod scans;
mod verdict_stream;
mod verdicts;

use std::pin::Pin;

use futures_util::Stream;
use tonic::Status;

pub(crate) use documents::MAX as MAX_DOCUMENTS;
pub(crate) use scans::ScanApi;
pub(crate) use verdicts::VerdictApi;

/// What a streaming call answers with.
type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
