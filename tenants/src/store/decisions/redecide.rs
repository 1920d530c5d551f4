//! Deciding the follow-up of patients again, from current facts.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use jiff::Timestamp;
use painreg_domain::event;
use painreg_domain::followup::{Decision, Facts, Plan, decide};
use uuid::Uuid;

use super::lock::{Locked, lock};
use super::stored::{Content, Stored};
use super::write::Changes;
use crate::error::{StoreError, unreadable};
use crate::statement::statement;
use crate::store::plans;
use crate::tx::Tx;

/// The decisions about one patient.
pub(crate) struct Decided {
    /// The patient: of a merged record the survivor.
    pub(crate) patient: Uuid,
    /// The plan that was applied.
    pub(crate) plan: Arc<Plan>,
    /// The stored decisions, each with the result of the plan.
    pub(crate) decisions: Vec<(Stored, Decision)>,
    /// The instant of the last change of contact data.
    pub(crate) contact_changed_at: Option<Timestamp>,
    /// The number of decisions that changed.
    pub(crate) changed: usize,
}

#[derive(QueryableByName)]
struct RecordRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    generation: i64,
    #[diesel(sql_type = Text)]
    facts: String,
    #[diesel(sql_type = Text)]
    decisions: String,
    #[diesel(sql_type = Text)]
    owners: String,
}

/// One patient's facts, the decisions stored so far, and the patient row that owns each entry.
pub(super) struct Record {
    pub(super) patient: Uuid,
    pub(super) facts: Facts,
    pub(super) before: Vec<Stored>,
    owners: HashMap<Uuid, Uuid>,
}

/// Reads the facts and the stored decisions of patients, with those of their merged duplicates, in one statement.
const RECORDS: &str = include_str!("records.sql");

/// Decides again about the patients whose facts this transaction has changed.
pub(crate) fn redecide_stale(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let stale = tx.take_stale();
    if stale.is_empty() {
        return Ok(());
    }
    tx.as_system(|tx| {
        let locked = lock(tx, &stale)?;
        redecide(tx, &locked).map(drop)
    })
}

/// Decides about these patients from current facts and stores what changed: one round trip, up to four where something is
/// new, changed or gone. Inside [`Tx::as_system`].
pub(crate) fn redecide<'t>(tx: &mut Tx<'t>, locked: &Locked<'t>) -> Result<Vec<Decided>, StoreError> {
    let (plan, records) = records(tx, Some(locked.patients()), None, None)?;
    if !records.iter().all(|record| locked.patients().contains(&record.patient)) {
        // A patient was merged after the lock had been requested: the survivor must be locked instead.
        let locked = lock(tx, locked.patients())?;
        return redecide(tx, &locked);
    }
    let Some(plan) = plan else { return Ok(Vec::new()) };
    let mut changes = Changes::default();
    let decided: Vec<Decided> = records.into_iter().map(|record| decided(tx, &plan, record, &mut changes)).collect();
    changes.store(tx)?;
    // One event a patient, however many decisions: a new plan decides every patient again.
    for changed in decided.iter().filter(|decided| decided.changed > 0) {
        tx.emit(event::EventType::DecisionChanged, Some(changed.patient), format!("patient/{}", changed.patient), None);
    }
    Ok(decided)
}

/// Returns the plan in force and the records of these patients, or of the `limit` patients after an id.
pub(super) fn records(
    tx: &mut Tx<'_>,
    patients: Option<&[Uuid]>,
    after: Option<Uuid>,
    limit: Option<i64>,
) -> Result<(Option<Arc<Plan>>, Vec<Record>), StoreError> {
    let rows: Vec<RecordRow> = match patients {
        Some(patients) => statement(
            "WITH root AS MATERIALIZED (SELECT DISTINCT coalesce(merged_into, id) AS id FROM patient WHERE id = ANY (?)) ",
        )
        .bind::<Array<SqlUuid>, _>(patients.to_vec()),
        None => statement(
            "WITH root AS MATERIALIZED (SELECT id FROM patient WHERE merged_into IS NULL AND id > ? ORDER BY id LIMIT ?) ",
        )
        .bind::<SqlUuid, _>(after.unwrap_or_default())
        .bind::<BigInt, _>(limit.unwrap_or(0)),
    }
    .then(RECORDS)
    .load(tx.conn)?;
    let Some(generation) = rows.first().map(|row| row.generation) else { return Ok((None, Vec::new())) };
    let plan = plans::in_force(tx, generation)?;
    let record = |row: RecordRow| {
        Ok(Record {
            patient: row.id,
            facts: serde_json::from_str(&row.facts).map_err(unreadable)?,
            before: serde_json::from_str(&row.decisions).map_err(unreadable)?,
            owners: serde_json::from_str(&row.owners).map_err(unreadable)?,
        })
    };
    Ok((plan, rows.into_iter().map(record).collect::<Result<_, StoreError>>()?))
}

fn decided(tx: &Tx<'_>, plan: &Arc<Plan>, record: Record, changes: &mut Changes) -> Decided {
    let Record { patient, facts, mut before, owners } = record;
    let now = tx.now();
    let outcome = decide(plan, &facts, now);
    let mut count = 0;
    let mut decisions = Vec::with_capacity(outcome.decisions.len());
    for decision in outcome.decisions {
        let content = Content::from(&decision);
        let owner = owners.get(&content.start_id).copied().unwrap_or(patient);
        // Each of two merged records may have a decision of the same occurrence: the survivor's is kept.
        let same = |it: &Stored| it.content.key() == content.key();
        let place =
            before.iter().position(|it| same(it) && it.patient_id == owner).or_else(|| before.iter().position(same));
        let stored = match place.map(|place| before.swap_remove(place)) {
            Some(old) if old.content == content => old,
            Some(old) => {
                count += 1;
                let retires = old.content.current && !content.current;
                let updated_at = now.max(old.updated_at);
                let version = old.version + 1;
                let new = Stored { content, updated_at, updated_by: tx.trace.action().to_owned(), version, ..old };
                let into = if retires { &mut changes.retired } else { &mut changes.changed };
                into.push(new.clone());
                new
            }
            None => {
                count += 1;
                let (id, updated_by) = (tx.ordered_id(), tx.trace.action().to_owned());
                let new =
                    Stored { id, patient_id: owner, content, created_at: now, updated_at: now, updated_by, version: 1 };
                changes.added.push(new.clone());
                new
            }
        };
        decisions.push((stored, decision));
    }
    count += before.len();
    changes.gone.extend(before.into_iter().map(|gone| gone.id));
    Decided { patient, plan: Arc::clone(plan), decisions, contact_changed_at: facts.contact_changed_at, changed: count }
}
