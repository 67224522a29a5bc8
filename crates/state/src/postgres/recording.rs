//! The rows of a plan in Postgres: images, their layers, and targets.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_types::{Digest, ScanId};
use sqlx::postgres::PgArguments;
use sqlx::query;

use super::{Connection, Postgres, changed, raws};
use crate::rows::{clean, opt_raw, platform_json, raw, size, source_json, to_json};
use crate::{BlobStanding, Error, PlannedTarget, ScanPlan};

/// An image that was used so long ago may be about to be forgotten; see [`crate::Upkeep::forget`].
const FRESH_MS: i64 = 60 * 60_000;

type Query = sqlx::query::Query<'static, sqlx::Postgres, PgArguments>;

/// Parts of a statement that has a part `scan`, with the scan's id and tenant; $1 to $12 are [`bind_images`]'s.
///
/// An image that is there and fresh is left alone, and its layers are there with it. One that is there and not fresh is
/// touched, which stops a deletion, or waits for it and makes the image again. One that is not there is made; if somebody
/// else makes it, so are its layers, and no lock makes others wait any longer. Images go in the order of their digests,
/// whatever the order of the index.
macro_rules! images {
    () => {
        "found AS MATERIALIZED (
             SELECT scan.tenant, n.manifest, n.config, m.used_at IS NOT NULL AS stale
             FROM scan CROSS JOIN unnest($4::bytea[], $5::bytea[]) AS n (manifest, config)
             LEFT JOIN images m ON m.tenant = scan.tenant AND m.manifest = n.manifest
             WHERE m.used_at IS NULL OR m.used_at < $3
             ORDER BY n.manifest
         ), touched AS (
             INSERT INTO images (tenant, manifest, config, used_at)
             SELECT tenant, manifest, config, $2 FROM found WHERE stale
             ON CONFLICT (tenant, manifest) DO UPDATE SET used_at = excluded.used_at WHERE images.used_at < $3
             RETURNING tenant, manifest
         ), made AS (
             INSERT INTO images (tenant, manifest, config, used_at)
             SELECT tenant, manifest, config, $2 FROM found WHERE NOT stale
             ON CONFLICT (tenant, manifest) DO NOTHING
             RETURNING tenant, manifest
         ), contained AS (
             INSERT INTO image_layers (tenant, manifest, position, digest, size, media_type, diff_id, readable)
             SELECT used.tenant, n.*
             FROM unnest($6::bytea[], $7::bigint[], $8::bytea[], $9::bigint[], $10::text[], $11::bytea[], $12::boolean[])
                 AS n (manifest, position, digest, size, media_type, diff_id, readable)
             JOIN (SELECT * FROM touched UNION ALL SELECT * FROM made) used ON used.manifest = n.manifest
             ON CONFLICT (tenant, manifest, position) DO NOTHING
         )"
    };
}

/// The part `scan` of a statement that brings a submitted scan to its next state, if `$condition` holds.
macro_rules! analyzing {
    ($index:literal, $source:literal, $condition:literal) => {
        concat!(
            "WITH scan AS (
                 UPDATE scans s SET state = 'analyzing', index_digest = $",
            $index,
            ", source = $",
            $source,
            ", holder = NULL, failure = NULL
                 WHERE s.id = $1 AND s.state = 'submitted'",
            $condition,
            " RETURNING s.id, s.tenant, s.lane, s.deadline
             )"
        )
    };
}

/// Records a whole plan in one statement, which is a transaction of its own, if the scan waits for one and all `layers` have
/// rows that are done, with evidence of a version that is accepted. `false`, and nothing happens, otherwise.
///
/// Such layers would not be locked in a longer transaction either: if one is lost meanwhile, the claim of the target
/// finds out. No part needs to see what another part does.
///
/// Who lets go of layers locks the table of images' layers. Postgres waits for that before it takes the snapshot in which this
/// statement looks at layers, so that it finds them let go of.
pub(super) async fn at_once(
    state: &Postgres,
    id: ScanId,
    plan: &ScanPlan,
    layers: impl Iterator<Item = &Digest>,
    now: i64,
) -> Result<bool, Error> {
    let recorded = query(concat!(
        analyzing!(
            "13",
            "14",
            " AND NOT EXISTS (
                 SELECT 1 FROM unnest($15::bytea[]) AS n (digest)
                 LEFT JOIN layers l ON l.tenant = s.tenant AND l.digest = n.digest
                 WHERE l.state IS DISTINCT FROM 'done' OR l.verified_diff_id IS NULL
                     OR (EXISTS (SELECT 1 FROM fingerprints) AND NOT EXISTS (
                         SELECT 1 FROM fingerprints f WHERE f.index_fingerprint = l.index_fingerprint
                             AND f.packages_fingerprint = l.packages_fingerprint)))"
        ),
        ", ",
        images!(),
        " INSERT INTO targets (scan, ordinal, tenant, manifest, platform, blind_spots, lane, deadline, waiting, ready,
             next_at)
         SELECT scan.id, n.ordinal - 1, scan.tenant, n.manifest, n.platform, n.blind_spots, scan.lane, scan.deadline,
             TRUE, TRUE, $2
         FROM scan, unnest($16::bytea[], $17::text[], $18::text[]) WITH ORDINALITY
             AS n (manifest, platform, blind_spots, ordinal)"
    ));
    let recorded = bind_images(recorded, id, plan, now)
        .bind(opt_raw(plan.index.as_ref()))
        .bind(source_json(&plan.source)?)
        .bind(raws(layers));
    let result = bind_targets(recorded, &plan.targets)?.execute(&state.pool).await?;
    Ok(changed(&result))
}

/// Records the images of a plan, and what layers they have.
pub(super) async fn images(tx: &mut Connection, id: ScanId, plan: &ScanPlan, now: i64) -> Result<(), Error> {
    let images =
        query(concat!("WITH scan AS (SELECT id, tenant FROM scans WHERE id = $1), ", images!(), " SELECT 1"));
    bind_images(images, id, plan, now).execute(&mut *tx).await?;
    Ok(())
}

/// Records the targets of a plan, ready if they wait for none of `outstanding`, and that the scan has them.
pub(super) async fn targets(
    tx: &mut Connection,
    id: ScanId,
    plan: &ScanPlan,
    outstanding: &BTreeSet<Digest>,
    now: i64,
) -> Result<(), Error> {
    let is_ready = |target: &PlannedTarget| {
        let mut readable = target.layers.iter().filter(|blob| blob.standing != BlobStanding::Unreadable);
        !readable.any(|blob| outstanding.contains(&blob.digest))
    };
    let targets = query(concat!(
        analyzing!("3", "4", ""),
        " INSERT INTO targets (scan, ordinal, tenant, manifest, platform, blind_spots, lane, deadline, waiting, ready,
             next_at)
         SELECT scan.id, n.ordinal - 1, scan.tenant, n.manifest, n.platform, n.blind_spots, scan.lane, scan.deadline,
             TRUE, n.ready, $2
         FROM scan, unnest($5::boolean[], $6::bytea[], $7::text[], $8::text[]) WITH ORDINALITY
             AS n (ready, manifest, platform, blind_spots, ordinal)"
    ))
    .bind(id.to_string())
    .bind(now)
    .bind(opt_raw(plan.index.as_ref()))
    .bind(source_json(&plan.source)?)
    .bind(plan.targets.iter().map(is_ready).collect::<Vec<_>>());
    bind_targets(targets, &plan.targets)?.execute(&mut *tx).await?;
    Ok(())
}

/// Binds 12 parameters: the scan, now, since when an image is fresh, two of images, and seven of their layers.
fn bind_images(query: Query, id: ScanId, plan: &ScanPlan, now: i64) -> Query {
    let images: BTreeMap<_, _> = plan.targets.iter().map(|target| (target.manifest, target)).collect();
    let rows: Vec<_> = images
        .iter()
        .flat_map(|(manifest, target)| {
            (0_i64..).zip(&target.layers).map(move |(at, blob)| (manifest, at, blob))
        })
        .collect();
    query
        .bind(id.to_string())
        .bind(now)
        .bind(now.saturating_sub(FRESH_MS))
        .bind(raws(images.keys()))
        .bind(raws(images.values().map(|target| &target.config)))
        .bind(raws(rows.iter().map(|(manifest, ..)| *manifest)))
        .bind(rows.iter().map(|(_, position, _)| *position).collect::<Vec<_>>())
        .bind(raws(rows.iter().map(|(.., blob)| &blob.digest)))
        .bind(rows.iter().map(|(.., blob)| size(blob.size)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(.., blob)| clean(&blob.media_type)).collect::<Vec<_>>())
        .bind(raws(rows.iter().map(|(.., blob)| &blob.diff_id)))
        .bind(rows.iter().map(|(.., blob)| blob.standing != BlobStanding::Unreadable).collect::<Vec<_>>())
}

/// Binds 3 parameters: manifests, platforms, blind spots.
fn bind_targets(query: Query, targets: &[PlannedTarget]) -> Result<Query, Error> {
    let platforms = targets.iter().map(|target| platform_json(&target.platform));
    let blind_spots = targets.iter().map(|target| to_json("blind spots", &target.blind_spots));
    Ok(query
        .bind(targets.iter().map(|target| raw(&target.manifest)).collect::<Vec<_>>())
        .bind(platforms.collect::<Result<Vec<_>, _>>()?)
        .bind(blind_spots.collect::<Result<Vec<_>, _>>()?))
}
