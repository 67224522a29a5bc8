//! Name resolution under the address guard.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{AddressPolicy, Refusal};

/// Resolves through the system and refuses a name as soon as one of its addresses is refused: a name that
/// has a public and a private address is what an attacker would set up.
pub(crate) struct GuardedResolver(Arc<AddressPolicy>);

/// The guard's refusal on its way through `reqwest`.
#[derive(Debug, thiserror::Error)]
#[error("{address} is {refusal}")]
pub(crate) struct Refused {
    pub(crate) address: IpAddr,
    pub(crate) refusal: Refusal,
}

impl GuardedResolver {
    pub(crate) fn new(policy: Arc<AddressPolicy>) -> Self {
        Self(policy)
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            for address in addresses.iter().map(SocketAddr::ip) {
                policy.check(address).map_err(|refusal| Refused { address, refusal })?;
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
