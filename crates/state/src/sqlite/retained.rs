//! [`Retained`] in SQLite.

use async_trait::async_trait;
use plimsoll_types::ScanId;
use sqlx::query;

use super::Sqlite;
use crate::retained::{let_go, read_image, read_layer, read_scan};
use crate::rows::{failure_json, raw};
use crate::{Error, LayerKey, Retained, RetainedImage, RetainedLayer, RetainedScan};

#[async_trait]
impl Retained for Sqlite {
    async fn retained_scans(&self, after: Option<ScanId>, limit: u32) -> Result<Vec<RetainedScan>, Error> {
        let rows = query("SELECT id, index_digest, request FROM scans WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after.map(|id| id.to_string()).unwrap_or_default())
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(read_scan).collect()
    }

    async fn retained_images(
        &self,
        after: Option<&RetainedImage>,
        limit: u32,
    ) -> Result<Vec<RetainedImage>, Error> {
        let rows = query(
            "SELECT tenant, manifest, config FROM images WHERE (tenant, manifest) > ($1, $2)
             ORDER BY tenant, manifest LIMIT $3",
        )
        .bind(after.map(|image| image.tenant.to_string()).unwrap_or_default())
        .bind(after.map(|image| raw(&image.manifest)).unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(read_image).collect()
    }

    async fn retained_layers(
        &self,
        after: Option<&LayerKey>,
        since: i64,
        limit: u32,
    ) -> Result<Vec<RetainedLayer>, Error> {
        let rows = query(
            "SELECT tenant, digest, verified_diff_id, uncompressed_size, index_fingerprint, packages_fingerprint
             FROM layers
             WHERE (tenant, digest) > ($1, $2) AND (state = 'done'
                 OR (state = 'gone' AND verified_diff_id IS NOT NULL AND settled_at >= $3))
             ORDER BY tenant, digest LIMIT $4",
        )
        .bind(after.map(|key| key.tenant.to_string()).unwrap_or_default())
        .bind(after.map(|key| raw(&key.digest)).unwrap_or_default())
        .bind(since)
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(read_layer).collect()
    }

    async fn let_go(&self, layers: &[LayerKey], before: i64, now: i64) -> Result<u64, Error> {
        let mut tx = self.begin().await?;
        let mut gone = 0;
        for key in layers {
            let result = query(
                "UPDATE layers AS l SET state = 'gone', failure = $1, settled_at = $2
                 WHERE tenant = $3 AND digest = $4 AND state = 'done' AND settled_at < $5 AND NOT EXISTS (
                     SELECT 1 FROM image_layers i WHERE i.tenant = l.tenant AND i.digest = l.digest)",
            )
            .bind(failure_json(&let_go())?)
            .bind(now)
            .bind(key.tenant.as_str())
            .bind(raw(&key.digest))
            .bind(before)
            .execute(&mut *tx)
            .await?;
            gone += result.rows_affected();
        }
        tx.commit().await?;
        Ok(gone)
    }
}
