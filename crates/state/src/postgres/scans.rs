//! [`Scans`] in Postgres.

use async_trait::async_trait;
use plimsoll_types::{Failure, ScanId, ScanRequest, ScanState, Tenant};
use sqlx::postgres::PgRow;
use sqlx::{QueryBuilder, query};

use super::claims::{picked, steps};
use super::{Connection, Postgres, changed, verdicts};
use crate::rows::{Columns, failure_json, lane_number, to_json};
use crate::scans::{check_end, new_id, read_claimed_scan, read_scan, same_scan, scan_columns};
use crate::{Bell, ClaimedScan, Error, Planned, Progress, Scan, ScanFilter, ScanPlan, Scans, Submitted};

/// Reads scans `s`, each with what there is to count. A layer is looked up once, in however many platforms it is, and by its
/// key, however many are outstanding: Postgres does not join what is written as an expression.
macro_rules! progress {
    () => {
        concat!(
            "SELECT ",
            scan_columns!(),
            ", c.targets, c.layers, c.outstanding
             FROM scans s CROSS JOIN LATERAL (
                 SELECT (SELECT COUNT(*) FROM targets t WHERE t.scan = s.id) AS targets, COUNT(*) AS layers,
                     COUNT(*) FILTER (WHERE (
                         SELECT l.state FROM layers l WHERE l.tenant = s.tenant AND l.digest = d.digest
                     ) = 'outstanding') AS outstanding
                 FROM (
                     SELECT DISTINCT i.digest FROM targets t
                     JOIN image_layers i ON i.tenant = t.tenant AND i.manifest = t.manifest
                     WHERE t.scan = s.id) d
             ) c"
        )
    };
}

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
        let row = query(concat!(progress!(), " WHERE s.id = $1 AND s.tenant = $2"))
            .bind(id.to_string())
            .bind(tenant.as_str())
            .fetch_all(&self.pool)
            .await?;
        Ok(self.progress(&row).await?.pop())
    }

    async fn watch(&self, ids: &[ScanId]) -> Result<Vec<Progress>, Error> {
        let ids: Vec<_> = ids.iter().map(ScanId::to_string).collect();
        let rows =
            query(concat!(progress!(), " WHERE s.id = ANY($1)")).bind(ids).fetch_all(&self.pool).await?;
        self.progress(&rows).await
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
        let (lanes, bounds) = steps(max);
        // As an array, since Postgres takes it for a short list, whatever it thinks of the bounds.
        let rows = query(concat!(
            "WITH ",
            picked!("scans", "id", "state = 'submitted'", "state = 'submitted'"),
            ", claimed AS (
                 UPDATE scans s SET holder = $5, next_at = $6
                 FROM unnest((SELECT array_agg(id) FROM picked)) WITH ORDINALITY AS p (id, place)
                 WHERE s.id = p.id
                 RETURNING p.place, s.id, s.request, s.attempts, s.submitted_at
             )
             SELECT * FROM claimed ORDER BY place"
        ))
        .bind(now)
        .bind(i64::from(max))
        .bind(lanes)
        .bind(bounds)
        .bind(holder)
        .bind(now.saturating_add(lease_ms))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_claimed_scan).collect()
    }

    async fn put_back(&self, scan: ScanId, holder: &str, next_at: i64) -> Result<bool, Error> {
        let result = query(
            "UPDATE scans SET holder = NULL, next_at = $1 WHERE id = $2 AND holder = $3 AND state = 'submitted'",
        )
        .bind(next_at)
        .bind(scan.to_string())
        .bind(holder)
        .execute(&self.pool)
        .await?;
        Ok(changed(&result))
    }

    async fn disclaim_submitted(&self, holder: &str, held: &[ScanId], now: i64) -> Result<u64, Error> {
        let result = query(
            "UPDATE scans SET holder = NULL, next_at = $2
             WHERE state = 'submitted' AND holder = $1 AND id <> ALL($3::text[])",
        )
        .bind(holder)
        .bind(now)
        .bind(held.iter().map(ScanId::to_string).collect::<Vec<_>>())
        .execute(&self.pool)
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

    /// Reads rows of [`progress`], and the verdicts there are.
    ///
    /// An only target's verdict comes with its scan's end; so one statement is enough for a scan that is not planned or
    /// whose only target waits.
    async fn progress(&self, rows: &[PgRow]) -> Result<Vec<Progress>, Error> {
        let mut progress = rows.iter().map(read_progress).collect::<Result<Vec<_>, _>>()?;
        let may_have_verdicts = |of: &&mut Progress| match of.targets {
            0 => false,
            1 => of.scan.state != ScanState::Analyzing,
            _ => true,
        };
        let mut judged: Vec<_> = progress.iter_mut().filter(may_have_verdicts).collect();
        if judged.is_empty() {
            return Ok(progress);
        }
        let ids: Vec<_> = judged.iter().map(|of| of.scan.id.to_string()).collect();
        for verdict in verdicts::of_scans(&mut *self.pool.acquire().await?, &ids).await? {
            if let Some(of) = judged.iter_mut().find(|of| of.scan.id == verdict.target.scan) {
                of.verdicts.push(verdict);
            }
        }
        Ok(progress)
    }
}

fn read_progress(row: &PgRow) -> Result<Progress, Error> {
    let layers = row.count("layers")?;
    Ok(Progress {
        scan: read_scan(row)?,
        targets: row.count("targets")?,
        layers,
        layers_settled: layers.saturating_sub(row.count("outstanding")?),
        verdicts: Vec::new(),
    })
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
