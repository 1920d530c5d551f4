//! Reading one entry.

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use jiff::Timestamp;
use painreg_domain::clinical::{Entry, EntryKind, members};
use painreg_domain::ids::EntryId;
use serde_json::{Map, Value};

use super::row::{EntryRow, Stored, shown, source};
use super::sealing::decrypt_row;
use crate::access::PatientAccess;
use crate::error::{StoreError, unreadable};
use crate::statement::statement;
use crate::tx::Tx;

/// Returns one entry of the open record, current or as of an instant.
pub fn find<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    kind: EntryKind,
    id: EntryId,
    as_of: Option<Timestamp>,
) -> Result<Stored, StoreError> {
    let query = source(shown(statement(""), kind), kind, Some(&access.rows()), as_of);
    let row: EntryRow = query.then(" AND x.id = ?").bind::<SqlUuid, _>(id.uuid()).get_result(tx.conn)?;
    decrypt_row(tx, row)
}

/// Returns the members that users fill in, as the program's structure.
pub fn content<T: Entry>(stored: &Stored) -> Result<T, StoreError> {
    let mut whole: Map<String, Value> = serde_json::from_str(&stored.json).map_err(unreadable)?;
    let own = members::<T>();
    whole.retain(|name, _| own.contains(&name.as_str()));
    serde_json::from_value(Value::Object(whole)).map_err(unreadable)
}
