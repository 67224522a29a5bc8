//! `plimsoll token`: who may call a server. It works on the state itself, so whoever may write that makes tokens.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use plimsoll_api::token;
use plimsoll_state::{NewToken, Role, State, Token, TokenId};
use plimsoll_types::Tenant;

use super::args::{StateArgs, TokenCommand};
use super::{Trouble, show};
use crate::inputs;

pub(super) async fn run(command: TokenCommand) -> Result<ExitCode, Trouble> {
    match command {
        TokenCommand::Create { state, tenant, role, label, out } => {
            let state = connect(&state).await?;
            if let Some(file) = out {
                written(&*state, &file, tenant, role, label).await?;
            } else {
                let (token, id) = create(&*state, tenant.clone(), role, label).await?;
                eprintln!("plimsoll: token {id} of tenant {tenant} may {role}; it is shown once");
                show::say(&token)?;
            }
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

/// Makes a token; its text, and its id.
async fn create(
    state: &dyn State,
    tenant: Tenant,
    role: Role,
    label: String,
) -> Result<(String, TokenId), Trouble> {
    let token = token::mint().map_err(|error| Trouble::new(format!("no random bytes: {error}")))?;
    let new = NewToken { tenant, role, hash: token::hash(&token), label };
    let id = state.create_token(&new, now()).await?;
    Ok((token, id))
}

/// Sees to it that a file holds such a token. Whoever sets a fleet up may say so each time.
async fn written(
    state: &dyn State,
    file: &Path,
    tenant: Tenant,
    role: Role,
    label: String,
) -> Result<(), Trouble> {
    let named = |why: &dyn std::fmt::Display| Trouble::new(format!("--out {}: {why}", file.display()));
    if file.try_exists().map_err(|error| named(&error))? {
        let text = inputs::text(file).map_err(|why| Trouble::new(format!("--out {why}")))?;
        let known = state.find_token(&token::hash(text.trim())).await?;
        let Some(kept) = known.filter(|token| token.tenant == tenant && token.role == role) else {
            let why = format!(
                "it holds no token of tenant {tenant} that may {role}; delete it, or name another file"
            );
            return Err(named(&why));
        };
        eprintln!(
            "plimsoll: token {} of tenant {tenant} may {role}; it was in {} already",
            kept.id,
            file.display()
        );
        return Ok(());
    }
    // In this order, since a token that nobody has is harmless, and a file with one that nobody knows is not.
    let (token, id) = create(state, tenant.clone(), role, label).await?;
    keep(file, &token).map_err(|error| named(&error))?;
    eprintln!("plimsoll: token {id} of tenant {tenant} may {role}; it is in {}", file.display());
    Ok(())
}

/// Writes a file that was not there, whole, for its owner alone.
fn keep(file: &Path, token: &str) -> std::io::Result<()> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new().prefix(".plimsoll-").tempfile_in(directory)?;
    writeln!(temporary, "{token}")?;
    temporary.persist_noclobber(file).map(drop).map_err(|error| error.error)
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn ensure(state: &dyn State, file: &Path, tenant: &str, role: Role) -> Result<String, String> {
        let made = written(state, file, tenant.parse().unwrap(), role, String::new()).await;
        made.map(|()| std::fs::read_to_string(file).unwrap()).map_err(|trouble| trouble.to_string())
    }

    #[tokio::test]
    async fn a_token_in_a_file_is_made_once_and_kept_as_long_as_it_is_good() {
        let state = plimsoll_state::connect("sqlite::memory:").await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        let made = ensure(&*state, &file, "team-a", Role::Submit).await.unwrap();
        let found = state.find_token(&token::hash(made.trim())).await.unwrap().unwrap();
        assert_eq!((found.tenant.as_str(), found.role), ("team-a", Role::Submit));
        assert_eq!(ensure(&*state, &file, "team-a", Role::Submit).await, Ok(made));
        assert_eq!(state.list_tokens(None).await.unwrap().len(), 1);

        for (tenant, role) in [("team-b", Role::Submit), ("team-a", Role::Admin)] {
            let refused = ensure(&*state, &file, tenant, role).await.unwrap_err();
            assert!(refused.contains("token: it holds no token of tenant") && refused.contains("delete it"));
        }
        state.revoke_token(&found.id, now()).await.unwrap();
        assert!(ensure(&*state, &file, "team-a", Role::Submit).await.is_err());
        assert_eq!(state.list_tokens(None).await.unwrap().len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_with_a_token_is_its_owners_and_replaces_none() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        keep(&file, "plimsoll_test").unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(keep(&file, "plimsoll_other").is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "plimsoll_test\n");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
