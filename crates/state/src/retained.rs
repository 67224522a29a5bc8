//! What keeps objects of the store: garbage collection deletes what nothing here names.

use async_trait::async_trait;
use plimsoll_types::{Digest, Failure, ScanId, ScanRequest, Tenant};

use crate::rows::Columns;
use crate::{Error, KnownLayer, LayerKey};

/// Everything that is retained, of all tenants, in pages. A page has at most `limit` entries that come after `after`, in
/// order; fewer mean that there are no more. What is written meanwhile may or may not be among them. The documents of
/// verdicts are given by [`crate::Verdicts::documents`].
#[async_trait]
pub trait Retained: Send + Sync {
    /// Scans that are not forgotten, whether they have ended or not.
    async fn retained_scans(&self, after: Option<ScanId>, limit: u32) -> Result<Vec<RetainedScan>, Error>;

    /// Images some scan is or was about.
    async fn retained_images(
        &self,
        after: Option<&RetainedImage>,
        limit: u32,
    ) -> Result<Vec<RetainedImage>, Error>;

    /// Layers whose evidence is known, and which evidence that is; with those that were let go of at `since` or later.
    async fn retained_layers(
        &self,
        after: Option<&LayerKey>,
        since: i64,
        limit: u32,
    ) -> Result<Vec<RetainedLayer>, Error>;

    /// Lets go of those of `layers` that were settled before `before` and that no image has any more. Gives how many. The
    /// next scan that has one of them wants it, and somebody looks into the store again; a scan that was planned before
    /// does not notice. The row stays: as long as it is there, what is in the store is not another tenant's for the asking.
    async fn let_go(&self, layers: &[LayerKey], before: i64, now: i64) -> Result<u64, Error>;
}

/// What a scan needs besides its images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetainedScan {
    /// The scan.
    pub id: ScanId,
    /// The index its images came from.
    pub index: Option<Digest>,
    /// The policy it asks for.
    pub policy: Option<Digest>,
    /// The allowlists it asks for.
    pub allowlists: Vec<Digest>,
}

/// One tenant's image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetainedImage {
    /// Whose.
    pub tenant: Tenant,
    /// Its manifest.
    pub manifest: Digest,
    /// Its config.
    pub config: Digest,
}

/// One tenant's layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetainedLayer {
    /// Which.
    pub key: LayerKey,
    /// Its evidence.
    pub known: KnownLayer,
}

/// What is said of a layer nobody needs.
pub(crate) fn let_go() -> Failure {
    Failure::passing("forgotten", "no retained scan has this layer any more")
}

pub(crate) fn read_scan(row: &impl Columns) -> Result<RetainedScan, Error> {
    let request: ScanRequest = row.json("request")?;
    Ok(RetainedScan {
        id: row.scan_id("id")?,
        index: row.opt_digest("index_digest")?,
        policy: request.policy,
        allowlists: request.allowlists,
    })
}

pub(crate) fn read_image(row: &impl Columns) -> Result<RetainedImage, Error> {
    Ok(RetainedImage {
        tenant: row.tenant("tenant")?,
        manifest: row.digest("manifest")?,
        config: row.digest("config")?,
    })
}

pub(crate) fn read_layer(row: &impl Columns) -> Result<RetainedLayer, Error> {
    let known = row.known()?.ok_or_else(|| Error::row("layer that is done", "nothing is known of it"))?;
    Ok(RetainedLayer {
        key: LayerKey { tenant: row.tenant("tenant")?, digest: row.digest("digest")? },
        known,
    })
}
