//! [`Scans`] in SQLite.

use async_trait::async_trait;
use plimsoll_types::{Failure, ScanId, ScanRequest, ScanState, Tenant};
use serde_json::json;
use sqlx::{QueryBuilder, query};

use super::{Connection, Sqlite, changed, verdicts};
use crate::lanes::{dice, shares};
use crate::rows::{Columns, failure_json, lane_number, to_json};
use crate::scans::{check_end, new_id, read_claimed_scan, read_scan, same_scan, scan_columns};
use crate::{Bell, ClaimedScan, Error, Planned, Progress, Scan, ScanFilter, ScanPlan, Scans, Submitted};

#[async_trait]
impl Scans for Sqlite {
    async fn submit(&self, request: &ScanRequest, now: i64) -> Result<Submitted, Error> {
        request.check()?;
        let mut tx = self.begin().await?;
        if let Some(key) = &request.idempotency_key {
            let earlier = query("SELECT id, request FROM scans WHERE tenant = $1 AND idempotency_key = $2")
                .bind(request.tenant.as_str())
                .bind(key)
                .fetch_optional(&mut *tx)
                .await?;
            if let Some(row) = earlier {
                return same_scan(&row, request);
            }
        }
        let id = new_id(now);
        insert(&mut tx, id, request, now).await?;
        tx.commit().await?;
        self.belfry.ring(Bell::Submitted);
        Ok(Submitted { id, created: true })
    }

    async fn get(&self, tenant: &Tenant, id: ScanId) -> Result<Option<Progress>, Error> {
        let mut connection = self.read.acquire().await?;
        let row =
            query(concat!("SELECT ", scan_columns!(), " FROM scans s WHERE s.id = $1 AND s.tenant = $2"))
                .bind(id.to_string())
                .bind(tenant.as_str())
                .fetch_optional(&mut *connection)
                .await?;
        match row {
            Some(row) => Ok(Some(progress(&mut connection, read_scan(&row)?).await?)),
            None => Ok(None),
        }
    }

    async fn watch(&self, ids: &[ScanId]) -> Result<Vec<Progress>, Error> {
        let mut connection = self.read.acquire().await?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let row = query(concat!("SELECT ", scan_columns!(), " FROM scans s WHERE s.id = $1"))
                .bind(id.to_string())
                .fetch_optional(&mut *connection)
                .await?;
            if let Some(row) = row {
                found.push(progress(&mut connection, read_scan(&row)?).await?);
            }
        }
        Ok(found)
    }

    async fn list(
        &self,
        tenant: &Tenant,
        filter: &ScanFilter,
        after: Option<ScanId>,
        limit: u32,
    ) -> Result<Vec<Scan>, Error> {
        let mut sql = QueryBuilder::<sqlx::Sqlite>::new(concat!("SELECT ", scan_columns!()));
        // Which index leads is decided here: a label is rarer than anything else.
        let id = if let Some((key, value)) = &filter.label {
            sql.push(" FROM scan_labels l JOIN scans s ON s.id = l.scan WHERE l.tenant = ");
            sql.push_bind(tenant.as_str()).push(" AND l.key = ").push_bind(key);
            sql.push(" AND l.value = ").push_bind(value);
            "l.scan"
        } else {
            sql.push(" FROM scans s WHERE s.tenant = ").push_bind(tenant.as_str());
            "s.id"
        };
        if let Some(state) = filter.state {
            sql.push(" AND s.state = ").push_bind(state.as_str());
        }
        if let Some(reference) = &filter.reference {
            sql.push(" AND s.reference = ").push_bind(reference);
        }
        if let Some(after) = after {
            sql.push(" AND ").push(id).push(" < ").push_bind(after.to_string());
        }
        sql.push(" ORDER BY ").push(id).push(" DESC LIMIT ").push_bind(i64::from(limit));
        let rows = sql.build().fetch_all(&self.read).await?;
        rows.iter().map(read_scan).collect()
    }

    async fn cancel(&self, tenant: &Tenant, id: ScanId, now: i64) -> Result<Option<ScanState>, Error> {
        let mut tx = self.begin().await?;
        let row = query("SELECT state FROM scans WHERE id = $1 AND tenant = $2")
            .bind(id.to_string())
            .bind(tenant.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let state = row.scan_state("state")?;
        if state.is_terminal() {
            return Ok(Some(state));
        }
        end(&mut tx, id, &End { state: ScanState::Cancelled, failure: None, holder: None }, now).await?;
        tx.commit().await?;
        self.belfry.ended(id);
        Ok(Some(ScanState::Cancelled))
    }

    async fn claim_submitted(
        &self,
        holder: &str,
        lease_ms: i64,
        max: u32,
        now: i64,
    ) -> Result<Vec<ClaimedScan>, Error> {
        let until = now.saturating_add(lease_ms);
        let mut tx = self.begin().await?;
        let rows = query(
            "UPDATE scans SET holder = $1, next_at = $2 WHERE id IN (
                 SELECT id FROM scans
                 WHERE state = 'submitted' AND deadline IS NOT NULL AND deadline <= $3 AND next_at <= $3
                 ORDER BY deadline LIMIT $4
             ) RETURNING id, request, attempts, submitted_at",
        )
        .bind(holder)
        .bind(until)
        .bind(now)
        .bind(i64::from(max))
        .fetch_all(&mut *tx)
        .await?;
        let mut claimed = rows.iter().map(read_claimed_scan).collect::<Result<Vec<_>, _>>()?;
        for (lane, bound) in shares(max, dice()) {
            let room = i64::from(bound).saturating_sub_unsigned(claimed.len() as u64);
            if room <= 0 {
                continue;
            }
            let rows = query(
                "UPDATE scans SET holder = $1, next_at = $2 WHERE id IN (
                     SELECT id FROM scans WHERE state = 'submitted' AND lane = $3 AND next_at <= $4
                     ORDER BY next_at LIMIT $5
                 ) RETURNING id, request, attempts, submitted_at",
            )
            .bind(holder)
            .bind(until)
            .bind(lane_number(lane))
            .bind(now)
            .bind(room)
            .fetch_all(&mut *tx)
            .await?;
            for row in &rows {
                claimed.push(read_claimed_scan(row)?);
            }
        }
        tx.commit().await?;
        Ok(claimed)
    }

    async fn put_back(&self, scan: ScanId, holder: &str, next_at: i64) -> Result<bool, Error> {
        let result = query(
            "UPDATE scans SET holder = NULL, next_at = $1 WHERE id = $2 AND holder = $3 AND state = 'submitted'",
        )
        .bind(next_at)
        .bind(scan.to_string())
        .bind(holder)
        .execute(&self.write)
        .await?;
        Ok(changed(&result))
    }

    async fn disclaim_submitted(&self, holder: &str, held: &[ScanId], now: i64) -> Result<u64, Error> {
        let held: Vec<_> = held.iter().map(ScanId::to_string).collect();
        let result = query(
            "UPDATE scans SET holder = NULL, next_at = $1
             WHERE state = 'submitted' AND holder = $2 AND id NOT IN (SELECT value FROM json_each($3))",
        )
        .bind(now)
        .bind(holder)
        .bind(json!(held).to_string())
        .execute(&self.write)
        .await?;
        Ok(result.rows_affected())
    }

    async fn postpone(
        &self,
        id: ScanId,
        holder: &str,
        next_at: i64,
        failure: &Failure,
        now: i64,
    ) -> Result<bool, Error> {
        let result = query(
            "UPDATE scans SET holder = NULL, attempts = attempts + 1, failure = $1,
                 next_at = CASE WHEN deadline > $2 AND deadline < $3 THEN deadline ELSE $3 END
             WHERE id = $4 AND holder = $5 AND state = 'submitted'",
        )
        .bind(failure_json(failure)?)
        .bind(now)
        .bind(next_at)
        .bind(id.to_string())
        .bind(holder)
        .execute(&self.write)
        .await?;
        Ok(changed(&result))
    }

    async fn fail(
        &self,
        id: ScanId,
        holder: &str,
        state: ScanState,
        failure: &Failure,
        now: i64,
    ) -> Result<bool, Error> {
        check_end(state)?;
        let mut tx = self.begin().await?;
        let row = query("SELECT state FROM scans WHERE id = $1 AND holder = $2")
            .bind(id.to_string())
            .bind(holder)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = row else { return Ok(false) };
        let before = row.scan_state("state")?;
        if before != ScanState::Submitted {
            return Ok(before == state);
        }
        end(&mut tx, id, &End { state, failure: Some(failure), holder: Some(holder) }, now).await?;
        tx.commit().await?;
        self.belfry.ended(id);
        Ok(true)
    }

    async fn planned(&self, id: ScanId, plan: &ScanPlan, now: i64) -> Result<Planned, Error> {
        super::planning::planned(self, id, plan, now).await
    }
}

async fn insert(tx: &mut Connection, id: ScanId, request: &ScanRequest, now: i64) -> Result<(), Error> {
    query(
        "INSERT INTO scans (id, tenant, reference, idempotency_key, request, callback, lane, state, deadline, next_at,
             submitted_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'submitted', $8, $9, $9)",
    )
    .bind(id.to_string())
    .bind(request.tenant.as_str())
    .bind(&request.reference)
    .bind(request.idempotency_key.as_deref())
    .bind(to_json("request", request)?)
    .bind(request.callback.as_deref())
    .bind(lane_number(request.lane))
    .bind(request.deadline)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    for (key, value) in &request.labels {
        query("INSERT INTO scan_labels (tenant, key, value, scan) VALUES ($1, $2, $3, $4)")
            .bind(request.tenant.as_str())
            .bind(key)
            .bind(value)
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// How a scan ends without a verdict.
pub(super) struct End<'a> {
    pub(super) state: ScanState,
    pub(super) failure: Option<&'a Failure>,
    pub(super) holder: Option<&'a str>,
}

/// Ends a scan that is open: its state, its targets, its interests, and what it owes.
pub(super) async fn end(tx: &mut Connection, id: ScanId, end: &End<'_>, now: i64) -> Result<(), Error> {
    let id = id.to_string();
    query("UPDATE scans SET state = $1, failure = COALESCE($2, failure), holder = $3, ended_at = $4 WHERE id = $5")
        .bind(end.state.as_str())
        .bind(end.failure.map(failure_json).transpose()?)
        .bind(end.holder)
        .bind(now)
        .bind(&id)
        .execute(&mut *tx)
        .await?;
    query("UPDATE targets SET waiting = FALSE, ready = FALSE WHERE scan = $1")
        .bind(&id)
        .execute(&mut *tx)
        .await?;
    query("DELETE FROM interests WHERE scan = $1").bind(&id).execute(&mut *tx).await?;
    if end.state == ScanState::Cancelled { Ok(()) } else { owe(tx, &id, now).await }
}

/// Enqueues the delivery of a scan that has ended, if it has a callback.
pub(super) async fn owe(tx: &mut Connection, id: &str, now: i64) -> Result<(), Error> {
    query(
        "INSERT INTO deliveries (scan, tenant, url, state, next_at, created_at)
         SELECT id, tenant, callback, 'pending', $1, $1 FROM scans WHERE id = $2 AND callback IS NOT NULL
         ON CONFLICT (scan) DO NOTHING",
    )
    .bind(now)
    .bind(id)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn progress(connection: &mut Connection, scan: Scan) -> Result<Progress, Error> {
    let id = scan.id.to_string();
    let row = query(
        "SELECT COUNT(DISTINCT t.ordinal) AS targets, COUNT(DISTINCT i.digest) AS layers,
             COUNT(DISTINCT CASE WHEN l.state = 'outstanding' THEN i.digest END) AS outstanding
         FROM targets t
         LEFT JOIN image_layers i ON i.tenant = t.tenant AND i.manifest = t.manifest
         LEFT JOIN layers l ON l.tenant = i.tenant AND l.digest = i.digest
         WHERE t.scan = $1",
    )
    .bind(&id)
    .fetch_one(&mut *connection)
    .await?;
    let layers = row.count("layers")?;
    Ok(Progress {
        targets: row.count("targets")?,
        layers,
        layers_settled: layers.saturating_sub(row.count("outstanding")?),
        verdicts: verdicts::of_scan(connection, &id).await?,
        scan,
    })
}
