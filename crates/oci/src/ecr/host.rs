//! Hosts of registries in ECR.

use std::fmt;

/// A registry of ECR: `ACCOUNT.dkr.ecr.REGION.amazonaws.com`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EcrHost {
    account: String,
    region: String,
}

/// Where partitions other than the one everybody knows have their hosts, by the start of their regions' names.
const PARTITIONS: &[(&str, &str)] = &[
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
];

/// Everybody's partition.
const DOMAIN: &str = "amazonaws.com";

impl EcrHost {
    /// The registry of an account in a region; `None` if these are no names of such.
    pub fn new(account: &str, region: &str) -> Option<Self> {
        let good = account.len() == 12
            && account.bytes().all(|b| b.is_ascii_digit())
            && (1..=32).contains(&region.len())
            && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        good.then(|| Self { account: account.to_owned(), region: region.to_owned() })
    }

    /// The registry that answers at `host`, in any of the forms such names have (FIPS, dual stack).
    pub fn of(host: &str) -> Option<Self> {
        let (account, rest) = host.split_once(".dkr")?;
        let rest =
            [".ecr.", ".ecr-fips.", "-ecr.", "-ecr-fips."].iter().find_map(|it| rest.strip_prefix(it))?;
        let (region, domain) = rest.split_once('.')?;
        let known = domain == DOMAIN || domain == "on.aws" || PARTITIONS.iter().any(|(_, it)| *it == domain);
        if known { Self::new(account, region) } else { None }
    }

    /// The account, twelve digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }
}

impl fmt::Display for EcrHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, region } = self;
        let own = PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix));
        write!(f, "{account}.dkr.ecr.{region}.{}", own.map_or(DOMAIN, |(_, domain)| domain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_host_is_read_and_one_is_written() {
        for (host, written) in [
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
            (
                "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com",
                "123456789012.dkr.ecr.us-east-1.amazonaws.com",
            ),
            ("123456789012.dkr-ecr.eu-west-1.on.aws", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
            (
                "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
                "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
            ),
        ] {
            assert_eq!(EcrHost::of(host).unwrap().to_string(), written, "{host}");
        }
        let host = EcrHost::new("123456789012", "eu-west-1").unwrap();
        assert_eq!((host.account(), host.region()), ("123456789012", "eu-west-1"));
        assert_eq!(EcrHost::of(&host.to_string()), Some(host));
    }

    #[test]
    fn other_hosts_are_not_taken_for_ecr() {
        for host in [
            "",
            ".dkr.ecr.",
            "public.ecr.aws",
            "docker.io",
            "12345678901.dkr.ecr.eu-west-1.amazonaws.com",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
            "123456789012.dkr.ecr.evil.example",
            "123456789012.dkr.ecr.EU.amazonaws.com",
            "x123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        ] {
            assert_eq!(EcrHost::of(host), None, "{host}");
        }
        assert_eq!(EcrHost::new("123456789012", "eu/west"), None);
        assert_eq!(EcrHost::new("123456789012", ""), None);
    }
}
