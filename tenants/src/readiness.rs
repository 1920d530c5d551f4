//! Whether every active registry can be served, and whether the database is that of the key.

use painreg_domain::fault::{Fault, FaultCode, escape};

use crate::crypt::CryptError;
use crate::error::StoreError;
use crate::place::Tenant;
use crate::registry::Registry;
use crate::{keys, schema_version};

impl Registry {
    /// Checks that the key is the one that the database was used with.
    pub fn check_key(&self) -> Result<Vec<Fault>, StoreError> {
        let mut held = self.connections().to_platform()?;
        match keys::check::verify(held.conn()?, &self.connections().kek) {
            Err(StoreError::Crypt(CryptError::OtherKey | CryptError::OtherKeyOf { .. })) => {
                Ok(vec![Fault::at("key", FaultCode::OtherKey)])
            }
            other => other.map(|()| Vec::new()),
        }
    }

    /// Returns every active registry that cannot be served, with the reason, at `/registries/` and its slug.
    pub fn unserved(&self) -> Result<Vec<Fault>, StoreError> {
        let at = |slug: &str, code| Fault::new(format!("/registries/{}", escape(slug)), code);
        let unread = self.unread().into_iter().map(|slug| at(&slug, FaultCode::RegistryKeyUnusable));
        let known = self.tenants().into_iter().filter(|tenant| !tenant.suspended);
        let unserved = known.filter_map(|tenant| Some(at(&tenant.slug, self.obstacle(&tenant)?)));
        let mut all: Vec<Fault> = unread.chain(unserved).collect();
        all.sort();
        Ok(all)
    }

    /// Why an active registry cannot be served, if it cannot.
    fn obstacle(&self, tenant: &Tenant) -> Option<FaultCode> {
        if tenant.schema_version != schema_version::of_tenants() {
            return Some(FaultCode::RegistryOtherVersion);
        }
        (!self.connections().can_log_in(&tenant.place)).then_some(FaultCode::RegistryLoginRefused)
    }
}
