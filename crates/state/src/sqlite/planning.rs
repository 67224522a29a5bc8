//! Recording a plan in SQLite.

use std::collections::BTreeSet;

use plimsoll_types::{Digest, Lane, LayerSource, ScanId, ScanState, Tenant};
use sqlx::query;

use super::{Connection, Sqlite, layers, settling};
use crate::planning::{Standing, Step, distinct, step};
use crate::rows::{
    Columns, clean, lane_number, name, opt_raw, platform_json, raw, size, source_json, to_json,
};
use crate::{
    Bell, BlobStanding, Error, Fingerprints, LayerKey, Planned, PlannedBlob, PlannedTarget, ScanPlan, Targets,
};

/// See [`crate::Scans::planned`].
pub(super) async fn planned(state: &Sqlite, id: ScanId, plan: &ScanPlan, now: i64) -> Result<Planned, Error> {
    if plan.targets.is_empty() {
        return Err(Error::Usage("a plan has at least one target"));
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
    planning.images(&mut tx, &plan.targets).await?;
    planning.layers(&mut tx, plan).await?;
    planning.targets(&mut tx, &plan.targets).await?;
    query(
        "UPDATE scans SET state = 'analyzing', index_digest = $1, source = $2, holder = NULL, failure = NULL
         WHERE id = $3",
    )
    .bind(opt_raw(plan.index.as_ref()))
    .bind(source_json(&plan.source)?)
    .bind(id.to_string())
    .execute(&mut *tx)
    .await?;
    let wanted = layers::wanted(&mut tx, &planning.keys(&planning.wanted)).await?;
    tx.commit().await?;
    if planning.outstanding.is_empty() {
        state.belfry.ring(Bell::Complete);
    }
    state.wake(&planning.keys(&planning.done)).await?;
    Ok(Planned { state: ScanState::Analyzing, first: true, wanted })
}

struct Planning {
    id: String,
    tenant: Tenant,
    lane: Lane,
    deadline: Option<i64>,
    state: ScanState,
    accepted: Vec<Fingerprints>,
    now: i64,
    /// Layers the scan waits for.
    outstanding: BTreeSet<Digest>,
    /// Layers to publish.
    wanted: BTreeSet<Digest>,
    /// Layers others may have waited for.
    done: BTreeSet<Digest>,
}

async fn begin(tx: &mut Connection, id: ScanId, now: i64) -> Result<Option<Planning>, Error> {
    let row = query("SELECT tenant, lane, deadline, state FROM scans WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Planning {
        id: id.to_string(),
        tenant: row.tenant("tenant")?,
        lane: row.lane("lane")?,
        deadline: row.opt_int("deadline")?,
        state: row.scan_state("state")?,
        accepted: layers::accepted(tx).await?,
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

    async fn images(&self, tx: &mut Connection, targets: &[PlannedTarget]) -> Result<(), Error> {
        for target in targets {
            query(
                "INSERT INTO images (tenant, manifest, config, used_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (tenant, manifest) DO UPDATE SET used_at = excluded.used_at",
            )
            .bind(self.tenant.as_str())
            .bind(raw(&target.manifest))
            .bind(raw(&target.config))
            .bind(self.now)
            .execute(&mut *tx)
            .await?;
            for (position, blob) in (0_i64..).zip(&target.layers) {
                query(
                    "INSERT INTO image_layers (tenant, manifest, position, digest, size, media_type, diff_id, readable)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, manifest, position) DO NOTHING",
                )
                .bind(self.tenant.as_str())
                .bind(raw(&target.manifest))
                .bind(position)
                .bind(raw(&blob.digest))
                .bind(size(blob.size))
                .bind(clean(&blob.media_type))
                .bind(raw(&blob.diff_id))
                .bind(blob.standing != BlobStanding::Unreadable)
                .execute(&mut *tx)
                .await?;
            }
        }
        Ok(())
    }

    async fn layers(&mut self, tx: &mut Connection, plan: &ScanPlan) -> Result<(), Error> {
        for (digest, blob) in distinct(&plan.targets) {
            let waited_for = match self.standing(tx, digest).await? {
                None => self.insert(tx, blob).await?,
                Some(row) => {
                    let step = step(&row, blob, self.lane, &self.accepted);
                    self.apply(tx, digest, step).await?;
                    step.is_waited_for()
                }
            };
            if waited_for {
                self.outstanding.insert(digest);
                interest(tx, &self.tenant, &digest, &self.id, self.lane).await?;
                source(tx, &self.tenant, &digest, &plan.source).await?;
            }
        }
        Ok(())
    }

    async fn standing(&self, tx: &mut Connection, digest: Digest) -> Result<Option<Standing>, Error> {
        let row = query(
            "SELECT state, lane, verified_diff_id, uncompressed_size, index_fingerprint, packages_fingerprint,
                 EXISTS (SELECT 1 FROM interests i WHERE i.tenant = l.tenant AND i.digest = l.digest) AS interested
             FROM layers l WHERE tenant = $1 AND digest = $2",
        )
        .bind(self.tenant.as_str())
        .bind(raw(&digest))
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Standing {
            state: row.layer_state("state")?,
            lane: row.lane("lane")?,
            known: row.known()?,
            interested: row.flag("interested")?,
        }))
    }

    /// Makes a layer's row; true if the scan waits for it.
    async fn insert(&mut self, tx: &mut Connection, blob: &PlannedBlob) -> Result<bool, Error> {
        let known = match &blob.standing {
            BlobStanding::Known(known) => Some(known),
            BlobStanding::Wanted | BlobStanding::Unreadable => None,
        };
        query(
            "INSERT INTO layers (tenant, digest, size, media_type, diff_id, lane, state, verified_diff_id,
                 uncompressed_size, index_fingerprint, packages_fingerprint, asked_at, next_at, settled_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13)",
        )
        .bind(self.tenant.as_str())
        .bind(raw(&blob.digest))
        .bind(size(blob.size))
        .bind(clean(&blob.media_type))
        .bind(raw(&blob.diff_id))
        .bind(lane_number(self.lane))
        .bind(if known.is_some() { "done" } else { "outstanding" })
        .bind(opt_raw(known.map(|known| &known.diff_id)))
        .bind(known.map(|known| size(known.uncompressed_size)))
        .bind(opt_raw(known.map(|known| &known.fingerprints.index)))
        .bind(opt_raw(known.map(|known| &known.fingerprints.packages)))
        .bind(self.now)
        .bind(known.map(|_| self.now))
        .execute(&mut *tx)
        .await?;
        if known.is_none() {
            self.wanted.insert(blob.digest);
        }
        Ok(known.is_none())
    }

    async fn apply(&mut self, tx: &mut Connection, digest: Digest, step: Step) -> Result<(), Error> {
        match step {
            Step::Settled | Step::Waiting => return Ok(()),
            Step::Done(known) => {
                settling::done(tx, &self.tenant, &digest, &known, self.now).await?;
                self.done.insert(digest);
                return Ok(());
            }
            Step::Raise => {
                query("UPDATE layers SET lane = $1, asked_at = $2 WHERE tenant = $3 AND digest = $4")
                    .bind(lane_number(self.lane))
                    .bind(self.now)
                    .bind(self.tenant.as_str())
                    .bind(raw(&digest))
                    .execute(&mut *tx)
                    .await?;
            }
            Step::Reopen => {
                settling::reopen(tx, &self.tenant, &digest, self.lane, self.now, self.now).await?;
            }
        }
        self.wanted.insert(digest);
        Ok(())
    }

    async fn targets(&self, tx: &mut Connection, targets: &[PlannedTarget]) -> Result<(), Error> {
        for (ordinal, target) in (0_i64..).zip(targets) {
            let is_readable = |blob: &&PlannedBlob| blob.standing != BlobStanding::Unreadable;
            let mut readable = target.layers.iter().filter(is_readable);
            query(
                "INSERT INTO targets (scan, ordinal, tenant, manifest, platform, blind_spots, lane, deadline, waiting,
                     ready, next_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, TRUE, $9, $10)",
            )
            .bind(&self.id)
            .bind(ordinal)
            .bind(self.tenant.as_str())
            .bind(raw(&target.manifest))
            .bind(platform_json(&target.platform)?)
            .bind(to_json("blind spots", &target.blind_spots)?)
            .bind(lane_number(self.lane))
            .bind(self.deadline)
            .bind(!readable.any(|blob| self.outstanding.contains(&blob.digest)))
            .bind(self.now)
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    }
}

/// Notes that a scan waits for a layer.
pub(super) async fn interest(
    tx: &mut Connection,
    tenant: &Tenant,
    digest: &Digest,
    scan: &str,
    lane: Lane,
) -> Result<(), Error> {
    query(
        "INSERT INTO interests (tenant, digest, scan, lane) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant, digest, scan) DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(raw(digest))
    .bind(scan)
    .bind(lane_number(lane))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Notes where a layer may be pulled from. A source that was dropped gets another chance.
pub(super) async fn source(
    tx: &mut Connection,
    tenant: &Tenant,
    digest: &Digest,
    source: &LayerSource,
) -> Result<(), Error> {
    query(
        "INSERT INTO layer_sources (tenant, digest, registry, repository, credential, plain_http)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant, digest, registry, repository, credential, plain_http)
         DO UPDATE SET attempts = 0, failure = NULL WHERE layer_sources.failure IS NOT NULL",
    )
    .bind(tenant.as_str())
    .bind(raw(digest))
    .bind(name(&source.registry))
    .bind(name(&source.repository))
    .bind(name(source.credential.as_deref().unwrap_or_default()))
    .bind(source.plain_http)
    .execute(&mut *tx)
    .await?;
    Ok(())
}
