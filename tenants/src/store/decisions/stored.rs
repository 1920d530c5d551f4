//! A stored decision.

use jiff::Timestamp;
use jiff::civil::Date;
use painreg_domain::followup::Decision;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// A decision as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// The decision's id.
    pub id: Uuid,
    /// The patient row that owns it; in a merged record this may be a duplicate.
    pub patient_id: Uuid,
    /// The content of the decision.
    #[serde(flatten)]
    pub content: Content,
    /// The instant when the occurrence was first decided.
    pub created_at: Timestamp,
    /// The instant of the last change.
    pub updated_at: Timestamp,
    /// The action that made the last change.
    pub updated_by: String,
    /// The version, from 1; every change adds 1.
    pub version: i64,
}

/// The content of a decision, in the shape of its columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// The rule's code.
    pub rule: String,
    /// The entry that started the occurrence; nil where nothing has.
    pub start_id: Uuid,
    /// Counts repeated waves of one start from 1; 0 where nothing has started.
    pub number: u32,
    /// Whether this is the current decision of the patient and the rule.
    pub current: bool,
    /// `due`, `waiting`, `suppressed`, `sent`, `answered` or `lapsed`.
    pub state: String,
    /// Codes of the reasons, the deciding one first.
    pub reasons: Vec<String>,
    /// The day of the event that started it.
    pub starts_on: Option<Date>,
    /// The day on which the form is due.
    pub due_on: Option<Date>,
    /// The day on which something is to be sent next.
    pub send_on: Option<Date>,
    /// The channel of the next sending.
    pub channel: Option<String>,
    /// The last day on which anything is sent.
    pub lapses_on: Option<Date>,
    /// The day on which time alone may change it.
    pub review_on: Option<Date>,
    /// The submission that answers the occurrence.
    pub submission_id: Option<Uuid>,
    /// The rule by which the answer was matched.
    pub matched_by: Option<String>,
    /// The timing of the answer relative to the window.
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
    /// Whether the other decision says the same about the occurrence. The facts behind it, the day on which time may
    /// change it and the version of its rule may differ.
    pub fn says_the_same(&self, other: &Self) -> bool {
        (&self.rule, &self.state, &self.reasons) == (&other.rule, &other.state, &other.reasons)
            && (self.start_id, self.number, self.current) == (other.start_id, other.number, other.current)
            && (self.starts_on, self.due_on, self.send_on) == (other.starts_on, other.due_on, other.send_on)
            && (self.lapses_on, &self.channel) == (other.lapses_on, &other.channel)
            && (self.submission_id, &self.matched_by) == (other.submission_id, &other.matched_by)
            && self.timing == other.timing
    }

    pub(super) fn key(&self) -> (&str, Uuid, u32) {
        (&self.rule, self.start_id, self.number)
    }
}
