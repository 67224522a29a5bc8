//! Bearer tokens: how they are made, and what is kept of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use plimsoll_types::Digest;
use sha2::{Digest as _, Sha256};

/// What every token starts with, so that scanners for leaked secrets can tell it.
const PREFIX: &str = "plimsoll_";
/// Random bytes in a token.
const BYTES: usize = 32;

/// A new token: `plimsoll_` and 256 random bits. Shown once; what is kept is its [`hash`].
///
/// # Errors
/// The system gives no random bytes.
pub fn mint() -> Result<String, getrandom::Error> {
    Ok(format!("{PREFIX}{}", random_text()?))
}

/// 256 random bits as text.
pub(crate) fn random_text() -> Result<String, getrandom::Error> {
    let mut random = [0; BYTES];
    getrandom::fill(&mut random)?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}

/// SHA-256 of a token. A token holds more randomness than anybody can try out, so a plain hash keeps it; and since it
/// is looked up by hash, how long that takes tells nothing.
pub fn hash(token: &str) -> Digest {
    Digest::from_bytes(Sha256::digest(token).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_can_be_told_as_ours() {
        let (one, other) = (mint().unwrap(), mint().unwrap());
        assert_ne!(one, other);
        assert!(one.starts_with(PREFIX) && one.len() == PREFIX.len() + 43, "{one}");
    }

    #[test]
    fn the_hash_is_what_sha256sum_says() {
        let expected = "sha256:1c34c5229e0ba9516c72ef757c32c4cd6787f6af83624c75c00f5bd5e262e9bc";
        assert_eq!(hash("plimsoll_test").to_string(), expected);
    }
}
