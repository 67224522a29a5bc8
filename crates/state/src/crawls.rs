//! Crawls: somebody points at a registry, and somebody works through it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use plimsoll_types::report::VerdictStatus;
use plimsoll_types::{CrawlId, CrawlRequest, CrawlState, Digest, Failure, Lane, ScanId, ScanState, Tenant};

use crate::Error;
use crate::rows::Columns;

/// The most bytes of a layer that are believed when sizes are added up: whoever writes a manifest can claim any.
pub(crate) const MAX_SIZE: u64 = 1 << 40;

/// What people ask of crawls.
#[async_trait]
pub trait Crawls: Send + Sync {
    /// Accepts a crawl. `Ok` promises that it is durable and goes on, whoever dies.
    ///
    /// With an idempotency key this may be repeated: the same tenant and key give the first call's crawl.
    ///
    /// # Errors
    /// [`Error::Request`] if a bound is broken.
    async fn start_crawl(&self, request: &CrawlRequest, now: i64) -> Result<CrawlId, Error>;

    /// Starts the next crawl of a schedule if the last one was started at least `every_ms` ago and has ended: its id. `None`
    /// if it is not time. Several may ask at once; one of them starts it.
    async fn start_scheduled(
        &self,
        schedule: &str,
        every_ms: i64,
        request: &CrawlRequest,
        now: i64,
    ) -> Result<Option<CrawlId>, Error>;

    /// A crawl of the tenant's, with what it found and what became of that.
    async fn crawl(&self, tenant: &Tenant, id: CrawlId) -> Result<Option<CrawlProgress>, Error>;

    /// At most `limit` of the tenant's crawls, the newest first, older than `after`.
    async fn list_crawls(
        &self,
        tenant: &Tenant,
        after: Option<CrawlId>,
        limit: u32,
    ) -> Result<Vec<Crawl>, Error>;

    /// Ends a crawl as [`CrawlState::Cancelled`]; the scans it asked for go on. Gives the state it is in afterwards, `None`
    /// if the tenant has no such crawl. May be repeated.
    async fn cancel_crawl(&self, tenant: &Tenant, id: CrawlId, now: i64)
    -> Result<Option<CrawlState>, Error>;
}

/// What those do who work through registries. A crawl is claimed under a lease as scans are; `false` everywhere means that
/// the caller does not hold it any more, or that it was cancelled, and that nothing was written.
#[async_trait]
pub trait Crawling: Send + Sync {
    /// Claims at most `max` crawls that are due, until `now + lease_ms`.
    async fn claim_crawls(
        &self,
        holder: &str,
        lease_ms: i64,
        max: u32,
        now: i64,
    ) -> Result<Vec<ClaimedCrawl>, Error>;

    /// Records what was found: images by repository and digest, and their layers, with whether those are known now. What
    /// was recorded before stays as it was, so this may be repeated. Comes before scans are asked for, so that nothing is
    /// known because of this crawl.
    async fn found(&self, id: CrawlId, holder: &str, images: &[FoundImage]) -> Result<bool, Error>;

    /// Records in one transaction how far the crawl is, and prolongs the claim until `until`.
    async fn advance(&self, id: CrawlId, holder: &str, step: &CrawlStep, until: i64) -> Result<bool, Error>;

    /// Gives a claimed crawl back until `next_at`, and counts an attempt if it is said to be one: being told to wait is none.
    /// The next step that is made sets attempts and failure back.
    async fn put_off_crawl(
        &self,
        id: CrawlId,
        holder: &str,
        next_at: i64,
        failure: Option<&Failure>,
        is_attempt: bool,
    ) -> Result<bool, Error>;

    /// Ends a claimed crawl: [`CrawlState::Done`], or [`CrawlState::Failed`] with the reason.
    async fn end_crawl(
        &self,
        id: CrawlId,
        holder: &str,
        end: CrawlState,
        failure: Option<&Failure>,
        now: i64,
    ) -> Result<bool, Error>;
}

/// What a crawl has to know before it asks for anything.
#[async_trait]
pub trait Surveys: Send + Sync {
    /// For each image of a repository, as tag and digest, the newest scan about it that has a verdict or will have one.
    /// One that failed, is gone or was cancelled does not count.
    async fn asked(
        &self,
        tenant: &Tenant,
        registry: &str,
        repository: &str,
        images: &[(String, Digest)],
    ) -> Result<Vec<Option<ScanId>>, Error>;

    /// The layers of an image, lowest first, if some scan of the tenant's was about it.
    async fn layers_of(&self, tenant: &Tenant, manifest: Digest)
    -> Result<Option<Vec<(Digest, u64)>>, Error>;

    /// How a registry wants to be asked, as far as it is known.
    async fn pace(&self, registry: &str) -> Result<Option<Pace>, Error>;

    /// Keeps how a registry wants to be asked.
    async fn keep_pace(&self, registry: &str, pace: &Pace, now: i64) -> Result<(), Error>;
}

/// How a registry wants to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Thousandths of a request a second.
    pub rate: u64,
    /// Not before this instant.
    pub not_before: i64,
}

/// A crawl to go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedCrawl {
    /// Its id.
    pub id: CrawlId,
    /// What was asked.
    pub request: CrawlRequest,
    /// [`CrawlStep::cursor`] of the last step.
    pub cursor: Option<String>,
    /// Attempts since then that came to nothing.
    pub attempts: u32,
    /// When it was started.
    pub started_at: i64,
}

/// What a crawl found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundImage {
    /// The repository.
    pub repository: String,
    /// A tag that names it.
    pub tag: String,
    /// Its manifest or index.
    pub digest: Digest,
    /// What it is.
    pub kind: FoundKind,
    /// Layers with their sizes as the manifest has them; of an index those of all its images.
    pub layers: Vec<(Digest, u64)>,
}

/// What a manifest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundKind {
    /// An image.
    Image,
    /// An index with at least one image.
    Index,
    /// A signature, an attestation, a chart: nothing to judge.
    NotAnImage,
}

impl FoundKind {
    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Index => "index",
            Self::NotAnImage => "not_an_image",
        }
    }
}

/// A step of a crawl.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrawlStep {
    /// Where to go on, in words of whoever crawls.
    pub cursor: String,
    /// So many repositories more.
    pub repositories: u64,
    /// So many tags more.
    pub tags: u64,
    /// The scans that judge what was found.
    pub scans: Vec<(String, Digest, ScanId)>,
    /// What could not be looked at: the repository, the tag or nothing, and why.
    pub failures: Vec<(String, String, Failure)>,
}

/// A crawl.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crawl {
    /// Its id.
    pub id: CrawlId,
    /// What was asked.
    pub request: CrawlRequest,
    /// The schedule that started it.
    pub schedule: Option<String>,
    /// How far it is.
    pub state: CrawlState,
    /// Repositories looked at.
    pub repositories: u64,
    /// Tags looked at.
    pub tags: u64,
    /// Why it failed, or waits.
    pub failure: Option<Failure>,
    /// When it goes on, at the latest; only while it runs.
    pub next_at: i64,
    /// When it was started.
    pub started_at: i64,
    /// When everything had been looked at, or it ended otherwise.
    pub ended_at: Option<i64>,
}

/// A crawl, what it found, and what became of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrawlProgress {
    /// The crawl.
    pub crawl: Crawl,
    /// Images and indexes, each once for each repository.
    pub images: u64,
    /// Those of them some scan judges.
    pub asked: u64,
    /// Manifests that are no images.
    pub not_images: u64,
    /// Their layers, as planned.
    pub planned: CrawlPlan,
    /// What is there by now.
    pub actual: CrawlActual,
    /// The scans, by lane, state and verdict.
    pub scans: Vec<ScanCount>,
    /// What ended badly, by kind.
    pub failures: Vec<FailureCount>,
    /// What the last crawl of this registry pulled in a second, from its start to its last layer.
    pub bytes_per_second: Option<u64>,
}

/// What a crawl has to do, as known when each image was found. Sizes are those of manifests: compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrawlPlan {
    /// Distinct layers.
    pub layers: u64,
    /// Layers, counted once for each image that has them.
    pub layer_uses: u64,
    /// Bytes of the distinct layers.
    pub bytes: u64,
    /// Bytes of all images, as if they shared nothing.
    pub bytes_of_uses: u64,
    /// Distinct layers whose evidence was there.
    pub known_layers: u64,
    /// Their bytes.
    pub known_bytes: u64,
}

/// What became of the layers that were not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrawlActual {
    /// Read, and their evidence stored.
    pub layers: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Given up.
    pub failed_layers: u64,
    /// When the last of them was settled.
    pub settled_at: Option<i64>,
}

/// So many scans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanCount {
    /// In which lane.
    pub lane: Lane,
    /// How far.
    pub state: ScanState,
    /// With which verdict, once judged.
    pub status: Option<VerdictStatus>,
    /// How many.
    pub count: u64,
}

/// So many failures of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureCount {
    /// The kind.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// What one of them says.
    pub example: String,
}

/// Failures that are read to be counted; more than these are counted with them, as of no kind.
pub(crate) const MAX_FAILURES: i64 = 10_000;

/// Failures by kind, the most frequent first.
pub(crate) fn count_failures(failures: impl IntoIterator<Item = Failure>) -> Vec<FailureCount> {
    let mut kinds: BTreeMap<String, FailureCount> = BTreeMap::new();
    for Failure { kind, message, .. } in failures {
        let new = || FailureCount { kind: kind.clone(), count: 0, example: message };
        kinds.entry(kind.clone()).or_insert_with(new).count += 1;
    }
    let mut counts: Vec<_> = kinds.into_values().collect();
    counts.sort_by_key(|count| std::cmp::Reverse(count.count));
    counts
}

/// The layers of an image, each once, and how often it has them.
pub(crate) fn distinct(layers: &[(Digest, u64)]) -> BTreeMap<Digest, (u64, i64)> {
    let mut distinct: BTreeMap<Digest, (u64, i64)> = BTreeMap::new();
    for (digest, size) in layers {
        distinct.entry(*digest).or_insert((*size, 0)).1 += 1;
    }
    distinct
}

/// A sum that does not overflow, in either dialect.
macro_rules! total {
    ($of:literal) => {
        concat!(
            "CAST(CASE WHEN SUM(CAST(",
            $of,
            " AS DOUBLE PRECISION)) > 9e18 THEN 9e18
                 ELSE COALESCE(SUM(CAST(",
            $of,
            " AS DOUBLE PRECISION)), 0) END AS BIGINT)"
        )
    };
}

/// What is planned: `$1` is the crawl.
pub(crate) const PLAN: &str = concat!(
    "SELECT COUNT(*) AS layers, CAST(COALESCE(SUM(uses), 0) AS BIGINT) AS layer_uses, ",
    total!("size"),
    " AS bytes, ",
    total!("size * uses"),
    " AS bytes_of_uses, COUNT(*) FILTER (WHERE known) AS known_layers, ",
    total!("CASE WHEN known THEN size ELSE 0 END"),
    " AS known_bytes FROM crawl_layers WHERE crawl = $1"
);

/// What became of it: `$1` is the crawl, `$2` the tenant.
pub(crate) const ACTUAL: &str = concat!(
    "SELECT COUNT(*) FILTER (WHERE l.state = 'done') AS layers, ",
    total!("CASE WHEN l.state = 'done' THEN c.size ELSE 0 END"),
    " AS bytes, COUNT(*) FILTER (WHERE l.state IN ('failed', 'gone', 'quarantined')) AS failed_layers,
         MAX(l.settled_at) AS settled_at
     FROM crawl_layers c JOIN layers l ON l.tenant = $2 AND l.digest = c.digest
     WHERE c.crawl = $1 AND NOT c.known"
);

/// What was found: `$1` is the crawl.
pub(crate) const IMAGES: &str = "SELECT COUNT(*) FILTER (WHERE kind <> 'not_an_image') AS images,
         COUNT(*) FILTER (WHERE kind = 'not_an_image') AS not_images, COUNT(scan) AS asked
     FROM crawl_images WHERE crawl = $1";

/// The scans: `$1` is the crawl.
pub(crate) const SCANS: &str = "SELECT s.lane, s.state, s.status, COUNT(*) AS number
     FROM crawl_images c JOIN scans s ON s.id = c.scan
     WHERE c.crawl = $1 GROUP BY s.lane, s.state, s.status ORDER BY s.lane DESC, s.state, s.status";

/// What went wrong: `$1` is the crawl, `$2` how many at most.
pub(crate) const FAILURES: &str = "SELECT failure FROM (
         SELECT f.failure FROM crawl_failures f WHERE f.crawl = $1
         UNION ALL
         SELECT s.failure FROM crawl_images c JOIN scans s ON s.id = c.scan
         WHERE c.crawl = $1 AND s.state IN ('failed', 'gone') AND s.failure IS NOT NULL
     ) all_of_them LIMIT $2";

/// The last crawl of a registry that pulled anything, for its speed: `$1` is the tenant, `$2` the registry.
pub(crate) const SPEED: &str = concat!(
    "SELECT c.started_at, a.settled_at, a.bytes FROM (
         SELECT id, started_at FROM crawls WHERE tenant = $1 AND registry = $2 ORDER BY id DESC LIMIT 20
     ) c JOIN (
         SELECT c.crawl, MAX(l.settled_at) AS settled_at, ",
    total!("c.size"),
    " AS bytes FROM crawl_layers c JOIN crawls w ON w.id = c.crawl AND w.tenant = $1 AND w.registry = $2
             JOIN layers l ON l.tenant = $1 AND l.digest = c.digest AND l.state = 'done'
                 AND l.settled_at >= w.started_at
         WHERE NOT c.known GROUP BY c.crawl
     ) a ON a.crawl = c.id
     WHERE a.settled_at > c.started_at ORDER BY c.id DESC LIMIT 1"
);

/// The newest scan that judges an image: `$1` is the tenant, `$2` the digest, `$3` and `$4` how references to the repository
/// begin, `$5` and `$6` the references to this image.
pub(crate) const ASKED: &str = "SELECT id FROM (
         SELECT s.id FROM targets t JOIN scans s ON s.id = t.scan
         WHERE t.tenant = $1 AND t.manifest = $2 AND s.state IN ('analyzing', 'judged')
             AND (SUBSTR(s.reference, 1, LENGTH($3)) = $3 OR SUBSTR(s.reference, 1, LENGTH($4)) = $4)
         UNION ALL
         SELECT s.id FROM scans s
         WHERE s.tenant = $1 AND s.index_digest = $2 AND s.state IN ('analyzing', 'judged')
             AND (SUBSTR(s.reference, 1, LENGTH($3)) = $3 OR SUBSTR(s.reference, 1, LENGTH($4)) = $4)
         UNION ALL
         SELECT s.id FROM scans s
         WHERE s.tenant = $1 AND s.reference IN ($5, $6) AND s.state = 'submitted'
     ) asked ORDER BY id DESC LIMIT 1";

/// Records a layer once for each crawl: `$1` is the crawl, `$2` the tenant, `$3` the digest, `$4` its size, `$5` how
/// often the image has it.
pub(crate) const FOUND_LAYER: &str = "INSERT INTO crawl_layers (crawl, digest, size, uses, known)
     VALUES ($1, $3, $4, $5, EXISTS (
         SELECT 1 FROM layers l WHERE l.tenant = $2 AND l.digest = $3 AND l.state = 'done'
             AND (NOT EXISTS (SELECT 1 FROM fingerprints) OR EXISTS (
                 SELECT 1 FROM fingerprints f WHERE f.index_fingerprint = l.index_fingerprint
                     AND f.packages_fingerprint = l.packages_fingerprint))))
     ON CONFLICT (crawl, digest) DO UPDATE SET uses = crawl_layers.uses + excluded.uses";

/// Deletes what a crawl left: `$1` is the crawl.
pub(crate) const FORGET: [&str; 4] = [
    "DELETE FROM crawl_images WHERE crawl = $1",
    "DELETE FROM crawl_layers WHERE crawl = $1",
    "DELETE FROM crawl_failures WHERE crawl = $1",
    "DELETE FROM crawls WHERE id = $1",
];

/// The columns [`read_crawl`] reads.
macro_rules! crawl_columns {
    () => {
        "id, request, schedule, state, repositories, tags, failure, next_at, started_at, ended_at"
    };
}
pub(crate) use crawl_columns;

/// A new id. Its random part comes from a generator seeded by the system's.
pub(crate) fn new_crawl_id(now: i64) -> CrawlId {
    let mut random = [0; 10];
    fastrand::fill(&mut random);
    CrawlId::new(now, random)
}

pub(crate) fn crawl_id(row: &impl Columns) -> Result<CrawlId, Error> {
    let text = row.text("id")?;
    text.parse().map_err(|_| Error::row("crawl id", text))
}

pub(crate) fn crawl_state(row: &impl Columns) -> Result<CrawlState, Error> {
    let text = row.text("state")?;
    text.parse().map_err(|_| Error::row("crawl state", text))
}

pub(crate) fn read_crawl(row: &impl Columns) -> Result<Crawl, Error> {
    Ok(Crawl {
        id: crawl_id(row)?,
        request: row.json("request")?,
        schedule: row.opt_text("schedule")?,
        state: crawl_state(row)?,
        repositories: row.int("repositories")?.cast_unsigned(),
        tags: row.int("tags")?.cast_unsigned(),
        failure: row.failure("failure")?,
        next_at: row.int("next_at")?,
        started_at: row.int("started_at")?,
        ended_at: row.opt_int("ended_at")?,
    })
}

pub(crate) fn read_claimed(row: &impl Columns) -> Result<ClaimedCrawl, Error> {
    Ok(ClaimedCrawl {
        id: crawl_id(row)?,
        request: row.json("request")?,
        cursor: row.opt_text("cursor")?,
        attempts: row.count("attempts")?,
        started_at: row.int("started_at")?,
    })
}

pub(crate) fn read_plan(row: &impl Columns) -> Result<CrawlPlan, Error> {
    let number = |name| Ok::<_, Error>(row.int(name)?.cast_unsigned());
    Ok(CrawlPlan {
        layers: number("layers")?,
        layer_uses: number("layer_uses")?,
        bytes: number("bytes")?,
        bytes_of_uses: number("bytes_of_uses")?,
        known_layers: number("known_layers")?,
        known_bytes: number("known_bytes")?,
    })
}

pub(crate) fn read_actual(row: &impl Columns) -> Result<CrawlActual, Error> {
    Ok(CrawlActual {
        layers: row.int("layers")?.cast_unsigned(),
        bytes: row.int("bytes")?.cast_unsigned(),
        failed_layers: row.int("failed_layers")?.cast_unsigned(),
        settled_at: row.opt_int("settled_at")?,
    })
}

pub(crate) fn read_scan_count(row: &impl Columns) -> Result<ScanCount, Error> {
    Ok(ScanCount {
        lane: row.lane("lane")?,
        state: row.scan_state("state")?,
        status: row.status("status")?,
        count: row.int("number")?.cast_unsigned(),
    })
}

pub(crate) fn read_pace(row: &impl Columns) -> Result<Pace, Error> {
    Ok(Pace { rate: row.int("rate")?.cast_unsigned(), not_before: row.int("not_before")? })
}

/// What was pulled in a second.
pub(crate) fn read_speed(row: &impl Columns) -> Result<Option<u64>, Error> {
    let took = row.int("settled_at")?.saturating_sub(row.int("started_at")?).cast_unsigned();
    let bytes = row.int("bytes")?.cast_unsigned();
    Ok(bytes.saturating_mul(1000).checked_div(took).filter(|speed| *speed > 0))
}

/// How references to an image in a repository may be written: the two beginnings of all, and the two of this one.
pub(crate) fn spellings(registry: &str, repository: &str, tag: &str, digest: Digest) -> [String; 4] {
    let place = format!("{registry}/{repository}");
    [format!("{place}:"), format!("{place}@"), format!("{place}:{tag}"), format!("{place}:{tag}@{digest}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_by_kind_the_most_frequent_first() {
        let failures = [("a", "1"), ("b", "2"), ("b", "3")].map(|(kind, text)| Failure::lasting(kind, text));
        let counts = count_failures(failures);
        assert_eq!((counts[0].kind.as_str(), counts[0].count, counts[0].example.as_str()), ("b", 2, "2"));
        assert_eq!((counts[1].kind.as_str(), counts[1].count), ("a", 1));
    }
}
