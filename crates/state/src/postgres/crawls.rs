//! [`Crawls`] in Postgres.

use async_trait::async_trait;
use plimsoll_types::{CrawlId, CrawlRequest, CrawlState, Tenant};
use sqlx::{QueryBuilder, query};

use super::{Connection, Postgres};
use crate::crawls::{
    ACTUAL, FAILURES, IMAGES, MAX_FAILURES, PLAN, SCANS, SPEED, count_failures, crawl_columns, crawl_id,
    crawl_state, new_crawl_id, read_actual, read_crawl, read_plan, read_scan_count, read_speed,
};
use crate::rows::{Columns, name, to_json};
use crate::{Crawl, CrawlProgress, Crawls, Error};

#[async_trait]
impl Crawls for Postgres {
    async fn start_crawl(&self, request: &CrawlRequest, now: i64) -> Result<CrawlId, Error> {
        request.check()?;
        let mut tx = self.begin().await?;
        let id = insert(&mut tx, request, None, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn start_scheduled(
        &self,
        schedule: &str,
        every_ms: i64,
        request: &CrawlRequest,
        now: i64,
    ) -> Result<Option<CrawlId>, Error> {
        request.check()?;
        let mut tx = self.begin().await?;
        let due = query(
            "INSERT INTO schedules (tenant, name, started_at) VALUES ($1, $2, $3)
             ON CONFLICT (tenant, name) DO UPDATE SET started_at = excluded.started_at
             WHERE schedules.started_at <= $4 AND NOT EXISTS (
                 SELECT 1 FROM crawls WHERE tenant = $1 AND schedule = $2 AND state = 'running')",
        )
        .bind(request.tenant.as_str())
        .bind(name(schedule))
        .bind(now)
        .bind(now.saturating_sub(every_ms))
        .execute(&mut *tx)
        .await?;
        if due.rows_affected() == 0 {
            return Ok(None);
        }
        let id = insert(&mut tx, request, Some(&name(schedule)), now).await?;
        tx.commit().await?;
        Ok(Some(id))
    }

    async fn crawl(&self, tenant: &Tenant, id: CrawlId) -> Result<Option<CrawlProgress>, Error> {
        let mut connection = self.pool.acquire().await?;
        let row = query(concat!("SELECT ", crawl_columns!(), " FROM crawls WHERE id = $1 AND tenant = $2"))
            .bind(id.to_string())
            .bind(tenant.as_str())
            .fetch_optional(&mut *connection)
            .await?;
        match row {
            Some(row) => Ok(Some(progress(&mut connection, tenant, read_crawl(&row)?).await?)),
            None => Ok(None),
        }
    }

    async fn list_crawls(
        &self,
        tenant: &Tenant,
        after: Option<CrawlId>,
        limit: u32,
    ) -> Result<Vec<Crawl>, Error> {
        let mut sql = QueryBuilder::<sqlx::Postgres>::new(concat!(
            "SELECT ",
            crawl_columns!(),
            " FROM crawls WHERE tenant = "
        ));
        sql.push_bind(tenant.as_str());
        if let Some(after) = after {
            sql.push(" AND id < ").push_bind(after.to_string());
        }
        sql.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit));
        let rows = sql.build().fetch_all(&self.pool).await?;
        rows.iter().map(read_crawl).collect()
    }

    async fn cancel_crawl(
        &self,
        tenant: &Tenant,
        id: CrawlId,
        now: i64,
    ) -> Result<Option<CrawlState>, Error> {
        let row = query(
            "UPDATE crawls SET state = CASE state WHEN 'running' THEN 'cancelled' ELSE state END,
                 ended_at = COALESCE(ended_at, $1), holder = NULL
             WHERE id = $2 AND tenant = $3 RETURNING state",
        )
        .bind(now)
        .bind(id.to_string())
        .bind(tenant.as_str())
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(crawl_state).transpose()
    }
}

/// Inserts a crawl, or finds the one with the same idempotency key.
async fn insert(
    tx: &mut Connection,
    request: &CrawlRequest,
    schedule: Option<&str>,
    now: i64,
) -> Result<CrawlId, Error> {
    let row = query(
        "INSERT INTO crawls (id, tenant, registry, schedule, idempotency_key, request, state, next_at, started_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'running', $7, $7)
         ON CONFLICT (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL
             DO UPDATE SET next_at = crawls.next_at
         RETURNING id",
    )
    .bind(new_crawl_id(now).to_string())
    .bind(request.tenant.as_str())
    .bind(name(&request.registry))
    .bind(schedule)
    .bind(request.idempotency_key.as_deref())
    .bind(to_json("request", request)?)
    .bind(now)
    .fetch_one(&mut *tx)
    .await?;
    crawl_id(&row)
}

async fn progress(
    connection: &mut Connection,
    tenant: &Tenant,
    crawl: Crawl,
) -> Result<CrawlProgress, Error> {
    let id = crawl.id.to_string();
    let images = query(IMAGES).bind(&id).fetch_one(&mut *connection).await?;
    let planned = query(PLAN).bind(&id).fetch_one(&mut *connection).await?;
    let actual = query(ACTUAL).bind(&id).bind(tenant.as_str()).fetch_one(&mut *connection).await?;
    let scans = query(SCANS).bind(&id).fetch_all(&mut *connection).await?;
    let failures = query(FAILURES).bind(&id).bind(MAX_FAILURES).fetch_all(&mut *connection).await?;
    let speed = query(SPEED)
        .bind(tenant.as_str())
        .bind(name(&crawl.request.registry))
        .fetch_optional(&mut *connection)
        .await?;
    let failures = failures.iter().map(|row| row.json("failure"));
    Ok(CrawlProgress {
        images: images.int("images")?.cast_unsigned(),
        asked: images.int("asked")?.cast_unsigned(),
        not_images: images.int("not_images")?.cast_unsigned(),
        planned: read_plan(&planned)?,
        actual: read_actual(&actual)?,
        scans: scans.iter().map(read_scan_count).collect::<Result<_, _>>()?,
        failures: count_failures(failures.collect::<Result<Vec<_>, _>>()?),
        bytes_per_second: speed.as_ref().map(read_speed).transpose()?.flatten(),
        crawl,
    })
}
