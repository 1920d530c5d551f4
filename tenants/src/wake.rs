//! News between processes: a server without a worker announces what was committed, workers listen. A notification belongs to
//! the whole database, so that its payload is sealed: a tenant's login that listens learns no tenant, and what it
//! sends itself is ignored. Writers are not involved: a commit that notifies would wait for every other one that does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text};
use painreg_domain::ids::TenantId;
use uuid::Uuid;

use crate::connections::owner_connection;
use crate::crypt::Key;
use crate::error::StoreError;
use crate::registry::Registry;
use crate::statement::{run_sql, statement};

/// What sealed payloads are bound to.
const AAD: [&str; 2] = ["painreg_news", "tenant"];

/// A connection, outside any pool, that notifications are sent or heard on.
pub struct Wire(PgConnection);

impl Registry {
    /// Returns the tenants with news since `seen`, and the number to ask from the next time.
    pub fn news_since(&self, seen: u64) -> (u64, Vec<TenantId>) {
        self.connections().news.since(seen)
    }

    /// Opens a connection for [`Registry::announce`].
    pub fn wire(&self) -> Result<Wire, StoreError> {
        owner_connection(&self.connections().settings.database).map(Wire)
    }

    /// Opens a connection for [`Registry::hear`]. What was announced before is not heard: every tenant counts as news.
    pub fn listen(&self) -> Result<Wire, StoreError> {
        let mut wire = self.wire()?;
        run_sql(&mut wire.0, "LISTEN painreg_news")?;
        for scope in self.worker_scopes() {
            self.connections().news.add(scope.tenant().id);
        }
        Ok(wire)
    }

    /// Announces tenants with news to every process that listens.
    pub fn announce(&self, wire: &mut Wire, tenants: &[TenantId]) -> Result<(), StoreError> {
        let key = &self.connections().platform.keys.cursor;
        let payloads: Vec<String> = tenants.iter().map(|tenant| seal(key, *tenant)).collect();
        statement("SELECT pg_notify('painreg_news', payload) FROM unnest(?) AS payload")
            .bind::<Array<Text>, _>(payloads)
            .execute(&mut wire.0)?;
        Ok(())
    }

    /// Adds what was announced since the last call to this process's news. Does not wait, and sends nothing.
    pub fn hear(&self, wire: &mut Wire) -> Result<(), StoreError> {
        let connections = self.connections();
        for heard in wire.0.notifications_iter() {
            if let Some(tenant) = open(&connections.platform.keys.cursor, &heard?.payload) {
                connections.news.add(tenant);
            }
        }
        Ok(())
    }
}

fn seal(key: &Key, tenant: TenantId) -> String {
    URL_SAFE_NO_PAD.encode(key.seal(tenant.uuid().as_bytes(), &AAD))
}

fn open(key: &Key, payload: &str) -> Option<TenantId> {
    let plain = key.open(&URL_SAFE_NO_PAD.decode(payload).ok()?, &AAD).ok()?;
    Uuid::from_slice(&plain).ok().map(TenantId::existing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_names_its_tenant_to_the_holder_of_the_key_only() {
        let (key, tenant) = (Key::random(), TenantId::existing(Uuid::from_u128(7)));
        let payload = seal(&key, tenant);
        assert_eq!(open(&key, &payload), Some(tenant));
        assert_ne!(seal(&key, tenant), payload, "two payloads of one tenant cannot be compared");
        for wrong in [tenant.to_string(), String::new()] {
            assert_eq!(open(&key, &wrong), None);
        }
        assert_eq!(open(&Key::random(), &payload), None);
    }
}
