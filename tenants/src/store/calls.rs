//! Telephone calls about unanswered invitations: the patients to phone, and the outcomes. The urgency is computed in the domain.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date as SqlDate, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff_diesel::ToDiesel as _;
use painreg_domain::calendar::norwegian_day;
use painreg_domain::followup::call_priority::{Because, Candidate, Weight, urgency};
use painreg_domain::followup::{CallOutcome, Start};
use painreg_domain::ids::{CallId, DecisionId, PatientId};
use strum::IntoEnumIterator as _;
use uuid::Uuid;

use crate::cursor::Keyset;
use crate::error::StoreError;
use crate::error::unreadable;
use crate::reach::join_survivor;
use crate::schema::tenant::{decision, follow_up_call};
use crate::statement::statement;
use crate::store::decisions::Stored;
use crate::store::{Listing, parse_stored, plans};
use crate::tx::Tx;

/// A patient to be phoned.
#[derive(Clone, Debug)]
pub struct PatientToCall {
    /// The follow-up decision that is unanswered.
    pub decision: Stored,
    /// The patient; of a merged record the survivor.
    pub patient: PatientId,
    /// The urgency in points.
    pub points: i64,
    /// The points of each reason.
    pub weights: Vec<Weight>,
    /// The number of days until the invitation lapses.
    pub days_left: i32,
    /// The last call to the patient; calls about other decisions count unless the patient declined or was unable.
    pub last_call: Option<(Timestamp, CallOutcome)>,
}

/// A recorded telephone call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The call's id.
    pub id: CallId,
    /// The patient called.
    pub patient: PatientId,
    /// The decision it was about.
    pub decision: DecisionId,
    /// The instant of the call.
    pub called_at: Timestamp,
    /// The actor, as shown in the access log.
    pub called_by: String,
    /// The outcome of the call.
    pub outcome: CallOutcome,
}

#[derive(QueryableByName)]
struct CandidateRow {
    #[diesel(sql_type = Text)]
    json: String,
    #[diesel(sql_type = SqlUuid)]
    patient: Uuid,
    #[diesel(sql_type = BigInt)]
    answered_before: i64,
    #[diesel(sql_type = BigInt)]
    no_replies: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    called_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    outcome: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    contact_changed_at: Option<jiff_diesel::Timestamp>,
}

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = follow_up_call)]
struct CallRow {
    id: Uuid,
    patient_id: Uuid,
    decision_id: Uuid,
    called_at: jiff_diesel::Timestamp,
    called_by: String,
    outcome: String,
}

impl TryFrom<CallRow> for Call {
    type Error = StoreError;

    fn try_from(row: CallRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: CallId::existing(row.id),
            patient: PatientId::existing(row.patient_id),
            decision: DecisionId::existing(row.decision_id),
            called_at: row.called_at.to_jiff(),
            called_by: row.called_by,
            outcome: parse_stored(&row.outcome)?,
        })
    }
}

/// Returns the patients to phone, most urgent first, each once, within the caller's reach. Logs every patient shown.
/// Decisions that have to be decided again are left out.
pub fn to_call(tx: &mut Tx<'_>, unit: Option<&str>, limit: i64) -> Result<Vec<PatientToCall>, StoreError> {
    let today = tx.today();
    let generation = tx.generation()?;
    let Some(plan) = plans::in_force(tx, generation)? else { return Ok(Vec::new()) };
    let because: Vec<&'static str> = Because::iter().map(Into::into).collect();
    let mut query = statement(
        "SELECT row_to_json(decision)::text AS json, patient.id AS patient, patient.contact_changed_at, last.called_at, last.outcome, \
         (SELECT count(*) FROM decision before WHERE before.patient_id = decision.patient_id AND before.state = 'answered') \
         AS answered_before, (SELECT count(*) FROM follow_up_call WHERE decision_id = decision.id AND outcome = 'no_reply') \
         AS no_replies FROM decision",
    );
    query = join_survivor(query, "decision.patient_id").then(
        " LEFT JOIN LATERAL (SELECT called_at, outcome FROM follow_up_call \
         WHERE follow_up_call.patient_id = decision.patient_id AND (decision_id = decision.id \
         OR outcome NOT IN ('declined', 'unable')) ORDER BY called_at DESC, id DESC LIMIT 1) last ON true \
         WHERE state IN ('sent', 'suppressed') AND lapses_on >= ? AND due_on <= ? AND (review_on IS NULL OR review_on > ?) \
         AND reasons[1] = ANY (?)",
    )
    .bind::<SqlDate, _>(today.to_diesel())
    .bind::<SqlDate, _>(today.to_diesel())
    .bind::<SqlDate, _>(today.to_diesel())
    .bind::<diesel::sql_types::Array<Text>, _>(because);
    if let Some(unit) = unit {
        query = query.then(" AND patient.unit = ?").bind::<Text, _>(unit.to_owned());
    }
    query = tx.within_patient(query);
    let rows: Vec<CandidateRow> = query.load(tx.conn)?;
    let mut found = Vec::new();
    for row in rows {
        let decision: Stored = serde_json::from_str(&row.json).map_err(unreadable)?;
        let Some((rule, track)) = plan.rule(&decision.content.rule).and_then(|it| Some((it, plan.track(it)?))) else {
            continue;
        };
        let (Some(lapses_on), Some(because)) =
            (decision.content.lapses_on, decision.content.reasons.first().map(|it| parse_stored(it)).transpose()?)
        else {
            continue;
        };
        let outcome: Option<CallOutcome> = row.outcome.as_deref().map(parse_stored).transpose()?;
        let last_call = row.called_at.map(jiff_diesel::Timestamp::to_jiff).zip(outcome);
        let changed = row.contact_changed_at.map(jiff_diesel::Timestamp::to_jiff);
        let candidate = Candidate {
            lapses_on,
            because,
            months: rule.wave.months.into(),
            intervention: matches!(track.start, Start::Procedure { .. } | Start::Implant { .. }),
            answered_before: row.answered_before,
            no_replies: row.no_replies,
            last_call: last_call.map(|(at, outcome)| (norwegian_day(at), outcome)),
            mended_since: last_call.zip(changed).is_some_and(|((called, _), changed)| changed > called),
        };
        if let Some((points, weights)) = urgency(&candidate, today) {
            let patient = PatientId::existing(row.patient);
            let days_left = days_between(today, lapses_on);
            found.push(PatientToCall { decision, patient, points, weights, days_left, last_call });
        }
    }
    found.sort_by_key(|it| (-it.points, it.days_left, it.decision.id));
    // One call for each patient, about the most urgent decision.
    let mut phoned = HashSet::new();
    found.retain(|it| phoned.insert(it.patient));
    found.truncate(usize::try_from(limit).unwrap_or(0));
    tx.log_shown(found.iter().map(|it| it.patient.uuid()))?;
    Ok(found)
}

fn days_between(from: Date, to: Date) -> i32 {
    (to - from).get_days()
}

/// Records a call. The decision must be within the caller's reach.
pub fn record(
    tx: &mut Tx<'_>,
    about: DecisionId,
    outcome: CallOutcome,
    called_at: Timestamp,
) -> Result<Call, StoreError> {
    let owner: Uuid = decision::table.find(about.uuid()).select(decision::patient_id).first(tx.conn)?;
    let id = tx.ordered_id();
    tx.about(format!("follow_up_call/{id}"));
    let access = tx.open_patient(PatientId::existing(owner))?;
    let row: CallRow = diesel::insert_into(follow_up_call::table)
        .values((
            follow_up_call::id.eq(id),
            follow_up_call::patient_id.eq(owner),
            follow_up_call::decision_id.eq(about.uuid()),
            follow_up_call::called_at.eq(called_at.to_diesel()),
            follow_up_call::called_by.eq(&tx.principal().actor),
            follow_up_call::outcome.eq(<&'static str>::from(outcome)),
            follow_up_call::created_at.eq(tx.now().to_diesel()),
        ))
        .returning(CallRow::as_returning())
        .get_result(tx.conn)?;
    tx.mark_follow_up_stale(access.id().uuid());
    Ok(Call { patient: access.id(), ..row.try_into()? })
}

/// Returns calls within the caller's reach, latest first. Logs every patient shown.
pub fn list(
    tx: &mut Tx<'_>,
    decision: Option<DecisionId>,
    after: Option<Keyset<Timestamp, CallId>>,
    limit: i64,
) -> Result<Listing<Call>, StoreError> {
    let mut query = statement(
        "SELECT follow_up_call.id, patient.id AS patient_id, decision_id, called_at, called_by, outcome FROM follow_up_call",
    );
    query = tx.within_patient(join_survivor(query, "follow_up_call.patient_id").then(" WHERE true"));
    if let Some(decision) = decision {
        query = query.then(" AND decision_id = ?").bind::<SqlUuid, _>(decision.uuid());
    }
    if let Some(Keyset(at, id)) = after {
        query = query
            .then(" AND (called_at, follow_up_call.id) < (?, ?)")
            .bind::<Timestamptz, _>(super::comparable(at))
            .bind::<SqlUuid, _>(id.uuid());
    }
    let query = query.then(" ORDER BY called_at DESC, follow_up_call.id DESC");
    tx.list(query, limit, |row: &CallRow| [row.patient_id])?.try_map(Call::try_from)
}
