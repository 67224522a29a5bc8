//! [`Layers`] in SQLite.

use std::collections::BTreeMap;

use async_trait::async_trait;
use plimsoll_types::{Digest, Lane, LayerResult, ScanId, Tenant};
use sqlx::query;

use super::{Connection, Sqlite, planning, settling};
use crate::layers::{read_source, read_standing, read_wanted};
use crate::rows::{Columns, lane_number, opt_raw, raw, source_of};
use crate::settling::decide;
use crate::{Backlog, Due, Error, Fingerprints, LayerKey, LayerStanding, Layers, Settled, WantedLayer};

#[async_trait]
impl Layers for Sqlite {
    async fn standing(&self, tenant: &Tenant, digests: &[Digest]) -> Result<Vec<LayerStanding>, Error> {
        let mut connection = self.read.acquire().await?;
        let mut found = Vec::new();
        for digest in digests {
            let rows = query(
                "SELECT tenant, digest, state, failure, verified_at, verified_diff_id, uncompressed_size,
                     index_fingerprint, packages_fingerprint
                 FROM layers WHERE digest = $1",
            )
            .bind(raw(digest))
            .fetch_all(&mut *connection)
            .await?;
            found.extend(LayerStanding::gather(tenant, &rows)?);
        }
        Ok(found)
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
        let mut tx = self.begin().await?;
        let mut keys = Vec::new();
        for lane in due.lanes {
            let rows = query(
                "SELECT tenant, digest,
                     (SELECT MAX(i.lane) FROM interests i WHERE i.tenant = l.tenant AND i.digest = l.digest) AS lane
                 FROM layers l
                 WHERE state = 'outstanding' AND lane = $1 AND asked_at < MAX($2, $5)
                     AND (asked_at < $2 OR published = 0) AND next_at <= $3
                 ORDER BY asked_at LIMIT $4",
            )
            .bind(lane_number(*lane))
            .bind(due.asked_before.max(1))
            .bind(now)
            .bind(i64::from(limit).saturating_sub_unsigned(keys.len() as u64).max(0))
            .bind(due.unpublished_before)
            .fetch_all(&mut *tx)
            .await?;
            for row in rows {
                let key = LayerKey { tenant: row.tenant("tenant")?, digest: row.digest("digest")? };
                let wanted_in = row.opt_int("lane")?;
                // What nobody waits for goes to the end of the row, and is not handed out.
                query("UPDATE layers SET asked_at = $1, lane = COALESCE($2, lane) WHERE tenant = $3 AND digest = $4")
                    .bind(now)
                    .bind(wanted_in)
                    .bind(key.tenant.as_str())
                    .bind(raw(&key.digest))
                    .execute(&mut *tx)
                    .await?;
                keys.extend(wanted_in.map(|_| key));
            }
        }
        let wanted = wanted(&mut tx, &keys).await?;
        tx.commit().await?;
        Ok(wanted)
    }

    async fn mark_published(&self, published: &[WantedLayer], now: i64) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        for layer in published {
            query(
                "UPDATE layers SET published = MAX(published, $1), asked_at = MAX(asked_at, $2)
                 WHERE tenant = $3 AND digest = $4 AND state = 'outstanding'",
            )
            .bind(i64::from(layer.job.attempt) + 1)
            .bind(now)
            .bind(layer.tenant.as_str())
            .bind(raw(&layer.job.digest))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn want_again(&self, tenant: &Tenant, digests: &[Digest], now: i64) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        for digest in digests {
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
            layers: per_lane(&layers.fetch_all(&self.read).await?)?,
            scans: per_lane(&scans.fetch_all(&self.read).await?)?,
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
        .fetch_all(&self.read)
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
        .execute(&self.write)
        .await?;
        Ok(())
    }

    async fn accepted(&self) -> Result<Vec<Fingerprints>, Error> {
        accepted(&mut *self.read.acquire().await?).await
    }

    async fn retire(&self, fingerprints: &Fingerprints) -> Result<(), Error> {
        query("DELETE FROM fingerprints WHERE index_fingerprint = $1 AND packages_fingerprint = $2")
            .bind(raw(&fingerprints.index))
            .bind(raw(&fingerprints.packages))
            .execute(&self.write)
            .await?;
        Ok(())
    }
}

fn per_lane(rows: &[sqlx::sqlite::SqliteRow]) -> Result<BTreeMap<Lane, u64>, Error> {
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
        planning::interest(tx, tenant, digest, &row.text("scan")?, waits_in).await?;
        planning::source(tx, tenant, digest, &source_of(tenant, &row.text("source")?)?).await?;
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
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let row = query(
            "SELECT tenant, digest, lane, size, media_type, diff_id, published,
                 EXISTS (SELECT 1 FROM layers o WHERE o.digest = l.digest AND o.tenant <> l.tenant) AS shared,
                 (SELECT MIN(i.scan) FROM interests i WHERE i.tenant = l.tenant AND i.digest = l.digest) AS scan
             FROM layers l WHERE tenant = $1 AND digest = $2 AND state = 'outstanding'",
        )
        .bind(key.tenant.as_str())
        .bind(raw(&key.digest))
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { continue };
        let mut layer = read_wanted(&row)?;
        let sources = query(
            "SELECT tenant, registry, repository, credential, plain_http FROM layer_sources
             WHERE tenant = $1 AND digest = $2 AND failure IS NULL
             ORDER BY attempts, registry, repository, credential, plain_http",
        )
        .bind(key.tenant.as_str())
        .bind(raw(&key.digest))
        .fetch_all(&mut *tx)
        .await?;
        layer.job.sources = sources.iter().map(read_source).collect::<Result<_, _>>()?;
        found.push(layer);
    }
    Ok(found)
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
