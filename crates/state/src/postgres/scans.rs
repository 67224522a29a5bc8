//! [`Scans`] in Postgres.

use async_trait::async_trait;
use plimsoll_types::{Failure, ScanId, ScanRequest, ScanState, Tenant};
use sqlx::{QueryBuilder, query};

use super::claims::{InLanes, every_lane, in_lanes};
use super::{Connection, Postgres, changed, verdicts};
use crate::lanes::{dice, shares};
use crate::rows::{Columns, failure_json, lane_number, to_json};
use crate::scans::{check_end, new_id, read_claimed_scan, read_scan, same_scan, scan_columns};
use crate::{Bell, ClaimedScan, Error, Planned, Progress, Scan, ScanFilter, ScanPlan, Scans, Submitted};

#[async_trait]
impl Scans for Postgres {
    async fn submit(&self, request: &ScanRequest, now: i64) -> Result<Submitted, Error> {
        request.check()?;
        let id = new_id(now);
        loop {
            if self.insert(id, request, now).await? {
                self.tower.ring(Bell::Submitted);
                return Ok(Submitted { id, created: true });
            }
            let earlier = query("SELECT id, request FROM scans WHERE tenant = $1 AND idempotency_key = $2")
                .bind(request.tenant.as_str())
                .bind(request.idempotency_key.as_deref())
                .fetch_optional(&self.pool)
                .await?;
            // None: it was forgotten a moment ago, and the key is free again.
            if let Some(row) = earlier {
                return same_scan(&row, request);
            }
        }
    }

    async fn get(&self, tenant: &Tenant, id: ScanId) -> Result<Option<Progress>, Error> {
        let row =
            query(concat!("SELECT ", scan_columns!(), " FROM scans s WHERE s.id = $1 AND s.tenant = $2"))
                .bind(id.to_string())
                .bind(tenant.as_str())
                .fetch_optional(&self.pool)
                .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(self.progress(vec![read_scan(&row)?]).await?.pop())
    }

    async fn watch(&self, ids: &[ScanId]) -> Result<Vec<Progress>, Error> {
        let ids: Vec<_> = ids.iter().map(ScanId::to_string).collect();
        let rows = query(concat!("SELECT ", scan_columns!(), " FROM scans s WHERE s.id = ANY($1)"))
            .bind(ids)
            .fetch_all(&self.pool)
            .await?;
        self.progress(rows.iter().map(read_scan).collect::<Result<_, _>>()?).await
    }

    async fn list(
        &self,
        tenant: &Tenant,
        filter: &ScanFilter,
        after: Option<ScanId>,
        limit: u32,
    ) -> Result<Vec<Scan>, Error> {
        let mut sql = QueryBuilder::<sqlx::Postgres>::new(concat!("SELECT ", scan_columns!()));
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
        let rows = sql.build().fetch_all(&self.pool).await?;
        rows.iter().map(read_scan).collect()
    }

    async fn cancel(&self, tenant: &Tenant, id: ScanId, now: i64) -> Result<Option<ScanState>, Error> {
        let mut tx = self.begin().await?;
        let row = query("SELECT state FROM scans WHERE id = $1 AND tenant = $2 FOR NO KEY UPDATE")
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
        self.tower.ended(id);
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
        let mut connection = self.pool.acquire().await?;
        let due = due(&mut connection, now).await?;
        let mut claimed = Vec::new();
        if due.late {
            claimed = claim_late(&mut connection, holder, until, max, now).await?;
        }
        for (lane, bound) in shares(max, dice()) {
            let room = i64::from(bound).saturating_sub_unsigned(claimed.len() as u64);
            if room <= 0 || !due.lanes.contains(&lane) {
                continue;
            }
            let rows = query(
                "WITH picked AS MATERIALIZED (
                     SELECT id FROM scans WHERE state = 'submitted' AND lane = $3 AND next_at <= $4
                     ORDER BY next_at LIMIT $5 FOR UPDATE SKIP LOCKED
                 )
                 UPDATE scans s SET holder = $1, next_at = $2 FROM picked WHERE s.id = picked.id
                 RETURNING s.id, s.request, s.attempts, s.submitted_at",
            )
            .bind(holder)
            .bind(until)
            .bind(lane_number(lane))
            .bind(now)
            .bind(room)
            .fetch_all(&mut *connection)
            .await?;
            for row in &rows {
                claimed.push(read_claimed_scan(row)?);
            }
        }
        Ok(claimed)
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
        .execute(&self.pool)
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
        let row = query("SELECT state FROM scans WHERE id = $1 AND holder = $2 FOR NO KEY UPDATE")
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
        self.tower.ended(id);
        Ok(true)
    }

    async fn planned(&self, id: ScanId, plan: &ScanPlan, now: i64) -> Result<Planned, Error> {
        super::planning::planned(self, id, plan, now).await
    }
}

impl Postgres {
    /// Makes a scan and its labels in one statement; false if its idempotency key is taken.
    async fn insert(&self, id: ScanId, request: &ScanRequest, now: i64) -> Result<bool, Error> {
        let (keys, values): (Vec<_>, Vec<_>) = request.labels.clone().into_iter().unzip();
        let row = query(
            "WITH made AS (
                 INSERT INTO scans (id, tenant, reference, idempotency_key, request, callback, lane, state, deadline,
                     next_at, submitted_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 'submitted', $8, $9, $9)
                 ON CONFLICT (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
                 RETURNING id
             ), labels AS (
                 INSERT INTO scan_labels (tenant, key, value, scan)
                 SELECT $2, label.key, label.value, made.id
                 FROM made, unnest($10::text[], $11::text[]) AS label (key, value)
             )
             SELECT id FROM made",
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
        .bind(keys)
        .bind(values)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.is_some())
    }

    async fn progress(&self, scans: Vec<Scan>) -> Result<Vec<Progress>, Error> {
        let ids: Vec<_> = scans.iter().map(|scan| scan.id.to_string()).collect();
        let counts = query(
            "SELECT t.scan, COUNT(DISTINCT t.ordinal) AS targets, COUNT(DISTINCT i.digest) AS layers,
                 COUNT(DISTINCT CASE WHEN l.state = 'outstanding' THEN i.digest END) AS outstanding
             FROM targets t
             LEFT JOIN image_layers i ON i.tenant = t.tenant AND i.manifest = t.manifest
             LEFT JOIN layers l ON l.tenant = i.tenant AND l.digest = i.digest
             WHERE t.scan = ANY($1) GROUP BY t.scan",
        )
        .bind(&ids)
        .fetch_all(&self.pool)
        .await?;
        let mut verdicts = verdicts::of_scans(&mut *self.pool.acquire().await?, &ids).await?;
        let mut progress: Vec<_> = scans.into_iter().map(|scan| Progress::new(scan, &mut verdicts)).collect();
        for row in &counts {
            let id = row.scan_id("scan")?;
            for progress in progress.iter_mut().filter(|progress| progress.scan.id == id) {
                progress.targets = row.count("targets")?;
                progress.layers = row.count("layers")?;
                progress.layers_settled = progress.layers.saturating_sub(row.count("outstanding")?);
            }
        }
        Ok(progress)
    }
}

/// Where there is anything to claim: one question, so that five are not asked for nothing.
async fn due(connection: &mut Connection, now: i64) -> Result<InLanes, Error> {
    let rows = query(
        "SELECT n.lane FROM unnest($2::bigint[]) AS n (lane) WHERE EXISTS (
             SELECT 1 FROM scans s WHERE s.state = 'submitted' AND s.lane = n.lane AND s.next_at <= $1)
         UNION ALL
         SELECT NULL WHERE EXISTS (
             SELECT 1 FROM scans
             WHERE state = 'submitted' AND deadline IS NOT NULL AND deadline <= $1 AND next_at <= $1)",
    )
    .bind(now)
    .bind(every_lane())
    .fetch_all(connection)
    .await?;
    in_lanes(&rows)
}

/// Claims what is out of time.
async fn claim_late(
    connection: &mut Connection,
    holder: &str,
    until: i64,
    max: u32,
    now: i64,
) -> Result<Vec<ClaimedScan>, Error> {
    let rows = query(
        "WITH picked AS MATERIALIZED (
             SELECT id FROM scans
             WHERE state = 'submitted' AND deadline IS NOT NULL AND deadline <= $3 AND next_at <= $3
             ORDER BY deadline LIMIT $4 FOR UPDATE SKIP LOCKED
         )
         UPDATE scans s SET holder = $1, next_at = $2 FROM picked WHERE s.id = picked.id
         RETURNING s.id, s.request, s.attempts, s.submitted_at",
    )
    .bind(holder)
    .bind(until)
    .bind(now)
    .bind(i64::from(max))
    .fetch_all(connection)
    .await?;
    rows.iter().map(read_claimed_scan).collect()
}

/// How a scan ends without a verdict.
pub(super) struct End<'a> {
    pub(super) state: ScanState,
    pub(super) failure: Option<&'a Failure>,
    pub(super) holder: Option<&'a str>,
}

/// Ends a scan that is open and locked: its state, its targets, its interests, and what it owes.
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
async fn owe(tx: &mut Connection, id: &str, now: i64) -> Result<(), Error> {
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
