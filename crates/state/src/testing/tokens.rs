//! Promises of [`Tokens`](crate::Tokens).

use plimsoll_types::Tenant;

use super::fixture::*;
use crate::{NewToken, Role, TokenId};

/// And listed for ever.
pub async fn tokens_are_found_by_their_hash_until_revoked(state: S) {
    let token = NewToken {
        tenant: tenant("a"),
        role: Role::Submit,
        hash: digest(1),
        label: "the pipeline of team a".into(),
    };
    let id = state.create_token(&token, NOW).await.expect("created");
    assert_eq!(state.create_token(&token, NOW + 1).await.expect("created"), id, "the reply was lost");
    let other = NewToken { tenant: Tenant::default(), role: Role::Admin, hash: digest(2), ..token.clone() };
    state.create_token(&other, NOW + 2).await.expect("created");

    let found = state.find_token(&digest(1)).await.expect("answered").expect("it is found");
    assert_eq!((&found.tenant, found.role, &found.label), (&token.tenant, Role::Submit, &token.label));
    assert_eq!(found.created_at, NOW);
    assert_eq!(state.find_token(&digest(3)).await.expect("answered"), None);
    for now in [NOW + 5, NOW + 6] {
        assert!(state.revoke_token(&id, now).await.expect("answered"));
    }
    assert!(!state.revoke_token(&TokenId::from("no such token"), NOW).await.expect("answered"));
    assert_eq!(state.find_token(&digest(1)).await.expect("answered"), None);
    let listed = state.list_tokens(Some(&token.tenant)).await.expect("listed");
    assert_eq!((listed.len(), listed[0].revoked_at), (1, Some(NOW + 5)));
    assert_eq!(state.list_tokens(None).await.expect("listed").len(), 2);
}
