//! [`Tags`] in Postgres.

use async_trait::async_trait;
use plimsoll_types::{Digest, Tenant};
use sqlx::{QueryBuilder, query};

use super::{Connection, Postgres};
use crate::rows::{Columns, name, raw};
use crate::tags::{CLOSE, Move, OPEN, OVER, SEEN_AGAIN, Seen, by_repository, decide, read_span};
use crate::{Error, HistoryPage, Sighting, TagSpan, Tags};

#[async_trait]
impl Tags for Postgres {
    async fn seen(&self, sightings: &[Sighting], now: i64) -> Result<Vec<bool>, Error> {
        let mut new = vec![false; sightings.len()];
        let mut tx = self.begin().await?;
        for repository in by_repository(sightings) {
            lock(&mut tx, &repository).await?;
            let same = seen_again(&mut tx, &repository, now).await?;
            for (place, tag, digest) in &repository.tags {
                if !same.contains(&(tag.clone(), *digest)) {
                    new[*place] = see(&mut tx, &repository, tag, *digest, now).await?;
                }
            }
        }
        tx.commit().await?;
        Ok(new)
    }

    async fn tag_gone(
        &self,
        tenant: &Tenant,
        registry: &str,
        repository: &str,
        tag: Option<&str>,
        digest: Option<Digest>,
        now: i64,
    ) -> Result<u64, Error> {
        let mut sql = QueryBuilder::<sqlx::Postgres>::new("UPDATE tags SET gone_at = ");
        sql.push_bind(now).push(" WHERE tenant = ").push_bind(tenant.as_str());
        sql.push(" AND registry = ").push_bind(name(registry));
        sql.push(" AND repository = ").push_bind(name(repository));
        sql.push(" AND gone_at IS NULL AND last_seen <= ").push_bind(now);
        if let Some(tag) = tag {
            sql.push(" AND tag = ").push_bind(name(tag));
        }
        if let Some(digest) = digest {
            sql.push(" AND digest = ").push_bind(raw(&digest));
        }
        Ok(sql.build().execute(&self.pool).await?.rows_affected())
    }

    async fn not_seen(
        &self,
        tenant: &Tenant,
        registry: &str,
        repository: &str,
        since: i64,
        now: i64,
    ) -> Result<u64, Error> {
        let result = query(
            "UPDATE tags SET gone_at = GREATEST(last_seen, $1)
             WHERE tenant = $2 AND registry = $3 AND repository = $4 AND gone_at IS NULL AND last_seen < $5",
        )
        .bind(now)
        .bind(tenant.as_str())
        .bind(name(registry))
        .bind(name(repository))
        .bind(since)
        .execute(&self.pool)
        .await?;
        Ok(result.rows_affected())
    }

    async fn history(
        &self,
        tenant: &Tenant,
        registry: &str,
        repository: &str,
        tag: Option<&str>,
        page: &HistoryPage,
    ) -> Result<Vec<TagSpan>, Error> {
        let mut sql = QueryBuilder::<sqlx::Postgres>::new(
            "SELECT tag, digest, first_seen, last_seen, gone_at FROM tags WHERE tenant = ",
        );
        sql.push_bind(tenant.as_str()).push(" AND registry = ").push_bind(name(registry));
        sql.push(" AND repository = ").push_bind(name(repository));
        if let Some(tag) = tag {
            sql.push(" AND tag = ").push_bind(name(tag));
        }
        if let Some(after) = &page.after {
            sql.push(" AND (first_seen, tag, digest) < (").push_bind(after.first_seen);
            sql.push(", ").push_bind(name(&after.tag)).push(", ").push_bind(raw(&after.digest)).push(")");
        }
        sql.push(" ORDER BY first_seen DESC, tag DESC, digest DESC LIMIT ").push_bind(i64::from(page.limit));
        let rows = sql.build().fetch_all(&self.pool).await?;
        rows.iter().map(read_span).collect()
    }
}

/// Sightings in one repository wait for each other: a tag nobody has seen has no row that could be locked.
async fn lock(tx: &mut Connection, at: &Seen<'_>) -> Result<(), Error> {
    query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(format!("{} {}/{}", at.tenant, at.registry, at.repository))
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Deals with everything that is as it was, which is nearly all, in one statement: those of the sightings.
async fn seen_again(
    tx: &mut Connection,
    at: &Seen<'_>,
    now: i64,
) -> Result<std::collections::HashSet<(String, Digest)>, Error> {
    let (tags, digests): (Vec<_>, Vec<_>) =
        at.tags.iter().map(|(_, tag, digest)| (tag.clone(), raw(digest))).unzip();
    let rows = query(
        "UPDATE tags t SET last_seen = GREATEST(t.last_seen, $4)
         FROM (SELECT DISTINCT tag, digest FROM UNNEST($5::text[], $6::bytea[]) AS u (tag, digest)) s
         WHERE t.tenant = $1 AND t.registry = $2 AND t.repository = $3 AND t.tag = s.tag AND t.digest = s.digest
             AND t.gone_at IS NULL
         RETURNING t.tag, t.digest",
    )
    .bind(at.tenant)
    .bind(&at.registry)
    .bind(&at.repository)
    .bind(now)
    .bind(tags)
    .bind(digests)
    .fetch_all(&mut *tx)
    .await?;
    rows.iter().map(|row| Ok((row.text("tag")?, row.digest("digest")?))).collect()
}

async fn see(tx: &mut Connection, at: &Seen<'_>, tag: &str, digest: Digest, now: i64) -> Result<bool, Error> {
    let past = query(
        "SELECT MAX(gone_at) AS gone_at, COALESCE(BOOL_OR(digest = $5), FALSE) AS known,
             (ARRAY_AGG(digest) FILTER (WHERE gone_at IS NULL))[1] AS open_digest,
             MAX(last_seen) FILTER (WHERE gone_at IS NULL) AS open_seen
         FROM tags WHERE tenant = $1 AND registry = $2 AND repository = $3 AND tag = $4",
    )
    .bind(at.tenant)
    .bind(&at.registry)
    .bind(&at.repository)
    .bind(tag)
    .bind(raw(&digest))
    .fetch_one(&mut *tx)
    .await?;
    let known = past.flag("known")?;
    let open = past.opt_digest("open_digest")?.zip(past.opt_int("open_seen")?);
    let (sql, new) = match decide(open, past.opt_int("gone_at")?, digest, now) {
        Move::Same => (SEEN_AGAIN, false),
        Move::Late if known => return Ok(false),
        Move::Late => (OVER, true),
        Move::Opens => {
            query(CLOSE)
                .bind(at.tenant)
                .bind(&at.registry)
                .bind(&at.repository)
                .bind(tag)
                .bind(now)
                .execute(&mut *tx)
                .await?;
            (OPEN, true)
        }
    };
    query(sql)
        .bind(at.tenant)
        .bind(&at.registry)
        .bind(&at.repository)
        .bind(tag)
        .bind(now)
        .bind(raw(&digest))
        .execute(&mut *tx)
        .await?;
    Ok(new)
}
