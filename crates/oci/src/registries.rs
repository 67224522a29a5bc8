//! What an installation says of registries: where they answer, whose they are, and with which credentials.

use std::fmt;

use plimsoll_http::Url;
use plimsoll_types::{Reference, Tenant};
use serde::Deserialize;

use crate::{EcrAccount, EcrHost, Error};

/// What stands for the account of a host in the name of a role.
const ACCOUNT: &str = "{account}";

/// The registries of an installation, by host. Text form: YAML, see the README of this crate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryMap {
    entries: Vec<RegistryEntry>,
}

/// Why a text is no [`RegistryMap`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RegistriesError(String);

/// What is said of one registry, or of all whose hosts look alike.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryEntry {
    /// The host as references name it; `*` stands for any text without a full stop.
    pub host: String,
    /// Where it answers, if not at `https://HOST`.
    #[serde(default, deserialize_with = "endpoint")]
    pub endpoint: Option<Url>,
    /// Whose it is: what happens in it is judged for this tenant, whose scans use its credentials without naming any.
    #[serde(default)]
    pub tenant: Tenant,
    /// True if the scans of every tenant use its credentials.
    #[serde(default)]
    pub shared: bool,
    /// The name of the credential that scans use which name none.
    #[serde(default)]
    pub credential: Option<String>,
    /// If it is in ECR, as whom it is asked for tokens.
    #[serde(default)]
    pub ecr: Option<EcrAccess>,
}

/// As whom ECR is asked for tokens; without a role, as whoever this process is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EcrAccess {
    /// The ARN of a role to assume; `{account}` in it stands for the account of the host.
    pub role: Option<String>,
    /// What the role's trust policy asks for besides.
    pub external_id: Option<String>,
    /// Where the API of ECR answers, if not where AWS has it, such as a VPC endpoint.
    pub endpoint: Option<String>,
    /// The same for STS, which gives roles.
    pub sts_endpoint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    registries: Vec<RegistryEntry>,
}

impl RegistryMap {
    /// Reads the YAML of a file.
    pub fn parse(text: &str) -> Result<Self, RegistriesError> {
        let file: File = serde_saphyr::from_str(text).map_err(|error| {
            // What follows the first line is a drawing of the place.
            RegistriesError(error.to_string().lines().next().unwrap_or("it cannot be read").to_owned())
        })?;
        for (at, entry) in file.registries.iter().enumerate() {
            let complaint = entry.complaint().or_else(|| {
                let twice = file.registries[..at].iter().any(|other| other.host == entry.host);
                twice.then(|| "it is there twice".to_owned())
            });
            if let Some(why) = complaint {
                return Err(RegistriesError(format!("registry {:?}: {why}", entry.host)));
            }
        }
        Ok(Self { entries: file.registries })
    }

    /// What is said of `host`: by its own name, or else by the first pattern that fits.
    pub fn find(&self, host: &str) -> Option<&RegistryEntry> {
        let named = self.entries.iter().find(|entry| entry.host == host);
        named.or_else(|| self.entries.iter().find(|entry| fits(&entry.host, host)))
    }

    /// Everything that is said.
    pub fn entries(&self) -> &[RegistryEntry] {
        &self.entries
    }
}

impl RegistryEntry {
    /// Whether scans of `tenant` may use its credentials.
    pub fn serves(&self, tenant: &Tenant) -> bool {
        self.shared || self.tenant == *tenant
    }

    /// As whom ECR is asked for a token for `host`; `None` if this is not said to be in ECR.
    pub fn ecr_account(&self, host: &str) -> Result<Option<EcrAccount>, Error> {
        let Some(access) = &self.ecr else { return Ok(None) };
        let ecr = EcrHost::of(host).ok_or_else(|| Error::Credentials {
            what: host.to_owned(),
            why: format!(
                "the configuration says by {:?} that it is in ECR, and its name says that it is not; name its host",
                self.host
            ),
        })?;
        Ok(Some(EcrAccount {
            role: access.role.as_ref().map(|role| role.replace(ACCOUNT, ecr.account())),
            external_id: access.external_id.clone(),
            endpoint: access.endpoint.clone(),
            sts_endpoint: access.sts_endpoint.clone(),
            host: ecr,
        }))
    }

    fn complaint(&self) -> Option<String> {
        let is_pattern = self.host.contains('*');
        // A reference is what the host has to be part of.
        let reference = format!("{}/x", self.host.replace('*', "x"));
        if reference.parse::<Reference>().map_or(true, |it| it.registry != self.host.replace('*', "x")) {
            return Some(
                "this is no host as references name it (HOST.DOMAIN or HOST:PORT, without a scheme)".into(),
            );
        }
        if self.credential.is_some() && self.ecr.is_some() {
            return Some("it has both credential and ecr; it can have one way in".into());
        }
        let access = self.ecr.as_ref()?;
        if !is_pattern && EcrHost::of(&self.host).is_none() {
            return Some("it has ecr and is not ACCOUNT.dkr.ecr.REGION.amazonaws.com".into());
        }
        let role = access.role.as_deref().unwrap_or("arn:");
        (!role.starts_with("arn:")).then(|| format!("ecr.role is {role:?} and not the ARN of a role"))
    }
}

/// Whether a pattern stands for a host: label by label, since a star stands for no full stop.
fn fits(pattern: &str, host: &str) -> bool {
    let (mut patterns, mut labels) = (pattern.split('.'), host.split('.'));
    loop {
        match (patterns.next(), labels.next()) {
            (None, None) => return true,
            (Some(pattern), Some(label)) if label_fits(pattern.as_bytes(), label.as_bytes()) => {}
            _ => return false,
        }
    }
}

/// A star takes as little as it can; only the last one may have to take more, so the time is at worst the product of the
/// lengths.
fn label_fits(pattern: &[u8], label: &[u8]) -> bool {
    let (mut p, mut l, mut star) = (0, 0, None);
    while l < label.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, l));
            p += 1;
        } else if pattern.get(p) == Some(&label[l]) {
            (p, l) = (p + 1, l + 1);
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            (p, l) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

fn endpoint<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let url: Option<Url> = text.parse().ok();
    let plain = url.filter(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.path() == "/"
            && url.query().is_none()
            && url.username().is_empty()
    });
    plain.map(Some).ok_or_else(|| serde::de::Error::custom(Mistake(text)))
}

/// An endpoint that is none.
struct Mistake(String);

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "endpoint {:?} is not https://HOST[:PORT] or http://HOST[:PORT]", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = r#"
registries:
  - host: registry.internal:5000
    endpoint: http://10.1.2.3:5000
    credential: pull
    shared: true
  - host: 123456789012.dkr.ecr.eu-west-1.amazonaws.com
    tenant: team-a
    ecr: {}
  - host: "*.dkr.ecr.eu-*.amazonaws.com"
    ecr:
      role: arn:aws:iam::{account}:role/plimsoll-pull
      external_id: plimsoll
"#;

    fn map() -> RegistryMap {
        RegistryMap::parse(FILE).unwrap()
    }

    fn mistake(text: &str) -> String {
        RegistryMap::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_host_is_found_by_its_name_and_else_by_a_pattern() {
        let map = map();
        let found = |host: &str| map.find(host).map(|entry| entry.host.as_str());
        assert_eq!(found("registry.internal:5000"), Some("registry.internal:5000"));
        let own = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
        assert_eq!(found(own), Some(own));
        assert_eq!(
            found("210987654321.dkr.ecr.eu-west-1.amazonaws.com"),
            Some("*.dkr.ecr.eu-*.amazonaws.com")
        );
        for stranger in [
            "docker.io",
            "registry.internal",
            "1.dkr.ecr.us-east-1.amazonaws.com",
            "a.b.dkr.ecr.eu-x.amazonaws.com",
            "",
        ] {
            assert_eq!(found(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn credentials_are_a_tenants_unless_they_are_shared() {
        let map = map();
        let serves = |host, tenant: &str| map.find(host).unwrap().serves(&tenant.parse().unwrap());
        assert!(serves("registry.internal:5000", "team-b"));
        let own = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
        assert!(serves(own, "team-a") && !serves(own, "default"));
    }

    #[test]
    fn a_role_is_that_of_the_hosts_account() {
        let (map, host) = (map(), "210987654321.dkr.ecr.eu-central-1.amazonaws.com");
        let account = map.find(host).unwrap().ecr_account(host).unwrap().unwrap();
        assert_eq!(account.role.as_deref(), Some("arn:aws:iam::210987654321:role/plimsoll-pull"));
        assert_eq!(
            (account.external_id.as_deref(), account.host.region()),
            (Some("plimsoll"), "eu-central-1")
        );
        let odd = "x.dkr.ecr.eu-central-1.amazonaws.com";
        let error = map.find(odd).unwrap().ecr_account(odd).unwrap_err();
        assert_eq!(error.kind(), "credentials");
        assert_eq!(
            map.find("registry.internal:5000").unwrap().ecr_account("registry.internal:5000").unwrap(),
            None
        );
    }

    #[test]
    fn mistakes_are_named() {
        let one = |text: &str| {
            mistake(&format!(
                "registries:
  - {text}
"
            ))
        };
        for (text, part) in [
            ("{host: https://r.io}", "without a scheme"),
            ("{host: registry}", "HOST.DOMAIN"),
            ("{host: r.io/a}", "HOST.DOMAIN"),
            ("{host: ''}", "HOST.DOMAIN"),
            ("{host: r.io, ecr: {}}", "dkr.ecr"),
            ("{host: '*.io', ecr: {}, credential: c}", "one way in"),
            ("{host: '*.io', ecr: {role: plimsoll}}", "ARN"),
            ("{host: r.io, endpoint: ftp://r.io}", "http://HOST"),
            ("{host: r.io, endpoint: 'http://u:p@r.io'}", "http://HOST"),
            ("{host: r.io, endpoint: http://r.io/v2}", "http://HOST"),
            ("{host: r.io, tenant: Team}", "tenant"),
            ("{host: r.io, tennant: a}", "tennant"),
            ("{endpoint: http://r.io}", "host"),
        ] {
            let said = one(text);
            assert!(said.contains(part), "{text}: {said}");
        }
        assert!(mistake("registries: [{host: r.io}, {host: r.io}]").contains("twice"));
        assert!(
            !mistake("hello").is_empty() && !mistake("").is_empty() && !mistake("registries: {").is_empty()
        );
    }

    proptest! {
        #[test]
        fn no_file_and_no_host_is_an_accident(text in "\\PC*", host in "[a-z0-9.*:-]{0,40}") {
            let _mistake = RegistryMap::parse(&text);
            let _found = map().find(&host);
        }

        #[test]
        fn a_label_fits_where_a_regular_expression_would(pattern in "[ab*]{0,6}", label in "[ab]{0,8}") {
            // By hand: try every split.
            fn slow(p: &[u8], l: &[u8]) -> bool {
                match p.split_first() {
                    None => l.is_empty(),
                    Some((b'*', rest)) => (0..=l.len()).any(|n| slow(rest, &l[n..])),
                    Some((byte, rest)) => l.first() == Some(byte) && slow(rest, &l[1..]),
                }
            }
            prop_assert_eq!(
                label_fits(pattern.as_bytes(), label.as_bytes()),
                slow(pattern.as_bytes(), label.as_bytes())
            );
        }
    }
}
