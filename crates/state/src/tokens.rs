//! Tokens: who may do what.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use plimsoll_types::{Digest, Tenant};

use crate::Error;
use crate::rows::Columns;

/// Bearer tokens, by the hash of what is shown to their owner once.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Keeps a token. The id follows from the hash, so this may be repeated.
    async fn create_token(&self, token: &NewToken, now: i64) -> Result<TokenId, Error>;

    /// Makes a token useless, for good. `false` if there is none. May be repeated; the first time counts.
    async fn revoke_token(&self, id: &TokenId, now: i64) -> Result<bool, Error>;

    /// Every token of a tenant, or of all, the oldest first, revoked ones too.
    async fn list_tokens(&self, tenant: Option<&Tenant>) -> Result<Vec<Token>, Error>;

    /// The token with this hash, unless it is revoked.
    async fn find_token(&self, hash: &Digest) -> Result<Option<Token>, Error>;
}

/// What the bearer of a token may do. Each role may do what the one before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// See the tenant's scans and verdicts.
    Read,
    /// Ask for scans, and cancel them.
    Submit,
    /// Everything of the tenant's.
    Admin,
}

/// A text that is not a [`Role`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a role; expected read, submit or admin")]
pub struct RoleError(String);

impl Role {
    /// Every role, the weakest first.
    pub const ALL: &'static [Self] = &[Self::Read, Self::Submit, Self::Admin];

    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Submit => "submit",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        let found = Self::ALL.iter().find(|role| role.as_str() == text);
        found.copied().ok_or_else(|| RoleError(text.chars().take(40).collect()))
    }
}

/// The public name of a token: the first 16 hex digits of its hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub(crate) String);

impl TokenId {
    /// The name of the token with this hash.
    pub fn of(hash: &Digest) -> Self {
        let mut hex = hash.hex();
        hex.truncate(16);
        Self(hex)
    }
}

impl From<&str> for TokenId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A token to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Whose.
    pub tenant: Tenant,
    /// What its bearer may do.
    pub role: Role,
    /// SHA-256 of the token.
    pub hash: Digest,
    /// What it is for, in a person's words.
    pub label: String,
}

/// A token that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its public name.
    pub id: TokenId,
    /// Whose.
    pub tenant: Tenant,
    /// What its bearer may do.
    pub role: Role,
    /// What it is for.
    pub label: String,
    /// When it was made.
    pub created_at: i64,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
}

pub(crate) fn read_token(row: &impl Columns) -> Result<Token, Error> {
    let role = row.text("role")?;
    Ok(Token {
        id: TokenId(row.text("id")?),
        tenant: row.tenant("tenant")?,
        role: role.parse().map_err(|_| Error::row("role", &role))?,
        label: row.text("label")?,
        created_at: row.int("created_at")?,
        revoked_at: row.opt_int("revoked_at")?,
    })
}
