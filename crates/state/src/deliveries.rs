//! Deliveries: what is owed to those who asked to be told.

use std::fmt;

use async_trait::async_trait;
use plimsoll_types::{ScanId, Tenant};

use crate::Error;
use crate::rows::Columns;

/// The outbox of callbacks. A scan with a callback that ends well or badly, but not by being cancelled, owes exactly one
/// delivery, made in the transaction that ended it. What it says is read from the scan, which does not change any more.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// Claims at most `max` deliveries that are due, until `now + lease_ms`, the longest due first. No two callers
    /// hold one at a time; if the reply is lost, they are claimed again when the lease has ended. So a delivery may be
    /// posted twice, with the same id.
    async fn claim_deliveries(
        &self,
        holder: &str,
        lease_ms: i64,
        max: u32,
        now: i64,
    ) -> Result<Vec<ClaimedDelivery>, Error>;

    /// It was taken. `false` if it was not pending any more. The holder does not matter: delivered is delivered.
    async fn delivered(&self, scan: ScanId, now: i64) -> Result<bool, Error>;

    /// Not yet: gives it back until `next_at` and counts the attempt. `false` if `holder` does not hold it any more.
    async fn postpone_delivery(
        &self,
        scan: ScanId,
        holder: &str,
        next_at: i64,
        reason: &str,
    ) -> Result<bool, Error>;

    /// Never: keeps it with the reason, for people to see. `false` if `holder` does not hold it any more.
    async fn dead(&self, scan: ScanId, holder: &str, reason: &str, now: i64) -> Result<bool, Error>;

    /// Makes a delivery of the tenant due once more, delivered or dead, with its attempts forgotten. `false` if there is
    /// none. May be repeated.
    async fn redeliver(&self, tenant: &Tenant, scan: ScanId, now: i64) -> Result<bool, Error>;

    /// At most `limit` of the tenant's deliveries, the newest scan first, older than `after`; with `state`, only those in it.
    async fn list_deliveries(
        &self,
        tenant: &Tenant,
        state: Option<DeliveryState>,
        after: Option<ScanId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, Error>;
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// It is due, or will be.
    Pending,
    /// It was taken.
    Delivered,
    /// Nobody tries any more.
    Dead,
}

impl DeliveryState {
    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A delivery somebody has to make. The scan's id is the delivery's id, the same whenever it is posted again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedDelivery {
    /// The scan that ended.
    pub scan: ScanId,
    /// Whose.
    pub tenant: Tenant,
    /// Where to.
    pub url: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When the scan ended.
    pub created_at: i64,
}

/// A delivery, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The scan that ended.
    pub scan: ScanId,
    /// Where to.
    pub url: String,
    /// How far it is.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// What the last attempt ran into.
    pub reason: Option<String>,
    /// When the scan ended.
    pub created_at: i64,
    /// When it is tried next, if it is pending.
    pub next_at: Option<i64>,
    /// When it was delivered or given up.
    pub ended_at: Option<i64>,
}

pub(crate) fn read_claimed_delivery(row: &impl Columns) -> Result<ClaimedDelivery, Error> {
    Ok(ClaimedDelivery {
        scan: row.scan_id("scan")?,
        tenant: row.tenant("tenant")?,
        url: row.text("url")?,
        attempts: row.count("attempts")?,
        created_at: row.int("created_at")?,
    })
}

pub(crate) fn read_delivery(row: &impl Columns) -> Result<Delivery, Error> {
    let state = row.delivery_state("state")?;
    Ok(Delivery {
        scan: row.scan_id("scan")?,
        url: row.text("url")?,
        state,
        attempts: row.count("attempts")?,
        reason: row.opt_text("reason")?,
        created_at: row.int("created_at")?,
        next_at: if state == DeliveryState::Pending { Some(row.int("next_at")?) } else { None },
        ended_at: row.opt_int("ended_at")?,
    })
}
