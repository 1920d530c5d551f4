//! Follow-up decisions and their reasons as they are shown.

use jiff::Timestamp;
use jiff::civil::Date;
use painreg_domain::followup::Reason;
use painreg_domain::ids::{DecisionId, EntryId, PatientId, SubmissionId};
use painreg_tenants::store::decisions::{Content, Stored};
use serde::Serialize;
use serde_json::Value;

/// Why something is decided (årsak).
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpReason)]
pub struct ReasonView {
    /// Its code. Codes are stable and open: readers must tolerate new ones.
    #[schema(max_length = 60, example = "not_closed")]
    code: String,
    /// In Norwegian bokmål.
    #[schema(max_length = 300)]
    nb: &'static str,
    /// In English.
    #[schema(max_length = 300)]
    en: &'static str,
}

/// The reasons of a decision, in words.
pub fn reasons(codes: &[String]) -> impl Iterator<Item = ReasonView> {
    codes.iter().map(|code| {
        let reason = code.parse::<Reason>();
        let (nb, en) = reason.map_or(("", ""), |reason| (reason.nb(), reason.en()));
        ReasonView { code: code.clone(), nb, en }
    })
}

/// What is decided of a patient, a rule and an occurrence (beslutning).
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpDecision)]
pub struct DecisionView {
    /// Its id.
    pub id: DecisionId,
    /// Whose.
    patient_id: PatientId,
    /// The rule: a wave of a track.
    #[schema(max_length = 40, example = "rf_3")]
    pub rule: String,
    /// The entry that started the occurrence: an episode, a procedure, an implant component, a participation. Null where
    /// nothing has.
    start_id: Option<EntryId>,
    /// Counts repeated waves of one start from 1; 0 where nothing has started.
    #[schema(minimum = 0)]
    number: u32,
    /// Whether it is the one that counts of the patient and the rule: exactly one is.
    pub current: bool,
    /// `due`, `waiting`, `suppressed`, `sent`, `answered` or `lapsed`.
    #[schema(max_length = 20, example = "waiting")]
    state: String,
    /// Why, the deciding reason first.
    #[schema(max_items = 40)]
    reasons: Vec<ReasonView>,
    /// The day of the event that started it.
    starts_on: Option<Date>,
    /// The day it is about.
    due_on: Option<Date>,
    /// The day on which something is sent next, invitation or reminder.
    send_on: Option<Date>,
    /// By which channel.
    #[schema(max_length = 40, example = "sms")]
    channel: Option<String>,
    /// The last day on which anything is sent.
    lapses_on: Option<Date>,
    /// The day on which time alone may change it.
    review_on: Option<Date>,
    /// The answer.
    submission_id: Option<SubmissionId>,
    /// How the answer was found to be one: by `token`, `source` or `window`.
    #[schema(max_length = 20)]
    matched_by: Option<String>,
    /// When the answer came, beside the window: `early`, `in_time` or `late`.
    #[schema(max_length = 20)]
    timing: Option<String>,
    /// The facts that were used.
    #[schema(value_type = Object)]
    facts: Value,
    /// The version of the plan in which the rule became what it was.
    #[schema(minimum = 1)]
    rule_version: i64,
    /// When it was decided as it is.
    decided_at: Timestamp,
    /// The action that led to it.
    #[schema(max_length = 60, example = "ChangeCourse")]
    decided_by: String,
    /// Counts changes.
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
