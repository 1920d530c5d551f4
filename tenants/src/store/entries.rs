//! Clinical entries of every [`painreg_domain::clinical::EntryKind`]: recorded, read, listed, changed, withdrawn, and read as of
//! any instant, by one set of statements for all kinds.
//!
//! A row crosses this border as JSON, as PostgreSQL writes it: the members are the table's columns, so that an old state and
//! the current one are read by the same code. Statement texts are built from the table of kinds and from the members of the
//! program's structures, never from input.

mod list;
mod past;
mod sealing;
mod timeline;
mod write;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date as SqlDate, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff::civil::Date;
use painreg_domain::clinical::{Entry, EntryKind, Examination, members};
use painreg_domain::ids::{EntryId, PatientId};
use serde_json::{Map, Value};
use uuid::Uuid;

use self::past::source;
use self::sealing::decrypt_row;
use crate::access::{PatientAccess, RecordingContext};
use crate::error::StoreError;
use crate::error::unreadable;
use crate::statement::{Statement, statement};
use crate::store::code_lists;
use crate::tx::Tx;

pub use list::{FilterValue, ListFilter, Sort, of_patient, of_registry};
pub use past::{Past, state_at, versions};
pub use timeline::{Line, SUBMISSION, timeline};
pub(crate) use write::lock;
pub use write::{change, record, withdraw};

/// A stored entry.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The kind of entry.
    pub kind: EntryKind,
    /// The entry's id.
    pub id: EntryId,
    /// The patient whose row owns it; in a merged record this may be a duplicate.
    pub patient: PatientId,
    /// The day the entry happened or began.
    pub day: Date,
    /// The version, from 1; every change adds 1.
    pub version: i64,
    /// The instant of the last change.
    pub updated_at: Timestamp,
    /// All its members, as JSON.
    pub json: String,
}

#[derive(QueryableByName)]
struct EntryRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    patient_id: Uuid,
    #[diesel(sql_type = SqlDate)]
    day: jiff_diesel::Date,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Timestamptz)]
    updated_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Text)]
    json: String,
}

/// An examined entry: all stored members except id, patient, instants and version.
pub struct Examined {
    kind: EntryKind,
    members: Map<String, Value>,
}

/// Examines an entry with the registry's code books and lists. Returns [`StoreError::Invalid`] with every fault.
pub fn examine<T: Entry>(tx: &mut Tx<'_>, standing: &RecordingContext, entry: &T) -> Result<Examined, StoreError> {
    let lists = code_lists::current(tx, standing)?;
    let codes = tx.codes();
    let mut exam = Examination::new(tx.today(), standing.born, standing.died, codes, &lists);
    let derived = entry.examine(&mut exam);
    let remarks = exam.finish().map_err(StoreError::Invalid)?;
    let mut members = object(serde_json::to_value(entry))?;
    members.extend(object(serde_json::to_value(derived))?);
    members.insert("remarks".to_owned(), serde_json::to_value(remarks).map_err(unreadable)?);
    Ok(Examined { kind: T::KIND, members })
}

fn object(value: serde_json::Result<Value>) -> Result<Map<String, Value>, StoreError> {
    match value.map_err(unreadable)? {
        Value::Object(members) => Ok(members),
        _ => Ok(Map::new()),
    }
}

/// Appends the `SELECT` list of one row `x` of a kind, in the shape of an [`EntryRow`].
fn shown(query: Statement<'_>, kind: EntryKind) -> Statement<'_> {
    query
        .then("SELECT '")
        .then(kind.into())
        .then("' AS kind, x.id, x.patient_id, x.")
        .then(kind.row().day)
        .then(" AS day, x.version, x.updated_at, row_to_json(x)::text AS json")
}

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
