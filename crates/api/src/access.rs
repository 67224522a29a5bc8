//! Who calls, and whether they may.

use std::sync::Arc;

use plimsoll_state::{Role, State};
use plimsoll_types::{Digest, Tenant};
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::{status, token};

/// A token is some 50 bytes; what is longer is none.
const MAX_TOKEN: usize = 512;

/// Who may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever has a token of the state, as what the token says.
    Tokens,
    /// Everybody who reaches the address, with every right, as this tenant. Only on loopback.
    Open(Tenant),
}

/// Somebody who may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) tenant: Tenant,
    role: Role,
    /// What the token is found by; none where nobody needs one.
    token: Option<Digest>,
}

impl Caller {
    /// Who the metadata of a call says is calling.
    pub(crate) async fn identify(
        access: &Access,
        state: &Arc<dyn State>,
        metadata: &MetadataMap,
    ) -> Result<Self, Status> {
        if let Access::Open(tenant) = access {
            return Ok(Self { tenant: tenant.clone(), role: Role::Admin, token: None });
        }
        let token = bearer(metadata)?;
        let token = token::hash(token);
        let known = state.find_token(&token).await.map_err(|error| status::of_state(&error))?;
        let known = known.ok_or_else(unknown)?;
        Ok(Self { tenant: known.tenant, role: known.role, token: Some(token) })
    }

    /// Whether the token still stands, for what goes on after a call was let in. A state that cannot be asked says nothing
    /// against it.
    pub(crate) async fn confirm(&self, state: &Arc<dyn State>) -> Result<(), Status> {
        let Some(token) = &self.token else { return Ok(()) };
        match state.find_token(token).await {
            Ok(None) => Err(unknown()),
            Ok(Some(_)) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "a token could not be looked up again");
                Ok(())
            }
        }
    }

    /// Refuses whoever has a lesser role than `needed`.
    pub(crate) fn may(&self, needed: Role) -> Result<(), Status> {
        if self.role >= needed { Ok(()) } else { Err(status::forbidden(self.role, needed)) }
    }
}

fn unknown() -> Status {
    status::unauthenticated("UNKNOWN_TOKEN", "nobody knows this token, or it was revoked; ask for a new one")
}

fn bearer(metadata: &MetadataMap) -> Result<&str, Status> {
    let missing = || {
        let why = "a token is needed: send the metadata `authorization: Bearer <token>` (`plimsoll token create` makes one)";
        status::unauthenticated("NO_TOKEN", why)
    };
    let value = metadata.get("authorization").ok_or_else(missing)?.to_str().map_err(|_| missing())?;
    let (scheme, token) = value.split_once(' ').ok_or_else(missing)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.len() > MAX_TOKEN {
        return Err(missing());
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(value: &str) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        metadata.insert("authorization", value.parse().unwrap());
        metadata
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_its_scheme() {
        assert_eq!(bearer(&sent("Bearer abc")).unwrap(), "abc");
        assert_eq!(bearer(&sent("bearer  abc")).unwrap(), "abc");
    }

    #[test]
    fn anything_else_is_no_token() {
        assert!(bearer(&MetadataMap::new()).is_err());
        for other in ["", "abc", "Bearer", "Bearer ", "Basic abc", &format!("Bearer {}", "a".repeat(513))] {
            let status = bearer(&sent(other)).unwrap_err();
            assert_eq!(status.code(), tonic::Code::Unauthenticated, "{other:?}");
        }
    }

    #[test]
    fn a_role_covers_what_lesser_roles_may() {
        let caller = |role| Caller { tenant: Tenant::default(), role, token: None };
        assert!(
            caller(Role::Submit).may(Role::Read).is_ok() && caller(Role::Submit).may(Role::Submit).is_ok()
        );
        assert_eq!(caller(Role::Read).may(Role::Submit).unwrap_err().code(), tonic::Code::PermissionDenied);
    }
}
