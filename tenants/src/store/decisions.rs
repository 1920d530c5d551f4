//! What is decided of every patient's follow-up, stored: facts in by one statement, the pure [`decide`] over them, what
//! changed out by another. It decides nothing itself.
//!
//! Deciding runs as the registry's own role, whoever changed the fact, and under a lock a patient, so that the last word is
//! always spoken over the newest facts.

mod read;
mod sweep;
mod write;

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff::civil::Date;
use painreg_domain::event;
use painreg_domain::followup::{Decision, Facts, Plan, decide};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use read::{Count, Counted, Filter, FollowUp, Sent, Unmatched, count, list, of_patient};
pub use sweep::{Difference, Step, is_waiting, shown, simulate, step};

use self::write::Changes;
use crate::error::StoreError;
use crate::error::unreadable;
use crate::statement::statement;
use crate::store::plans;
use crate::tx::Tx;

/// A decision as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// Its id.
    pub id: Uuid,
    /// Under whose row it lies: of a merged record perhaps a duplicate.
    pub patient_id: Uuid,
    /// What is decided.
    #[serde(flatten)]
    pub content: Content,
    /// When the occurrence was first decided.
    pub created_at: Timestamp,
    /// When it was decided as it is.
    pub updated_at: Timestamp,
    /// The action that made it so.
    pub updated_by: String,
    /// Counts changes.
    pub version: i64,
}

/// What is decided, as its columns hold it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// The rule's code.
    pub rule: String,
    /// The entry that started the occurrence; nil where nothing has.
    pub start_id: Uuid,
    /// Counts repeated waves of one start from 1; 0 where nothing has started.
    pub number: u32,
    /// Whether it is the one that counts of the patient and the rule.
    pub current: bool,
    /// `due`, `waiting`, `suppressed`, `sent`, `answered` or `lapsed`.
    pub state: String,
    /// Codes of the reasons, the deciding one first.
    pub reasons: Vec<String>,
    /// The day of the event that started it.
    pub starts_on: Option<Date>,
    /// The day it is about.
    pub due_on: Option<Date>,
    /// The day on which something is to be sent next.
    pub send_on: Option<Date>,
    /// By which channel.
    pub channel: Option<String>,
    /// The last day on which anything is sent.
    pub lapses_on: Option<Date>,
    /// The day on which time alone may change it.
    pub review_on: Option<Date>,
    /// The answer.
    pub submission_id: Option<Uuid>,
    /// How the answer was found to be one.
    pub matched_by: Option<String>,
    /// When the answer came, beside the window.
    pub timing: Option<String>,
    /// The facts used.
    pub facts: Value,
    /// The version of the plan in which the rule became what it was.
    pub rule_version: i64,
}

impl From<&Decision> for Content {
    fn from(it: &Decision) -> Self {
        let answer = it.answer.as_ref();
        Self {
            rule: it.rule.clone(),
            start_id: it.start.unwrap_or_default(),
            number: it.number,
            current: it.current,
            state: <&'static str>::from(it.state).to_owned(),
            reasons: it.reasons.iter().map(|reason| <&'static str>::from(reason).to_owned()).collect(),
            starts_on: it.starts_on,
            due_on: it.due_on,
            send_on: it.send_on,
            channel: it.next.map(|next| <&'static str>::from(next.channel).to_owned()),
            lapses_on: it.lapses_on,
            review_on: it.review_on,
            submission_id: answer.map(|answer| answer.submission.uuid()),
            matched_by: answer.map(|answer| <&'static str>::from(answer.by).to_owned()),
            timing: answer.map(|answer| <&'static str>::from(answer.timing).to_owned()),
            facts: Value::Object(it.facts.clone()),
            rule_version: it.rule_version,
        }
    }
}

impl Content {
    fn key(&self) -> (&str, Uuid, u32) {
        (&self.rule, self.start_id, self.number)
    }
}

/// One patient's record, as far as it is decided.
pub struct Decided {
    /// The patient: of a merged record the survivor.
    pub patient: Uuid,
    /// By which plan.
    pub plan: Arc<Plan>,
    /// What is decided, with the next thing to be sent.
    pub decisions: Vec<(Stored, Decision)>,
    /// When contact data last changed.
    pub contact_changed_at: Option<Timestamp>,
    /// How many decisions are other than before.
    pub changed: usize,
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

/// A record as it stands: its facts, what is decided so far, and under whose row each entry lies.
struct Record {
    patient: Uuid,
    facts: Facts,
    before: Vec<Stored>,
    owners: HashMap<Uuid, Uuid>,
}

/// Everything that rules read of these patients, and what is decided of them: one statement, whoever they were merged into.
const RECORDS: &str = include_str!("decisions/records.sql");

/// Nobody else decides about these patients until the transaction ends. Whoever locks rows of theirs and lets them be
/// decided afterwards asks for this first.
pub(crate) fn lock(tx: &mut Tx<'_>, patients: &[Uuid]) -> Result<(), StoreError> {
    statement(
        "SELECT pg_advisory_xact_lock(hashtextextended(id::text, 7)) FROM (SELECT DISTINCT coalesce(merged_into, id) AS id \
         FROM patient WHERE id = ANY (?) ORDER BY 1) AS root",
    )
    .bind::<Array<SqlUuid>, _>(patients.to_vec())
    .execute(tx.conn)?;
    Ok(())
}

/// Decides again whatever this transaction has changed the facts of.
pub(crate) fn redecide_stale(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let touched = tx.take_stale();
    if touched.is_empty() { Ok(()) } else { tx.as_system(|tx| redecide(tx, &touched)).map(drop) }
}

/// Decides about these patients from the facts of now, and stores what is other than before: three round trips, four where
/// there is something new and something changed. Inside [`Tx::as_system`].
pub(crate) fn redecide(tx: &mut Tx<'_>, patients: &[Uuid]) -> Result<Vec<Decided>, StoreError> {
    lock(tx, patients)?;
    let (plan, records) = records(tx, Some(patients), None, None)?;
    let Some(plan) = plan else { return Ok(Vec::new()) };
    let mut changes = Changes::default();
    let decided: Vec<Decided> = records.into_iter().map(|record| decided(tx, &plan, record, &mut changes)).collect();
    changes.store(tx)?;
    // One event a patient, however many decisions: a new plan decides everybody anew.
    for changed in decided.iter().filter(|decided| decided.changed > 0) {
        tx.emit(event::EventType::DecisionChanged, Some(changed.patient), format!("patient/{}", changed.patient), None);
    }
    Ok(decided)
}

/// The plan in force and these patients' records; or those of the `limit` patients after an id.
fn records(
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
        // Of two records that were merged each may have decided the same of nothing: the survivor's counts.
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
