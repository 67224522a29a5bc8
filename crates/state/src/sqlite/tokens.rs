//! [`Tokens`] in SQLite.

use async_trait::async_trait;
use plimsoll_types::{Digest, Tenant};
use sqlx::{QueryBuilder, query};

use super::{Sqlite, changed};
use crate::rows::{clean, raw};
use crate::tokens::read_token;
use crate::{Error, NewToken, Token, TokenId, Tokens};

#[async_trait]
impl Tokens for Sqlite {
    async fn create_token(&self, token: &NewToken, now: i64) -> Result<TokenId, Error> {
        let id = TokenId::of(&token.hash);
        query(
            "INSERT INTO tokens (id, hash, tenant, role, label, created_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (hash) DO NOTHING",
        )
        .bind(&id.0)
        .bind(raw(&token.hash))
        .bind(token.tenant.as_str())
        .bind(token.role.as_str())
        .bind(clean(&token.label))
        .bind(now)
        .execute(&self.write)
        .await?;
        Ok(id)
    }

    async fn revoke_token(&self, id: &TokenId, now: i64) -> Result<bool, Error> {
        let result = query("UPDATE tokens SET revoked_at = COALESCE(revoked_at, $1) WHERE id = $2")
            .bind(now)
            .bind(&id.0)
            .execute(&self.write)
            .await?;
        Ok(changed(&result))
    }

    async fn list_tokens(&self, tenant: Option<&Tenant>) -> Result<Vec<Token>, Error> {
        let mut sql = QueryBuilder::<sqlx::Sqlite>::new(
            "SELECT id, tenant, role, label, created_at, revoked_at FROM tokens",
        );
        if let Some(tenant) = tenant {
            sql.push(" WHERE tenant = ").push_bind(tenant.as_str());
        }
        let rows = sql.push(" ORDER BY created_at, id").build().fetch_all(&self.read).await?;
        rows.iter().map(read_token).collect()
    }

    async fn find_token(&self, hash: &Digest) -> Result<Option<Token>, Error> {
        let row = query(
            "SELECT id, tenant, role, label, created_at, revoked_at FROM tokens
             WHERE hash = $1 AND revoked_at IS NULL",
        )
        .bind(raw(hash))
        .fetch_optional(&self.read)
        .await?;
        row.as_ref().map(read_token).transpose()
    }
}
