//! `plimsoll token`: who may call a server. It works on the state itself, so whoever may write that makes tokens.

use std::process::ExitCode;

use jiff::Timestamp;
use plimsoll_api::token;
use plimsoll_state::{NewToken, State, Token, TokenId};

use super::args::{StateArgs, TokenCommand};
use super::{Trouble, show};

pub(super) async fn run(command: TokenCommand) -> Result<ExitCode, Trouble> {
    match command {
        TokenCommand::Create { state, tenant, role, label } => {
            let token = token::mint().map_err(|error| Trouble::new(format!("no random bytes: {error}")))?;
            let new = NewToken { tenant, role, hash: token::hash(&token), label };
            let id = connect(&state).await?.create_token(&new, now()).await?;
            eprintln!("plimsoll: token {id} of tenant {} may {role}; it is shown once", new.tenant);
            show::say(&token)?;
        }
        TokenCommand::Revoke { state, id } => {
            let id = TokenId::from(id.as_str());
            if !connect(&state).await?.revoke_token(&id, now()).await? {
                return Err(Trouble::new(format!(
                    "there is no token {id}; `plimsoll token list` shows those there are"
                )));
            }
        }
        TokenCommand::List { state, tenant } => {
            for token in connect(&state).await?.list_tokens(tenant.as_ref()).await? {
                show::say(&line(&token))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn connect(state: &StateArgs) -> Result<std::sync::Arc<dyn State>, Trouble> {
    Ok(plimsoll_state::connect(&state.url).await?)
}

pub(super) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// `ID  ROLE  TENANT  CREATED  LABEL`, and when it was revoked.
fn line(token: &Token) -> String {
    let instant =
        |millis| Timestamp::from_millisecond(millis).map_or_else(|_| "-".to_owned(), |at| format!("{at:.0}"));
    let revoked = token.revoked_at.map(|at| format!("  revoked {}", instant(at))).unwrap_or_default();
    let (id, role, created) = (&token.id, token.role.as_str(), instant(token.created_at));
    show::one_line(&format!(
        "{id}  {role:<6}  {:<10}  {created:<20}  {}{revoked}",
        token.tenant.as_str(),
        token.label
    ))
}
