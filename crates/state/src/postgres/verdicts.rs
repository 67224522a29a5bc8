//! [`Verdicts`] in Postgres.

use async_trait::async_trait;
use plimsoll_types::{Digest, Tenant};
use sqlx::query;

use super::{Connection, Postgres};
use crate::rows::{Columns, opt_raw, raw};
use crate::verdicts::{check_cursor, image_verdict, read_verdict, verdict_columns};
use crate::{Error, ImageVerdict, StreamRange, TargetId, Verdict, Verdicts};

#[async_trait]
impl Verdicts for Postgres {
    async fn by_image(
        &self,
        tenant: &Tenant,
        image: Digest,
        policy: Option<Digest>,
    ) -> Result<Option<ImageVerdict>, Error> {
        let row = query(concat!(
            "SELECT ",
            verdict_columns!(),
            " FROM verdicts v WHERE v.tenant = $1 AND v.manifest = $2 AND ($3 IS NULL OR v.policy = $3)
              ORDER BY v.judged_at DESC, v.scan DESC LIMIT 1"
        ))
        .bind(tenant.as_str())
        .bind(raw(&image))
        .bind(opt_raw(policy.as_ref()))
        .fetch_optional(&self.pool)
        .await?;
        if let Some(row) = row {
            return Ok(image_verdict(vec![read_verdict(&row)?]));
        }
        let scan = query(
            "SELECT v.scan FROM verdicts v JOIN scans s ON s.id = v.scan
             WHERE v.tenant = $1 AND v.index_digest = $2 AND ($3 IS NULL OR v.policy = $3) AND s.state = 'judged'
             ORDER BY v.judged_at DESC, v.scan DESC LIMIT 1",
        )
        .bind(tenant.as_str())
        .bind(raw(&image))
        .bind(opt_raw(policy.as_ref()))
        .fetch_optional(&self.pool)
        .await?;
        self.whole(scan.as_ref()).await
    }

    async fn by_reference(&self, tenant: &Tenant, reference: &str) -> Result<Option<ImageVerdict>, Error> {
        let scan = query(
            "SELECT v.scan FROM verdicts v JOIN scans s ON s.id = v.scan
             WHERE v.tenant = $1 AND v.reference = $2 AND s.state = 'judged'
             ORDER BY v.judged_at DESC, v.scan DESC LIMIT 1",
        )
        .bind(tenant.as_str())
        .bind(reference)
        .fetch_optional(&self.pool)
        .await?;
        self.whole(scan.as_ref()).await
    }

    async fn sequence(&self, max: u32) -> Result<u64, Error> {
        // Mostly there is none, and a look locks nothing. What somebody else is about to number counts as unnumbered.
        let any = query("SELECT 1 FROM verdicts WHERE sequence IS NULL LIMIT 1").fetch_optional(&self.pool);
        if any.await?.is_none() {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        // What is read after this lock was committed before it, and whoever commits later is numbered later.
        query("SELECT id FROM sequencer FOR UPDATE").fetch_one(&mut *tx).await?;
        let numbered = query(
            "WITH numbered AS MATERIALIZED (
                 SELECT u.scan, u.ordinal, u.tenant, COALESCE(s.newest, 0)
                     + ROW_NUMBER() OVER (PARTITION BY u.tenant ORDER BY u.judged_at, u.scan, u.ordinal) AS sequence
                 FROM (
                     SELECT scan, ordinal, tenant, judged_at FROM verdicts WHERE sequence IS NULL
                     ORDER BY judged_at, scan, ordinal LIMIT $1) u
                 LEFT JOIN streams s ON s.tenant = u.tenant
             ), given AS (
                 INSERT INTO streams (tenant, newest, oldest)
                 SELECT tenant, MAX(sequence), 0 FROM numbered GROUP BY tenant
                 ON CONFLICT (tenant) DO UPDATE SET newest = excluded.newest
             )
             UPDATE verdicts v SET sequence = n.sequence FROM numbered n
             WHERE v.scan = n.scan AND v.ordinal = n.ordinal",
        )
        .bind(i64::from(max))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(numbered.rows_affected())
    }

    async fn after(&self, tenant: &Tenant, cursor: u64, limit: u32) -> Result<Vec<Verdict>, Error> {
        let mut connection = self.pool.acquire().await?;
        let rows = query(concat!(
            "SELECT ",
            verdict_columns!(),
            " FROM verdicts v WHERE v.tenant = $1 AND v.sequence > $2 AND v.sequence IS NOT NULL
              ORDER BY v.sequence LIMIT $3"
        ))
        .bind(tenant.as_str())
        .bind(i64::try_from(cursor).unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await?;
        // Checked afterwards: the bounds only grow, so what they allow now was there when the rows were read.
        check_cursor(cursor, range(&mut connection, tenant).await?)?;
        rows.iter().map(read_verdict).collect()
    }

    async fn range(&self, tenant: &Tenant) -> Result<StreamRange, Error> {
        range(&mut *self.pool.acquire().await?, tenant).await
    }

    async fn documents(&self, after: Option<Digest>, limit: u32) -> Result<Vec<Digest>, Error> {
        let rows =
            query("SELECT DISTINCT document FROM verdicts WHERE document > $1 ORDER BY document LIMIT $2")
                .bind(opt_raw(after.as_ref()).unwrap_or_default())
                .bind(i64::from(limit))
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(|row| row.digest("document")).collect()
    }
}

impl Postgres {
    async fn whole(&self, scan: Option<&sqlx::postgres::PgRow>) -> Result<Option<ImageVerdict>, Error> {
        let Some(row) = scan else { return Ok(None) };
        let mut connection = self.pool.acquire().await?;
        Ok(image_verdict(of_scans(&mut connection, &[row.text("scan")?]).await?))
    }
}

async fn range(connection: &mut Connection, tenant: &Tenant) -> Result<StreamRange, Error> {
    let row = query("SELECT newest, oldest FROM streams WHERE tenant = $1")
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(StreamRange::default()) };
    Ok(StreamRange { oldest: row.int("oldest")?.cast_unsigned(), newest: row.int("newest")?.cast_unsigned() })
}

/// The verdicts of some scans, each scan's in order of its targets.
pub(super) async fn of_scans(connection: &mut Connection, scans: &[String]) -> Result<Vec<Verdict>, Error> {
    let rows = query(concat!(
        "SELECT ",
        verdict_columns!(),
        " FROM verdicts v WHERE v.scan = ANY($1) ORDER BY v.scan, v.ordinal"
    ))
    .bind(scans)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read_verdict).collect()
}

/// The document of a target's verdict.
pub(super) async fn document(connection: &mut Connection, target: TargetId) -> Result<Option<Digest>, Error> {
    let row = query("SELECT document FROM verdicts WHERE scan = $1 AND ordinal = $2")
        .bind(target.scan.to_string())
        .bind(i64::from(target.ordinal))
        .fetch_optional(connection)
        .await?;
    row.map(|row| row.digest("document")).transpose()
}
