//! A stored submission and its scores.

use jiff::Timestamp;
use painreg_domain::ids::{PatientId, SubmissionId};
use painreg_domain::instrument::Scores;
use serde_json::Value;

/// Where a submission came from: unique, so that it arrives once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// The system, such as `nettskjema`.
    pub system: String,
    /// The form's id there.
    pub form_id: String,
    /// The submission's id there.
    pub submission_id: String,
}

/// A stored submission with its scores.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Its id.
    pub id: SubmissionId,
    /// Whose it is.
    pub patient: PatientId,
    /// The form's code.
    pub form: String,
    /// The form's version.
    pub form_version: String,
    /// The wave (bølge): when in the course it was asked for.
    pub wave: String,
    /// Where it came from.
    pub source: Source,
    /// Which revision of the source's submission it is, from 1.
    pub revision: i32,
    /// The revision it replaces.
    pub supersedes: Option<SubmissionId>,
    /// `patient` or `representative`.
    pub answered_by: String,
    /// The source's word for a representative's relation to the patient.
    pub representation: Option<String>,
    /// When it was answered.
    pub submitted_at: Timestamp,
    /// When it arrived.
    pub received_at: Timestamp,
    /// Item codes -> answers; unanswered items are left out.
    pub answers: Value,
    /// One result an instrument.
    pub scores: Vec<StoredScore>,
}

/// One instrument's stored result, in the shape the API shows.
#[derive(Clone, Debug)]
pub struct StoredScore {
    /// The instrument.
    pub instrument: String,
    /// The scoring algorithm and its version.
    pub algorithm: String,
    /// How complete the result is.
    pub status: String,
    /// The scales.
    pub scales: Value,
    /// The flags.
    pub flags: Value,
    /// 1 is how it was scored when it arrived; scoring again adds one.
    pub version: i32,
    /// When it was scored again.
    pub scored_at: Option<Timestamp>,
}

impl From<&Scores> for StoredScore {
    fn from(scores: &Scores) -> Self {
        let status: &'static str = scores.status.into();
        Self {
            instrument: scores.instrument.to_owned(),
            algorithm: scores.algorithm.to_owned(),
            status: status.to_owned(),
            scales: serde_json::to_value(&scores.scales).unwrap_or_default(),
            flags: serde_json::to_value(&scores.flags).unwrap_or_default(),
            version: 1,
            scored_at: None,
        }
    }
}
