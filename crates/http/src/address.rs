//! Which addresses a client may connect to.
//!
//! A reference, a callback URL or a redirect may be chosen by a stranger, and the service stands inside a
//! network the stranger is not in. So the guard looks at addresses, never at names, and after resolution.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::network::Network;

/// What a client may connect to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    guarded: bool,
    allowed: Vec<Network>,
}

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The machine itself.
    Loopback,
    /// A private network (RFC 1918, RFC 4193, RFC 6598).
    Private,
    /// The link the machine is on.
    LinkLocal,
    /// A cloud's metadata service, which hands out credentials.
    Metadata,
    /// Not an address of one host on the public internet.
    Special,
}

/// Metadata services of AWS, GCP and most others; AWS over IPv6; Alibaba; Azure's wire server; Oracle's old one.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// The IANA special-purpose registries, first match wins.
const SPECIAL: &[(Network, Refusal)] = &[
    (Network::v4(127, 0, 0, 0, 8), Refusal::Loopback),
    // Linux connects 0.0.0.0 to the machine itself.
    (Network::v4(0, 0, 0, 0, 8), Refusal::Loopback),
    (Network::v4(10, 0, 0, 0, 8), Refusal::Private),
    (Network::v4(172, 16, 0, 0, 12), Refusal::Private),
    (Network::v4(192, 168, 0, 0, 16), Refusal::Private),
    (Network::v4(100, 64, 0, 0, 10), Refusal::Private),
    (Network::v4(169, 254, 0, 0, 16), Refusal::LinkLocal),
    (Network::v4(192, 0, 0, 0, 24), Refusal::Special),
    (Network::v4(192, 0, 2, 0, 24), Refusal::Special),
    (Network::v4(192, 88, 99, 0, 24), Refusal::Special),
    (Network::v4(198, 18, 0, 0, 15), Refusal::Special),
    (Network::v4(198, 51, 100, 0, 24), Refusal::Special),
    (Network::v4(203, 0, 113, 0, 24), Refusal::Special),
    (Network::v4(224, 0, 0, 0, 3), Refusal::Special),
    (Network::v6([0, 0, 0, 0, 0, 0, 0, 1], 128), Refusal::Loopback),
    (Network::v6([0, 0, 0, 0, 0, 0, 0, 0], 128), Refusal::Loopback),
    (Network::v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), Refusal::Private),
    (Network::v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), Refusal::Private),
    (Network::v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), Refusal::LinkLocal),
    (Network::v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), Refusal::Special),
];

/// What IPv6 calls global unicast; everything else that is not named above is no public host.
const GLOBAL_V6: Network = Network::v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

impl AddressPolicy {
    /// Anything goes: for a person at a terminal, whose registries are often private.
    pub fn anywhere() -> Self {
        Self::default()
    }

    /// Public addresses only: for URLs a stranger chose.
    pub fn public() -> Self {
        Self { guarded: true, allowed: Vec::new() }
    }

    /// Also allows `network`. A metadata service is allowed only by a network of exactly its address, so that
    /// opening `10.0.0.0/8` or `169.254.0.0/16` never opens one by accident.
    pub fn allow(mut self, network: Network) -> Self {
        self.allowed.push(network);
        self
    }

    /// True if the policy refuses anything.
    pub fn is_guarded(&self) -> bool {
        self.guarded
    }

    /// Whether `address` may be connected to.
    pub fn check(&self, address: IpAddr) -> Result<(), Refusal> {
        if !self.guarded {
            return Ok(());
        }
        let carried = carried_v4(address);
        for address in std::iter::once(address).chain(carried) {
            let Some(refusal) = classify(address) else { continue };
            let allowed = match refusal {
                Refusal::Metadata => self.allowed.iter().any(|network| network.is_exactly(address)),
                _ => self.allowed.iter().any(|network| network.contains(address)),
            };
            if !allowed {
                return Err(refusal);
            }
        }
        Ok(())
    }
}

/// The IPv4 address an IPv6 one stands for: mapped, compatible, NAT64, 6to4. A packet to the latter may come
/// out at the former, so both must pass.
fn carried_v4(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(v6) = address else { return None };
    let [.., g, h] = v6.segments();
    let low = Ipv4Addr::from_bits(u32::from(g) << 16 | u32::from(h));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] if !matches!(v6.to_bits(), 0 | 1) => Some(low.into()),
        [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0x64, 0xff9b, 1, ..] => {
            Some(low.into())
        }
        [0x2002, a, b, ..] => Some(Ipv4Addr::from_bits(u32::from(a) << 16 | u32::from(b)).into()),
        _ => None,
    }
}

fn classify(address: IpAddr) -> Option<Refusal> {
    if METADATA.contains(&address) {
        return Some(Refusal::Metadata);
    }
    if let Some((_, refusal)) = SPECIAL.iter().find(|(network, _)| network.contains(address)) {
        return Some(*refusal);
    }
    // An address that carries an IPv4 one is judged by that one.
    (address.is_ipv6() && carried_v4(address).is_none() && !GLOBAL_V6.contains(address))
        .then_some(Refusal::Special)
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a cloud metadata address",
            Self::Special => "not a public address",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &AddressPolicy, address: &str) -> Result<(), Refusal> {
        policy.check(address.parse().unwrap())
    }

    #[test]
    fn public_means_public() {
        let policy = AddressPolicy::public();
        for (address, refusal) in [
            ("127.0.0.1", Refusal::Loopback),
            ("127.9.9.9", Refusal::Loopback),
            ("0.0.0.0", Refusal::Loopback),
            ("::1", Refusal::Loopback),
            ("::", Refusal::Loopback),
            ("10.1.2.3", Refusal::Private),
            ("172.31.0.1", Refusal::Private),
            ("192.168.1.1", Refusal::Private),
            ("100.64.0.1", Refusal::Private),
            ("fd12::1", Refusal::Private),
            ("169.254.1.1", Refusal::LinkLocal),
            ("fe80::1", Refusal::LinkLocal),
            ("169.254.169.254", Refusal::Metadata),
            ("fd00:ec2::254", Refusal::Metadata),
            ("100.100.100.200", Refusal::Metadata),
            ("168.63.129.16", Refusal::Metadata),
            ("224.0.0.1", Refusal::Special),
            ("255.255.255.255", Refusal::Special),
            ("ff02::1", Refusal::Special),
            ("198.18.0.1", Refusal::Special),
            ("::ffff:127.0.0.1", Refusal::Loopback),
            ("::ffff:169.254.169.254", Refusal::Metadata),
            ("::10.0.0.1", Refusal::Private),
            ("64:ff9b::a9fe:a9fe", Refusal::Metadata),
            ("2002:7f00:1::", Refusal::Loopback),
        ] {
            assert_eq!(check(&policy, address), Err(refusal), "{address}");
        }
        for address in ["1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"] {
            assert_eq!(check(&policy, address), Ok(()), "{address}");
        }
    }

    #[test]
    fn a_caller_opens_networks_but_not_metadata_by_accident() {
        let policy = AddressPolicy::public()
            .allow("10.0.0.0/8".parse().unwrap())
            .allow("169.254.0.0/16".parse().unwrap());
        assert_eq!(check(&policy, "10.1.2.3"), Ok(()));
        assert_eq!(check(&policy, "169.254.9.9"), Ok(()));
        assert_eq!(check(&policy, "192.168.0.1"), Err(Refusal::Private));
        assert_eq!(check(&policy, "169.254.169.254"), Err(Refusal::Metadata));
        let exact = policy.allow("169.254.169.254".parse().unwrap());
        assert_eq!(check(&exact, "169.254.169.254"), Ok(()));
    }

    #[test]
    fn a_person_may_go_anywhere() {
        for address in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"] {
            assert_eq!(check(&AddressPolicy::anywhere(), address), Ok(()));
        }
    }
}
