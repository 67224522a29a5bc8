//! [`Crawling`] and [`Surveys`] in SQLite.

use async_trait::async_trait;
use plimsoll_types::{CrawlId, CrawlState, Digest, Failure, ScanId, Tenant};
use sqlx::query;

use super::{Connection, Sqlite, changed};
use crate::crawls::{ASKED, FOUND_LAYER, MAX_SIZE, distinct, read_claimed, read_pace, spellings};
use crate::rows::{Columns, failure_json, name, raw, size};
use crate::{ClaimedCrawl, CrawlStep, Crawling, Error, FoundImage, Pace, Surveys};

#[async_trait]
impl Crawling for Sqlite {
    async fn claim_crawls(
        &self,
        holder: &str,
        lease_ms: i64,
        max: u32,
        now: i64,
    ) -> Result<Vec<ClaimedCrawl>, Error> {
        let rows = query(
            "UPDATE crawls SET holder = $1, next_at = $2 WHERE id IN (
                 SELECT id FROM crawls WHERE state = 'running' AND next_at <= $3 ORDER BY next_at LIMIT $4
             ) RETURNING id, request, cursor, attempts, started_at",
        )
        .bind(holder)
        .bind(now.saturating_add(lease_ms))
        .bind(now)
        .bind(i64::from(max))
        .fetch_all(&self.write)
        .await?;
        rows.iter().map(read_claimed).collect()
    }

    async fn found(&self, id: CrawlId, holder: &str, images: &[FoundImage]) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let Some(tenant) = held(&mut tx, id, holder).await? else { return Ok(false) };
        let id = id.to_string();
        for image in images {
            note(&mut tx, &id, &tenant, image).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn advance(&self, id: CrawlId, holder: &str, step: &CrawlStep, until: i64) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        if held(&mut tx, id, holder).await?.is_none() {
            return Ok(false);
        }
        let id = id.to_string();
        for (repository, digest, scan) in &step.scans {
            query("UPDATE crawl_images SET scan = $1 WHERE crawl = $2 AND repository = $3 AND digest = $4")
                .bind(scan.to_string())
                .bind(&id)
                .bind(name(repository))
                .bind(raw(digest))
                .execute(&mut *tx)
                .await?;
        }
        for (repository, tag, failure) in &step.failures {
            query(
                "INSERT INTO crawl_failures (crawl, repository, tag, failure) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (crawl, repository, tag) DO UPDATE SET failure = excluded.failure",
            )
            .bind(&id)
            .bind(name(repository))
            .bind(name(tag))
            .bind(failure_json(failure)?)
            .execute(&mut *tx)
            .await?;
        }
        query(
            "UPDATE crawls SET cursor = $1, repositories = repositories + $2, tags = tags + $3, next_at = $4,
                 attempts = 0, failure = NULL
             WHERE id = $5",
        )
        .bind(&step.cursor)
        .bind(size(step.repositories))
        .bind(size(step.tags))
        .bind(until)
        .bind(&id)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn put_off_crawl(
        &self,
        id: CrawlId,
        holder: &str,
        next_at: i64,
        failure: Option<&Failure>,
        is_attempt: bool,
    ) -> Result<bool, Error> {
        let result = query(
            "UPDATE crawls SET holder = NULL, next_at = $1, failure = COALESCE($2, failure),
                 attempts = attempts + $3
             WHERE id = $4 AND holder = $5 AND state = 'running'",
        )
        .bind(next_at)
        .bind(failure.map(failure_json).transpose()?)
        .bind(i64::from(is_attempt))
        .bind(id.to_string())
        .bind(holder)
        .execute(&self.write)
        .await?;
        Ok(changed(&result))
    }

    async fn end_crawl(
        &self,
        id: CrawlId,
        holder: &str,
        end: CrawlState,
        failure: Option<&Failure>,
        now: i64,
    ) -> Result<bool, Error> {
        let result = query(
            "UPDATE crawls SET state = $1, failure = $2, ended_at = $3, holder = NULL
             WHERE id = $4 AND holder = $5 AND state = 'running'",
        )
        .bind(end.as_str())
        .bind(failure.map(failure_json).transpose()?)
        .bind(now)
        .bind(id.to_string())
        .bind(holder)
        .execute(&self.write)
        .await?;
        Ok(changed(&result))
    }
}

#[async_trait]
impl Surveys for Sqlite {
    async fn asked(
        &self,
        tenant: &Tenant,
        registry: &str,
        repository: &str,
        images: &[(String, Digest)],
    ) -> Result<Vec<Option<ScanId>>, Error> {
        let mut connection = self.read.acquire().await?;
        let mut asked = Vec::with_capacity(images.len());
        for (tag, digest) in images {
            let [colon, at, by_tag, by_both] = spellings(registry, repository, tag, *digest);
            let row = query(ASKED)
                .bind(tenant.as_str())
                .bind(raw(digest))
                .bind(colon)
                .bind(at)
                .bind(by_tag)
                .bind(by_both)
                .fetch_optional(&mut *connection)
                .await?;
            asked.push(row.map(|row| row.scan_id("id")).transpose()?);
        }
        Ok(asked)
    }

    async fn layers_of(
        &self,
        tenant: &Tenant,
        manifest: Digest,
    ) -> Result<Option<Vec<(Digest, u64)>>, Error> {
        let mut connection = self.read.acquire().await?;
        let image = query("SELECT manifest FROM images WHERE tenant = $1 AND manifest = $2")
            .bind(tenant.as_str())
            .bind(raw(&manifest))
            .fetch_optional(&mut *connection)
            .await?;
        if image.is_none() {
            return Ok(None);
        }
        let rows = query(
            "SELECT digest, size FROM image_layers WHERE tenant = $1 AND manifest = $2 ORDER BY position",
        )
        .bind(tenant.as_str())
        .bind(raw(&manifest))
        .fetch_all(&mut *connection)
        .await?;
        let layers = rows.iter().map(|row| Ok((row.digest("digest")?, row.int("size")?.cast_unsigned())));
        layers.collect::<Result<_, Error>>().map(Some)
    }

    async fn pace(&self, registry: &str) -> Result<Option<Pace>, Error> {
        let row = query("SELECT rate, not_before FROM registry_paces WHERE registry = $1")
            .bind(name(registry))
            .fetch_optional(&self.read)
            .await?;
        row.as_ref().map(read_pace).transpose()
    }

    async fn keep_pace(&self, registry: &str, pace: &Pace, now: i64) -> Result<(), Error> {
        query(
            "INSERT INTO registry_paces (registry, rate, not_before, learned_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (registry) DO UPDATE SET rate = excluded.rate, not_before = excluded.not_before,
                 learned_at = excluded.learned_at",
        )
        .bind(name(registry))
        .bind(size(pace.rate))
        .bind(pace.not_before)
        .bind(now)
        .execute(&self.write)
        .await?;
        Ok(())
    }
}

/// Whose crawl it is, if `holder` holds it.
async fn held(tx: &mut Connection, id: CrawlId, holder: &str) -> Result<Option<String>, Error> {
    let row = query("SELECT tenant FROM crawls WHERE id = $1 AND holder = $2 AND state = 'running'")
        .bind(id.to_string())
        .bind(holder)
        .fetch_optional(&mut *tx)
        .await?;
    row.map(|row| row.text("tenant")).transpose()
}

/// Notes an image, and its layers if it is new to the crawl.
async fn note(tx: &mut Connection, id: &str, tenant: &str, image: &FoundImage) -> Result<(), Error> {
    let inserted = query(
        "INSERT INTO crawl_images (crawl, repository, digest, tag, kind) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (crawl, repository, digest) DO NOTHING",
    )
    .bind(id)
    .bind(name(&image.repository))
    .bind(raw(&image.digest))
    .bind(name(&image.tag))
    .bind(image.kind.as_str())
    .execute(&mut *tx)
    .await?;
    if !changed(&inserted) {
        return Ok(());
    }
    for (digest, (bytes, uses)) in distinct(&image.layers) {
        query(FOUND_LAYER)
            .bind(id)
            .bind(tenant)
            .bind(raw(&digest))
            .bind(size(bytes.min(MAX_SIZE)))
            .bind(uses)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}
