//! Verdicts: what was decided, and the stream of it.

use async_trait::async_trait;
use plimsoll_types::report::VerdictStatus;
use plimsoll_types::{Digest, Platform, ScanId, Tenant};

use crate::rows::Columns;
use crate::{Error, TargetId};

/// Committed verdicts. The documents are in the store, by digest; here is what finds them.
#[async_trait]
pub trait Verdicts: Send + Sync {
    /// The newest verdict on an image of this tenant, by the digest of its manifest, or of an index and then on all
    /// its platforms that were asked for. With `policy`, only those judged by it.
    async fn by_image(
        &self,
        tenant: &Tenant,
        image: Digest,
        policy: Option<Digest>,
    ) -> Result<Option<ImageVerdict>, Error>;

    /// The newest verdict of this tenant on what was asked for by exactly this reference. The tag may have moved since.
    async fn by_reference(&self, tenant: &Tenant, reference: &str) -> Result<Option<ImageVerdict>, Error>;

    /// Numbers at most `max` committed verdicts that have no number, and gives how many. Numbers are per tenant,
    /// start at 1, and have no holes; a verdict committed later gets a greater one. One caller at a time does it, others wait
    /// for it; how often it is called is how fresh the streams are.
    async fn sequence(&self, max: u32) -> Result<u64, Error>;

    /// At most `limit` of the tenant's numbered verdicts after `cursor`, in order. A cursor is the number of the last
    /// verdict that was seen, 0 before the first.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if verdicts after the cursor are forgotten, or the cursor was never given out: list
    /// the scans, and go on from [`StreamRange::newest`].
    async fn after(&self, tenant: &Tenant, cursor: u64, limit: u32) -> Result<Vec<Verdict>, Error>;

    /// What there is of the tenant's stream.
    async fn range(&self, tenant: &Tenant) -> Result<StreamRange, Error>;

    /// At most `limit` digests of verdict documents that are named by a row of any tenant, in order after `after`:
    /// what garbage collection keeps.
    async fn documents(&self, after: Option<Digest>, limit: u32) -> Result<Vec<Digest>, Error>;
}

/// A verdict to commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVerdict {
    /// The answer.
    pub status: VerdictStatus,
    /// Digest of the document in the store.
    pub document: Digest,
    /// The policy it was judged by.
    pub policy: Option<Digest>,
    /// The knowledge snapshot it was judged with.
    pub knowledge: Option<Digest>,
    /// The instant it holds for.
    pub evaluated_at: i64,
    /// Layers that were known, and all layers: "N of M" of a verdict at the deadline.
    pub layers_known: u32,
    /// See `layers_known`.
    pub layers: u32,
}

/// A committed verdict on one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whose, in its scan.
    pub target: TargetId,
    /// The image as the asker wrote it.
    pub reference: String,
    /// The index it came from.
    pub index: Option<Digest>,
    /// The manifest.
    pub manifest: Digest,
    /// The platform.
    pub platform: Platform,
    /// What was committed.
    pub verdict: NewVerdict,
    /// When it was committed.
    pub judged_at: i64,
    /// Its number in the tenant's stream, once it has one.
    pub sequence: Option<u64>,
}

/// The verdicts of one scan on one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageVerdict {
    /// The scan.
    pub scan: ScanId,
    /// The worst of them: fail, not judged, warn, pass.
    pub status: VerdictStatus,
    /// One per platform, at least one.
    pub verdicts: Vec<Verdict>,
}

/// The numbers a tenant's stream has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamRange {
    /// The least cursor [`Verdicts::after`] accepts.
    pub oldest: u64,
    /// The number given last; 0 if there was none.
    pub newest: u64,
}

/// Statuses, the worst first.
pub(crate) const WORST_FIRST: [VerdictStatus; 4] =
    [VerdictStatus::Fail, VerdictStatus::NotJudged, VerdictStatus::Warn, VerdictStatus::Pass];

/// The worst of several.
pub(crate) fn worst(statuses: impl IntoIterator<Item = VerdictStatus>) -> Option<VerdictStatus> {
    statuses.into_iter().min_by_key(|status| WORST_FIRST.iter().position(|other| other == status))
}

/// The columns [`read_verdict`] reads.
macro_rules! verdict_columns {
    () => {
        "v.scan, v.ordinal, v.reference, v.index_digest, v.manifest, v.platform, v.status, v.document, v.policy, \
         v.knowledge, v.evaluated_at, v.layers_known, v.layers, v.judged_at, v.sequence"
    };
}
pub(crate) use verdict_columns;

pub(crate) fn read_verdict(row: &impl Columns) -> Result<Verdict, Error> {
    Ok(Verdict {
        target: TargetId { scan: row.scan_id("scan")?, ordinal: row.count("ordinal")? },
        reference: row.text("reference")?,
        index: row.opt_digest("index_digest")?,
        manifest: row.digest("manifest")?,
        platform: row.platform("platform")?,
        verdict: NewVerdict {
            status: row.status("status")?.ok_or_else(|| Error::row("verdict status", "null"))?,
            document: row.digest("document")?,
            policy: row.opt_digest("policy")?,
            knowledge: row.opt_digest("knowledge")?,
            evaluated_at: row.int("evaluated_at")?,
            layers_known: row.count("layers_known")?,
            layers: row.count("layers")?,
        },
        judged_at: row.int("judged_at")?,
        sequence: row.opt_int("sequence")?.map(i64::cast_unsigned),
    })
}

/// The verdicts of one scan on the image that was asked for.
pub(crate) fn image_verdict(verdicts: Vec<Verdict>) -> Option<ImageVerdict> {
    let status = worst(verdicts.iter().map(|verdict| verdict.verdict.status))?;
    Some(ImageVerdict { scan: verdicts.first()?.target.scan, status, verdicts })
}

pub(crate) fn check_cursor(cursor: u64, range: StreamRange) -> Result<(), Error> {
    let StreamRange { oldest, newest } = range;
    if (oldest..=newest).contains(&cursor) {
        Ok(())
    } else {
        Err(Error::OutOfRange { cursor, oldest, newest })
    }
}
