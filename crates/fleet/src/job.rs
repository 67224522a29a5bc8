//! A wanted layer as a message, and what the headers of messages say.

use std::collections::BTreeMap;

use plimsoll_proto::{encode_layer_job, encode_layer_result};
use plimsoll_queue::Message;
use plimsoll_state::WantedLayer;
use plimsoll_telemetry::{Parent, inject};
use plimsoll_types::{LayerResult, Tenant};

/// Whose scans wait for the layer. Comes back with the result.
const TENANT: &str = "tenant";

/// There if what the store has may be another tenant's.
const SHARED: &str = "shared";

/// The lane, for people who look at a queue.
const LANE: &str = "lane";

/// The message of a layer, in the trace of the current span.
pub(crate) fn message(layer: &WantedLayer) -> Message {
    let mut message = Message::new(encode_layer_job(&layer.job))
        .with_header(TENANT, layer.tenant.as_str())
        .with_header(LANE, layer.lane.as_str());
    if layer.shared {
        message = message.with_header(SHARED, "yes");
    }
    inject(&mut message.headers);
    message
}

/// The message of a layer that has been looked after by a process that is not there any more, or that has another
/// attempt: in the trace of a scan that waits for it.
pub(crate) fn message_again(layer: &WantedLayer) -> Message {
    let span = tracing::info_span!("publish again", layer = %layer.job.digest);
    if let Some(scan) = layer.scan {
        Parent::of_trace(&scan.to_string()).adopt(&span);
    }
    span.in_scope(|| message(layer))
}

/// The answer to a job, for whoever reads the answers, in the trace of the current span.
pub(crate) fn answer(headers: &BTreeMap<String, String>, result: &LayerResult) -> Message {
    let mut headers = headers.clone();
    inject(&mut headers);
    Message { headers, body: encode_layer_result(result).into() }
}

/// Whose a job or a result is.
pub(crate) fn tenant(headers: &BTreeMap<String, String>) -> Option<Tenant> {
    headers.get(TENANT)?.parse().ok()
}

/// Whether the job has to be done although the store has the layer: its tenant has yet to show that it may have it.
pub(crate) fn is_shared(headers: &BTreeMap<String, String>) -> bool {
    headers.contains_key(SHARED)
}
