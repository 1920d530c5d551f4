//! A stored submission and its scores.

use jiff::Timestamp;
use painreg_domain::ids::{InvitationId, PatientId, SubmissionId};
use painreg_domain::instrument::Scores;
use serde_json::Value;

/// The source of a submission: unique, so that a submission is stored once.
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
    /// The submission's id.
    pub id: SubmissionId,
    /// The patient of the submission.
    pub patient: PatientId,
    /// The form's code.
    pub form: String,
    /// The form's version.
    pub form_version: String,
    /// The wave (bølge): the point in the course for which it was sent.
    pub wave: String,
    /// The source of the submission.
    pub source: Source,
    /// The number of the revision of the source's submission, from 1.
    pub revision: i32,
    /// The revision that it replaces.
    pub supersedes: Option<SubmissionId>,
    /// The revision that was current when this one arrived, if the source had changed that one later.
    pub superseded_by: Option<SubmissionId>,
    /// `patient` or `representative`.
    pub answered_by: String,
    /// The source's word for a representative's relation to the patient.
    pub representation: Option<String>,
    /// The instant of answering.
    pub submitted_at: Timestamp,
    /// The instant of the source's last change.
    pub changed_at: Timestamp,
    /// The instant of arrival.
    pub received_at: Timestamp,
    /// Item codes -> answers; unanswered items are left out.
    pub answers: Value,
    /// One result for each instrument.
    pub scores: Vec<StoredScore>,
}

/// One instrument's stored result, in the shape the API shows.
#[derive(Clone, Debug)]
pub struct StoredScore {
    /// The code of the instrument.
    pub instrument: String,
    /// The scoring algorithm and its version.
    pub algorithm: String,
    /// The completeness of the result.
    pub status: String,
    /// The scales with their values, as JSON.
    pub scales: Value,
    /// The flags of the result, as JSON.
    pub flags: Value,
    /// The version: 1 for the score at arrival; rescoring adds 1.
    pub version: i32,
    /// The instant of rescoring; `None` for version 1.
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

/// The result of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The submission is new.
    Created,
    /// The submission is stored already; nothing changed.
    Unchanged,
    /// The source changed the submission: a new revision was added.
    Revised,
    /// The source has changed the submission since: a revision was added beside the current one.
    Superseded,
}

impl Delivered {
    /// Returns the word used in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Unchanged => "unchanged",
            Self::Revised => "revised",
            Self::Superseded => "superseded",
        }
    }
}

/// The stored submission of a delivery.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// The current revision.
    pub id: SubmissionId,
    /// The number of the current revision, from 1.
    pub revision: i32,
    /// The result of the delivery.
    pub delivered: Delivered,
    /// The revision that holds the delivered answers, with its number: the current one or an earlier one.
    pub kept: (SubmissionId, i32),
    /// The invitation that it answers, found by token or reference.
    pub invitation: Option<InvitationId>,
}

impl Placed {
    /// Returns whether the delivered answers are those of the current revision.
    pub fn is_current(&self) -> bool {
        self.kept.0 == self.id
    }
}
