//! What a result and a plan do to a layer's rows, in SQLite.

use plimsoll_types::{Digest, Failure, Lane, LayerOutcome, LayerResult, LayerSource, Tenant};
use sqlx::query;

use super::Connection;
use crate::rows::{Columns, failure_json, lane_number, name, raw, size};
use crate::settling::{Change, Source, Standing};
use crate::{Error, KnownLayer, LayerState, Settled};

pub(super) async fn standing(
    tx: &mut Connection,
    tenant: &Tenant,
    result: &LayerResult,
) -> Result<Option<Standing>, Error> {
    let row = query(
        "SELECT state, attempts, interruptions, counted,
             EXISTS (SELECT 1 FROM layers o WHERE o.digest = l.digest AND o.tenant <> l.tenant) AS shared
         FROM layers l WHERE tenant = $1 AND digest = $2",
    )
    .bind(tenant.as_str())
    .bind(raw(&result.digest))
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut standing = Standing {
        state: row.layer_state("state")?,
        attempts: row.count("attempts")?,
        interruptions: row.count("interruptions")?,
        counted: row.int("counted")?,
        sources: 0,
        source_attempts: None,
        shared: row.flag("shared")?,
    };
    if let LayerOutcome::SourceFailed { source, .. } = &result.outcome {
        let row = query(
            "SELECT COUNT(*) AS sources, MAX(CASE WHEN registry = $3 AND repository = $4 AND credential = $5
                 AND plain_http = $6 THEN attempts END) AS attempts
             FROM layer_sources WHERE tenant = $1 AND digest = $2 AND failure IS NULL",
        )
        .bind(tenant.as_str())
        .bind(raw(&result.digest))
        .bind(name(&source.registry))
        .bind(name(&source.repository))
        .bind(name(source.credential.as_deref().unwrap_or_default()))
        .bind(source.plain_http)
        .fetch_one(&mut *tx)
        .await?;
        standing.sources = row.count("sources")?;
        standing.source_attempts = row.opt_int("attempts")?.and_then(|attempts| u32::try_from(attempts).ok());
    }
    Ok(Some(standing))
}

pub(super) async fn write(
    tx: &mut Connection,
    tenant: &Tenant,
    result: &LayerResult,
    change: Change,
    now: i64,
) -> Result<Settled, Error> {
    let attempt = i64::from(result.attempt);
    match change {
        Change::Ignored => Ok(Settled::Ignored),
        Change::Settled(state) => Ok(Settled::As(state)),
        Change::Done(known) => {
            note_registry(tx, tenant, result).await?;
            done(tx, tenant, &result.digest, &known, now).await?;
            Ok(Settled::As(LayerState::Done))
        }
        Change::Ended { state, failure } => {
            query(
                "UPDATE layers SET state = $1, failure = $2, counted = $3, settled_at = $4
                 WHERE tenant = $5 AND digest = $6",
            )
            .bind(state.as_str())
            .bind(failure_json(&failure)?)
            .bind(attempt)
            .bind(now)
            .bind(tenant.as_str())
            .bind(raw(&result.digest))
            .execute(&mut *tx)
            .await?;
            forget_sources(tx, tenant, &result.digest).await?;
            Ok(Settled::As(state))
        }
        Change::Again { attempts, interruptions, source, failure, next_at } => {
            query(
                "UPDATE layers SET attempts = $1, interruptions = $2, failure = $3, counted = $4, next_at = $5,
                     asked_at = 0
                 WHERE tenant = $6 AND digest = $7",
            )
            .bind(i64::from(attempts))
            .bind(i64::from(interruptions))
            .bind(failure_json(&failure)?)
            .bind(attempt)
            .bind(next_at)
            .bind(tenant.as_str())
            .bind(raw(&result.digest))
            .execute(&mut *tx)
            .await?;
            if let LayerOutcome::SourceFailed { source: failed, .. } = &result.outcome {
                write_source(tx, tenant, &result.digest, failed, source, &failure).await?;
            }
            Ok(Settled::Again(next_at))
        }
    }
}

async fn write_source(
    tx: &mut Connection,
    tenant: &Tenant,
    digest: &Digest,
    source: &LayerSource,
    becomes: Source,
    failure: &Failure,
) -> Result<(), Error> {
    let (attempts, failure) = match becomes {
        Source::Untouched => return Ok(()),
        Source::Failed { attempts } => (Some(i64::from(attempts)), None),
        Source::Dropped => (None, Some(failure_json(failure)?)),
    };
    query(
        "UPDATE layer_sources SET attempts = COALESCE($1, attempts), failure = $2
         WHERE tenant = $3 AND digest = $4 AND registry = $5 AND repository = $6 AND credential = $7 AND plain_http = $8",
    )
    .bind(attempts)
    .bind(failure)
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

/// Keeps the registry a blob was verified from, if its bytes were pulled and there is no doubt from where.
async fn note_registry(tx: &mut Connection, tenant: &Tenant, result: &LayerResult) -> Result<(), Error> {
    let LayerOutcome::Done(done) = &result.outcome else { return Ok(()) };
    if done.pulled_bytes == 0 {
        return Ok(());
    }
    query(
        "UPDATE layers SET verified_at = COALESCE(
             (SELECT MAX(registry) FROM layer_sources s WHERE s.tenant = $1 AND s.digest = $2 AND s.failure IS NULL
              HAVING COUNT(DISTINCT registry) = 1), verified_at)
         WHERE tenant = $1 AND digest = $2",
    )
    .bind(tenant.as_str())
    .bind(raw(&result.digest))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Sources matter while a layer is outstanding; a plan, or the scans that still wait, bring them again.
async fn forget_sources(tx: &mut Connection, tenant: &Tenant, digest: &Digest) -> Result<(), Error> {
    query("DELETE FROM layer_sources WHERE tenant = $1 AND digest = $2")
        .bind(tenant.as_str())
        .bind(raw(digest))
        .execute(&mut *tx)
        .await?;
    Ok(())
}

pub(super) async fn done(
    tx: &mut Connection,
    tenant: &Tenant,
    digest: &Digest,
    known: &KnownLayer,
    now: i64,
) -> Result<(), Error> {
    query(
        "UPDATE layers SET state = 'done', failure = NULL, verified_diff_id = $1, uncompressed_size = $2,
             index_fingerprint = $3, packages_fingerprint = $4, settled_at = $5
         WHERE tenant = $6 AND digest = $7",
    )
    .bind(raw(&known.diff_id))
    .bind(size(known.uncompressed_size))
    .bind(raw(&known.fingerprints.index))
    .bind(raw(&known.fingerprints.packages))
    .bind(now)
    .bind(tenant.as_str())
    .bind(raw(digest))
    .execute(&mut *tx)
    .await?;
    forget_sources(tx, tenant, digest).await
}

/// Makes a layer outstanding as if it were new; its attempts go on being numbered.
pub(super) async fn reopen(
    tx: &mut Connection,
    tenant: &Tenant,
    digest: &Digest,
    lane: Lane,
    asked_at: i64,
    now: i64,
) -> Result<(), Error> {
    query(
        "UPDATE layers SET state = 'outstanding', lane = $1, attempts = 0, interruptions = 0, asked_at = $2,
             next_at = $3, settled_at = NULL, verified_diff_id = NULL, uncompressed_size = NULL,
             index_fingerprint = NULL, packages_fingerprint = NULL
         WHERE tenant = $4 AND digest = $5",
    )
    .bind(lane_number(lane))
    .bind(asked_at)
    .bind(now)
    .bind(tenant.as_str())
    .bind(raw(digest))
    .execute(&mut *tx)
    .await?;
    Ok(())
}
