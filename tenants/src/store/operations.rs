//! Long operations: what was requested, how far it is, how it ended.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::ids::OperationId;
use painreg_domain::operation::{Failure, Kind, State, retry_at};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{StoreError, unreadable};
use crate::statement::{Statement, statement};
use crate::store::Listing;
use crate::tx::{Tx, UnauditedTx};

/// One long operation.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// The kind of work.
    pub kind: Kind,
    /// Its state.
    pub state: State,
    /// The parameters of the request, in the terms of the kind.
    pub input: Value,
    /// Where the next stretch begins, in the terms of the kind; `None` at the beginning.
    pub position: Option<Value>,
    /// How many items are done.
    pub done: i64,
    /// How many items there are; `None` until the first stretch has counted them.
    pub total: Option<i64>,
    /// The result so far, in the terms of the kind; complete once the operation has succeeded.
    pub result: Option<Value>,
    /// Why the operation was given up.
    pub failure: Option<Failure>,
    /// How often the next stretch has failed.
    pub attempts: u32,
    /// The actor who requested it, as in the access log.
    pub requested_by: String,
    /// When it was requested.
    pub created_at: Timestamp,
    /// When its first stretch was attempted.
    pub started_at: Option<Timestamp>,
    /// When it ended, however it ended.
    pub finished_at: Option<Timestamp>,
    /// Its version.
    pub version: i64,
}

/// One stretch of an operation, done.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// How many items are done, all stretches together.
    pub done: i64,
    /// How many items there are.
    pub total: i64,
    /// Where the next stretch begins; `None` when everything is done.
    pub next: Option<Value>,
    /// The result so far.
    pub result: Value,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Jsonb)]
    input: Value,
    #[diesel(sql_type = Nullable<Jsonb>)]
    position: Option<Value>,
    #[diesel(sql_type = BigInt)]
    done: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    total: Option<i64>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    result: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    failure: Option<String>,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Text)]
    requested_by: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    started_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    finished_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

impl TryFrom<Row> for Operation {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: OperationId::existing(row.id),
            kind: row.kind.parse().map_err(unreadable)?,
            state: row.state.parse().map_err(unreadable)?,
            input: row.input,
            position: row.position,
            done: row.done,
            total: row.total,
            result: row.result,
            failure: row.failure.map(|text| text.parse().map_err(unreadable)).transpose()?,
            attempts: u32::try_from(row.attempts).map_err(unreadable)?,
            requested_by: row.requested_by,
            created_at: row.created_at.to_jiff(),
            started_at: row.started_at.map(jiff_diesel::Timestamp::to_jiff),
            finished_at: row.finished_at.map(jiff_diesel::Timestamp::to_jiff),
            version: row.version,
        })
    }
}

fn select<'a>() -> Statement<'a> {
    statement(
        "SELECT id, kind, state, input, position, done, total, result, failure, attempts, requested_by, created_at, \
         started_at, finished_at, version FROM operation WHERE ",
    )
}

/// Queues an operation; the worker takes it within seconds of the commit.
pub fn queue(tx: &mut Tx<'_>, kind: Kind, input: &Value) -> Result<Operation, StoreError> {
    let id = OperationId::existing(tx.ordered_id());
    let (kind, queued): (&'static str, &'static str) = (kind.into(), State::Queued.into());
    let now = tx.now();
    tx.about(format!("operation/{id}"));
    statement(
        "INSERT INTO operation (id, kind, state, input, done, attempts, next_at, requested_by, created_at, updated_at, \
         updated_by, version) VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?, 1)",
    )
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<Text, _>(kind)
    .bind::<Text, _>(queued)
    .bind::<Jsonb, _>(input)
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Text, _>(tx.principal().actor.clone())
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Text, _>(tx.trace.action())
    .execute(tx.conn)?;
    find(tx, id)
}

/// Returns one operation.
pub fn find(tx: &mut Tx<'_>, id: OperationId) -> Result<Operation, StoreError> {
    tx.about(format!("operation/{id}"));
    let row: Row = select().then("id = ?").bind::<SqlUuid, _>(id.uuid()).get_result(tx.conn)?;
    row.try_into()
}

/// Returns operations, the newest first, after `after`.
pub fn list(
    tx: &mut Tx<'_>,
    state: Option<State>,
    after: Option<(Timestamp, OperationId)>,
    limit: i64,
) -> Result<Listing<Operation>, StoreError> {
    let mut query = select().then("true");
    if let Some(state) = state {
        let state: &'static str = state.into();
        query = query.then(" AND state = ?").bind::<Text, _>(state);
    }
    if let Some((at, id)) = after {
        query = query
            .then(" AND (created_at, id) < (?, ?)")
            .bind::<Timestamptz, _>(at.to_diesel())
            .bind::<SqlUuid, _>(id.uuid());
    }
    let rows: Vec<Row> =
        query.then(" ORDER BY created_at DESC, id DESC LIMIT ?").bind::<BigInt, _>(limit + 1).load(tx.conn)?;
    Ok(Listing::cut(rows.into_iter().map(Operation::try_from).collect::<Result<_, _>>()?, limit))
}

/// Cancels an operation that has not ended. The stretches done before are kept.
pub fn cancel(tx: &mut Tx<'_>, id: OperationId, version: i64) -> Result<Operation, StoreError> {
    let found = locked(tx, id, "FOR UPDATE")?.ok_or(StoreError::NotFound)?;
    if found.version != version {
        return Err(StoreError::Stale);
    }
    if found.state.is_finished() {
        return Err(StoreError::WrongState);
    }
    end(tx, id, State::Cancelled)?;
    find(tx, id)
}

fn end(tx: &mut Tx<'_>, id: OperationId, state: State) -> Result<(), StoreError> {
    let state: &'static str = state.into();
    let now = tx.now();
    statement(
        "UPDATE operation SET state = ?, next_at = NULL, finished_at = ?, updated_at = ?, updated_by = ?, \
         version = version + 1 WHERE id = ?",
    )
    .bind::<Text, _>(state)
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Text, _>(tx.trace.action())
    .bind::<SqlUuid, _>(id.uuid())
    .execute(tx.conn)?;
    Ok(())
}

fn locked(tx: &mut Tx<'_>, id: OperationId, lock: &'static str) -> Result<Option<Operation>, StoreError> {
    tx.about(format!("operation/{id}"));
    let row: Option<Row> =
        select().then("id = ? ").bind::<SqlUuid, _>(id.uuid()).then(lock).get_result(tx.conn).optional()?;
    row.map(Operation::try_from).transpose()
}

/// Returns whether an operation is due.
pub fn is_waiting(tx: &mut UnauditedTx<'_>) -> Result<bool, StoreError> {
    next_due(tx).map(|due| due.is_some())
}

/// Returns the operation that has been due the longest.
pub fn next_due(tx: &mut UnauditedTx<'_>) -> Result<Option<(OperationId, Kind)>, StoreError> {
    #[derive(QueryableByName)]
    struct DueRow {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Text)]
        kind: String,
    }
    let row: Option<DueRow> =
        statement("SELECT id, kind FROM operation WHERE next_at <= ? ORDER BY next_at, id LIMIT 1")
            .bind::<Timestamptz, _>(tx.now.to_diesel())
            .get_result(tx.conn)
            .optional()?;
    row.map(|row| Ok((OperationId::existing(row.id), row.kind.parse().map_err(unreadable)?))).transpose()
}

/// Returns the operation if it is still due and no other worker holds it; it stays locked until the transaction ends.
pub(crate) fn take(tx: &mut Tx<'_>, id: OperationId) -> Result<Option<Operation>, StoreError> {
    let found = locked(tx, id, "FOR UPDATE SKIP LOCKED")?;
    Ok(found.filter(|operation| !operation.state.is_finished()))
}

/// Stores a stretch that is done.
pub(crate) fn advance(tx: &mut Tx<'_>, id: OperationId, stretch: &Stretch) -> Result<(), StoreError> {
    let now = tx.now();
    let running: &'static str = State::Running.into();
    statement(
        "UPDATE operation SET state = ?, position = ?, done = ?, total = ?, result = ?, attempts = 0, next_at = ?, \
         started_at = coalesce(started_at, ?), updated_at = ?, updated_by = ?, version = version + 1 WHERE id = ?",
    )
    .bind::<Text, _>(running)
    .bind::<Nullable<Jsonb>, _>(&stretch.next)
    .bind::<BigInt, _>(stretch.done)
    .bind::<BigInt, _>(stretch.total.max(stretch.done))
    .bind::<Jsonb, _>(&stretch.result)
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Text, _>(tx.trace.action())
    .bind::<SqlUuid, _>(id.uuid())
    .execute(tx.conn)?;
    if stretch.next.is_none() { end(tx, id, State::Succeeded) } else { Ok(()) }
}

/// Stores that a stretch failed: it is attempted again later, or the operation is given up.
pub(crate) fn record_failure(tx: &mut Tx<'_>, id: OperationId, is_final: bool) -> Result<(), StoreError> {
    let Some(found) = take(tx, id)? else { return Ok(()) };
    let now = tx.now();
    let attempts = found.attempts.saturating_add(1);
    let next_at = retry_at(now, attempts).filter(|_| !is_final);
    let failure = if is_final { Failure::NoLongerValid } else { Failure::AttemptsExhausted };
    let (state, failure): (&'static str, Option<&'static str>) = match next_at {
        Some(_) => (State::Running.into(), None),
        None => (State::Failed.into(), Some(failure.into())),
    };
    statement(
        "UPDATE operation SET state = ?, failure = ?, attempts = ?, next_at = ?, started_at = coalesce(started_at, ?), \
         finished_at = CASE WHEN ? THEN NULL ELSE ?::timestamptz END, updated_at = ?, updated_by = ?, \
         version = version + 1 WHERE id = ?",
    )
    .bind::<Text, _>(state)
    .bind::<Nullable<Text>, _>(failure)
    .bind::<Integer, _>(i32::try_from(attempts).unwrap_or(i32::MAX))
    .bind::<Nullable<Timestamptz>, _>(next_at.map(jiff_diesel::ToDiesel::to_diesel))
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Bool, _>(next_at.is_some())
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Text, _>(tx.trace.action())
    .bind::<SqlUuid, _>(id.uuid())
    .execute(tx.conn)?;
    Ok(())
}
