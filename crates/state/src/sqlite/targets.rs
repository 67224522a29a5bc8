//! [`Targets`] in SQLite.

use async_trait::async_trait;
use plimsoll_types::{Failure, ScanState};
use serde_json::json;
use sqlx::query;

use super::scans::{End, end, owe};
use super::{Connection, Sqlite, changed, planning, verdicts};
use crate::lanes::{dice, shares};
use crate::rows::{Columns, failure_json, lane_number, opt_raw, raw, source_of};
use crate::scans::check_end;
use crate::targets::{read_claimed_layer, read_target};
use crate::verdicts::worst;
use crate::{ClaimedTarget, Error, LayerKey, NewVerdict, TargetId, Targets};

#[async_trait]
impl Targets for Sqlite {
    async fn wake(&self, settled: &[LayerKey]) -> Result<u64, Error> {
        if settled.is_empty() {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        let mut woken = 0;
        for key in settled {
            let result = query(
                "UPDATE targets AS t SET ready = TRUE
                 WHERE waiting AND NOT ready AND tenant = $1
                     AND manifest IN (SELECT manifest FROM image_layers WHERE tenant = $1 AND digest = $2)
                     AND NOT EXISTS (
                         SELECT 1 FROM image_layers i
                         JOIN layers l ON l.tenant = i.tenant AND l.digest = i.digest
                         WHERE i.tenant = t.tenant AND i.manifest = t.manifest AND i.readable
                             AND l.state = 'outstanding')",
            )
            .bind(key.tenant.as_str())
            .bind(raw(&key.digest))
            .execute(&mut *tx)
            .await?;
            woken += result.rows_affected();
        }
        tx.commit().await?;
        Ok(self.woken(woken))
    }

    async fn wake_all(&self) -> Result<u64, Error> {
        let result = query(
            "UPDATE targets AS t SET ready = TRUE
             WHERE waiting AND NOT ready AND NOT EXISTS (
                 SELECT 1 FROM image_layers i
                 JOIN layers l ON l.tenant = i.tenant AND l.digest = i.digest
                 WHERE i.tenant = t.tenant AND i.manifest = t.manifest AND i.readable AND l.state = 'outstanding')",
        )
        .execute(&self.write)
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
        let until = now.saturating_add(lease_ms);
        let mut tx = self.begin().await?;
        let mut ids = claim_late(&mut tx, holder, until, max, now).await?;
        for (lane, bound) in shares(max, dice()) {
            let room = i64::from(bound).saturating_sub_unsigned(ids.len() as u64);
            if room <= 0 {
                continue;
            }
            let rows = query(
                "UPDATE targets SET holder = $1, next_at = $2 WHERE (scan, ordinal) IN (
                     SELECT scan, ordinal FROM targets WHERE waiting AND ready AND lane = $3 AND next_at <= $4
                     ORDER BY next_at LIMIT $5
                 ) RETURNING scan, ordinal",
            )
            .bind(holder)
            .bind(until)
            .bind(lane_number(lane))
            .bind(now)
            .bind(room)
            .fetch_all(&mut *tx)
            .await?;
            for row in &rows {
                ids.push(target_id(row)?);
            }
        }
        let mut claimed = Vec::with_capacity(ids.len());
        for id in ids {
            let target = load(&mut tx, id).await?;
            match target {
                Some(target) if target.is_due(now) => claimed.push(target),
                // Made ready by an answer that is not true any more.
                Some(target) => unready(&mut tx, &target, now).await?,
                None => {}
            }
        }
        tx.commit().await?;
        Ok(claimed)
    }

    async fn disclaim_complete(&self, holder: &str, held: &[TargetId], now: i64) -> Result<u64, Error> {
        let held: Vec<_> = held.iter().map(|id| json!([id.scan.to_string(), id.ordinal])).collect();
        let result = query(
            "UPDATE targets SET holder = NULL, next_at = $1 WHERE waiting AND holder = $2 AND (scan, ordinal) NOT IN (
                 SELECT value ->> 0, value ->> 1 FROM json_each($3))",
        )
        .bind(now)
        .bind(holder)
        .bind(json!(held).to_string())
        .execute(&self.write)
        .await?;
        Ok(result.rows_affected())
    }

    async fn judged(&self, target: TargetId, verdict: &NewVerdict, now: i64) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let scan = target.scan.to_string();
        let closed = query(
            "UPDATE targets SET waiting = FALSE, ready = FALSE, holder = NULL
             WHERE scan = $1 AND ordinal = $2 AND waiting",
        )
        .bind(&scan)
        .bind(i64::from(target.ordinal))
        .execute(&mut *tx)
        .await?;
        if !changed(&closed) {
            let first = verdicts::document(&mut tx, target).await?;
            return Ok(first == Some(verdict.document));
        }
        insert(&mut tx, target, verdict, now).await?;
        let open = query("SELECT COUNT(*) AS open FROM targets WHERE scan = $1 AND waiting")
            .bind(&scan)
            .fetch_one(&mut *tx)
            .await?;
        if open.int("open")? == 0 {
            finish(&mut tx, &scan, now).await?;
        }
        tx.commit().await?;
        self.belfry.ended(target.scan);
        Ok(true)
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
             JOIN targets t ON t.scan = s.id WHERE s.id = $1 AND t.ordinal = $2",
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
        self.belfry.ended(target.scan);
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
        .execute(&self.write)
        .await?;
        Ok(changed(&result))
    }
}

fn target_id(row: &impl Columns) -> Result<TargetId, Error> {
    Ok(TargetId { scan: row.scan_id("scan")?, ordinal: row.count("ordinal")? })
}

/// Claims what is out of time, complete or not.
async fn claim_late(
    tx: &mut Connection,
    holder: &str,
    until: i64,
    max: u32,
    now: i64,
) -> Result<Vec<TargetId>, Error> {
    let rows = query(
        "UPDATE targets SET holder = $1, next_at = $2 WHERE (scan, ordinal) IN (
             SELECT scan, ordinal FROM targets
             WHERE waiting AND deadline IS NOT NULL AND deadline <= $3 AND next_at <= $3 ORDER BY deadline LIMIT $4
         ) RETURNING scan, ordinal",
    )
    .bind(holder)
    .bind(until)
    .bind(now)
    .bind(i64::from(max))
    .fetch_all(&mut *tx)
    .await?;
    rows.iter().map(target_id).collect()
}

async fn load(tx: &mut Connection, id: TargetId) -> Result<Option<ClaimedTarget>, Error> {
    let row = query(
        "SELECT t.scan, t.ordinal, t.tenant, t.lane, t.manifest, t.platform, t.blind_spots, t.attempts, m.config,
             s.request, s.index_digest, s.submitted_at
         FROM targets t JOIN scans s ON s.id = t.scan
         JOIN images m ON m.tenant = t.tenant AND m.manifest = t.manifest
         WHERE t.scan = $1 AND t.ordinal = $2",
    )
    .bind(id.scan.to_string())
    .bind(i64::from(id.ordinal))
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut target = read_target(&row)?;
    let layers = query(
        "SELECT i.digest, i.size, i.media_type, i.diff_id, i.readable, l.state, l.failure, l.verified_diff_id,
             l.uncompressed_size, l.index_fingerprint, l.packages_fingerprint
         FROM image_layers i LEFT JOIN layers l ON l.tenant = i.tenant AND l.digest = i.digest
         WHERE i.tenant = $1 AND i.manifest = $2 ORDER BY i.position",
    )
    .bind(target.tenant.as_str())
    .bind(raw(&target.manifest))
    .fetch_all(&mut *tx)
    .await?;
    target.layers = layers.iter().map(read_claimed_layer).collect::<Result<_, _>>()?;
    Ok(Some(target))
}

/// Takes back a claim that came too early, and makes sure that the scan's interest in what it waits for is noted.
async fn unready(tx: &mut Connection, target: &ClaimedTarget, now: i64) -> Result<(), Error> {
    let scan = target.id.scan.to_string();
    query("UPDATE targets SET ready = FALSE, holder = NULL, next_at = $1 WHERE scan = $2 AND ordinal = $3")
        .bind(now)
        .bind(&scan)
        .bind(i64::from(target.id.ordinal))
        .execute(&mut *tx)
        .await?;
    let row = query("SELECT source FROM scans WHERE id = $1").bind(&scan).fetch_one(&mut *tx).await?;
    let source = row.opt_text("source")?.map(|json| source_of(&target.tenant, &json)).transpose()?;
    for digest in target.outstanding() {
        planning::interest(tx, &target.tenant, &digest, &scan, target.lane).await?;
        if let Some(source) = &source {
            planning::source(tx, &target.tenant, &digest, source).await?;
        }
    }
    Ok(())
}

async fn insert(tx: &mut Connection, target: TargetId, verdict: &NewVerdict, now: i64) -> Result<(), Error> {
    query(
        "INSERT INTO verdicts (scan, ordinal, tenant, reference, index_digest, manifest, platform, status, document,
             policy, knowledge, evaluated_at, layers_known, layers, judged_at)
         SELECT t.scan, t.ordinal, t.tenant, s.reference, s.index_digest, t.manifest, t.platform, $3, $4, $5, $6, $7,
             $8, $9, $10
         FROM targets t JOIN scans s ON s.id = t.scan WHERE t.scan = $1 AND t.ordinal = $2",
    )
    .bind(target.scan.to_string())
    .bind(i64::from(target.ordinal))
    .bind(verdict.status.as_str())
    .bind(raw(&verdict.document))
    .bind(opt_raw(verdict.policy.as_ref()))
    .bind(opt_raw(verdict.knowledge.as_ref()))
    .bind(verdict.evaluated_at)
    .bind(i64::from(verdict.layers_known))
    .bind(i64::from(verdict.layers))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Ends a scan whose targets are all judged. Layers it still waits for go on in backfill.
async fn finish(tx: &mut Connection, scan: &str, now: i64) -> Result<(), Error> {
    let judged = verdicts::of_scan(tx, scan).await?;
    let status = worst(judged.iter().map(|verdict| verdict.verdict.status));
    query("UPDATE scans SET state = 'judged', status = $1, failure = NULL, ended_at = $2 WHERE id = $3")
        .bind(status.map(plimsoll_types::report::VerdictStatus::as_str))
        .bind(now)
        .bind(scan)
        .execute(&mut *tx)
        .await?;
    query(
        "DELETE FROM interests WHERE scan = $1 AND NOT EXISTS (
             SELECT 1 FROM layers l
             WHERE l.tenant = interests.tenant AND l.digest = interests.digest AND l.state = 'outstanding')",
    )
    .bind(scan)
    .execute(&mut *tx)
    .await?;
    query("UPDATE interests SET lane = 0 WHERE scan = $1").bind(scan).execute(&mut *tx).await?;
    owe(tx, scan, now).await
}
