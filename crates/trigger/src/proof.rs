//! How a webhook proves where it comes from.

use std::fmt;

use hmac::{Hmac, Mac as _};
use plimsoll_http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;

/// The least bytes of a secret: sixteen that are random cannot be guessed.
const MIN_SECRET: usize = 16;

/// The most: what a header can hold.
const MAX_SECRET: usize = 4096;

/// A secret that whoever sends a webhook has, too.
#[derive(Clone)]
pub(crate) struct Secret {
    key: Hmac<Sha256>,
    /// The secret's own code, which a text that is compared with it has to have as well. Codes are compared in a time that
    /// says nothing of where they differ.
    own: Vec<u8>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// The secret of a file's text, without the end of its line. An error never repeats it.
    pub(crate) fn of(text: &str) -> Result<Self, &'static str> {
        let text = text.trim_end_matches(['\r', '\n']);
        if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || text.trim() != text {
            return Err("it is not one line of printable ASCII");
        }
        if !(MIN_SECRET..=MAX_SECRET).contains(&text.len()) {
            return Err("it does not have 16 to 4096 characters; make one with: openssl rand -hex 32");
        }
        let key = Hmac::new_from_slice(text.as_bytes()).map_err(|_| "its length is wrong")?;
        let own = code(&key, text.as_bytes()).finalize().into_bytes().to_vec();
        Ok(Self { key, own })
    }

    fn is(&self, text: &[u8]) -> bool {
        code(&self.key, text).verify_slice(&self.own).is_ok()
    }

    fn has_signed(&self, body: &[u8], signature: &[u8]) -> bool {
        code(&self.key, body).verify_slice(signature).is_ok()
    }

    /// Whether two entries of a configuration have the same one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.own == other.own
    }
}

fn code(key: &Hmac<Sha256>, text: &[u8]) -> Hmac<Sha256> {
    let mut code = key.clone();
    code.update(text);
    code
}

/// What a webhook has to show.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// The secret, as its `Authorization` header, alone or as a bearer token.
    Shown(Secret),
    /// An HMAC-SHA256 of its body by the secret, in hexadecimal, alone or after `sha256=`, in this header.
    Signed(Secret, HeaderName),
}

impl Proof {
    /// What can be said before the body is read.
    pub(crate) fn may_hold(&self, headers: &HeaderMap) -> bool {
        match self {
            Self::Shown(secret) => {
                let shown = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
                // Both are compared, whatever the first one says.
                let (whole, bearer) = (secret.is(shown), secret.is(without_scheme(shown)));
                whole | bearer
            }
            Self::Signed(_, header) => signature(headers, header).is_some(),
        }
    }

    /// Whether the body is theirs, of those for whom the headers may hold.
    pub(crate) fn holds(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        match self {
            Self::Shown(_) => true,
            Self::Signed(secret, header) => {
                signature(headers, header).is_some_and(|signature| secret.has_signed(body, &signature))
            }
        }
    }

    pub(crate) fn secret(&self) -> &Secret {
        match self {
            Self::Shown(secret) | Self::Signed(secret, _) => secret,
        }
    }
}

fn without_scheme(value: &[u8]) -> &[u8] {
    match value.split_at_checked("Bearer ".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token,
        _ => &[],
    }
}

/// The 32 bytes of a signature.
fn signature(headers: &HeaderMap, header: &HeaderName) -> Option<[u8; 32]> {
    let value = headers.get(header)?.to_str().ok()?;
    let digits = value.strip_prefix("sha256=").unwrap_or(value).as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "b8f1c2d3e4a5968778695a4b3c2d1e0f";

    fn secret() -> Secret {
        Secret::of(&format!("{SECRET}\n")).unwrap()
    }

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn a_secret_is_shown_whole_or_as_a_bearer_token() {
        let proof = Proof::Shown(secret());
        for good in [SECRET.to_owned(), format!("Bearer {SECRET}"), format!("bearer {SECRET}")] {
            assert!(proof.may_hold(&headers("authorization", &good)), "{good}");
        }
        for bad in [
            "",
            "Bearer",
            "Bearer ",
            &SECRET[1..],
            &format!("Basic {SECRET}"),
            &format!("Bearer  {SECRET}"),
            &format!("{SECRET}0"),
        ] {
            assert!(!proof.may_hold(&headers("authorization", bad)), "{bad}");
        }
        assert!(!proof.may_hold(&HeaderMap::new()) && !proof.may_hold(&headers("x-secret", SECRET)));
        let whole = Proof::Shown(Secret::of("Bearer my own idea of it").unwrap());
        assert!(whole.may_hold(&headers("authorization", "Bearer my own idea of it")));
    }

    #[test]
    fn a_signature_is_of_the_body_and_by_the_secret() {
        // printf '{"a":1}' | openssl dgst -sha256 -hmac b8f1c2d3e4a5968778695a4b3c2d1e0f
        let code = code(&secret().key, b"{\"a\":1}").finalize().into_bytes();
        let hex = plimsoll_types::Digest::from_bytes(code.into()).hex();
        let proof = Proof::Signed(secret(), HeaderName::from_static("x-hub-signature-256"));
        for good in [hex.clone(), format!("sha256={hex}"), hex.to_uppercase()] {
            let headers = headers("x-hub-signature-256", &good);
            assert!(proof.may_hold(&headers) && proof.holds(&headers, b"{\"a\":1}"), "{good}");
            assert!(!proof.holds(&headers, b"{\"a\":2}"));
        }
        let other = Proof::Signed(
            Secret::of(&"0".repeat(32)).unwrap(),
            HeaderName::from_static("x-hub-signature-256"),
        );
        assert!(!other.holds(&headers("x-hub-signature-256", &hex), b"{\"a\":1}"));
        for bad in ["", "sha256=", &hex[1..], &format!("{hex}00"), &"g".repeat(64), &"é".repeat(32)] {
            let Ok(value) = HeaderValue::from_bytes(bad.as_bytes()) else { continue };
            let mut headers = HeaderMap::new();
            headers.insert("x-hub-signature-256", value);
            assert!(!proof.may_hold(&headers) && !proof.holds(&headers, b"{\"a\":1}"), "{bad}");
        }
    }

    #[test]
    fn what_is_no_secret_is_refused_and_no_secret_is_shown() {
        for bad in [
            "",
            "short",
            "two\nlines of a secret text",
            " starts with a space",
            "größer als alles andere",
            &"x".repeat(4097),
        ] {
            let why = Secret::of(bad).unwrap_err();
            assert!(bad.is_empty() || !why.contains(bad), "{why}");
        }
        assert_eq!(format!("{:?}", Proof::Shown(secret())), "Shown(Secret)");
    }
}
