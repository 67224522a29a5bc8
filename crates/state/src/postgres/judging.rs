//! Committing verdicts in Postgres.

use plimsoll_types::report::VerdictStatus;
use sqlx::query;

use super::{Connection, Postgres, changed, verdicts};
use crate::rows::{opt_raw, raw};
use crate::verdicts::WORST_FIRST;
use crate::{Error, NewVerdict, TargetId};

/// See [`crate::Targets::judged`].
///
/// A target without siblings, most of them, is judged by a single statement, which is a transaction of its own. With
/// siblings the scan is locked by a statement before: a statement sees what was committed when it began, and of platforms
/// judged at the same time the last one has to see the others.
pub(super) async fn judged(
    state: &Postgres,
    target: TargetId,
    verdict: &NewVerdict,
    now: i64,
) -> Result<bool, Error> {
    let alone = judge(&mut *state.pool.acquire().await?, target, verdict, false, now).await?;
    if !alone {
        let mut tx = state.begin().await?;
        let lock = query("SELECT id FROM scans WHERE id = $1 FOR NO KEY UPDATE");
        lock.bind(target.scan.to_string()).execute(&mut *tx).await?;
        if !judge(&mut tx, target, verdict, true, now).await? {
            let first = verdicts::document(&mut tx, target).await?;
            return Ok(first == Some(verdict.document));
        }
        tx.commit().await?;
    }
    state.tower.ended(target.scan);
    Ok(true)
}

/// Writes the verdict of a target that waits for it and, if it was the scan's last one, everything its end brings. `false`,
/// and nothing happens, if the target does not wait, or if it has siblings and the caller has not `locked` the scan.
///
/// The scan's row is locked first, as whoever ends a scan does it; what was found before the lock and is not true any
/// more (the scan analyzing, the target waiting) is looked at again by Postgres. That a target has no siblings stays
/// true: one plan makes all of them.
///
/// No part needs to see what another part does. Interests are either deleted or moved to the backfill lane: which, follows
/// from the same look at the layers, so no row is touched twice.
async fn judge(
    connection: &mut Connection,
    target: TargetId,
    verdict: &NewVerdict,
    locked: bool,
    now: i64,
) -> Result<bool, Error> {
    let result = query(
        "WITH scan AS MATERIALIZED (
             SELECT id, tenant, reference, index_digest, callback FROM scans
             WHERE id = $1 AND state = 'analyzing'
                 AND ($3 OR NOT EXISTS (SELECT 1 FROM targets o WHERE o.scan = $1 AND o.ordinal <> $2))
             FOR NO KEY UPDATE
         ), closed AS (
             UPDATE targets t SET waiting = FALSE, ready = FALSE, holder = NULL FROM scan
             WHERE t.scan = scan.id AND t.ordinal = $2 AND t.waiting
             RETURNING t.scan, t.ordinal, t.manifest, t.platform
         ), ended AS (
             UPDATE scans s SET state = 'judged', failure = NULL, ended_at = $4, status = (
                 SELECT w.status FROM (
                     SELECT $6 AS status UNION ALL SELECT v.status FROM verdicts v WHERE v.scan = $1) w
                 ORDER BY array_position($5::text[], w.status) LIMIT 1)
             FROM closed WHERE s.id = closed.scan
                 AND NOT EXISTS (SELECT 1 FROM targets o WHERE o.scan = $1 AND o.ordinal <> $2 AND o.waiting)
             RETURNING s.id, s.tenant, s.callback
         ), owed AS (
             INSERT INTO deliveries (scan, tenant, url, state, next_at, created_at)
             SELECT id, tenant, callback, 'pending', $4, $4 FROM ended WHERE callback IS NOT NULL
             ON CONFLICT (scan) DO NOTHING
         ), dropped AS (
             DELETE FROM interests i USING ended WHERE i.scan = ended.id AND NOT EXISTS (
                 SELECT 1 FROM layers l
                 WHERE l.tenant = i.tenant AND l.digest = i.digest AND l.state = 'outstanding')
         ), moved AS (
             UPDATE interests i SET lane = 0 FROM ended WHERE i.scan = ended.id AND EXISTS (
                 SELECT 1 FROM layers l
                 WHERE l.tenant = i.tenant AND l.digest = i.digest AND l.state = 'outstanding')
         )
         INSERT INTO verdicts (scan, ordinal, tenant, reference, index_digest, manifest, platform, status, document,
             policy, knowledge, evaluated_at, layers_known, layers, judged_at)
         SELECT c.scan, c.ordinal, scan.tenant, scan.reference, scan.index_digest, c.manifest, c.platform, $6, $7, $8,
             $9, $10, $11, $12, $4
         FROM closed c JOIN scan ON scan.id = c.scan",
    )
    .bind(target.scan.to_string())
    .bind(i64::from(target.ordinal))
    .bind(locked)
    .bind(now)
    .bind(WORST_FIRST.map(VerdictStatus::as_str))
    .bind(verdict.status.as_str())
    .bind(raw(&verdict.document))
    .bind(opt_raw(verdict.policy.as_ref()))
    .bind(opt_raw(verdict.knowledge.as_ref()))
    .bind(verdict.evaluated_at)
    .bind(i64::from(verdict.layers_known))
    .bind(i64::from(verdict.layers))
    .execute(connection)
    .await?;
    Ok(changed(&result))
}
