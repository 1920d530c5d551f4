//! The keys of patients, and what is sealed under them as JSON.

use diesel::prelude::*;
use painreg_domain::ids::PatientId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::crypt::{CryptError, Key};
use crate::error::StoreError;
use crate::place::TenantDatabase;
use crate::schema::tenant::patient_key;
use crate::tx::Tx;

/// The content sealed in `patient_identifier.sealed`.
#[derive(Serialize, Deserialize)]
pub(super) struct SealedId {
    pub(super) value: String,
    pub(super) assigner: Option<String>,
}

/// Returns the keys of these patients: one round trip for those that this transaction has not loaded yet.
pub(crate) fn keys(tx: &mut Tx<'_>, patients: &[Uuid]) -> Result<Vec<(Uuid, Key)>, StoreError> {
    let known = |tx: &Tx<'_>, id: &Uuid| tx.keys.iter().any(|(whose, _)| whose == id);
    let missing: Vec<Uuid> = patients.iter().filter(|id| !known(tx, id)).copied().collect();
    if !missing.is_empty() {
        let rows: Vec<(Uuid, Vec<u8>)> = patient_key::table
            .filter(patient_key::patient_id.eq_any(missing))
            .select((patient_key::patient_id, patient_key::wrapped))
            .load(tx.conn)?;
        let place = tx.place();
        for (id, wrapped) in rows {
            let sealed_at = key_aad(place, PatientId::existing(id));
            tx.keys.push((id, Key::unwrap_from(&wrapped, &place.keys.wrapping, &sealed_at)?));
        }
    }
    Ok(tx.keys.iter().filter(|(id, _)| patients.contains(id)).cloned().collect())
}

pub(super) fn key_aad(place: &TenantDatabase, id: PatientId) -> [Vec<u8>; 4] {
    [place.id.clone(), b"patient_key".to_vec(), b"wrapped".to_vec(), id.uuid().into_bytes().to_vec()]
}

pub(super) fn identifier_aad(place: &TenantDatabase, id: Uuid) -> [Vec<u8>; 4] {
    [place.id.clone(), b"patient_identifier".to_vec(), b"sealed".to_vec(), id.into_bytes().to_vec()]
}

pub(super) fn seal_json<T: Serialize>(key: &Key, value: &T, place: &[Vec<u8>; 4]) -> Vec<u8> {
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(value).unwrap_or_default());
    key.seal(&plain, place)
}

pub(super) fn open_json<T: serde::de::DeserializeOwned>(
    key: &Key,
    sealed: &[u8],
    place: &[Vec<u8>; 4],
) -> Result<T, CryptError> {
    let plain = key.open(sealed, place)?;
    serde_json::from_slice(&plain).map_err(|_| CryptError::DoesNotOpen)
}
