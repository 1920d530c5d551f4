//! Reading decisions: of one patient, current or as of an instant; over the registry; and counts.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use painreg_domain::followup::InvitationState;
use painreg_domain::ids::{InvitationId, SubmissionId};
use painreg_domain::policy::Action;
use serde::Deserialize;
use uuid::Uuid;

use super::stored::Stored;
use crate::access::PatientAccess;
use crate::error::StoreError;
use crate::error::unreadable;
use crate::history;
use crate::reach::{of_unit, of_unit_patient};
use crate::statement::{Statement, statement};
use crate::store::{Listing, comparable};
use crate::tx::Tx;

/// One patient's follow-up.
#[derive(Clone, Debug)]
pub struct FollowUp {
    /// Every decision, by rule and occurrence.
    pub decisions: Vec<Stored>,
    /// The patient's invitations, in order.
    pub invitations: Vec<Sent>,
    /// Answers to forms of follow-up that belong to no occurrence.
    pub unmatched: Vec<Unmatched>,
}

/// An invitation as the patient's follow-up shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Sent {
    /// The invitation's id.
    pub id: InvitationId,
    /// The decision that it carries out.
    pub decision_id: Uuid,
    /// The number of the attempt for the occurrence, from 1.
    pub attempt: i32,
    /// The number of the reminder; 0 for the invitation itself.
    pub reminder: i32,
    /// The channel by which it is sent.
    pub channel: String,
    /// The state of sending.
    pub state: String,
    /// The instant of the last claim.
    pub claimed_at: Timestamp,
    /// The instant of sending; `None` before.
    pub sent_at: Option<Timestamp>,
    /// The instant of arrival; `None` before.
    pub delivered_at: Option<Timestamp>,
    /// The instant of failure; `None` unless it failed.
    pub failed_at: Option<Timestamp>,
    /// The reason of the failure.
    pub failure: Option<String>,
    /// The instant of the last change.
    pub updated_at: Timestamp,
}

/// An answer that no invitation asked for.
#[derive(Clone, Debug, Deserialize)]
pub struct Unmatched {
    /// The submission that answers.
    pub submission_id: SubmissionId,
    /// The form answered.
    pub form: String,
    /// The instant of answering.
    pub submitted_at: Timestamp,
}

/// The filter of the list of decisions.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The state of the decision.
    pub state: Option<String>,
    /// A reason of the decision.
    pub reason: Option<String>,
    /// The code of the rule.
    pub rule: Option<String>,
    /// The unit that treats the patient.
    pub unit: Option<String>,
    /// Whether earlier occurrences are included.
    pub past: bool,
}

/// Counts of current decisions.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The number of patients, without merged duplicates.
    pub population: i64,
    /// Whether every patient has been decided since the plan or a list last changed.
    pub up_to_date: bool,
    /// Current decisions by rule, state and deciding reason.
    pub counts: Vec<Count>,
}

/// The number of current decisions of one rule in one state for one reason.
#[derive(Clone, Debug, QueryableByName)]
pub struct Count {
    /// The code of the rule.
    #[diesel(sql_type = Text)]
    pub rule: String,
    /// The state of the decisions.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// The deciding reason.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// The number of patients.
    #[diesel(sql_type = BigInt)]
    pub patients: i64,
}

#[derive(QueryableByName)]
struct FollowUpRow {
    #[diesel(sql_type = Text)]
    decisions: String,
    #[diesel(sql_type = Text)]
    invitations: String,
    #[diesel(sql_type = Text)]
    unmatched: String,
}

#[derive(QueryableByName)]
struct JsonRow {
    #[diesel(sql_type = SqlUuid)]
    patient_id: Uuid,
    #[diesel(sql_type = Text)]
    json: String,
}

#[derive(QueryableByName)]
struct PopulationRow {
    #[diesel(sql_type = BigInt)]
    population: i64,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    up_to_date: bool,
}

/// Returns the follow-up of the open record's patient, current or as of an instant. One round trip.
pub fn of_patient<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    as_of: Option<Timestamp>,
) -> Result<FollowUp, StoreError> {
    let at = comparable(as_of.unwrap_or_else(|| tx.now().max(Timestamp::UNIX_EPOCH)));
    let rows = access.rows();
    let query = statement("WITH made AS (");
    let query = match as_of {
        None => query.then("SELECT * FROM decision WHERE patient_id = ANY (?)").bind::<Array<SqlUuid>, _>(rows.clone()),
        Some(_) => history::at(query.then("SELECT * FROM "), "decision", Some(&rows), at).then(" x"),
    };
    let query = query.then(
        ") SELECT (SELECT coalesce(json_agg(row_to_json(made) ORDER BY rule, current DESC, starts_on DESC NULLS LAST, \
         number DESC, id), '[]')::text FROM made) AS decisions, \
         (SELECT coalesce(json_agg(json_build_object('id', id, 'decision_id', decision_id, 'attempt', attempt, \
         'reminder', reminder, 'channel', channel, 'state', state, 'claimed_at', claimed_at, 'sent_at', sent_at, \
         'delivered_at', delivered_at, 'failed_at', failed_at, 'failure', failure, 'updated_at', updated_at) ORDER BY created_at, id), '[]')::text \
         FROM invitation WHERE patient_id = ANY (?) AND created_at <= ?) AS invitations, ",
    );
    let query = query.bind::<Array<SqlUuid>, _>(rows.clone()).bind::<Timestamptz, _>(at);
    // A caller without the right to read answers does not see which of them are unmatched.
    let query = if tx.may(Action::ReadAnswers) {
        query
            .then(
                "(SELECT coalesce(json_agg(json_build_object('submission_id', id, 'form', form, 'submitted_at', \
                 submitted_at) ORDER BY submitted_at, id), '[]')::text FROM submission WHERE patient_id = ANY (?) \
                 AND received_at <= ? AND wave IN ('follow_up_short', 'follow_up_full', 'project') \
                 AND id NOT IN (SELECT submission_id FROM made WHERE submission_id IS NOT NULL) \
                 AND NOT EXISTS (SELECT FROM made WHERE jsonb_exists(facts -> 'also_answered', submission.id::text)) \
                 AND superseded_by IS NULL AND NOT EXISTS (SELECT FROM submission later WHERE later.supersedes = submission.id \
                 AND later.received_at <= ?)) AS unmatched",
            )
            .bind::<Array<SqlUuid>, _>(rows)
            .bind::<Timestamptz, _>(at)
            .bind::<Timestamptz, _>(at)
    } else {
        query.then("'[]' AS unmatched")
    };
    let row: FollowUpRow = query.get_result(tx.conn)?;
    let known = |at: &mut Option<Timestamp>| *at = at.filter(|at| as_of.is_none_or(|asked| *at <= asked));
    let mut invitations: Vec<Sent> = serde_json::from_str(&row.invitations).map_err(unreadable)?;
    for sent in &mut invitations {
        known(&mut sent.sent_at);
        known(&mut sent.delivered_at);
        known(&mut sent.failed_at);
        if as_of.is_some_and(|asked| sent.updated_at > asked) {
            sent.state = state_then(sent).to_owned();
        }
        sent.failure = sent.failure.take().filter(|_| sent.failed_at.is_some());
    }
    Ok(FollowUp {
        decisions: serde_json::from_str(&row.decisions).map_err(unreadable)?,
        invitations,
        unmatched: serde_json::from_str(&row.unmatched).map_err(unreadable)?,
    })
}

/// Returns the state at an instant of an invitation that has changed since. The instants of hand-over and withdrawal have no
/// history: before it was sent, it counts as claimed.
fn state_then(sent: &Sent) -> &'static str {
    match (sent.delivered_at, sent.failed_at, sent.sent_at) {
        (Some(_), ..) => InvitationState::Delivered.into(),
        (None, Some(_), _) => InvitationState::Failed.into(),
        (None, None, Some(_)) => InvitationState::Sent.into(),
        (None, None, None) => InvitationState::Claimed.into(),
    }
}

/// Narrows a query on `decision` to the caller's reach and to a unit, if one is given.
fn of_units<'q>(tx: &Tx<'q>, query: Statement<'q>, unit: Option<&str>) -> Statement<'q> {
    of_unit(tx.within(query, "decision.patient_id"), "decision.patient_id", unit)
}

/// Returns decisions within the caller's reach, in order of their ids. Logs every patient shown.
pub fn list(tx: &mut Tx<'_>, filter: &Filter, after: Option<Uuid>, limit: i64) -> Result<Listing<Stored>, StoreError> {
    let mut query =
        statement("SELECT decision.patient_id, row_to_json(decision)::text AS json FROM decision WHERE id > ?")
            .bind::<SqlUuid, _>(after.unwrap_or_default());
    if !filter.past {
        query = query.then(" AND current");
    }
    if let Some(state) = &filter.state {
        query = query.then(" AND state = ?").bind::<Text, _>(state.clone());
    }
    if let Some(reason) = &filter.reason {
        query = query.then(" AND ? = ANY (reasons)").bind::<Text, _>(reason.clone());
    }
    if let Some(rule) = &filter.rule {
        query = query.then(" AND rule = ?").bind::<Text, _>(rule.clone());
    }
    let query = of_units(tx, query, filter.unit.as_deref()).then(" ORDER BY id");
    let found = tx.list(query, limit, |row: &JsonRow| [row.patient_id])?;
    found.try_map(|row| serde_json::from_str(&row.json).map_err(unreadable))
}

/// Counts patients and their current decisions, rule by rule, within the caller's reach. The counts of each rule add up to
/// the population once every patient has been decided.
pub fn count(tx: &mut Tx<'_>, unit: Option<&str>) -> Result<Counted, StoreError> {
    let counts: Vec<Count> = of_units(
        tx,
        statement(
            "SELECT rule, state, coalesce(reasons[1], state) AS reason, count(*) AS patients FROM decision WHERE current",
        ),
        unit,
    )
    .then(" GROUP BY 1, 2, 3 ORDER BY 1, 2, 4 DESC, 3")
    .load(tx.conn)?;
    let query = statement(
        "SELECT count(*) AS population, (SELECT bool_and(done = value) FROM follow_up_sweep, config_generation) \
         AS up_to_date FROM patient WHERE merged_into IS NULL",
    );
    let query = of_unit_patient(tx.within_patient(query), unit);
    let PopulationRow { population, up_to_date } = query.get_result(tx.conn)?;
    Ok(Counted { population, up_to_date, counts })
}
