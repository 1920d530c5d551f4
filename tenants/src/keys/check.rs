//! The check value: a database recognises the key that its encrypted values belong to, so that another key is refused
//! before anything is encrypted with it.

use diesel::prelude::*;
use painreg_domain::ids::TenantId;
use uuid::Uuid;

use super::unwrap_tenant_key;
use crate::crypt::{CryptError, Key};
use crate::error::StoreError;
use crate::schema::platform::{key_check, tenant};

/// Refuses a key that is not the database's. A database without a check value gets one, if the key opens the keys of
/// all of its registries.
pub(crate) fn verify(conn: &mut PgConnection, kek: &Key) -> Result<(), StoreError> {
    let value = value_of(kek);
    if stored(conn)?.is_none() {
        let registries: Vec<(Uuid, String, Vec<u8>)> =
            tenant::table.order(tenant::slug).select((tenant::id, tenant::slug, tenant::tenant_key)).load(conn)?;
        let is_other = |(id, _, wrapped): &(Uuid, String, Vec<u8>)| {
            unwrap_tenant_key(wrapped, kek, TenantId::existing(*id)).is_err()
        };
        let others: Vec<String> = registries.into_iter().filter(is_other).map(|(_, slug, _)| slug).collect();
        if !others.is_empty() {
            return Err(CryptError::OtherKeyOf { registries: others.join(", ") }.into());
        }
        diesel::insert_into(key_check::table)
            .values(key_check::value.eq(value.as_slice()))
            .on_conflict_do_nothing()
            .execute(conn)?;
    }
    match stored(conn)? {
        Some(found) if found == value => Ok(()),
        _ => Err(CryptError::OtherKey.into()),
    }
}

/// Whether a key has been used in the database: whether it may hold encrypted values.
pub(crate) fn is_used(conn: &mut PgConnection) -> Result<bool, StoreError> {
    let registries: i64 = tenant::table.count().get_result(conn)?;
    Ok(registries > 0 || stored(conn)?.is_some())
}

fn stored(conn: &mut PgConnection) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(key_check::table.select(key_check::value).first(conn).optional()?)
}

/// The check value of a key. The key cannot be computed from it.
fn value_of(kek: &Key) -> [u8; 32] {
    kek.derive(&[b"key-check"]).mac(b"painreg")
}
