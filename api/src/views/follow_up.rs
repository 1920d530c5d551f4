//! Views of follow-up decisions and their reasons.

use jiff::Timestamp;
use jiff::civil::Date;
use painreg_domain::followup::Reason;
use painreg_domain::ids::{DecisionId, EntryId, PatientId, SubmissionId};
use painreg_tenants::store::decisions::{Content, Stored};
use serde::Serialize;
use serde_json::Value;

/// The reason of a decision (årsak).
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpReason)]
pub struct ReasonView {
    /// The code of the reason. Codes are stable, and new ones may be added: clients must tolerate unknown codes.
    #[schema(max_length = 60, example = "not_closed")]
    code: String,
    /// The reason in Norwegian bokmål.
    #[schema(max_length = 300)]
    nb: &'static str,
    /// The reason in English.
    #[schema(max_length = 300)]
    en: &'static str,
}

/// Returns the reasons of a decision with their sentences.
pub fn reasons(codes: &[String]) -> impl Iterator<Item = ReasonView> {
    codes.iter().map(|code| {
        let reason = code.parse::<Reason>();
        let (nb, en) = reason.map_or(("", ""), |reason| (reason.nb(), reason.en()));
        ReasonView { code: code.clone(), nb, en }
    })
}

/// The decision for a patient, a rule and an occurrence (beslutning).
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpDecision)]
pub struct DecisionView {
    /// The id of the decision.
    pub id: DecisionId,
    /// The patient of the decision.
    patient_id: PatientId,
    /// The rule: a wave of a track.
    #[schema(max_length = 40, example = "rf_3")]
    pub rule: String,
    /// The entry that started the occurrence: an episode, a procedure, an implant component, a participation. Null
    /// where nothing has started it.
    start_id: Option<EntryId>,
    /// The number among the repeated waves of one start, from 1; 0 where nothing has started.
    #[schema(minimum = 0)]
    number: u32,
    /// Whether the decision is the current one for the patient and the rule: exactly one is.
    pub current: bool,
    /// The state: `due`, `waiting`, `suppressed`, `sent`, `answered` or `lapsed`.
    #[schema(max_length = 20, example = "waiting")]
    state: String,
    /// The reasons, the deciding one first.
    #[schema(max_items = 40)]
    reasons: Vec<ReasonView>,
    /// The day of the event that started the occurrence.
    starts_on: Option<Date>,
    /// The day of the occurrence; null for an occurrence without a day.
    due_on: Option<Date>,
    /// The day of the next invitation or reminder; null where none is to be sent.
    send_on: Option<Date>,
    /// The channel of the invitation; null where none is chosen.
    #[schema(max_length = 40, example = "sms")]
    channel: Option<String>,
    /// The last day for invitations and reminders.
    lapses_on: Option<Date>,
    /// The day on which the passing of time may change the decision.
    review_on: Option<Date>,
    /// The submission that answers the occurrence; null where there is none.
    submission_id: Option<SubmissionId>,
    /// The match of the answer: by `token`, `source` or `window`; null without an answer.
    #[schema(max_length = 20)]
    matched_by: Option<String>,
    /// The time of the answer relative to the window: `early`, `in_time` or `late`; null without an answer.
    #[schema(max_length = 20)]
    timing: Option<String>,
    /// The facts behind the decision.
    #[schema(value_type = Object)]
    facts: Value,
    /// The version of the plan that last changed the rule.
    #[schema(minimum = 1)]
    rule_version: i64,
    /// The time of the decision.
    decided_at: Timestamp,
    /// The action that caused the decision.
    #[schema(max_length = 60, example = "ChangeCourse")]
    decided_by: String,
    /// Counts changes of the decision.
    #[schema(minimum = 1)]
    version: i64,
}

impl From<Stored> for DecisionView {
    fn from(it: Stored) -> Self {
        let Stored { id, patient_id, content, updated_at, updated_by, version, .. } = it;
        let Content { rule, start_id, number, current, state, .. } = content;
        Self {
            id: DecisionId::existing(id),
            patient_id: PatientId::existing(patient_id),
            rule,
            start_id: Some(start_id).filter(|id| !id.is_nil()).map(EntryId::existing),
            number,
            current,
            state,
            reasons: reasons(&content.reasons).collect(),
            starts_on: content.starts_on,
            due_on: content.due_on,
            send_on: content.send_on,
            channel: content.channel,
            lapses_on: content.lapses_on,
            review_on: content.review_on,
            submission_id: content.submission_id.map(SubmissionId::existing),
            matched_by: content.matched_by,
            timing: content.timing,
            facts: content.facts,
            rule_version: content.rule_version,
            decided_at: updated_at,
            decided_by: updated_by,
            version,
        }
    }
}
