//! What is posted: a CloudEvent 1.0 in structured JSON mode. Fields may be added and are never renamed; what is
//! unknown is null, and arrays are never absent.

use std::borrow::Cow;
use std::collections::BTreeMap;

use plimsoll_types::report::{Action, VerdictStatus};
use plimsoll_types::{Digest, Platform, ScanId, ScanState, Tenant};
use serde::Serialize;

/// The content type of an event.
pub(crate) const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// The envelope. `source` and `id` together name the event.
#[derive(Serialize)]
pub(crate) struct Event<'a> {
    pub(crate) specversion: &'static str,
    pub(crate) id: ScanId,
    pub(crate) source: String,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) time: String,
    pub(crate) subject: &'a str,
    pub(crate) datacontenttype: &'static str,
    pub(crate) data: Data<'a>,
}

/// How a scan ended.
#[derive(Serialize)]
pub(crate) struct Data<'a> {
    pub(crate) scan: ScanId,
    pub(crate) tenant: &'a Tenant,
    pub(crate) reference: &'a str,
    pub(crate) labels: &'a BTreeMap<String, String>,
    pub(crate) state: ScanState,
    /// The worst of all platforms; null if there is no verdict.
    pub(crate) status: Option<VerdictStatus>,
    /// That of `plimsoll scan`.
    pub(crate) exit_code: u8,
    /// Why there is no verdict.
    pub(crate) failure: Option<Why<'a>>,
    /// The index the reference was resolved to, if it is one.
    pub(crate) index: Option<Digest>,
    pub(crate) submitted_at: String,
    pub(crate) ended_at: String,
    pub(crate) platforms: Vec<OnPlatform<'a>>,
    /// How many there are, should they be too many to list.
    pub(crate) platforms_total: usize,
}

/// Why a scan has no verdict.
#[derive(Serialize)]
pub(crate) struct Why<'a> {
    pub(crate) kind: Cow<'a, str>,
    pub(crate) message: Cow<'a, str>,
    pub(crate) retryable: bool,
}

/// The verdict on one platform.
#[derive(Serialize)]
pub(crate) struct OnPlatform<'a> {
    pub(crate) platform: &'a Platform,
    pub(crate) manifest: Digest,
    pub(crate) status: VerdictStatus,
    /// The verdict document, by its digest.
    pub(crate) document: Digest,
    pub(crate) policy: Option<Digest>,
    pub(crate) knowledge: Option<Digest>,
    pub(crate) evaluated_at: String,
    pub(crate) layers_known: u32,
    pub(crate) layers: u32,
    /// The worst of those that count; null if the document cannot be read.
    pub(crate) reasons: Option<&'a [Reason]>,
    /// How many count.
    pub(crate) reasons_total: Option<usize>,
}

/// One reason that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Reason {
    pub(crate) gate: String,
    pub(crate) trigger: String,
    pub(crate) action: Action,
    pub(crate) trigger_id: String,
    pub(crate) message: String,
}
