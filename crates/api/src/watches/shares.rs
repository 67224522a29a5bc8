//! How many streams each tenant has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use plimsoll_types::Tenant;

/// Who has how many.
pub(super) struct Shares {
    most: usize,
    taken: Arc<Taken>,
}

#[derive(Default)]
struct Taken(Mutex<HashMap<Tenant, usize>>);

/// One of a tenant's, until it is dropped.
pub(super) struct Share {
    tenant: Tenant,
    taken: Arc<Taken>,
}

impl Shares {
    /// At most so many for each.
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// One more, if the tenant may have it.
    pub(super) fn take(&self, tenant: &Tenant) -> Option<Share> {
        let mut taken = self.taken.lock();
        let count = taken.entry(tenant.clone()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Share { tenant: tenant.clone(), taken: Arc::clone(&self.taken) })
    }
}

impl Taken {
    fn lock(&self) -> MutexGuard<'_, HashMap<Tenant, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        if let Some(count) = taken.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenant_has_its_own_and_gets_back_what_it_gives_up() {
        let shares = Shares::new(2);
        let [a, b]: [Tenant; 2] = ["a", "b"].map(|name| name.parse().unwrap());
        let first = shares.take(&a).unwrap();
        let _second = shares.take(&a).unwrap();
        assert!(shares.take(&a).is_none());
        assert!(shares.take(&b).is_some());
        drop(first);
        assert!(shares.take(&a).is_some());
        assert_eq!(shares.taken.lock().len(), 1);
    }
}
