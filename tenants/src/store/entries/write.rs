//! Recording, changing and withdrawing an entry. Must not examine it: that is done before.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Text, Timestamptz, Uuid as SqlUuid};
use jiff_diesel::ToDiesel as _;
use painreg_domain::clinical::EntryKind;
use painreg_domain::clinical::history::ChangeReason;
use painreg_domain::event;
use painreg_domain::ids::EntryId;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::examine::Examined;
use super::row::{EntryRow, Stored, shown};
use super::sealing::{decrypt_row, seal};
use crate::access::PatientAccess;
use crate::error::StoreError;
use crate::history;
use crate::statement::{Statement, statement};
use crate::store::version;
use crate::tx::Tx;

/// Stores an examined entry in one round trip; one more where its parent is an entry of a merged record.
pub fn record<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    id: EntryId,
    examined: Examined,
) -> Result<Stored, StoreError> {
    let Examined { kind, mut members } = examined;
    let table: &'static str = kind.into();
    let patient = owner(tx, access, kind, &members)?;
    let now = tx.now();
    seal(tx, kind, id, patient, &mut members)?;
    let frame = [
        ("id", id.to_string().into()),
        ("patient_id", patient.to_string().into()),
        ("created_at", now.to_string().into()),
        ("updated_at", now.to_string().into()),
        ("updated_by", tx.trace.action().into()),
        ("version", 1.into()),
    ];
    members.extend(frame.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let query = statement("WITH x AS (INSERT INTO ")
        .then(table)
        .then(" SELECT * FROM jsonb_populate_record(NULL::")
        .then(table)
        .then(", ?) RETURNING *) ")
        .bind::<Jsonb, _>(Value::Object(members));
    let row: EntryRow = shown(query, kind).then(" FROM x").get_result(tx.conn)?;
    mark_stale(tx, access, kind);
    emit(tx, event::EventType::EntryRecorded, access, (kind, id), 1);
    decrypt_row(tx, row)
}

/// Marks the patient's follow-up as stale where it depends on entries of this kind.
fn mark_stale<'t>(tx: &mut Tx<'t>, access: &PatientAccess<'t>, kind: EntryKind) {
    if kind.is_read_by_follow_up() {
        tx.mark_follow_up_stale(access.id().uuid());
    }
}

/// Emits the event of a change to an entry.
fn emit(
    tx: &mut Tx<'_>,
    what: event::EventType,
    access: &PatientAccess<'_>,
    (kind, id): (EntryKind, EntryId),
    version: i64,
) {
    tx.emit(what, Some(access.id().uuid()), format!("{}/{id}", <&'static str>::from(kind)), Some(version));
}

/// Locks an entry until the transaction ends. Other transactions may still insert references to it.
pub(crate) fn lock<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    kind: EntryKind,
    id: EntryId,
) -> Result<(), StoreError> {
    statement("SELECT id FROM ")
        .then(kind.into())
        .then(" WHERE id = ? AND patient_id = ANY (?) FOR NO KEY UPDATE")
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<Array<SqlUuid>, _>(access.rows())
        .execute(tx.conn)?;
    Ok(())
}

/// Returns the patient row that owns a new entry: that of the parent entry, if it is part of the same record.
fn owner(
    tx: &mut Tx<'_>,
    access: &PatientAccess<'_>,
    kind: EntryKind,
    members: &Map<String, Value>,
) -> Result<Uuid, StoreError> {
    #[derive(QueryableByName)]
    struct OwnerRow {
        #[diesel(sql_type = SqlUuid)]
        patient_id: Uuid,
    }
    let own = access.id().uuid();
    let Some((member, parent)) = kind.row().parent.filter(|_| access.is_merged()) else { return Ok(own) };
    let Some(parent_id) = members.get(member).and_then(Value::as_str).and_then(|text| text.parse().ok()) else {
        return Ok(own);
    };
    let found: Option<OwnerRow> = statement("SELECT patient_id FROM ")
        .then(parent.into())
        .then(" WHERE id = ? AND patient_id = ANY (?)")
        .bind::<SqlUuid, Uuid>(parent_id)
        .bind::<Array<SqlUuid>, _>(access.rows())
        .get_result(tx.conn)
        .optional()?;
    Ok(found.map_or(own, |row| row.patient_id))
}

/// Replaces the members of an entry of the open record; [`StoreError::Stale`] if it no longer has `version`. The old state is
/// kept in the history by the same statement.
pub fn change<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    before: &Stored,
    version: i64,
    examined: Examined,
    reason: ChangeReason,
) -> Result<Stored, StoreError> {
    version::expect(before.version, version)?;
    let Examined { kind, mut members } = examined;
    let table: &'static str = kind.into();
    seal(tx, kind, before.id, before.patient.uuid(), &mut members)?;
    let columns: Vec<&'static str> = columns_of(kind, &members);
    let now = tx.now().to_diesel();
    let mut query = statement("WITH old AS (SELECT * FROM ")
        .then(table)
        .then(" WHERE id = ? AND patient_id = ANY (?) AND version = ? FOR UPDATE), ")
        .bind::<SqlUuid, _>(before.id.uuid())
        .bind::<Array<SqlUuid>, _>(access.rows())
        .bind::<BigInt, _>(version);
    query = history::keep(query, tx, table, reason.into());
    query = query.then(", x AS (UPDATE ").then(table).then(" row SET (");
    query = listed(query, &columns, "");
    query = query.then(") = (SELECT ");
    query = listed(query, &columns, "new.");
    let row: Option<EntryRow> = shown(
        query
            .then(" FROM jsonb_populate_record(NULL::")
            .then(table)
            .then(
                ", ?) new), updated_at = greatest(?, old.updated_at), updated_by = ?, version = old.version + 1 FROM old \
                 WHERE row.id = old.id RETURNING row.*) ",
            )
            .bind::<Jsonb, _>(Value::Object(members))
            .bind::<Timestamptz, _>(now)
            .bind::<Text, _>(tx.trace.action()),
        kind,
    )
    .then(" FROM x")
    .get_result(tx.conn)
    .optional()?;
    mark_stale(tx, access, kind);
    emit(tx, event::EventType::EntryChanged, access, (kind, before.id), version + 1);
    decrypt_row(tx, row.ok_or(StoreError::Stale)?)
}

/// Withdraws an entry of the open record; [`StoreError::Stale`] if it no longer has `version`, [`StoreError::InUse`] if other
/// entries refer to it. The old state is kept in the history by the same statement.
pub fn withdraw<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    before: &Stored,
    version: i64,
    reason: ChangeReason,
) -> Result<(), StoreError> {
    let table: &'static str = before.kind.into();
    let query = statement("WITH old AS (DELETE FROM ")
        .then(table)
        .then(" WHERE id = ? AND patient_id = ANY (?) AND version = ? RETURNING *), ")
        .bind::<SqlUuid, _>(before.id.uuid())
        .bind::<Array<SqlUuid>, _>(access.rows())
        .bind::<BigInt, _>(version);
    let gone = history::keep(query, tx, table, reason.into()).then(" SELECT id FROM old").execute(tx.conn);
    match gone {
        Ok(0) => Err(StoreError::Stale),
        Ok(_) => {
            mark_stale(tx, access, before.kind);
            emit(tx, event::EventType::EntryWithdrawn, access, (before.kind, before.id), version);
            Ok(())
        }
        Err(diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::ForeignKeyViolation, _)) => {
            Err(StoreError::InUse)
        }
        Err(error) => Err(error.into()),
    }
}

fn listed<'a>(mut query: Statement<'a>, columns: &[&'static str], prefix: &'static str) -> Statement<'a> {
    for (at, column) in columns.iter().enumerate() {
        query = query.then(if at > 0 { ", " } else { "" }).then(prefix).then(column);
    }
    query
}

/// Returns the names of a kind's columns, cached for the process so that statements contain no text of a request.
fn columns_of(kind: EntryKind, members: &Map<String, Value>) -> Vec<&'static str> {
    use std::collections::HashMap;
    use std::sync::{PoisonError, RwLock};
    static KNOWN: RwLock<Option<HashMap<EntryKind, Vec<&'static str>>>> = RwLock::new(None);
    let known =
        KNOWN.read().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|known| known.get(&kind).cloned());
    if let Some(columns) = known {
        return columns;
    }
    // The members are those of a structure of this program: their number does not depend on requests.
    let columns: Vec<&'static str> = members.keys().map(|name| &*Box::leak(name.clone().into_boxed_str())).collect();
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.get_or_insert_default().entry(kind).or_insert(columns).clone()
}
