//! A wanted layer as a message, and what the headers of messages say.

use std::collections::BTreeMap;

use plimsoll_proto::encode_layer_job;
use plimsoll_queue::Message;
use plimsoll_state::WantedLayer;
use plimsoll_types::Tenant;

/// Whose scans wait for the layer. Comes back with the result.
const TENANT: &str = "tenant";

/// There if what the store has may be another tenant's.
const SHARED: &str = "shared";

/// The lane, for people who look at a queue.
const LANE: &str = "lane";

/// The message of a layer.
pub(crate) fn message(layer: &WantedLayer) -> Message {
    let mut message = Message::new(encode_layer_job(&layer.job))
        .with_header(TENANT, layer.tenant.as_str())
        .with_header(LANE, layer.lane.as_str());
    if layer.shared {
        message = message.with_header(SHARED, "yes");
    }
    message
}

/// Whose a job or a result is.
pub(crate) fn tenant(headers: &BTreeMap<String, String>) -> Option<Tenant> {
    headers.get(TENANT)?.parse().ok()
}

/// Whether the job has to be done although the store has the layer: its tenant has yet to show that it may have it.
pub(crate) fn is_shared(headers: &BTreeMap<String, String>) -> bool {
    headers.contains_key(SHARED)
}
