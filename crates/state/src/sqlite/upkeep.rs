//! [`Upkeep`] in SQLite.

use async_trait::async_trait;
use sqlx::query;

use super::{Connection, Sqlite};
use crate::crawls;
use crate::rows::{Columns, raw};
use crate::state::{ASK_AGAIN, END_CLAIMS, IS_UNUSED};
use crate::{Error, Forgotten, Upkeep};

#[async_trait]
impl Upkeep for Sqlite {
    async fn ping(&self) -> Result<(), Error> {
        query("SELECT id FROM scans LIMIT 1").fetch_optional(&self.read).await?;
        Ok(())
    }

    async fn is_unused(&self) -> Result<bool, Error> {
        query(IS_UNUSED).fetch_one(&self.read).await?.flag("unused")
    }

    async fn forget(&self, before: i64, limit: u32) -> Result<Forgotten, Error> {
        let mut tx = self.begin().await?;
        let scans = query(
            "SELECT id FROM scans WHERE ended_at IS NOT NULL AND ended_at < $1 ORDER BY ended_at LIMIT $2",
        )
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await?;
        let mut forgotten = Forgotten::default();
        for row in &scans {
            forgotten.images += forget(&mut tx, &row.text("id")?, before).await?;
            forgotten.scans += 1;
        }
        let crawls = query("SELECT id FROM crawls WHERE ended_at < $1 ORDER BY ended_at LIMIT $2")
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(&mut *tx)
            .await?;
        for row in &crawls {
            for sql in crawls::FORGET {
                query(sql).bind(row.text("id")?).execute(&mut *tx).await?;
            }
        }
        tx.commit().await?;
        Ok(forgotten)
    }

    async fn take_over(&self, now: i64) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        for sql in END_CLAIMS {
            query(sql).bind(now).execute(&mut *tx).await?;
        }
        query(ASK_AGAIN).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Deletes one scan; gives how many images went with it.
async fn forget(tx: &mut Connection, scan: &str, before: i64) -> Result<u64, Error> {
    query(
        "UPDATE streams SET oldest = MAX(oldest, COALESCE((
             SELECT MAX(v.sequence) FROM verdicts v WHERE v.scan = $1 AND v.tenant = streams.tenant), 0))
         WHERE tenant = (SELECT tenant FROM scans WHERE id = $1)",
    )
    .bind(scan)
    .execute(&mut *tx)
    .await?;
    let images = query("SELECT DISTINCT tenant, manifest FROM targets WHERE scan = $1")
        .bind(scan)
        .fetch_all(&mut *tx)
        .await?;
    for sql in [
        "DELETE FROM verdicts WHERE scan = $1",
        "DELETE FROM deliveries WHERE scan = $1",
        "DELETE FROM interests WHERE scan = $1",
        "DELETE FROM targets WHERE scan = $1",
        "DELETE FROM scan_labels WHERE scan = $1",
        "DELETE FROM scans WHERE id = $1",
    ] {
        query(sql).bind(scan).execute(&mut *tx).await?;
    }
    let mut forgotten = 0;
    for row in &images {
        let (tenant, manifest) = (row.text("tenant")?, raw(&row.digest("manifest")?));
        let result = query(
            "DELETE FROM images AS m WHERE tenant = $1 AND manifest = $2 AND used_at < $3
                 AND NOT EXISTS (SELECT 1 FROM targets t WHERE t.tenant = m.tenant AND t.manifest = m.manifest)",
        )
        .bind(&tenant)
        .bind(&manifest)
        .bind(before)
        .execute(&mut *tx)
        .await?;
        if result.rows_affected() > 0 {
            forgotten += 1;
            query("DELETE FROM image_layers WHERE tenant = $1 AND manifest = $2")
                .bind(&tenant)
                .bind(&manifest)
                .execute(&mut *tx)
                .await?;
        }
    }
    Ok(forgotten)
}
