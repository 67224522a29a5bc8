//! [`Layers`] in Postgres.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use plimsoll_types::{Digest, Lane, LayerResult, LayerSource, ScanId, Tenant};
use sqlx::query;

use super::{Connection, Postgres, planning, raws, settling};
use crate::layers::{read_source, read_standing, read_wanted};
use crate::rows::{Columns, lane_number, opt_raw, raw, source_of};
use crate::settling::decide;
use crate::{Backlog, Due, Error, Fingerprints, LayerKey, LayerStanding, Layers, Settled, WantedLayer};

#[async_trait]
impl Layers for Postgres {
    async fn standing(&self, tenant: &Tenant, digests: &[Digest]) -> Result<Vec<LayerStanding>, Error> {
        let rows = query(
            "SELECT tenant, digest, state, failure, verified_at, verified_diff_id, uncompressed_size,
                 index_fingerprint, packages_fingerprint
             FROM layers WHERE digest = ANY($1) ORDER BY digest",
        )
        .bind(raws(digests))
        .fetch_all(&self.pool)
        .await?;
        let of_one_blob = rows.chunk_by(|a, b| a.bytes("digest").ok() == b.bytes("digest").ok());
        of_one_blob.filter_map(|rows| LayerStanding::gather(tenant, rows).transpose()).collect()
    }

    async fn settle(&self, tenant: &Tenant, result: &LayerResult, now: i64) -> Result<Settled, Error> {
        let mut tx = self.begin().await?;
        let Some(standing) = settling::standing(&mut tx, tenant, result).await? else {
            return Ok(Settled::Ignored);
        };
        let change = decide(&standing, result, now);
        let settled = settling::write(&mut tx, tenant, result, change, now).await?;
        tx.commit().await?;
        Ok(settled)
    }

    async fn due(&self, due: &Due<'_>, limit: u32, now: i64) -> Result<Vec<WantedLayer>, Error> {
        let mut connection = self.pool.acquire().await?;
        let mut keys = Vec::new();
        for lane in due.lanes {
            // What nobody waits for goes to the end of the row, and is not handed out.
            let rows = query(
                "WITH picked AS MATERIALIZED (
                     SELECT tenant, digest FROM layers
                     WHERE state = 'outstanding' AND lane = $1 AND asked_at < GREATEST($2, $5)
                         AND (asked_at < $2 OR published = 0) AND next_at <= $3
                     ORDER BY asked_at LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED
                 ), waited_for AS MATERIALIZED (
                     SELECT p.tenant, p.digest, MAX(i.lane) AS lane
                     FROM picked p LEFT JOIN interests i ON i.tenant = p.tenant AND i.digest = p.digest
                     GROUP BY p.tenant, p.digest
                 )
                 UPDATE layers l SET asked_at = $3, lane = COALESCE(w.lane, l.lane)
                 FROM waited_for w WHERE l.tenant = w.tenant AND l.digest = w.digest
                 RETURNING l.tenant, l.digest, w.lane IS NOT NULL AS interested",
            )
            .bind(lane_number(*lane))
            .bind(due.asked_before.max(1))
            .bind(now)
            .bind(i64::from(limit).saturating_sub_unsigned(keys.len() as u64).max(0))
            .bind(due.unpublished_before)
            .fetch_all(&mut *connection)
            .await?;
            for row in rows {
                if row.flag("interested")? {
                    keys.push(LayerKey { tenant: row.tenant("tenant")?, digest: row.digest("digest")? });
                }
            }
        }
        wanted(&mut connection, &keys).await
    }

    async fn mark_published(&self, published: &[WantedLayer], now: i64) -> Result<(), Error> {
        query(
            "WITH marked AS MATERIALIZED (
                 SELECT l.tenant, l.digest, n.attempt FROM layers l
                 JOIN unnest($1::text[], $2::bytea[], $3::bigint[]) AS n (tenant, digest, attempt)
                     ON n.tenant = l.tenant AND n.digest = l.digest
                 WHERE l.state = 'outstanding' ORDER BY l.tenant, l.digest FOR NO KEY UPDATE OF l
             )
             UPDATE layers l
             SET published = GREATEST(l.published, m.attempt), asked_at = GREATEST(l.asked_at, $4)
             FROM marked m WHERE l.tenant = m.tenant AND l.digest = m.digest",
        )
        .bind(published.iter().map(|layer| layer.tenant.to_string()).collect::<Vec<_>>())
        .bind(raws(published.iter().map(|layer| &layer.job.digest)))
        .bind(published.iter().map(|layer| i64::from(layer.job.attempt) + 1).collect::<Vec<_>>())
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn want_again(&self, tenant: &Tenant, digests: &[Digest], now: i64) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        // In one order, so that two callers wait for each other and do not lock each other out.
        for digest in &digests.iter().copied().collect::<BTreeSet<_>>() {
            want_again(&mut tx, tenant, digest, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn backlog(&self) -> Result<Backlog, Error> {
        let layers = query(
            "SELECT lane, COUNT(*) AS waiting FROM layers l
             WHERE state = 'outstanding'
                 AND EXISTS (SELECT 1 FROM interests i WHERE i.tenant = l.tenant AND i.digest = l.digest)
             GROUP BY lane",
        );
        let scans =
            query("SELECT lane, COUNT(*) AS waiting FROM scans WHERE state = 'submitted' GROUP BY lane");
        Ok(Backlog {
            layers: per_lane(&layers.fetch_all(&self.pool).await?)?,
            scans: per_lane(&scans.fetch_all(&self.pool).await?)?,
        })
    }

    async fn troubled(
        &self,
        tenant: &Tenant,
        after: Option<Digest>,
        limit: u32,
    ) -> Result<Vec<LayerStanding>, Error> {
        let rows = query(
            "SELECT digest, state, failure FROM layers
             WHERE tenant = $1 AND digest > $2 AND state IN ('failed', 'gone', 'quarantined')
                 AND verified_diff_id IS NULL
             ORDER BY digest LIMIT $3",
        )
        .bind(tenant.as_str())
        .bind(opt_raw(after.as_ref()).unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_standing).collect()
    }

    async fn accept(&self, fingerprints: &Fingerprints, now: i64) -> Result<(), Error> {
        query(
            "INSERT INTO fingerprints (index_fingerprint, packages_fingerprint, accepted_at) VALUES ($1, $2, $3)
             ON CONFLICT (index_fingerprint, packages_fingerprint) DO NOTHING",
        )
        .bind(raw(&fingerprints.index))
        .bind(raw(&fingerprints.packages))
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn accepted(&self) -> Result<Vec<Fingerprints>, Error> {
        accepted(&mut *self.pool.acquire().await?).await
    }

    async fn retire(&self, fingerprints: &Fingerprints) -> Result<(), Error> {
        query("DELETE FROM fingerprints WHERE index_fingerprint = $1 AND packages_fingerprint = $2")
            .bind(raw(&fingerprints.index))
            .bind(raw(&fingerprints.packages))
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

fn per_lane(rows: &[sqlx::postgres::PgRow]) -> Result<BTreeMap<Lane, u64>, Error> {
    rows.iter().map(|row| Ok((row.lane("lane")?, row.int("waiting")?.cast_unsigned()))).collect()
}

pub(super) async fn accepted(connection: &mut Connection) -> Result<Vec<Fingerprints>, Error> {
    let rows = query(
        "SELECT index_fingerprint, packages_fingerprint FROM fingerprints
         ORDER BY accepted_at DESC, index_fingerprint, packages_fingerprint",
    )
    .fetch_all(connection)
    .await?;
    rows.iter().map(Columns::fingerprints).collect()
}

async fn want_again(tx: &mut Connection, tenant: &Tenant, digest: &Digest, now: i64) -> Result<(), Error> {
    let rows = query(
        "SELECT DISTINCT t.scan, t.lane, s.source
         FROM image_layers i
         JOIN targets t ON t.tenant = i.tenant AND t.manifest = i.manifest
         JOIN scans s ON s.id = t.scan
         WHERE i.tenant = $1 AND i.digest = $2 AND i.readable AND t.waiting AND s.source IS NOT NULL",
    )
    .bind(tenant.as_str())
    .bind(raw(digest))
    .fetch_all(&mut *tx)
    .await?;
    let mut lane = Lane::Backfill;
    for row in &rows {
        let waits_in = row.lane("lane")?;
        lane = lane.max(waits_in);
        planning::interest(tx, tenant, &[*digest], &row.text("scan")?, waits_in).await?;
        planning::source(tx, tenant, &[*digest], &source_of(tenant, &row.text("source")?)?).await?;
    }
    settling::reopen(tx, tenant, digest, lane, 0, now).await?;
    query(
        "UPDATE targets SET ready = FALSE WHERE waiting AND ready AND tenant = $1 AND manifest IN (
             SELECT manifest FROM image_layers WHERE tenant = $1 AND digest = $2 AND readable)",
    )
    .bind(tenant.as_str())
    .bind(raw(digest))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// The layers with these keys that are outstanding, with their sources, in the order of the keys.
pub(super) async fn wanted(tx: &mut Connection, keys: &[LayerKey]) -> Result<Vec<WantedLayer>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let tenants: Vec<_> = keys.iter().map(|key| key.tenant.to_string()).collect();
    let digests = raws(keys.iter().map(|key| &key.digest));
    let rows = query(
        "SELECT l.tenant, l.digest, l.lane, l.size, l.media_type, l.diff_id, l.published,
             EXISTS (SELECT 1 FROM layers o WHERE o.digest = l.digest AND o.tenant <> l.tenant) AS shared,
             (SELECT MIN(i.scan) FROM interests i WHERE i.tenant = l.tenant AND i.digest = l.digest) AS scan
         FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS n (tenant, digest, place)
         JOIN layers l ON l.tenant = n.tenant AND l.digest = n.digest
         WHERE l.state = 'outstanding' ORDER BY n.place",
    )
    .bind(&tenants)
    .bind(&digests)
    .fetch_all(&mut *tx)
    .await?;
    let mut sources = sources(tx, &tenants, &digests).await?;
    let layers = rows.iter().map(|row| {
        let mut layer = read_wanted(row)?;
        layer.job.sources = sources.remove(&layer.key()).unwrap_or_default();
        Ok(layer)
    });
    layers.collect()
}

/// Sources that are not dropped, those that failed least first.
async fn sources(
    tx: &mut Connection,
    tenants: &[String],
    digests: &[Vec<u8>],
) -> Result<HashMap<LayerKey, Vec<LayerSource>>, Error> {
    let rows = query(
        "SELECT s.tenant, s.digest, s.registry, s.repository, s.credential, s.plain_http
         FROM unnest($1::text[], $2::bytea[]) AS n (tenant, digest)
         JOIN layer_sources s ON s.tenant = n.tenant AND s.digest = n.digest
         WHERE s.failure IS NULL ORDER BY s.attempts, s.registry, s.repository, s.credential, s.plain_http",
    )
    .bind(tenants)
    .bind(digests)
    .fetch_all(&mut *tx)
    .await?;
    let mut sources: HashMap<_, Vec<_>> = HashMap::new();
    for row in &rows {
        let key = LayerKey { tenant: row.tenant("tenant")?, digest: row.digest("digest")? };
        sources.entry(key).or_default().push(read_source(row)?);
    }
    Ok(sources)
}

/// The layers a scan waits for that were never published.
pub(super) async fn unpublished(tx: &mut Connection, scan: ScanId) -> Result<Vec<WantedLayer>, Error> {
    let rows = query(
        "SELECT l.tenant, l.digest FROM interests i
         JOIN layers l ON l.tenant = i.tenant AND l.digest = i.digest
         WHERE i.scan = $1 AND l.state = 'outstanding' AND l.published = 0 ORDER BY l.digest",
    )
    .bind(scan.to_string())
    .fetch_all(&mut *tx)
    .await?;
    let keys =
        rows.iter().map(|row| Ok(LayerKey { tenant: row.tenant("tenant")?, digest: row.digest("digest")? }));
    let keys = keys.collect::<Result<Vec<_>, Error>>()?;
    wanted(tx, &keys).await
}
