//! What a client must show.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a client must show before it gets anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// Nothing.
    #[default]
    Anonymous,
    /// A user and a password, on every request.
    Basic {
        /// User.
        user: String,
        /// Password.
        password: String,
    },
    /// A token from `/token`, which wants a user and a password, or nobody in particular if `user` is `None`.
    Bearer {
        /// User and password.
        user: Option<(String, String)>,
    },
}

/// The one token there is.
const TOKEN: &str = "token-for-pulling";

impl Auth {
    /// The `WWW-Authenticate` header, if `authorization` does not do.
    pub(super) fn challenge(&self, authorization: Option<&str>, host: &str) -> Option<String> {
        match self {
            Self::Anonymous => None,
            Self::Basic { user, password } => {
                let expected = basic(user, password);
                (authorization != Some(&expected)).then(|| "Basic realm=\"tests\"".to_owned())
            }
            Self::Bearer { .. } => {
                let expected = format!("Bearer {TOKEN}");
                (authorization != Some(&expected)).then(|| {
                    format!(
                        "Bearer realm=\"http://{host}/token\",service=\"tests\",scope=\"repository:any:pull\""
                    )
                })
            }
        }
    }

    /// The body of `/token`, if `authorization` does.
    pub(super) fn token(&self, authorization: Option<&str>) -> Option<String> {
        match self {
            Self::Bearer { user: Some((user, password)) }
                if authorization != Some(&basic(user, password)) =>
            {
                None
            }
            Self::Bearer { .. } => Some(format!("{{\"token\":\"{TOKEN}\",\"expires_in\":300}}")),
            Self::Anonymous | Self::Basic { .. } => None,
        }
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
