//! The sweep: deciding the follow-up of every patient again, because the plan or a list changed or because a day has come.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date as SqlDate, Nullable, SmallInt, Uuid as SqlUuid};
use jiff_diesel::ToDiesel as _;
use painreg_domain::calendar::norwegian_day;
use uuid::Uuid;

use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::store::{decisions, invitations};
use crate::tx::{Tx, UnauditedTx};

/// The number of patients who are decided in one transaction.
const BATCH: i64 = 500;
/// SQL for the lane of an id: one of four, by its last two bits.
const LANE: &str = "get_byte(uuid_send(id), 15) & 3";

/// The result of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The number of patients who were decided.
    pub decided: usize,
    /// The number of decisions that changed.
    pub changed: usize,
    /// Whether there is more to do.
    pub more: bool,
}

/// A quarter of the patients, by their ids, and the position up to which they have been decided.
#[derive(QueryableByName)]
struct Lane {
    #[diesel(sql_type = SmallInt)]
    number: i16,
    #[diesel(sql_type = BigInt)]
    done: i64,
    #[diesel(sql_type = BigInt)]
    doing: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    last_id: Option<Uuid>,
    #[diesel(sql_type = BigInt)]
    generation: i64,
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Decides about the next patients whose decisions may be stale: all patients where the plan or a list has changed, else
/// those whose review day has come. Concurrent workers take different lanes.
pub fn step(tx: &mut Tx<'_>) -> Result<Step, StoreError> {
    tx.about("follow_up_sweep".to_owned());
    tx.as_system(|tx| {
        while let Some(lane) = lane(tx)? {
            let step = if lane.done < lane.generation { swept(tx, &lane) } else { reviewed(tx, &lane) }?;
            // A transaction locks one batch of patients; an empty lane locks none.
            if step.decided > 0 || !step.more {
                return Ok(step);
            }
        }
        Ok(Step::default())
    })
}

/// Locks the lane with the most work until the transaction ends.
fn lane(tx: &mut Tx<'_>) -> Result<Option<Lane>, StoreError> {
    statement(
        "SELECT lane AS number, done, doing, last_id, value AS generation FROM follow_up_sweep, config_generation \
         WHERE done < value OR lane = 0 \
         OR EXISTS (SELECT FROM (SELECT patient_id AS id FROM decision WHERE review_on <= ?) AS due WHERE ",
    )
    .then(LANE)
    .then(" = lane) ORDER BY done >= value, lane DESC LIMIT 1 FOR UPDATE OF follow_up_sweep SKIP LOCKED")
    .bind::<SqlDate, _>(tx.today().to_diesel())
    .get_result(tx.conn)
    .optional()
    .map_err(StoreError::from)
}

/// Returns whether [`step`] has work to do. Leaves no trace.
pub fn is_waiting(tx: &mut UnauditedTx<'_>) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct WaitingRow {
        #[diesel(sql_type = Bool)]
        waiting: bool,
    }
    let row: WaitingRow = statement(
        "SELECT EXISTS (SELECT FROM follow_up_sweep, config_generation WHERE done < value) \
         OR EXISTS (SELECT FROM decision WHERE review_on <= ?) AS waiting",
    )
    .bind::<SqlDate, _>(norwegian_day(tx.now).to_diesel())
    .get_result(tx.conn)?;
    Ok(row.waiting || invitations::is_any_expired(tx.conn, tx.now)?)
}

fn swept(tx: &mut Tx<'_>, lane: &Lane) -> Result<Step, StoreError> {
    let after = lane.last_id.filter(|_| lane.doing == lane.generation);
    let next = statement("SELECT id FROM patient WHERE merged_into IS NULL AND id > ? AND ")
        .bind::<SqlUuid, _>(after.unwrap_or_default())
        .then(LANE)
        .then(" = ? ORDER BY id LIMIT ?")
        .bind::<SmallInt, _>(lane.number)
        .bind::<BigInt, _>(BATCH);
    let next = ids(tx, next)?;
    let step = decided(tx, &next)?;
    let last = next.last().copied().filter(|_| step.more);
    statement("UPDATE follow_up_sweep SET doing = ?, last_id = ?, done = ? WHERE lane = ?")
        .bind::<BigInt, _>(lane.generation)
        .bind::<Nullable<SqlUuid>, _>(last)
        .bind::<BigInt, _>(if step.more { lane.done } else { lane.generation })
        .bind::<SmallInt, _>(lane.number)
        .execute(tx.conn)?;
    // Other lanes and reviews may be waiting.
    Ok(Step { more: true, ..step })
}

fn reviewed(tx: &mut Tx<'_>, lane: &Lane) -> Result<Step, StoreError> {
    // Patients whose invitations expire are decided again before COMMIT. One lane expires leases for all.
    let expired = if lane.number == 0 { invitations::expire_leases(tx)? } else { 0 };
    if expired > 0 {
        return Ok(Step { decided: expired, changed: expired, more: true });
    }
    let due =
        statement("SELECT DISTINCT id FROM (SELECT patient_id AS id FROM decision WHERE review_on <= ?) AS due WHERE ")
            .bind::<SqlDate, _>(tx.today().to_diesel())
            .then(LANE)
            .then(" = ? LIMIT ?")
            .bind::<SmallInt, _>(lane.number)
            .bind::<BigInt, _>(BATCH);
    let due = ids(tx, due)?;
    let step = decided(tx, &due)?;
    if step.changed == 0 && step.decided > 0 {
        tracing::error!(tenant = tx.slug(), patients = step.decided, "review changed no decision");
    }
    Ok(Step { more: step.changed > 0, ..step })
}

fn ids(tx: &mut Tx<'_>, query: Statement<'_>) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<IdRow> = query.load(tx.conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

fn decided(tx: &mut Tx<'_>, patients: &[Uuid]) -> Result<Step, StoreError> {
    if patients.is_empty() {
        return Ok(Step::default());
    }
    let locked = decisions::lock(tx, patients)?;
    let changed = decisions::redecide(tx, &locked)?.iter().map(|decided| decided.changed).sum();
    let more = i64::try_from(patients.len()).is_ok_and(|count| count == BATCH);
    Ok(Step { decided: patients.len(), changed, more })
}
