//! Recording a plan in Postgres.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_types::{Digest, Lane, LayerSource, ScanId, ScanState, Tenant};
use sqlx::query;

use super::{Connection, Postgres, layers, raws, recording, settling};
use crate::planning::{Standing, Step, distinct, step};
use crate::rows::{Columns, clean, lane_number, name, raw, size};
use crate::{Bell, BlobStanding, Error, LayerKey, LayerState, Planned, PlannedBlob, ScanPlan, Targets};

/// See [`crate::Scans::planned`].
///
/// Layers that are not done are locked until the commit. So a result that comes meanwhile waits, and its
/// [`Targets::wake`] sees this plan. Where the planner found evidence of every layer, there is most likely nothing to lock
/// and nobody to wait for, and [`recording::at_once`] is all there is to do.
pub(super) async fn planned(
    state: &Postgres,
    id: ScanId,
    plan: &ScanPlan,
    now: i64,
) -> Result<Planned, Error> {
    if plan.targets.is_empty() {
        return Err(Error::Usage("a plan has at least one target"));
    }
    let blobs = distinct(&plan.targets);
    let is_known = blobs.values().all(|blob| blob.standing != BlobStanding::Wanted);
    if is_known && recording::at_once(state, id, plan, blobs.keys(), now).await? {
        state.tower.ring(Bell::Complete);
        return Ok(Planned { state: ScanState::Analyzing, first: true, wanted: Vec::new() });
    }
    let mut tx = state.begin().await?;
    let Some(mut planning) = begin(&mut tx, id, now).await? else { return Err(Error::NoSuchScan(id)) };
    if planning.state != ScanState::Submitted {
        let wanted = match planning.state {
            ScanState::Analyzing => layers::unpublished(&mut tx, id).await?,
            _ => Vec::new(),
        };
        return Ok(Planned { state: planning.state, first: false, wanted });
    }
    recording::images(&mut tx, id, plan, now).await?;
    planning.layers(&mut tx, plan, &blobs).await?;
    recording::targets(&mut tx, id, plan, &planning.outstanding, now).await?;
    let wanted = layers::wanted(&mut tx, &planning.keys(&planning.wanted)).await?;
    tx.commit().await?;
    if planning.outstanding.is_empty() {
        state.tower.ring(Bell::Complete);
    }
    state.wake(&planning.keys(&planning.done)).await?;
    Ok(Planned { state: ScanState::Analyzing, first: true, wanted })
}

struct Planning {
    id: String,
    tenant: Tenant,
    lane: Lane,
    state: ScanState,
    now: i64,
    /// Layers the scan waits for.
    outstanding: BTreeSet<Digest>,
    /// Layers to publish.
    wanted: BTreeSet<Digest>,
    /// Layers others may have waited for.
    done: BTreeSet<Digest>,
}

async fn begin(tx: &mut Connection, id: ScanId, now: i64) -> Result<Option<Planning>, Error> {
    let row = query("SELECT tenant, lane, state FROM scans WHERE id = $1 FOR NO KEY UPDATE")
        .bind(id.to_string())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Planning {
        id: id.to_string(),
        tenant: row.tenant("tenant")?,
        lane: row.lane("lane")?,
        state: row.scan_state("state")?,
        now,
        outstanding: BTreeSet::new(),
        wanted: BTreeSet::new(),
        done: BTreeSet::new(),
    }))
}

impl Planning {
    fn keys(&self, digests: &BTreeSet<Digest>) -> Vec<LayerKey> {
        digests.iter().map(|digest| LayerKey { tenant: self.tenant.clone(), digest: *digest }).collect()
    }

    async fn layers(
        &mut self,
        tx: &mut Connection,
        plan: &ScanPlan,
        blobs: &BTreeMap<Digest, &PlannedBlob>,
    ) -> Result<(), Error> {
        let new = self.insert(tx, blobs).await?;
        let old: Vec<_> = blobs.keys().filter(|digest| !new.contains(digest)).copied().collect();
        if !old.is_empty() {
            self.join(tx, blobs, &old).await?;
        }
        let is_wanted =
            |digest: &&Digest| blobs.get(digest).is_some_and(|it| it.standing == BlobStanding::Wanted);
        let new_and_wanted: Vec<_> = new.iter().filter(is_wanted).copied().collect();
        self.wanted.extend(&new_and_wanted);
        self.outstanding.extend(&new_and_wanted);
        if self.outstanding.is_empty() {
            return Ok(());
        }
        let outstanding: Vec<_> = self.outstanding.iter().copied().collect();
        interest(tx, &self.tenant, &outstanding, &self.id, self.lane).await?;
        source(tx, &self.tenant, &outstanding, &plan.source).await
    }

    /// Makes rows for layers that have none, in the order of their digests; gives which.
    async fn insert(
        &self,
        tx: &mut Connection,
        blobs: &BTreeMap<Digest, &PlannedBlob>,
    ) -> Result<BTreeSet<Digest>, Error> {
        let known: Vec<_> = blobs
            .values()
            .map(|blob| match &blob.standing {
                BlobStanding::Known(known) => Some(known),
                BlobStanding::Wanted | BlobStanding::Unreadable => None,
            })
            .collect();
        let rows = query(
            "INSERT INTO layers (tenant, digest, size, media_type, diff_id, lane, state, verified_diff_id,
                 uncompressed_size, index_fingerprint, packages_fingerprint, asked_at, next_at, settled_at)
             SELECT $1, n.digest, n.size, n.media_type, n.diff_id, $2,
                 CASE WHEN n.verified IS NULL THEN 'outstanding' ELSE 'done' END, n.verified, n.uncompressed,
                 n.index_fingerprint, n.packages_fingerprint, $3, $3, CASE WHEN n.verified IS NULL THEN NULL ELSE $3 END
             FROM unnest($4::bytea[], $5::bigint[], $6::text[], $7::bytea[], $8::bytea[], $9::bigint[], $10::bytea[],
                 $11::bytea[])
                 AS n (digest, size, media_type, diff_id, verified, uncompressed, index_fingerprint,
                     packages_fingerprint)
             ON CONFLICT (tenant, digest) DO NOTHING RETURNING digest",
        )
        .bind(self.tenant.as_str())
        .bind(lane_number(self.lane))
        .bind(self.now)
        .bind(raws(blobs.keys()))
        .bind(blobs.values().map(|blob| size(blob.size)).collect::<Vec<_>>())
        .bind(blobs.values().map(|blob| clean(&blob.media_type)).collect::<Vec<_>>())
        .bind(raws(blobs.values().map(|blob| &blob.diff_id)))
        .bind(known.iter().map(|known| known.map(|known| raw(&known.diff_id))).collect::<Vec<_>>())
        .bind(known.iter().map(|known| known.map(|known| size(known.uncompressed_size))).collect::<Vec<_>>())
        .bind(known.iter().map(|known| known.map(|known| raw(&known.fingerprints.index))).collect::<Vec<_>>())
        .bind(known.iter().map(|known| known.map(|known| raw(&known.fingerprints.packages))).collect::<Vec<_>>())
        .fetch_all(&mut *tx)
        .await?;
        rows.iter().map(|row| row.digest("digest")).collect()
    }

    /// Joins layers that have rows already.
    async fn join(
        &mut self,
        tx: &mut Connection,
        blobs: &BTreeMap<Digest, &PlannedBlob>,
        digests: &[Digest],
    ) -> Result<(), Error> {
        let accepted = layers::accepted(tx).await?;
        let mut raised = Vec::new();
        for (digest, row) in self.standing(tx, digests).await? {
            let Some(blob) = blobs.get(&digest) else { continue };
            let step = step(&row, blob, self.lane, &accepted);
            match step {
                Step::Settled | Step::Waiting => {}
                Step::Raise => raised.push(digest),
                Step::Reopen => {
                    settling::reopen(tx, &self.tenant, &digest, self.lane, self.now, self.now).await?;
                    self.wanted.insert(digest);
                }
                Step::Done(known) => {
                    settling::done(tx, &self.tenant, &digest, &known, self.now).await?;
                    self.done.insert(digest);
                }
            }
            if step.is_waited_for() {
                self.outstanding.insert(digest);
            }
        }
        if !raised.is_empty() {
            query("UPDATE layers SET lane = $1, asked_at = $2 WHERE tenant = $3 AND digest = ANY($4)")
                .bind(lane_number(self.lane))
                .bind(self.now)
                .bind(self.tenant.as_str())
                .bind(raws(&raised))
                .execute(&mut *tx)
                .await?;
        }
        self.wanted.extend(raised);
        Ok(())
    }

    /// Locks layers that are not done, and looks at all of them.
    ///
    /// Done layers, most of them, are not locked: plans of images on one base do not wait for each other. If all are
    /// done, that look is good. Else it is older than the locks, which may have had to be waited for, and a second one sees
    /// what whoever held them did.
    async fn standing(
        &self,
        tx: &mut Connection,
        digests: &[Digest],
    ) -> Result<Vec<(Digest, Standing)>, Error> {
        let digests = raws(digests);
        let first = self.look(tx, &digests).await?;
        if first.iter().all(|(_, row)| row.state == LayerState::Done) {
            return Ok(first);
        }
        self.look(tx, &digests).await
    }

    async fn look(&self, tx: &mut Connection, digests: &[Vec<u8>]) -> Result<Vec<(Digest, Standing)>, Error> {
        // The locks are counted, since nobody takes them otherwise.
        let rows = query(
            "WITH locked AS MATERIALIZED (
                 SELECT digest FROM layers WHERE tenant = $1 AND digest = ANY($2) AND state <> 'done'
                 ORDER BY digest FOR NO KEY UPDATE
             )
             SELECT digest, state, lane, verified_diff_id, uncompressed_size, index_fingerprint, packages_fingerprint,
                 state = 'outstanding' AND EXISTS (
                     SELECT 1 FROM interests i WHERE i.tenant = l.tenant AND i.digest = l.digest) AS interested,
                 (SELECT COUNT(*) FROM locked) AS locked
             FROM layers l WHERE tenant = $1 AND digest = ANY($2) ORDER BY digest",
        )
        .bind(self.tenant.as_str())
        .bind(digests)
        .fetch_all(&mut *tx)
        .await?;
        let standing = rows.iter().map(|row| {
            let standing = Standing {
                state: row.layer_state("state")?,
                lane: row.lane("lane")?,
                known: row.known()?,
                interested: row.flag("interested")?,
            };
            Ok((row.digest("digest")?, standing))
        });
        standing.collect()
    }
}

/// Notes that a scan waits for layers.
pub(super) async fn interest(
    tx: &mut Connection,
    tenant: &Tenant,
    digests: &[Digest],
    scan: &str,
    lane: Lane,
) -> Result<(), Error> {
    query(
        "INSERT INTO interests (tenant, digest, scan, lane) SELECT $1, digest, $2, $3 FROM unnest($4::bytea[]) AS digest
         ON CONFLICT (tenant, digest, scan) DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(scan)
    .bind(lane_number(lane))
    .bind(raws(digests))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Notes where layers may be pulled from. A source that was dropped gets another chance.
pub(super) async fn source(
    tx: &mut Connection,
    tenant: &Tenant,
    digests: &[Digest],
    source: &LayerSource,
) -> Result<(), Error> {
    query(
        "INSERT INTO layer_sources (tenant, digest, registry, repository, credential, plain_http)
         SELECT $1, digest, $2, $3, $4, $5 FROM unnest($6::bytea[]) AS digest
         ON CONFLICT (tenant, digest, registry, repository, credential, plain_http)
         DO UPDATE SET attempts = 0, failure = NULL WHERE layer_sources.failure IS NOT NULL",
    )
    .bind(tenant.as_str())
    .bind(name(&source.registry))
    .bind(name(&source.repository))
    .bind(name(source.credential.as_deref().unwrap_or_default()))
    .bind(source.plain_http)
    .bind(raws(digests))
    .execute(&mut *tx)
    .await?;
    Ok(())
}
