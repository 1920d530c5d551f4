//! Long operations: their requests, progress and results.

use diesel::prelude::*;
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::ids::OperationId;
use painreg_domain::operation::{Failure, OperationKind, OperationState, retry_at};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{StoreError, unreadable};
use crate::schema::tenant::operation;
use crate::store::{Listing, parse_stored, version};
use crate::tx::{Tx, UnauditedTx};

/// One long operation.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The id of the operation.
    pub id: OperationId,
    /// The kind of work.
    pub kind: OperationKind,
    /// The state of the operation.
    pub state: OperationState,
    /// The parameters of the request, in the terms of the kind.
    pub input: Value,
    /// The start of the next stretch, in the terms of the kind; `None` before the first.
    pub position: Option<Value>,
    /// The number of items done.
    pub done: i64,
    /// The number of items; `None` until the first stretch has counted them.
    pub total: Option<i64>,
    /// The result so far, in the terms of the kind; complete once the operation has succeeded.
    pub result: Option<Value>,
    /// The reason of failure, in state failed only.
    pub failure: Option<Failure>,
    /// The number of failed attempts of the next stretch.
    pub attempts: u32,
    /// The actor who requested it, as shown in the access log.
    pub requested_by: String,
    /// The instant of the request.
    pub created_at: Timestamp,
    /// The instant of the first attempt.
    pub started_at: Option<Timestamp>,
    /// The instant of success, failure or cancellation.
    pub finished_at: Option<Timestamp>,
    /// The version, from 1; every change adds 1.
    pub version: i64,
}

/// The result of one stretch of an operation.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// The number of items done by all stretches so far.
    pub done: i64,
    /// The number of items.
    pub total: i64,
    /// The start of the next stretch; `None` when every item is done.
    pub next: Option<Value>,
    /// The result of all stretches so far.
    pub result: Value,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = operation)]
struct Row {
    id: Uuid,
    kind: String,
    state: String,
    input: Value,
    position: Option<Value>,
    done: i64,
    total: Option<i64>,
    result: Option<Value>,
    failure: Option<String>,
    attempts: i32,
    requested_by: String,
    created_at: jiff_diesel::Timestamp,
    started_at: Option<jiff_diesel::Timestamp>,
    finished_at: Option<jiff_diesel::Timestamp>,
    version: i64,
}

impl TryFrom<Row> for Operation {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: OperationId::existing(row.id),
            kind: parse_stored(&row.kind)?,
            state: parse_stored(&row.state)?,
            input: row.input,
            position: row.position,
            done: row.done,
            total: row.total,
            result: row.result,
            failure: row.failure.as_deref().map(parse_stored).transpose()?,
            attempts: u32::try_from(row.attempts).map_err(unreadable)?,
            requested_by: row.requested_by,
            created_at: row.created_at.to_jiff(),
            started_at: row.started_at.map(jiff_diesel::Timestamp::to_jiff),
            finished_at: row.finished_at.map(jiff_diesel::Timestamp::to_jiff),
            version: row.version,
        })
    }
}

/// Queues an operation; the worker claims it within seconds of the commit.
pub fn queue(tx: &mut Tx<'_>, kind: OperationKind, input: &Value) -> Result<Operation, StoreError> {
    let id = OperationId::existing(tx.ordered_id());
    let now = tx.now().to_diesel();
    tx.about(format!("operation/{id}"));
    let row: Row = diesel::insert_into(operation::table)
        .values((
            operation::id.eq(id.uuid()),
            operation::kind.eq(<&'static str>::from(kind)),
            operation::state.eq(<&'static str>::from(OperationState::Queued)),
            operation::input.eq(input),
            operation::done.eq(0),
            operation::attempts.eq(0),
            operation::next_at.eq(now),
            operation::requested_by.eq(&tx.principal().actor),
            operation::created_at.eq(now),
            operation::updated_at.eq(now),
            operation::updated_by.eq(tx.trace.action()),
            operation::version.eq(1),
        ))
        .returning(Row::as_returning())
        .get_result(tx.conn)?;
    row.try_into()
}

/// Returns one operation.
pub fn find(tx: &mut Tx<'_>, id: OperationId) -> Result<Operation, StoreError> {
    tx.about(format!("operation/{id}"));
    let row: Row = operation::table.find(id.uuid()).select(Row::as_select()).first(tx.conn)?;
    row.try_into()
}

/// Returns operations, newest first, after `after`.
pub fn list(
    tx: &mut Tx<'_>,
    state: Option<OperationState>,
    after: Option<(Timestamp, OperationId)>,
    limit: i64,
) -> Result<Listing<Operation>, StoreError> {
    let mut query = operation::table
        .order((operation::created_at.desc(), operation::id.desc()))
        .select(Row::as_select())
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(operation::state.eq(<&'static str>::from(state)));
    }
    if let Some((at, id)) = after {
        let at = at.to_diesel();
        query = query
            .filter(operation::created_at.le(at))
            .filter(operation::created_at.lt(at).or(operation::id.lt(id.uuid())));
    }
    Listing::load(tx.conn, query, limit)?.try_map(|row: Row| row.try_into())
}

/// Cancels an operation that has not ended. The stretches done before are kept.
pub fn cancel(tx: &mut Tx<'_>, id: OperationId, version: i64) -> Result<Operation, StoreError> {
    tx.about(format!("operation/{id}"));
    let row: Row = operation::table.find(id.uuid()).select(Row::as_select()).for_update().first(tx.conn)?;
    let found = Operation::try_from(row)?;
    version::expect(found.version, version)?;
    if found.state.is_finished() {
        return Err(StoreError::WrongState);
    }
    end(tx, id, OperationState::Cancelled)?;
    find(tx, id)
}

fn end(tx: &mut Tx<'_>, id: OperationId, state: OperationState) -> Result<(), StoreError> {
    let now = tx.now().to_diesel();
    diesel::update(operation::table.find(id.uuid()))
        .set((
            operation::state.eq(<&'static str>::from(state)),
            operation::next_at.eq(None::<jiff_diesel::Timestamp>),
            operation::finished_at.eq(now),
            operation::updated_at.eq(now),
            operation::updated_by.eq(tx.trace.action()),
            operation::version.eq(operation::version + 1),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Returns whether an operation is due.
pub fn is_waiting(tx: &mut UnauditedTx<'_>) -> Result<bool, StoreError> {
    next_due(tx).map(|due| due.is_some())
}

/// Returns the operation that has been due the longest.
pub fn next_due(tx: &mut UnauditedTx<'_>) -> Result<Option<(OperationId, OperationKind)>, StoreError> {
    let due: Option<(Uuid, String)> = operation::table
        .filter(operation::next_at.le(tx.now.to_diesel()))
        .order((operation::next_at, operation::id))
        .select((operation::id, operation::kind))
        .first(tx.conn)
        .optional()?;
    due.map(|(id, kind)| Ok((OperationId::existing(id), parse_stored(&kind)?))).transpose()
}

/// Returns the operation if it has not ended and no other worker holds it. The row is locked until the transaction ends.
pub(crate) fn take(tx: &mut Tx<'_>, id: OperationId) -> Result<Option<Operation>, StoreError> {
    tx.about(format!("operation/{id}"));
    let row: Option<Row> = operation::table
        .find(id.uuid())
        .select(Row::as_select())
        .for_update()
        .skip_locked()
        .first(tx.conn)
        .optional()?;
    let found = row.map(Operation::try_from).transpose()?;
    Ok(found.filter(|operation| !operation.state.is_finished()))
}

/// Stores a stretch of an operation that this transaction has taken.
pub(crate) fn advance(tx: &mut Tx<'_>, taken: &Operation, stretch: &Stretch) -> Result<(), StoreError> {
    let now = tx.now();
    diesel::update(operation::table.find(taken.id.uuid()))
        .set((
            operation::state.eq(<&'static str>::from(OperationState::Running)),
            operation::position.eq(&stretch.next),
            operation::done.eq(stretch.done),
            operation::total.eq(stretch.total.max(stretch.done)),
            operation::result.eq(&stretch.result),
            operation::attempts.eq(0),
            operation::next_at.eq(now.to_diesel()),
            operation::started_at.eq(taken.started_at.unwrap_or(now).to_diesel()),
            operation::updated_at.eq(now.to_diesel()),
            operation::updated_by.eq(tx.trace.action()),
            operation::version.eq(operation::version + 1),
        ))
        .execute(tx.conn)?;
    if stretch.next.is_none() { end(tx, taken.id, OperationState::Succeeded) } else { Ok(()) }
}

/// Stores that a stretch failed: the operation is retried later, or it has failed for good.
pub(crate) fn record_failure(tx: &mut Tx<'_>, id: OperationId, is_final: bool) -> Result<(), StoreError> {
    let Some(found) = take(tx, id)? else { return Ok(()) };
    let now = tx.now();
    let attempts = found.attempts.saturating_add(1);
    let next_at = retry_at(now, attempts).filter(|_| !is_final);
    let failure = if is_final { Failure::NoLongerValid } else { Failure::AttemptsExhausted };
    let (state, failure): (&'static str, Option<&'static str>) = match next_at {
        Some(_) => (OperationState::Running.into(), None),
        None => (OperationState::Failed.into(), Some(failure.into())),
    };
    let finished_at = if next_at.is_some() { None } else { Some(now) };
    diesel::update(operation::table.find(id.uuid()))
        .set((
            operation::state.eq(state),
            operation::failure.eq(failure),
            operation::attempts.eq(i32::try_from(attempts).unwrap_or(i32::MAX)),
            operation::next_at.eq(next_at.map(jiff_diesel::ToDiesel::to_diesel)),
            operation::started_at.eq(found.started_at.unwrap_or(now).to_diesel()),
            operation::finished_at.eq(finished_at.map(jiff_diesel::ToDiesel::to_diesel)),
            operation::updated_at.eq(now.to_diesel()),
            operation::updated_by.eq(tx.trace.action()),
            operation::version.eq(operation::version + 1),
        ))
        .execute(tx.conn)?;
    Ok(())
}
