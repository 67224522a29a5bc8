//! [`Deliveries`] in SQLite.

use async_trait::async_trait;
use plimsoll_types::{ScanId, Tenant};
use sqlx::{QueryBuilder, query};

use super::{Sqlite, changed};
use crate::deliveries::{read_claimed_delivery, read_delivery};
use crate::rows::clean;
use crate::{ClaimedDelivery, Deliveries, Delivery, DeliveryState, Error};

#[async_trait]
impl Deliveries for Sqlite {
    async fn claim_deliveries(
        &self,
        holder: &str,
        lease_ms: i64,
        max: u32,
        now: i64,
    ) -> Result<Vec<ClaimedDelivery>, Error> {
        let rows = query(
            "UPDATE deliveries SET holder = $1, next_at = $2 WHERE scan IN (
                 SELECT scan FROM deliveries WHERE state = 'pending' AND next_at <= $3 ORDER BY next_at LIMIT $4
             ) RETURNING scan, tenant, url, attempts, created_at",
        )
        .bind(holder)
        .bind(now.saturating_add(lease_ms))
        .bind(now)
        .bind(i64::from(max))
        .fetch_all(&self.write)
        .await?;
        rows.iter().map(read_claimed_delivery).collect()
    }

    async fn delivered(&self, scan: ScanId, now: i64) -> Result<bool, Error> {
        let result = query(
            "UPDATE deliveries SET state = 'delivered', holder = NULL, reason = NULL, ended_at = $1,
                 attempts = attempts + 1
             WHERE scan = $2 AND state = 'pending'",
        )
        .bind(now)
        .bind(scan.to_string())
        .execute(&self.write)
        .await?;
        Ok(changed(&result))
    }

    async fn postpone_delivery(
        &self,
        scan: ScanId,
        holder: &str,
        next_at: i64,
        reason: &str,
    ) -> Result<bool, Error> {
        let result = query(
            "UPDATE deliveries SET holder = NULL, reason = $1, next_at = $2, attempts = attempts + 1
             WHERE scan = $3 AND holder = $4 AND state = 'pending'",
        )
        .bind(clean(reason))
        .bind(next_at)
        .bind(scan.to_string())
        .bind(holder)
        .execute(&self.write)
        .await?;
        Ok(changed(&result))
    }

    async fn dead(&self, scan: ScanId, holder: &str, reason: &str, now: i64) -> Result<bool, Error> {
        let result = query(
            "UPDATE deliveries SET state = 'dead', holder = NULL, reason = $1, ended_at = $2, attempts = attempts + 1
             WHERE scan = $3 AND holder = $4 AND state = 'pending'",
        )
        .bind(clean(reason))
        .bind(now)
        .bind(scan.to_string())
        .bind(holder)
        .execute(&self.write)
        .await?;
        Ok(changed(&result))
    }

    async fn redeliver(&self, tenant: &Tenant, scan: ScanId, now: i64) -> Result<bool, Error> {
        let result = query(
            "UPDATE deliveries SET state = 'pending', holder = NULL, attempts = 0, next_at = $1, ended_at = NULL
             WHERE scan = $2 AND tenant = $3",
        )
        .bind(now)
        .bind(scan.to_string())
        .bind(tenant.as_str())
        .execute(&self.write)
        .await?;
        Ok(changed(&result))
    }

    async fn list_deliveries(
        &self,
        tenant: &Tenant,
        state: Option<DeliveryState>,
        after: Option<ScanId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, Error> {
        let mut sql = QueryBuilder::<sqlx::Sqlite>::new(
            "SELECT scan, url, state, attempts, reason, created_at, next_at, ended_at FROM deliveries WHERE tenant = ",
        );
        sql.push_bind(tenant.as_str());
        if let Some(state) = state {
            sql.push(" AND state = ").push_bind(state.as_str());
        }
        if let Some(after) = after {
            sql.push(" AND scan < ").push_bind(after.to_string());
        }
        sql.push(" ORDER BY scan DESC LIMIT ").push_bind(i64::from(limit));
        let rows = sql.build().fetch_all(&self.read).await?;
        rows.iter().map(read_delivery).collect()
    }
}
