//! What the clinic records about patients, of whatever kind: recorded, read, listed, changed, taken back, and read as it
//! was at any instant. One set of statements for every kind of [`painreg_domain::clinical::Kind`].
//!
//! A row crosses this border as JSON, as PostgreSQL writes it: its members are the table's columns, so that a state of
//! years ago and one of today are read alike. Texts of statements are put together from the table of kinds and the
//! members of the program's own structures, never from input.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date as SqlDate, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff_diesel::ToDiesel as _;
use painreg_domain::clinical::history::{ChangeReason, State};
use painreg_domain::clinical::{Entry, Examination, Kind, members};
use painreg_domain::event;
use painreg_domain::ids::{EntryId, PatientId};
use painreg_domain::policy::Action;
use serde_json::{Map, Value};
use strum::IntoEnumIterator as _;
use uuid::Uuid;

use crate::access::{PatientAccess, RecordingContext};
use crate::crypt::{Key, hex, unhex};
use crate::error::{StoreError, unreadable};
use crate::place::TenantDatabase;
use crate::statement::{Statement, statement};
use crate::store::{Listing, code_lists, comparable, comparable_day, patients};
use crate::tx::Tx;

/// A stored entry.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What kind it is.
    pub kind: Kind,
    /// Its id.
    pub id: EntryId,
    /// The patient under whose row it lies: of a merged record perhaps a duplicate.
    pub patient: PatientId,
    /// The day it happened or began.
    pub day: Date,
    /// Counts changes.
    pub version: i64,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// All its members, as JSON.
    pub json: String,
}

/// One state that an entry was in.
#[derive(Clone, Debug)]
pub struct Past {
    /// The state.
    pub state: Stored,
    /// From when.
    pub valid_from: Timestamp,
    /// Until when; `None`: it is the state of now.
    pub valid_to: Option<Timestamp>,
    /// The action that ended it.
    pub changed_by: Option<String>,
    /// Why it ended.
    pub reason: Option<String>,
}

/// How a list is narrowed and sorted.
#[derive(Clone, Debug, Default)]
pub struct Narrowing {
    /// Nothing that happened before.
    pub from: Option<Date>,
    /// Nothing that happened after.
    pub to: Option<Date>,
    /// Members and the values they must have.
    pub equal: Vec<(&'static str, Wanted)>,
    /// Whether it must still go on, or must not.
    pub ongoing: Option<bool>,
    /// The patient's unit; of lists over the whole registry.
    pub unit: Option<String>,
    /// The list's order.
    pub sort: Sort,
    /// The state at this instant instead of now's.
    pub as_of: Option<Timestamp>,
}

/// The value a member must have.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// A text.
    Text(String),
    /// A reference.
    Id(EntryId),
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
pub enum Sort {
    /// By day, the latest first.
    #[default]
    #[strum(serialize = "-day")]
    LatestFirst,
    /// By day, the earliest first.
    #[strum(serialize = "day")]
    EarliestFirst,
    /// By the instant of the last change, the latest first.
    #[strum(serialize = "-updated_at")]
    LastChangedFirst,
    /// By the instant of the last change, the earliest first.
    #[strum(serialize = "updated_at")]
    LastChangedLast,
}

/// A place in a list: of a list by day the day, else the instant; and the id.
#[derive(Clone, Debug)]
pub struct Spot {
    /// The day or the instant.
    pub value: String,
    /// The id.
    pub id: EntryId,
}

impl Sort {
    /// Where the entry stands in this order.
    pub fn spot(self, entry: &Stored) -> Spot {
        let value = match self {
            Self::LatestFirst | Self::EarliestFirst => entry.day.to_string(),
            Self::LastChangedFirst | Self::LastChangedLast => entry.updated_at.to_string(),
        };
        Spot { value, id: entry.id }
    }
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

/// An entry that has been examined: everything that is stored of it but the frame.
pub struct Examined {
    kind: Kind,
    members: Map<String, Value>,
}

/// Examines an entry with the registry's code books and lists: what is wrong is [`StoreError::Invalid`].
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

/// `SELECT` of one row `x` of a kind, in the shape of an [`EntryRow`].
fn shown(query: Statement<'_>, kind: Kind) -> Statement<'_> {
    query
        .then("SELECT '")
        .then(kind.into())
        .then("' AS kind, x.id, x.patient_id, x.")
        .then(kind.row().day)
        .then(" AS day, x.version, x.updated_at, row_to_json(x)::text AS json")
}

/// `FROM` the rows `x` of a kind: those of now, or those of the instant. Of a patient where `rows` names some.
fn source<'a>(query: Statement<'a>, kind: Kind, rows: Option<&[Uuid]>, as_of: Option<Timestamp>) -> Statement<'a> {
    let table: &'static str = kind.into();
    let of_patient = |query: Statement<'a>, column: &'static str| match rows {
        Some(rows) => query.then(column).then(" = ANY (?)").bind::<Array<SqlUuid>, _>(rows.to_vec()),
        None => query.then("true"),
    };
    let Some(at) = as_of else {
        return of_patient(query.then(" FROM ").then(table).then(" x WHERE "), "x.patient_id");
    };
    let query = of_patient(query.then(" FROM (SELECT * FROM ").then(table).then(" now WHERE "), "now.patient_id");
    let query = query
        .then(
            " AND now.updated_at <= ? UNION ALL SELECT past.* FROM row_history CROSS JOIN LATERAL \
               jsonb_populate_record(NULL::",
        )
        .then(table)
        .then(", row_history.before) past WHERE row_history.entity = '")
        .then(table)
        .then("' AND ")
        .bind::<Timestamptz, _>(comparable(at));
    of_patient(query, "row_history.patient_id")
        .then(" AND row_history.valid_from <= ? AND row_history.valid_to > ?) x WHERE true")
        .bind::<Timestamptz, _>(comparable(at))
        .bind::<Timestamptz, _>(comparable(at))
}

/// Records an examined entry: one round trip, one more where it belongs to another entry of a merged record.
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
    touch(tx, access, kind);
    told(tx, event::Kind::EntryRecorded, access, (kind, id), 1);
    opened_one(tx, row)
}

/// Has the patient's follow-up decided again where it reads entries of this kind.
fn touch<'t>(tx: &mut Tx<'t>, access: &PatientAccess<'t>, kind: Kind) {
    if kind.is_read_by_follow_up() {
        tx.mark_follow_up_stale(access.id().uuid());
    }
}

/// Tells what became of an entry.
fn told(tx: &mut Tx<'_>, what: event::Kind, access: &PatientAccess<'_>, (kind, id): (Kind, EntryId), version: i64) {
    tx.emit(what, Some(access.id().uuid()), format!("{}/{id}", <&'static str>::from(kind)), Some(version));
}

/// Lets nobody else do what asks for this entry's lock until the transaction ends; others may still refer to it.
pub(crate) fn lock<'t>(tx: &mut Tx<'t>, access: &PatientAccess<'t>, kind: Kind, id: EntryId) -> Result<(), StoreError> {
    statement("SELECT id FROM ")
        .then(kind.into())
        .then(" WHERE id = ? AND patient_id = ANY (?) FOR NO KEY UPDATE")
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<Array<SqlUuid>, _>(access.rows())
        .execute(tx.conn)?;
    Ok(())
}

/// Under whose row a new entry lies: where the entry it belongs to lies, if that is of the same record.
fn owner(
    tx: &mut Tx<'_>,
    access: &PatientAccess<'_>,
    kind: Kind,
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

/// One entry of the patient whose record is open, as it is or as it was.
pub fn find<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    kind: Kind,
    id: EntryId,
    as_of: Option<Timestamp>,
) -> Result<Stored, StoreError> {
    let query = source(shown(statement(""), kind), kind, Some(&access.rows()), as_of);
    let row: EntryRow = query.then(" AND x.id = ?").bind::<SqlUuid, _>(id.uuid()).get_result(tx.conn)?;
    opened_one(tx, row)
}

/// The members of an entry that people fill in, as the program's own structure.
pub fn content<T: Entry>(stored: &Stored) -> Result<T, StoreError> {
    let mut whole: Map<String, Value> = serde_json::from_str(&stored.json).map_err(unreadable)?;
    let own = members::<T>();
    whole.retain(|name, _| own.contains(&name.as_str()));
    serde_json::from_value(Value::Object(whole)).map_err(unreadable)
}

/// The entries of one kind of the patient whose record is open.
pub fn of_patient<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    kind: Kind,
    narrowing: &Narrowing,
    after: Option<&Spot>,
    limit: i64,
) -> Result<Listing<Stored>, StoreError> {
    let query = source(shown(statement(""), kind), kind, Some(&access.rows()), narrowing.as_of);
    let rows: Vec<EntryRow> = narrowed(query, kind, narrowing, after, limit)?.load(tx.conn)?;
    let rows = Listing::cut(rows, limit);
    Ok(Listing { items: opened(tx, rows.items)?, more: rows.more })
}

/// The entries of one kind over the whole registry, within the caller's reach; every patient shown is logged.
pub fn of_registry(
    tx: &mut Tx<'_>,
    kind: Kind,
    narrowing: &Narrowing,
    after: Option<&Spot>,
    limit: i64,
) -> Result<Listing<Stored>, StoreError> {
    let mut query = source(shown(statement(""), kind), kind, None, narrowing.as_of);
    for unit in [narrowing.unit.as_deref(), tx.unit_in_reach()].into_iter().flatten() {
        query = query
            .then(
                " AND EXISTS (SELECT FROM patient named JOIN patient ON patient.id = coalesce(named.merged_into, \
                 named.id) WHERE named.id = x.patient_id AND patient.unit = ?)",
            )
            .bind::<Text, _>(unit.to_owned());
    }
    let rows: Vec<EntryRow> = narrowed(query, kind, narrowing, after, limit)?.load(tx.conn)?;
    let rows = Listing::cut(rows, limit);
    let mut shown: Vec<PatientId> = rows.items.iter().map(|row| PatientId::existing(row.patient_id)).collect();
    shown.sort_unstable();
    shown.dedup();
    tx.open_all(&shown)?;
    Ok(Listing { items: opened(tx, rows.items)?, more: rows.more })
}

fn narrowed<'a>(
    mut query: Statement<'a>,
    kind: Kind,
    narrowing: &Narrowing,
    after: Option<&Spot>,
    limit: i64,
) -> Result<Statement<'a>, StoreError> {
    let row = kind.row();
    if let Some(from) = narrowing.from {
        query = query.then(" AND x.").then(row.day).then(" >= ?").bind::<SqlDate, _>(comparable_day(from));
    }
    if let Some(to) = narrowing.to {
        query = query.then(" AND x.").then(row.day).then(" <= ?").bind::<SqlDate, _>(comparable_day(to));
    }
    for (member, wanted) in &narrowing.equal {
        query = query.then(" AND x.").then(member).then(" = ?");
        query = match wanted {
            Wanted::Text(text) => query.bind::<Text, _>(text.clone()),
            Wanted::Id(id) => query.bind::<SqlUuid, _>(id.uuid()),
        };
    }
    if let (Some(ongoing), Some(until)) = (narrowing.ongoing, row.until) {
        query = query.then(" AND x.").then(until).then(if ongoing { " IS NULL" } else { " IS NOT NULL" });
    }
    let (member, by_day, descending) = match narrowing.sort {
        Sort::LatestFirst => (row.day, true, true),
        Sort::EarliestFirst => (row.day, true, false),
        Sort::LastChangedFirst => ("updated_at", false, true),
        Sort::LastChangedLast => ("updated_at", false, false),
    };
    let order = if descending { " DESC" } else { "" };
    if let Some(Spot { value, id }) = after {
        query =
            query.then(" AND (x.").then(member).then(if descending { ", x.id) < (?, ?)" } else { ", x.id) > (?, ?)" });
        query = if by_day {
            let day: Date = value.parse().map_err(|_| StoreError::BadCursor)?;
            query.bind::<SqlDate, _>(day.to_diesel())
        } else {
            let at: Timestamp = value.parse().map_err(|_| StoreError::BadCursor)?;
            query.bind::<Timestamptz, _>(comparable(at))
        };
        query = query.bind::<SqlUuid, _>(id.uuid());
    }
    Ok(query
        .then(" ORDER BY x.")
        .then(member)
        .then(order)
        .then(", x.id")
        .then(order)
        .then(" LIMIT ?")
        .bind::<BigInt, _>(limit + 1))
}

/// Gives an entry other members, unless somebody changed it since `version` was read. What it was goes to the history in
/// the same statement. The entry must be of the record that is open.
pub fn change<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    before: &Stored,
    version: i64,
    examined: Examined,
    reason: ChangeReason,
) -> Result<Stored, StoreError> {
    if before.version != version {
        return Err(StoreError::Stale);
    }
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
    query = kept(tx, query, table, reason.into());
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
    touch(tx, access, kind);
    told(tx, event::Kind::EntryChanged, access, (kind, before.id), version + 1);
    opened_one(tx, row.ok_or(StoreError::Stale)?)
}

/// Takes an entry back, unless somebody changed it since `version` was read. What it was goes to the history. What other
/// entries belong to stays: [`StoreError::InUse`].
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
    let gone = kept(tx, query, table, reason.into()).then(" SELECT id FROM old").execute(tx.conn);
    match gone {
        Ok(0) => Err(StoreError::Stale),
        Ok(_) => {
            touch(tx, access, before.kind);
            told(tx, event::Kind::EntryWithdrawn, access, (before.kind, before.id), version);
            Ok(())
        }
        Err(diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::ForeignKeyViolation, _)) => {
            Err(StoreError::InUse)
        }
        Err(error) => Err(error.into()),
    }
}

/// Puts the rows of the common table expression `old` into the history.
fn kept<'a>(tx: &Tx<'a>, query: Statement<'a>, table: &'static str, reason: &'static str) -> Statement<'a> {
    query
        .then(
            "kept AS (INSERT INTO row_history (entity, entity_id, patient_id, version, valid_from, valid_to, changed_by, \
             reason, before) SELECT '",
        )
        .then(table)
        .then("', id, patient_id, version, updated_at, greatest(?, updated_at), ?, ?, to_jsonb(old) FROM old)")
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<Text, _>(tx.trace.action())
        .bind::<Text, _>(reason)
}

fn listed<'a>(mut query: Statement<'a>, columns: &[&'static str], prefix: &'static str) -> Statement<'a> {
    for (at, column) in columns.iter().enumerate() {
        query = query.then(if at > 0 { ", " } else { "" }).then(prefix).then(column);
    }
    query
}

/// The names of a kind's columns, each known once for the whole process, so that statements hold no text of anybody's.
fn columns_of(kind: Kind, members: &Map<String, Value>) -> Vec<&'static str> {
    use std::collections::HashMap;
    use std::sync::{PoisonError, RwLock};
    static KNOWN: RwLock<Option<HashMap<Kind, Vec<&'static str>>>> = RwLock::new(None);
    let known =
        KNOWN.read().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|known| known.get(&kind).cloned());
    if let Some(columns) = known {
        return columns;
    }
    // Members are those of a structure of ours: as many as it has, whatever anybody sends.
    let columns: Vec<&'static str> = members.keys().map(|name| &*Box::leak(name.clone().into_boxed_str())).collect();
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.get_or_insert_default().entry(kind).or_insert(columns).clone()
}

/// Every state that an entry of the open record was in, the latest first.
pub fn versions<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    kind: Kind,
    id: EntryId,
) -> Result<Vec<Past>, StoreError> {
    let table: &'static str = kind.into();
    let query = shown(statement("SELECT * FROM ("), kind)
        .then(", x.updated_at AS valid_from, NULL::timestamptz AS valid_to, NULL AS changed_by, NULL AS reason FROM ")
        .then(table)
        .then(" x WHERE x.id = ? AND x.patient_id = ANY (?) UNION ALL ")
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<Array<SqlUuid>, _>(access.rows());
    let rows: Vec<PastRow> = shown(query, kind)
        .then(
            ", row_history.valid_from, row_history.valid_to, row_history.changed_by, row_history.reason \
             FROM row_history CROSS JOIN LATERAL jsonb_populate_record(NULL::",
        )
        .then(table)
        .then(", row_history.before) x WHERE row_history.entity = '")
        .then(table)
        .then("' AND row_history.entity_id = ? AND row_history.patient_id = ANY (?)) states ORDER BY version DESC LIMIT 1000")
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

/// What a timeline shows beside entries: the kind's name, so that readers can tell them apart.
pub const SUBMISSION: &str = "submission";

/// One line of a timeline.
#[derive(Clone, Debug)]
pub struct Line {
    /// A [`Kind`]'s name, or [`SUBMISSION`].
    pub kind: String,
    /// The id of the entry or submission.
    pub id: Uuid,
    /// The day it happened or began.
    pub day: Date,
    /// Counts changes.
    pub version: i64,
    /// All its members, as JSON.
    pub json: String,
}

/// Everything about the patient whose record is open, the latest first: entries of every kind and answered
/// questionnaires, now or at an instant. One round trip, one more where free text must be unsealed.
pub fn timeline<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    as_of: Option<Timestamp>,
    after: Option<(Date, Uuid)>,
    limit: i64,
) -> Result<Listing<Line>, StoreError> {
    let rows = access.rows();
    let mut query = statement("SELECT * FROM (");
    for (number, kind) in Kind::iter().enumerate() {
        query = query.then(if number > 0 { " UNION ALL " } else { "" });
        query = source(shown(query, kind), kind, Some(&rows), as_of);
    }
    // Whoever may not read answers sees the course without them.
    if tx.may(Action::ReadAnswers) {
        query = query
        .then(
            " UNION ALL SELECT 'submission' AS kind, x.id, x.patient_id, (x.submitted_at AT TIME ZONE 'Europe/Oslo')::date AS day, \
             x.revision::bigint AS version, x.received_at AS updated_at, json_build_object('id', x.id, 'form', x.form, \
             'form_version', x.form_version, 'wave', x.wave, 'answered_by', x.answered_by, 'submitted_at', \
             x.submitted_at, 'received_at', x.received_at, 'revision', x.revision)::text AS json FROM submission x \
             WHERE x.patient_id = ANY (?) AND x.received_at <= ? AND NOT EXISTS (SELECT FROM submission later \
             WHERE later.supersedes = x.id AND later.received_at <= ?)",
        )
        .bind::<Array<SqlUuid>, _>(rows)
        .bind::<Timestamptz, _>(comparable(as_of.unwrap_or(Timestamp::MAX)))
        .bind::<Timestamptz, _>(comparable(as_of.unwrap_or(Timestamp::MAX)));
    }
    query = query.then(") lines");
    if let Some((day, id)) = after {
        query = query.then(" WHERE (day, id) < (?, ?)").bind::<SqlDate, _>(day.to_diesel()).bind::<SqlUuid, _>(id);
    }
    let rows: Vec<EntryRow> =
        query.then(" ORDER BY day DESC, id DESC LIMIT ?").bind::<BigInt, _>(limit + 1).load(tx.conn)?;
    let rows = Listing::cut(rows, limit);
    let keys = keys_of(tx, &rows.items)?;
    let line = |row: EntryRow| {
        let (kind, id, day, version) = (row.kind.clone(), row.id, row.day.to_jiff(), row.version);
        let json = unsealed(tx.place(), &keys, row)?;
        Ok(Line { kind, id, day, version, json })
    };
    Ok(Listing { items: rows.items.into_iter().map(line).collect::<Result<_, StoreError>>()?, more: rows.more })
}

/// The whole record at an instant, entry by entry, to be compared with another.
pub fn state_at<'t>(tx: &mut Tx<'t>, access: &PatientAccess<'t>, at: Timestamp) -> Result<State, StoreError> {
    let rows = access.rows();
    let mut query = statement("");
    for (number, kind) in Kind::iter().enumerate() {
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

fn opened_one(tx: &mut Tx<'_>, row: EntryRow) -> Result<Stored, StoreError> {
    let keys = keys_of(tx, std::iter::once(&row))?;
    stored(tx.place(), &keys, row)
}

fn opened(tx: &mut Tx<'_>, rows: Vec<EntryRow>) -> Result<Vec<Stored>, StoreError> {
    let keys = keys_of(tx, &rows)?;
    rows.into_iter().map(|row| stored(tx.place(), &keys, row)).collect()
}

fn stored(place: &TenantDatabase, keys: &[(Uuid, Key)], row: EntryRow) -> Result<Stored, StoreError> {
    let kind: Kind = row.kind.parse().map_err(|_| StoreError::NotFound)?;
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
    row.kind.parse().is_ok_and(|kind: Kind| !kind.row().free_text.is_empty())
}

/// The keys of those patients whose rows hold free text.
fn keys_of<'r>(tx: &mut Tx<'_>, rows: impl IntoIterator<Item = &'r EntryRow>) -> Result<Vec<(Uuid, Key)>, StoreError> {
    let mut owners: Vec<Uuid> = rows.into_iter().filter(|row| holds_free_text(row)).map(|row| row.patient_id).collect();
    owners.sort_unstable();
    owners.dedup();
    if owners.is_empty() { Ok(Vec::new()) } else { patients::keys(tx, &owners) }
}

/// Takes free text out of the members and puts it, sealed, into the row's one sealed column.
fn seal(
    tx: &mut Tx<'_>,
    kind: Kind,
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
        format!("\\x{}", hex(&key.seal(&plain, &sealed_place(tx.place(), kind, id)))).into()
    };
    members.insert("sealed".to_owned(), sealed);
    Ok(())
}

/// The members as they were before [`seal`].
fn unsealed(place: &TenantDatabase, keys: &[(Uuid, Key)], row: EntryRow) -> Result<String, StoreError> {
    if !holds_free_text(&row) {
        return Ok(row.json);
    }
    let kind: Kind = row.kind.parse().map_err(|_| StoreError::NotFound)?;
    let mut members: Map<String, Value> = serde_json::from_str(&row.json).map_err(unreadable)?;
    let sealed = members.remove("sealed");
    for name in kind.row().free_text {
        members.insert((*name).to_owned(), Value::Null);
    }
    if let Some(bytes) = sealed.as_ref().and_then(Value::as_str).and_then(|text| unhex(text.strip_prefix("\\x")?)) {
        let (_, key) = keys.iter().find(|(owner, _)| *owner == row.patient_id).ok_or(StoreError::NotFound)?;
        let plain = key.open(&bytes, &sealed_place(place, kind, EntryId::existing(row.id)))?;
        let texts: Map<String, Value> = serde_json::from_slice(&plain).map_err(unreadable)?;
        members.extend(texts);
    }
    serde_json::to_string(&members).map_err(unreadable)
}

fn sealed_place(place: &TenantDatabase, kind: Kind, id: EntryId) -> [Vec<u8>; 4] {
    let table: &'static str = kind.into();
    [place.id.clone(), table.as_bytes().to_vec(), b"sealed".to_vec(), id.uuid().into_bytes().to_vec()]
}
