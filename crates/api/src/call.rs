//! What happens around every call: its span, who calls, how long it may take, what is counted.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_state::{Role, State};
use plimsoll_telemetry::extract;
use tokio::time::Instant;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status};
use tracing::Instrument as _;

use crate::access::Caller;
use crate::metrics::ApiMetrics;
use crate::{Access, status};

/// The gRPC specification allows eight digits.
const MAX_DIGITS: usize = 8;
/// tonic's own timer answers CANCELLED, and no details; ours has to be the first.
const AHEAD: Duration = Duration::from_millis(5);

/// The door every call comes through.
pub(crate) struct Door {
    pub(crate) access: Access,
    pub(crate) state: Arc<dyn State>,
    pub(crate) metrics: ApiMetrics,
    /// The longest a call may take before it is answered.
    pub(crate) longest: Duration,
}

/// One call that was let in.
#[derive(Debug)]
pub(crate) struct Call<M> {
    pub(crate) caller: Caller,
    pub(crate) message: M,
    /// When its caller will not wait any longer, if it said so. What is streamed ends then.
    pub(crate) deadline: Option<Instant>,
}

impl Door {
    /// Lets a call in if its caller may make it, and answers it within its time. A caller who goes away drops the
    /// future, and with it whatever `work` was about to do.
    pub(crate) async fn enter<M, R, F>(
        &self,
        method: &'static str,
        needed: Role,
        request: Request<M>,
        work: impl FnOnce(Call<M>) -> F,
    ) -> Result<Response<R>, Status>
    where
        F: Future<Output = Result<R, Status>>,
    {
        let began = Instant::now();
        let span = tracing::info_span!("call", method, tenant = tracing::field::Empty);
        extract(&trace_headers(request.metadata())).adopt(&span);
        let asked = timeout(request.metadata());
        let admitted = async {
            let caller = Caller::identify(&self.access, &self.state, request.metadata()).await?;
            caller.may(needed)?;
            tracing::Span::current().record("tenant", caller.tenant.as_str());
            let deadline = asked.map(|allowed| began + allowed);
            work(Call { caller, message: request.into_inner(), deadline }).await
        };
        let allowed = asked.unwrap_or(self.longest).min(self.longest);
        let limited = tokio::time::timeout_at(began + allowed.saturating_sub(AHEAD), admitted);
        let result = match limited.instrument(span).await {
            Ok(result) => result,
            Err(_) => Err(status::deadline_exceeded()),
        };
        let code = result.as_ref().err().map_or(Code::Ok, Status::code);
        self.metrics.answered(method, code, began.elapsed());
        result.map(Response::new)
    }
}

/// The headers of W3C Trace Context.
fn trace_headers(metadata: &MetadataMap) -> BTreeMap<String, String> {
    let header = |name: &str| Some((name.to_owned(), metadata.get(name)?.to_str().ok()?.to_owned()));
    ["traceparent", "tracestate"].into_iter().filter_map(header).collect()
}

/// How long the caller waits: `grpc-timeout`, up to eight digits and a unit. A value that makes no sense is passed over, as
/// other servers do.
fn timeout(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let digits = text.len().checked_sub(1).filter(|digits| (1..=MAX_DIGITS).contains(digits))?;
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())??;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_read_in_every_unit() {
        let read = |value: &str| {
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-timeout", value.parse().unwrap());
            timeout(&metadata)
        };
        assert_eq!(read("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(read("3M"), Some(Duration::from_secs(180)));
        assert_eq!(read("4S"), Some(Duration::from_secs(4)));
        assert_eq!(read("5m"), Some(Duration::from_millis(5)));
        assert_eq!(read("6u"), Some(Duration::from_micros(6)));
        assert_eq!(read("99999999n"), Some(Duration::from_nanos(99_999_999)));
        for odd in ["", "S", "1", "1x", "+1S", "-1S", "123456789S", "1.5S"] {
            assert_eq!(read(odd), None, "{odd:?}");
        }
        assert_eq!(timeout(&MetadataMap::new()), None);
    }
}
