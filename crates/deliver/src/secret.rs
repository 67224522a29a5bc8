//! Secrets, and what they sign, by the Standard Webhooks convention.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use plimsoll_types::Tenant;
use sha2::Sha256;

/// What the text form of a secret starts with.
const PREFIX: &str = "whsec_";

/// A key that its owner and the receivers of its callbacks share. Text form: `whsec_` and 24 to 64 bytes in base64.
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>);

/// Why a text is no [`Secret`]. It never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no callback secret: {0}; make one with: echo \"whsec_$(openssl rand -base64 32)\"")]
pub struct SecretError(&'static str);

impl Secret {
    /// The signature of a body that is posted at an instant.
    fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(SecretError("it does not start with whsec_"))?;
        let key = STANDARD.decode(encoded).map_err(|_| SecretError("what follows whsec_ is not base64"))?;
        if !(24..=64).contains(&key.len()) {
            return Err(SecretError("it does not have 24 to 64 bytes"));
        }
        // HMAC takes keys of every length.
        Hmac::new_from_slice(&key).map(Self).map_err(|_| SecretError("its length is wrong"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The secrets that sign. All that fit sign, the first one first, so that receivers can change from one to the next
/// while both are known.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    of_all: Vec<Secret>,
    of_one: BTreeMap<Tenant, Vec<Secret>>,
}

impl Secrets {
    /// Also signs with `secret`: callbacks of one tenant, or of every tenant that has no secret of its own. Who can
    /// verify can sign, so tenants that do not trust each other each need their own.
    pub fn add(&mut self, tenant: Option<Tenant>, secret: Secret) {
        match tenant {
            Some(tenant) => self.of_one.entry(tenant).or_default().push(secret),
            None => self.of_all.push(secret),
        }
    }

    /// True if there is none: then nothing can be posted.
    pub fn is_empty(&self) -> bool {
        self.of_all.is_empty() && self.of_one.is_empty()
    }

    /// The value of `webhook-signature`; `None` if no secret signs for `tenant`.
    pub(crate) fn sign(&self, tenant: &Tenant, id: &str, seconds: i64, body: &[u8]) -> Option<String> {
        let secrets = self.of_one.get(tenant).unwrap_or(&self.of_all);
        let signatures: Vec<_> = secrets.iter().map(|secret| secret.sign(id, seconds, body)).collect();
        (!signatures.is_empty()).then(|| signatures.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const B: &str = "whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno";

    fn theirs(secret: &str, body: &[u8]) -> String {
        standardwebhooks::Webhook::new(secret).unwrap().sign("scan-1", 1_700_000_000, body).unwrap()
    }

    fn ours(secrets: &Secrets, tenant: &str) -> Option<String> {
        secrets.sign(&tenant.parse().unwrap(), "scan-1", 1_700_000_000, b"{\"a\":1}")
    }

    #[test]
    fn every_secret_signs_as_the_convention_has_it() {
        let mut secrets = Secrets::default();
        assert!(secrets.is_empty());
        assert_eq!(ours(&secrets, "a"), None);
        secrets.add(None, format!("{A}\n").parse().unwrap());
        assert_eq!(ours(&secrets, "a"), Some(theirs(A, b"{\"a\":1}")));
        secrets.add(None, B.parse().unwrap());
        let both = format!("{} {}", theirs(A, b"{\"a\":1}"), theirs(B, b"{\"a\":1}"));
        assert_eq!(ours(&secrets, "a"), Some(both));
    }

    #[test]
    fn a_tenant_with_a_secret_of_its_own_is_signed_for_by_that_alone() {
        let mut secrets = Secrets::default();
        secrets.add(Some("a".parse().unwrap()), A.parse().unwrap());
        assert!(!secrets.is_empty());
        assert_eq!(ours(&secrets, "b"), None, "nobody signs with a stranger's secret");
        secrets.add(None, B.parse().unwrap());
        assert_eq!(ours(&secrets, "a"), Some(theirs(A, b"{\"a\":1}")));
        assert_eq!(ours(&secrets, "b"), Some(theirs(B, b"{\"a\":1}")));
    }

    #[test]
    fn what_is_no_secret_is_refused_and_no_secret_is_shown() {
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        for bad in ["", "whsec_", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "whsec_äöü", &short, &long] {
            let error = bad.parse::<Secret>().unwrap_err().to_string();
            assert!(error.contains("openssl"), "it says what to do: {error}");
        }
        let typo = "whsec_very-secret".parse::<Secret>().unwrap_err().to_string();
        assert!(!typo.contains("very-secret"), "{typo}");
        let secret: Secret = A.parse().unwrap();
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
