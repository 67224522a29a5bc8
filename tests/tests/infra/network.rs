//! What network policies let through, as the API reference of NetworkPolicy says it: a pod that no policy of a direction
//! selects may do everything in it; one that some select may do what any of these allows.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::yaml::list;

/// Where somebody wants to go: to a pod, or to an address outside the cluster.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    Pod { namespace: Value, labels: Value },
    Address(Ipv4Addr),
}

impl Peer {
    pub(crate) fn address(text: &str) -> Self {
        Self::Address(text.parse().expect("an address"))
    }
}

/// Whether a pod with these labels, in the namespace of the policies, may connect to a port of a peer.
pub(crate) fn may_reach(policies: &[&Value], labels: &Value, peer: &Peer, protocol: &str, port: u16) -> bool {
    let selecting: Vec<_> = policies
        .iter()
        .filter(|policy| list(&policy["spec"]["policyTypes"]).contains(&json!("Egress")))
        .filter(|policy| selects(&policy["spec"]["podSelector"], labels))
        .collect();
    let rules = selecting.iter().flat_map(|policy| list(&policy["spec"]["egress"]));
    selecting.is_empty() || rules.into_iter().any(|rule| rule_allows(rule, peer, protocol, port))
}

/// A rule without peers is about all of them, one without ports about all ports.
fn rule_allows(rule: &Value, peer: &Peer, protocol: &str, port: u16) -> bool {
    let (peers, ports) = (list(&rule["to"]), list(&rule["ports"]));
    let is_port = |of: &Value| of["port"] == port && of["protocol"].as_str().unwrap_or("TCP") == protocol;
    (peers.is_empty() || peers.iter().any(|of| is_peer(of, peer)))
        && (ports.is_empty() || ports.iter().any(is_port))
}

fn is_peer(of: &Value, peer: &Peer) -> bool {
    match peer {
        Peer::Address(address) => {
            let within = |block: &Value| contains(block.as_str().unwrap_or_default(), *address);
            let excepted = list(&of["ipBlock"]["except"]).iter().any(within);
            within(&of["ipBlock"]["cidr"]) && !excepted
        }
        // A peer without namespaces is one of the policy's own namespace, and those of ours are in others.
        Peer::Pod { namespace, labels } => {
            of["namespaceSelector"].is_object()
                && selects(&of["namespaceSelector"], namespace)
                && selects(&of["podSelector"], labels)
        }
    }
}

/// Whether a selector selects something with these labels; one that is empty, or not there, selects everything.
pub(crate) fn selects(selector: &Value, labels: &Value) -> bool {
    let wanted = selector["matchLabels"].as_object();
    let equal = wanted.is_none_or(|wanted| wanted.iter().all(|(name, value)| labels[name] == *value));
    let fits = |expression: &Value| {
        assert_eq!(expression["operator"], "In", "{expression}");
        expression["key"].as_str().is_some_and(|key| list(&expression["values"]).contains(&labels[key]))
    };
    equal && list(&selector["matchExpressions"]).iter().all(fits)
}

/// Whether an IPv4 block has this address; blocks of IPv6 have none.
fn contains(block: &str, address: Ipv4Addr) -> bool {
    let Some((base, bits)) = block.split_once('/') else { return false };
    let (Ok(base), Ok(bits)) = (base.parse::<Ipv4Addr>(), bits.parse::<u32>()) else { return false };
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    base.to_bits() & mask == address.to_bits() & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(selector: &Value, egress: &Value) -> Value {
        json!({"spec": {"podSelector": selector, "policyTypes": ["Egress"], "egress": egress}})
    }

    #[test]
    fn whoever_is_selected_may_do_what_is_named_and_nothing_else() {
        let worker = json!({"role": "worker"});
        let database =
            Peer::Pod { namespace: json!({"services": "true"}), labels: json!({"service": "state"}) };
        let outside = Peer::address("203.0.113.9");
        let may = |policies: &[&Value], peer: &Peer, port| may_reach(policies, &worker, peer, "TCP", port);
        assert!(may(&[], &database, 5432), "without policies everything is open");
        let others = policy(&json!({"matchLabels": {"role": "other"}}), &json!([]));
        assert!(may(&[&others], &database, 5432));
        let nothing = policy(&json!({}), &Value::Null);
        assert!(!may(&[&nothing], &database, 5432));

        let to = json!([{"namespaceSelector": {"matchLabels": {"services": "true"}}, "podSelector": {"matchLabels": {"service": "state"}}}]);
        let open = policy(
            &json!({"matchLabels": {"role": "worker"}}),
            &json!([{"to": to, "ports": [{"protocol": "TCP", "port": 5432}]}]),
        );
        assert!(may(&[&nothing, &open], &database, 5432));
        assert!(!may(&[&nothing, &open], &database, 5433) && !may(&[&nothing, &open], &outside, 5432));
        assert!(!may_reach(&[&nothing, &open], &worker, &database, "UDP", 5432));

        let world = json!([{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}], "ports": [{"port": 443}]}]);
        let world = policy(&json!({}), &world);
        assert!(may(&[&world], &outside, 443) && !may(&[&world], &database, 443));
        assert!(!may(&[&world], &Peer::address("10.1.2.3"), 443));
        let one_of =
            json!({"matchExpressions": [{"key": "role", "operator": "In", "values": ["worker", "x"]}]});
        assert!(selects(&one_of, &worker) && !selects(&one_of, &json!({"role": "y"})));
        assert!(
            contains("192.0.2.4/30", Ipv4Addr::new(192, 0, 2, 7))
                && !contains("192.0.2.4/30", Ipv4Addr::new(192, 0, 2, 8))
        );
        assert!(!contains("2000::/3", Ipv4Addr::LOCALHOST));
    }
}
