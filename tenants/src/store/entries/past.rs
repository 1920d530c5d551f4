//! Old states of entries: the versions of one entry, and a whole record as of an instant.

use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use painreg_domain::clinical::EntryKind;
use painreg_domain::clinical::history::RecordState;
use painreg_domain::ids::EntryId;
use strum::IntoEnumIterator as _;

use super::row::{EntryRow, Stored, shown, source};
use super::sealing::{keys_of, stored};
use crate::access::PatientAccess;
use crate::error::StoreError;
use crate::error::unreadable;
use crate::history;
use crate::statement::statement;
use crate::tx::Tx;

/// One version of an entry.
#[derive(Clone, Debug)]
pub struct Past {
    /// The entry in this version.
    pub state: Stored,
    /// The start of the version's validity.
    pub valid_from: Timestamp,
    /// The end of the version's validity; `None` for the current version.
    pub valid_to: Option<Timestamp>,
    /// The action that replaced it.
    pub changed_by: Option<String>,
    /// The reason given for the replacement.
    pub reason: Option<String>,
}

#[derive(QueryableByName)]
struct PastRow {
    #[diesel(embed)]
    entry: EntryRow,
    #[diesel(sql_type = Timestamptz)]
    valid_from: jiff_diesel::Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    valid_to: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    changed_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
}

/// Returns every version of an entry of the open record, latest first.
pub fn versions<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    kind: EntryKind,
    id: EntryId,
) -> Result<Vec<Past>, StoreError> {
    let table: &'static str = kind.into();
    let query = shown(statement("SELECT * FROM ("), kind)
        .then(", x.updated_at AS valid_from, NULL::timestamptz AS valid_to, NULL AS changed_by, NULL AS reason FROM ")
        .then(table)
        .then(" x WHERE x.id = ? AND x.patient_id = ANY (?) UNION ALL ")
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<Array<SqlUuid>, _>(access.rows());
    let query = shown(query, kind)
        .then(", row_history.valid_from, row_history.valid_to, row_history.changed_by, row_history.reason");
    let rows: Vec<PastRow> = history::from_past(query, table)
        .then(" AND row_history.entity_id = ? AND row_history.patient_id = ANY (?)) states ORDER BY version DESC LIMIT 1000")
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<Array<SqlUuid>, _>(access.rows())
        .load(tx.conn)?;
    if rows.is_empty() {
        return Err(StoreError::NotFound);
    }
    let keys = keys_of(tx, rows.iter().map(|row| &row.entry))?;
    rows.into_iter()
        .map(|row| {
            Ok(Past {
                state: stored(tx.place(), &keys, row.entry)?,
                valid_from: row.valid_from.to_jiff(),
                valid_to: row.valid_to.map(jiff_diesel::Timestamp::to_jiff),
                changed_by: row.changed_by,
                reason: row.reason,
            })
        })
        .collect()
}

/// Returns the whole record as of an instant, entry by entry, for comparison with another instant.
pub fn state_at<'t>(tx: &mut Tx<'t>, access: &PatientAccess<'t>, at: Timestamp) -> Result<RecordState, StoreError> {
    let rows = access.rows();
    let mut query = statement("");
    for (number, kind) in EntryKind::iter().enumerate() {
        query =
            source(shown(query.then(if number > 0 { " UNION ALL " } else { "" }), kind), kind, Some(&rows), Some(at));
    }
    let rows: Vec<EntryRow> = query.load(tx.conn)?;
    let keys = keys_of(tx, &rows)?;
    rows.into_iter()
        .map(|row| {
            let stored = stored(tx.place(), &keys, row)?;
            let members = serde_json::from_str(&stored.json).map_err(unreadable)?;
            Ok(((stored.kind, stored.id), members))
        })
        .collect()
}
