//! Which tenants have committed something that background jobs follow up: in this process, or heard from another one. Knows
//! neither jobs nor logs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use painreg_domain::ids::TenantId;

/// The tenants with news, each with the number of its latest. A writer never waits: adding news is a moment in memory, and
/// jobs look for it on their own.
#[derive(Default)]
pub(crate) struct News(Mutex<Added>);

#[derive(Default)]
struct Added {
    count: u64,
    latest: HashMap<TenantId, u64>,
}

impl News {
    /// Adds news of a tenant.
    pub(crate) fn add(&self, tenant: TenantId) {
        let mut added = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        added.count += 1;
        let count = added.count;
        added.latest.insert(tenant, count);
    }

    /// Returns the tenants with news since `seen`, and the number of the latest news, to ask from the next time.
    pub(crate) fn since(&self, seen: u64) -> (u64, Vec<TenantId>) {
        let added = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if added.count == seen {
            return (seen, Vec::new());
        }
        let newer = added.latest.iter().filter(|(_, at)| **at > seen);
        (added.count, newer.map(|(tenant, _)| *tenant).collect())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn news_is_seen_once_by_each_reader() {
        let (news, [one, other]) = (News::default(), [1, 2].map(|id| TenantId::existing(Uuid::from_u128(id))));
        assert_eq!(news.since(0), (0, Vec::new()));
        news.add(one);
        news.add(one);
        let (seen, tenants) = news.since(0);
        assert_eq!((tenants, news.since(seen).1), (vec![one], Vec::new()));
        news.add(other);
        assert_eq!((news.since(seen).1, news.since(0).1.len()), (vec![other], 2));
    }
}
