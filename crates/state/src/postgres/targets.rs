//! [`Targets`] in Postgres.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use plimsoll_types::{Digest, Failure, ScanState, Tenant};
use sqlx::query;

use super::claims::{picked, steps};
use super::scans::{End, end};
use super::{Connection, Postgres, changed, planning, raws};
use crate::rows::{Columns, failure_json, source_of};
use crate::scans::check_end;
use crate::targets::{read_claimed_layer, read_target};
use crate::{ClaimedTarget, Error, LayerKey, NewVerdict, TargetId, Targets};

#[async_trait]
impl Targets for Postgres {
    async fn wake(&self, settled: &[LayerKey]) -> Result<u64, Error> {
        if settled.is_empty() {
            return Ok(0);
        }
        // A row that is locked is being woken, judged or ended by somebody else.
        let result = query(
            "WITH complete AS MATERIALIZED (
                 SELECT t.scan, t.ordinal FROM targets t
                 WHERE t.waiting AND NOT t.ready AND (t.tenant, t.manifest) IN (
                     SELECT i.tenant, i.manifest FROM unnest($1::text[], $2::bytea[]) AS n (tenant, digest)
                     JOIN image_layers i ON i.tenant = n.tenant AND i.digest = n.digest)
                     AND NOT EXISTS (
                         SELECT 1 FROM image_layers i
                         JOIN layers l ON l.tenant = i.tenant AND l.digest = i.digest
                         WHERE i.tenant = t.tenant AND i.manifest = t.manifest AND i.readable
                             AND l.state = 'outstanding')
                 FOR NO KEY UPDATE OF t SKIP LOCKED
             )
             UPDATE targets t SET ready = TRUE FROM complete c WHERE t.scan = c.scan AND t.ordinal = c.ordinal",
        )
        .bind(settled.iter().map(|key| key.tenant.to_string()).collect::<Vec<_>>())
        .bind(raws(settled.iter().map(|key| &key.digest)))
        .execute(&self.pool)
        .await?;
        Ok(self.woken(result.rows_affected()))
    }

    async fn wake_all(&self) -> Result<u64, Error> {
        let result = query(
            "WITH complete AS MATERIALIZED (
                 SELECT t.scan, t.ordinal FROM targets t
                 WHERE t.waiting AND NOT t.ready AND NOT EXISTS (
                     SELECT 1 FROM image_layers i
                     JOIN layers l ON l.tenant = i.tenant AND l.digest = i.digest
                     WHERE i.tenant = t.tenant AND i.manifest = t.manifest AND i.readable
                         AND l.state = 'outstanding')
                 FOR NO KEY UPDATE OF t SKIP LOCKED
             )
             UPDATE targets t SET ready = TRUE FROM complete c WHERE t.scan = c.scan AND t.ordinal = c.ordinal",
        )
        .execute(&self.pool)
        .await?;
        Ok(self.woken(result.rows_affected()))
    }

    async fn claim_complete(
        &self,
        holder: &str,
        lease_ms: i64,
        max: u32,
        now: i64,
    ) -> Result<Vec<ClaimedTarget>, Error> {
        let (lanes, bounds) = steps(max);
        let mut connection = self.pool.acquire().await?;
        // As an array, since Postgres takes it for a short list, whatever it thinks of the bounds.
        let rows = query(concat!(
            "WITH ",
            picked!("targets", "scan, ordinal", "waiting", "waiting AND ready"),
            ", claimed AS (
                 UPDATE targets t SET holder = $5, next_at = $6
                 FROM unnest((SELECT array_agg(scan) FROM picked), (SELECT array_agg(ordinal) FROM picked))
                     WITH ORDINALITY AS p (scan, ordinal, place)
                 WHERE t.scan = p.scan AND t.ordinal = p.ordinal
                 RETURNING p.place, t.scan, t.ordinal, t.tenant, t.lane, t.manifest, t.platform, t.blind_spots, t.attempts
             )
             SELECT c.*, m.config, s.request, s.index_digest, s.submitted_at
             FROM claimed c JOIN scans s ON s.id = c.scan
             JOIN images m ON m.tenant = c.tenant AND m.manifest = c.manifest
             ORDER BY c.place"
        ))
        .bind(now)
        .bind(i64::from(max))
        .bind(lanes)
        .bind(bounds)
        .bind(holder)
        .bind(now.saturating_add(lease_ms))
        .fetch_all(&mut *connection)
        .await?;
        let mut targets = rows.iter().map(read_target).collect::<Result<Vec<_>, _>>()?;
        load_layers(&mut connection, &mut targets).await?;
        let (due, early): (Vec<_>, Vec<_>) = targets.into_iter().partition(|target| target.is_due(now));
        drop(connection);
        for target in early {
            // Made ready by an answer that is not true any more.
            self.unready(&target, holder, now).await?;
        }
        Ok(due)
    }

    async fn disclaim_complete(&self, holder: &str, held: &[TargetId], now: i64) -> Result<u64, Error> {
        let result = query(
            "UPDATE targets SET holder = NULL, next_at = $2 WHERE waiting AND holder = $1 AND (scan, ordinal) NOT IN (
                 SELECT scan, ordinal FROM unnest($3::text[], $4::bigint[]) AS h (scan, ordinal))",
        )
        .bind(holder)
        .bind(now)
        .bind(held.iter().map(|id| id.scan.to_string()).collect::<Vec<_>>())
        .bind(held.iter().map(|id| i64::from(id.ordinal)).collect::<Vec<_>>())
        .execute(&self.pool)
        .await?;
        Ok(result.rows_affected())
    }

    async fn judged(&self, target: TargetId, verdict: &NewVerdict, now: i64) -> Result<bool, Error> {
        super::judging::judged(self, target, verdict, now).await
    }

    async fn give_up(
        &self,
        target: TargetId,
        holder: &str,
        state: ScanState,
        failure: &Failure,
        now: i64,
    ) -> Result<bool, Error> {
        check_end(state)?;
        let mut tx = self.begin().await?;
        let row = query(
            "SELECT s.state, s.holder AS ended_by, t.waiting, t.holder FROM scans s
             JOIN targets t ON t.scan = s.id WHERE s.id = $1 AND t.ordinal = $2
             FOR NO KEY UPDATE OF s",
        )
        .bind(target.scan.to_string())
        .bind(i64::from(target.ordinal))
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(false) };
        let before = row.scan_state("state")?;
        if before.is_terminal() {
            return Ok(before == state && row.opt_text("ended_by")?.as_deref() == Some(holder));
        }
        if !row.flag("waiting")? || row.opt_text("holder")?.as_deref() != Some(holder) {
            return Ok(false);
        }
        end(&mut tx, target.scan, &End { state, failure: Some(failure), holder: Some(holder) }, now).await?;
        tx.commit().await?;
        self.tower.ended(target.scan);
        Ok(true)
    }

    async fn release(
        &self,
        target: TargetId,
        holder: &str,
        next_at: i64,
        failure: &Failure,
    ) -> Result<bool, Error> {
        let result = query(
            "UPDATE targets SET holder = NULL, attempts = attempts + 1, failure = $1, next_at = $2
             WHERE scan = $3 AND ordinal = $4 AND holder = $5 AND waiting",
        )
        .bind(failure_json(failure)?)
        .bind(next_at)
        .bind(target.scan.to_string())
        .bind(i64::from(target.ordinal))
        .bind(holder)
        .execute(&self.pool)
        .await?;
        Ok(changed(&result))
    }
}

/// Reads what each image consists of, and how its layers stand.
async fn load_layers(connection: &mut Connection, targets: &mut [ClaimedTarget]) -> Result<(), Error> {
    if targets.is_empty() {
        return Ok(());
    }
    let images: BTreeSet<_> = targets.iter().map(|target| (target.tenant.clone(), target.manifest)).collect();
    let mut layers: HashMap<_, Vec<_>> = HashMap::new();
    for row in image_layers(connection, &images).await? {
        let image = (row.tenant("tenant")?, row.digest("manifest")?);
        layers.entry(image).or_default().push(read_claimed_layer(&row)?);
    }
    for target in targets {
        target.layers = layers.get(&(target.tenant.clone(), target.manifest)).cloned().unwrap_or_default();
    }
    Ok(())
}

async fn image_layers(
    connection: &mut Connection,
    images: &BTreeSet<(Tenant, Digest)>,
) -> Result<Vec<sqlx::postgres::PgRow>, Error> {
    let rows = query(
        "SELECT i.tenant, i.manifest, i.digest, i.size, i.media_type, i.diff_id, i.readable, l.state, l.failure,
             l.verified_diff_id, l.uncompressed_size, l.index_fingerprint, l.packages_fingerprint
         FROM unnest($1::text[], $2::bytea[]) AS n (tenant, manifest)
         JOIN image_layers i ON i.tenant = n.tenant AND i.manifest = n.manifest
         LEFT JOIN layers l ON l.tenant = i.tenant AND l.digest = i.digest
         ORDER BY i.tenant, i.manifest, i.position",
    )
    .bind(images.iter().map(|(tenant, _)| tenant.to_string()).collect::<Vec<_>>())
    .bind(raws(images.iter().map(|(_, manifest)| manifest)))
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

impl Postgres {
    /// Takes back a claim that came too early, and makes sure that the scan's interest in what it waits for is noted: the
    /// layer may have been lost while the scan was planned.
    async fn unready(&self, target: &ClaimedTarget, holder: &str, now: i64) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let row = query(
            "UPDATE targets t SET ready = FALSE, holder = NULL, next_at = $1 FROM scans s
             WHERE t.scan = $2 AND t.ordinal = $3 AND t.holder = $4 AND t.waiting AND s.id = t.scan RETURNING s.source",
        )
        .bind(now)
        .bind(target.id.scan.to_string())
        .bind(i64::from(target.id.ordinal))
        .bind(holder)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(()) };
        let outstanding: Vec<_> = target.outstanding().collect();
        let scan = target.id.scan.to_string();
        planning::interest(&mut tx, &target.tenant, &outstanding, &scan, target.lane).await?;
        if let Some(source) = row.opt_text("source")? {
            let source = source_of(&target.tenant, &source)?;
            planning::source(&mut tx, &target.tenant, &outstanding, &source).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
