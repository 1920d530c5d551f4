//! Reading what was decided: of one patient, now or as it was; over the registry; and counted.

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
use crate::statement::{Statement, statement};
use crate::store::{Listing, comparable};
use crate::tx::Tx;

/// One patient's follow-up.
#[derive(Clone, Debug)]
pub struct FollowUp {
    /// Every decision, by rule and occurrence.
    pub decisions: Vec<Stored>,
    /// What was sent, in order.
    pub invitations: Vec<Sent>,
    /// Answers to forms of follow-up that belong to no occurrence.
    pub unmatched: Vec<Unmatched>,
}

/// An invitation as the patient's follow-up shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Sent {
    /// Its id.
    pub id: InvitationId,
    /// The decision it carries out.
    pub decision_id: Uuid,
    /// Counts everything sent for one occurrence.
    pub attempt: i32,
    /// 0: the invitation itself; then the reminders.
    pub reminder: i32,
    /// By which channel.
    pub channel: String,
    /// How far it came.
    pub state: String,
    /// When somebody took it on.
    pub claimed_at: Timestamp,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// When it arrived.
    pub delivered_at: Option<Timestamp>,
    /// When it failed.
    pub failed_at: Option<Timestamp>,
    /// Why.
    pub failure: Option<String>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An answer that no invitation asked for.
#[derive(Clone, Debug, Deserialize)]
pub struct Unmatched {
    /// The answer.
    pub submission_id: SubmissionId,
    /// The form answered.
    pub form: String,
    /// When.
    pub submitted_at: Timestamp,
}

/// Which decisions.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In this state.
    pub state: Option<String>,
    /// For this reason.
    pub reason: Option<String>,
    /// Of this rule.
    pub rule: Option<String>,
    /// Of patients of this unit.
    pub unit: Option<String>,
    /// Of earlier occurrences too.
    pub past: bool,
}

/// How many decisions stand where.
#[derive(Clone, Debug)]
pub struct Counted {
    /// How many patients there are: those merged into others are not.
    pub population: i64,
    /// Whether everybody has been decided since the plan or a list last changed.
    pub up_to_date: bool,
    /// Current decisions by rule, state and deciding reason.
    pub counts: Vec<Count>,
}

/// How many current decisions of a rule are in a state for a reason.
#[derive(Clone, Debug, QueryableByName)]
pub struct Count {
    /// The rule.
    #[diesel(sql_type = Text)]
    pub rule: String,
    /// The state.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// The deciding reason.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// How many.
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

/// The follow-up of the patient whose record is open, as it is or as it was at an instant. One round trip.
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
    // Whoever may not read answers is not told of those that no invitation asked for.
    let query = if tx.may(Action::ReadAnswers) {
        query
            .then(
                "(SELECT coalesce(json_agg(json_build_object('submission_id', id, 'form', form, 'submitted_at', \
                 submitted_at) ORDER BY submitted_at, id), '[]')::text FROM submission WHERE patient_id = ANY (?) \
                 AND received_at <= ? AND wave IN ('follow_up_short', 'follow_up_full', 'project') \
                 AND id NOT IN (SELECT submission_id FROM made WHERE submission_id IS NOT NULL) \
                 AND NOT EXISTS (SELECT FROM made WHERE jsonb_exists(facts -> 'also_answered', submission.id::text)) \
                 AND NOT EXISTS (SELECT FROM submission later WHERE later.supersedes = submission.id \
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
            sent.state = stood(sent).to_owned();
        }
        sent.failure = sent.failure.take().filter(|_| sent.failed_at.is_some());
    }
    Ok(FollowUp {
        decisions: serde_json::from_str(&row.decisions).map_err(unreadable)?,
        invitations,
        unmatched: serde_json::from_str(&row.unmatched).map_err(unreadable)?,
    })
}

/// How far something had come that has changed since, by what was known then. Nothing is kept of when it was handed over or
/// withdrawn: until it was sent it was being sent.
fn stood(sent: &Sent) -> &'static str {
    match (sent.delivered_at, sent.failed_at, sent.sent_at) {
        (Some(_), ..) => InvitationState::Delivered.into(),
        (None, Some(_), _) => InvitationState::Failed.into(),
        (None, None, Some(_)) => InvitationState::Sent.into(),
        (None, None, None) => InvitationState::Claimed.into(),
    }
}

/// Narrowed to the caller's reach and a unit asked for.
fn of_units<'a>(tx: &Tx<'a>, mut query: Statement<'a>, unit: Option<&str>) -> Statement<'a> {
    for unit in [unit, tx.unit_in_reach()].into_iter().flatten() {
        query = query
            .then(
                " AND EXISTS (SELECT FROM patient named JOIN patient ON patient.id = coalesce(named.merged_into, \
                 named.id) WHERE named.id = decision.patient_id AND patient.unit = ?)",
            )
            .bind::<Text, _>(unit.to_owned());
    }
    query
}

/// Decisions over the registry, within the caller's reach, in order of their ids; every patient shown is logged.
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

/// How many patients there are and how many of them stand where, rule by rule: within the caller's reach. The counts of
/// each rule add up to the population once everybody has been decided.
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
    let mut query = statement(
        "SELECT count(*) AS population, (SELECT bool_and(done = value) FROM follow_up_sweep, config_generation) \
         AS up_to_date FROM patient WHERE merged_into IS NULL",
    );
    for unit in [unit, tx.unit_in_reach()].into_iter().flatten() {
        query = query.then(" AND unit = ?").bind::<Text, _>(unit.to_owned());
    }
    let PopulationRow { population, up_to_date } = query.get_result(tx.conn)?;
    Ok(Counted { population, up_to_date, counts })
}
