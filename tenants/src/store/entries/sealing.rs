//! Free text of entries: sealed under the patient's key in one column, and decrypted when rows are read.

use painreg_domain::clinical::EntryKind;
use painreg_domain::ids::{EntryId, PatientId};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::row::{EntryRow, Stored, with_utc_instants};
use crate::crypt::{Key, hex, unhex};
use crate::error::StoreError;
use crate::error::unreadable;
use crate::place::TenantDatabase;
use crate::store::{parse_stored, patients};
use crate::tx::Tx;

pub(super) fn decrypt_row(tx: &mut Tx<'_>, row: EntryRow) -> Result<Stored, StoreError> {
    let keys = keys_of(tx, std::iter::once(&row))?;
    stored(tx.place(), &keys, row)
}

pub(super) fn decrypt_rows(tx: &mut Tx<'_>, rows: Vec<EntryRow>) -> Result<Vec<Stored>, StoreError> {
    let keys = keys_of(tx, &rows)?;
    rows.into_iter().map(|row| stored(tx.place(), &keys, row)).collect()
}

pub(super) fn stored(place: &TenantDatabase, keys: &[(Uuid, Key)], row: EntryRow) -> Result<Stored, StoreError> {
    let kind: EntryKind = parse_stored(&row.kind)?;
    Ok(Stored {
        kind,
        id: EntryId::existing(row.id),
        patient: PatientId::existing(row.patient_id),
        day: row.day.to_jiff(),
        version: row.version,
        updated_at: row.updated_at.to_jiff(),
        json: unsealed(place, keys, row)?,
    })
}

fn holds_free_text(row: &EntryRow) -> bool {
    row.kind.parse().is_ok_and(|kind: EntryKind| !kind.row().free_text.is_empty())
}

/// Returns the keys of the patients whose rows may contain free text.
pub(super) fn keys_of<'r>(
    tx: &mut Tx<'_>,
    rows: impl IntoIterator<Item = &'r EntryRow>,
) -> Result<Vec<(Uuid, Key)>, StoreError> {
    let mut owners: Vec<Uuid> = rows.into_iter().filter(|row| holds_free_text(row)).map(|row| row.patient_id).collect();
    owners.sort_unstable();
    owners.dedup();
    if owners.is_empty() { Ok(Vec::new()) } else { patients::keys(tx, &owners) }
}

/// Moves the free text of the members, sealed, into the row's `sealed` column.
pub(super) fn seal(
    tx: &mut Tx<'_>,
    kind: EntryKind,
    id: EntryId,
    patient: Uuid,
    members: &mut Map<String, Value>,
) -> Result<(), StoreError> {
    let free_text = kind.row().free_text;
    if free_text.is_empty() {
        return Ok(());
    }
    let texts: Map<String, Value> =
        free_text.iter().filter_map(|name| members.remove_entry(*name)).filter(|(_, value)| !value.is_null()).collect();
    let sealed = if texts.is_empty() {
        Value::Null
    } else {
        let keys = patients::keys(tx, &[patient])?;
        let (_, key) = keys.first().ok_or(StoreError::NotFound)?;
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&texts).map_err(unreadable)?);
        format!("\\x{}", hex(&key.seal(&plain, &sealed_aad(tx.place(), kind, id)))).into()
    };
    members.insert("sealed".to_owned(), sealed);
    Ok(())
}

/// Returns the members with their free text, as they were before [`seal`].
pub(super) fn unsealed(place: &TenantDatabase, keys: &[(Uuid, Key)], row: EntryRow) -> Result<String, StoreError> {
    if !holds_free_text(&row) {
        return Ok(with_utc_instants(row.json));
    }
    let kind: EntryKind = parse_stored(&row.kind)?;
    let mut members: Map<String, Value> = serde_json::from_str(&row.json).map_err(unreadable)?;
    let sealed = members.remove("sealed");
    for name in kind.row().free_text {
        members.insert((*name).to_owned(), Value::Null);
    }
    if let Some(bytes) = sealed.as_ref().and_then(Value::as_str).and_then(|text| unhex(text.strip_prefix("\\x")?)) {
        let (_, key) = keys.iter().find(|(owner, _)| *owner == row.patient_id).ok_or(StoreError::NotFound)?;
        let plain = key.open(&bytes, &sealed_aad(place, kind, EntryId::existing(row.id)))?;
        let texts: Map<String, Value> = serde_json::from_slice(&plain).map_err(unreadable)?;
        members.extend(texts);
    }
    serde_json::to_string(&members).map(with_utc_instants).map_err(unreadable)
}

fn sealed_aad(place: &TenantDatabase, kind: EntryKind, id: EntryId) -> [Vec<u8>; 4] {
    let table: &'static str = kind.into();
    [place.id.clone(), table.as_bytes().to_vec(), b"sealed".to_vec(), id.uuid().into_bytes().to_vec()]
}
