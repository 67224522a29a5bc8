//! Tokens of ECR, kept for as long as they are good.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::EcrAccount;
use super::aws::Aws;
use crate::{Credentials, Error};

/// A token is renewed when so much of its life is left: an hour of the twelve that ECR gives, in which a service that is
/// away has time to come back.
const LEFT: u32 = 12;

/// After a renewal that failed, the old token is used for so long before it is tried again.
const PAUSE: Duration = Duration::from_secs(30);

/// A token that is refused though it is younger than this is not asked for anew: the next one would be refused as well.
const YOUNG: Duration = Duration::from_secs(60);

/// Longest life that is believed.
const MAX_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// More registries than any organisation has. Whoever can name hosts could make up more.
const MAX_KNOWN: usize = 4096;

/// What gives tokens away.
#[async_trait]
pub(super) trait TokenService: Send + Sync {
    async fn token(&self, account: &EcrAccount) -> Result<Grant, Error>;
}

/// A token as the service gave it.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) credentials: Credentials,
    pub(super) life: Duration,
}

/// The tokens of this process: one for each account, region and role, renewed before it ends, and asked for once however
/// many want it. Clones share them.
#[derive(Clone)]
pub struct EcrTokens(Arc<Inner>);

struct Inner {
    service: Box<dyn TokenService>,
    young: Duration,
    known: Mutex<HashMap<EcrAccount, Slot>>,
}

/// Held while a token is asked for, so that those who want the same one wait for it, and others do not.
type Slot = Arc<Mutex<Option<Token>>>;

#[derive(Clone)]
struct Token {
    credentials: Credentials,
    born: Instant,
    renew: Instant,
    end: Instant,
}

impl Token {
    fn new(grant: Grant, born: Instant) -> Self {
        let life = grant.life.min(MAX_LIFE);
        Self {
            credentials: grant.credentials,
            born,
            renew: born + life.saturating_sub(life / LEFT),
            end: born + life,
        }
    }
}

impl Default for EcrTokens {
    /// Tokens of AWS. Nobody is asked before one is needed.
    fn default() -> Self {
        Self::of(Aws::default(), YOUNG)
    }
}

impl fmt::Debug for EcrTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EcrTokens")
    }
}

impl EcrTokens {
    pub(super) fn of(service: impl TokenService + 'static, young: Duration) -> Self {
        Self(Arc::new(Inner { service: Box::new(service), young, known: Mutex::default() }))
    }

    /// The credentials of an account.
    pub(crate) async fn credentials(&self, account: &EcrAccount) -> Result<Credentials, Error> {
        let slot = self.slot(account).await;
        let mut held = slot.lock().await;
        let now = Instant::now();
        if let Some(token) = held.as_ref().filter(|token| now < token.renew) {
            return Ok(token.credentials.clone());
        }
        match self.0.service.token(account).await {
            Ok(grant) => Ok(held.insert(Token::new(grant, now)).credentials.clone()),
            Err(error) => match held.as_mut().filter(|token| Instant::now() < token.end) {
                Some(token) => {
                    token.renew = Instant::now() + PAUSE;
                    Ok(token.credentials.clone())
                }
                None => Err(error),
            },
        }
    }

    /// Told that a registry has refused these credentials: they are not given to anybody else.
    pub(crate) async fn refused(&self, account: &EcrAccount, credentials: &Credentials) {
        let slot = self.slot(account).await;
        let mut held = slot.lock().await;
        if held.as_ref().is_some_and(|it| it.credentials == *credentials && it.born.elapsed() >= self.0.young)
        {
            *held = None;
        }
    }

    async fn slot(&self, account: &EcrAccount) -> Slot {
        let mut known = self.0.known.lock().await;
        if known.len() >= MAX_KNOWN && !known.contains_key(account) {
            known.clear();
        }
        Arc::clone(known.entry(account.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as StdMutex;

    use super::*;
    use crate::Secret;
    use crate::ecr::EcrHost;
    use plimsoll_types::Retry;

    /// Gives numbered tokens of an hour, unless it is away.
    #[derive(Clone, Default)]
    struct Service(Arc<StdMutex<(u32, bool)>>);

    impl Service {
        fn asked(&self) -> u32 {
            self.0.lock().unwrap().0
        }

        fn goes_away(&self) {
            self.0.lock().unwrap().1 = true;
        }
    }

    #[async_trait]
    impl TokenService for Service {
        async fn token(&self, account: &EcrAccount) -> Result<Grant, Error> {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let mut state = self.0.lock().unwrap();
            state.0 += 1;
            if state.1 {
                let what = account.host.to_string();
                return Err(Error::Ecr { what, why: "away".into(), retry: Retry::After(None) });
            }
            Ok(Grant { credentials: numbered(state.0), life: Duration::from_secs(3600) })
        }
    }

    fn numbered(n: u32) -> Credentials {
        Credentials::Basic { username: "AWS".into(), password: Secret::new(n.to_string()) }
    }

    fn account(region: &str, role: Option<&str>) -> EcrAccount {
        EcrAccount {
            host: EcrHost::new("123456789012", region).unwrap(),
            role: role.map(str::to_owned),
            external_id: None,
            endpoint: None,
            sts_endpoint: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_asked_for_once_and_renewed_before_it_ends() {
        let service = Service::default();
        let (tokens, account) = (EcrTokens::of(service.clone(), YOUNG), account("eu-west-1", None));
        let (a, b) = tokio::join!(tokens.credentials(&account), tokens.credentials(&account));
        assert_eq!((a.unwrap(), b.unwrap(), service.asked()), (numbered(1), numbered(1), 1));
        tokio::time::advance(Duration::from_secs(50 * 60)).await;
        assert_eq!(tokens.credentials(&account).await.unwrap(), numbered(1));
        tokio::time::advance(Duration::from_secs(6 * 60)).await;
        assert_eq!(tokens.credentials(&account).await.unwrap(), numbered(2));
    }

    #[tokio::test(start_paused = true)]
    async fn regions_and_roles_have_tokens_of_their_own() {
        let service = Service::default();
        let tokens = EcrTokens::of(service.clone(), YOUNG);
        for of in [account("eu-west-1", None), account("us-east-1", None), account("eu-west-1", Some("r"))] {
            tokens.credentials(&of).await.unwrap();
        }
        assert_eq!(service.asked(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_service_is_away_a_token_is_used_to_its_end_and_not_beyond() {
        let service = Service::default();
        let (tokens, account) = (EcrTokens::of(service.clone(), YOUNG), account("eu-west-1", None));
        tokens.credentials(&account).await.unwrap();
        service.goes_away();
        tokio::time::advance(Duration::from_secs(58 * 60)).await;
        assert_eq!(tokens.credentials(&account).await.unwrap(), numbered(1));
        assert_eq!(tokens.credentials(&account).await.unwrap(), numbered(1));
        assert_eq!(service.asked(), 2, "it is left alone for a moment");
        tokio::time::advance(Duration::from_secs(3 * 60)).await;
        let error = tokens.credentials(&account).await.unwrap_err();
        assert!(error.retry().is_retryable(), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_is_refused_is_replaced_unless_it_is_new() {
        let service = Service::default();
        let (tokens, account) = (EcrTokens::of(service.clone(), YOUNG), account("eu-west-1", None));
        let token = tokens.credentials(&account).await.unwrap();
        tokens.refused(&account, &token).await;
        assert_eq!(tokens.credentials(&account).await.unwrap(), token);
        tokio::time::advance(Duration::from_secs(120)).await;
        tokens.refused(&account, &numbered(7)).await;
        assert_eq!(tokens.credentials(&account).await.unwrap(), token, "another token was refused");
        tokens.refused(&account, &token).await;
        assert_eq!(tokens.credentials(&account).await.unwrap(), numbered(2));
    }
}
