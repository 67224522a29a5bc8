//! [`Retained`] in Postgres.

use async_trait::async_trait;
use plimsoll_types::ScanId;
use sqlx::query;

use super::{Postgres, raws};
use crate::retained::{let_go, read_image, read_layer, read_scan};
use crate::rows::{failure_json, raw};
use crate::{Error, LayerKey, Retained, RetainedImage, RetainedLayer, RetainedScan};

/// Which of the layers $1, $2 are done since before $3, and of no image.
macro_rules! unneeded {
    () => {
        "(l.tenant, l.digest) IN (SELECT * FROM unnest($1::text[], $2::bytea[])) AND l.state = 'done'
             AND l.settled_at < $3
             AND NOT EXISTS (SELECT 1 FROM image_layers i WHERE i.tenant = l.tenant AND i.digest = l.digest)"
    };
}

#[async_trait]
impl Retained for Postgres {
    async fn retained_scans(&self, after: Option<ScanId>, limit: u32) -> Result<Vec<RetainedScan>, Error> {
        let rows = query("SELECT id, index_digest, request FROM scans WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after.map(|id| id.to_string()).unwrap_or_default())
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
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
        .fetch_all(&self.pool)
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
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_layer).collect()
    }

    async fn let_go(&self, layers: &[LayerKey], before: i64, now: i64) -> Result<u64, Error> {
        let tenants: Vec<_> = layers.iter().map(|key| key.tenant.to_string()).collect();
        let digests = raws(layers.iter().map(|key| &key.digest));
        // Most pages have none, and a look locks nothing.
        let any = query(concat!("SELECT l.digest FROM layers l WHERE ", unneeded!(), " LIMIT 1"))
            .bind(&tenants)
            .bind(&digests)
            .bind(before)
            .fetch_optional(&self.pool)
            .await?;
        if any.is_none() {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        // A plan writes down which layers an image has before it looks at them: behind this lock it has done both, or
        // neither.
        query("LOCK TABLE image_layers IN SHARE MODE").execute(&mut *tx).await?;
        let result = query(concat!(
            "UPDATE layers AS l SET state = 'gone', failure = $4, settled_at = $5 WHERE ",
            unneeded!()
        ))
        .bind(&tenants)
        .bind(&digests)
        .bind(before)
        .bind(failure_json(&let_go())?)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(result.rows_affected())
    }
}
