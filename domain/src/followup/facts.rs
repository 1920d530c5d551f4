//! Everything that rules read of one patient, as the store gathers it in one statement.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use uuid::Uuid;

use super::Channel;
use super::decision::MatchedBy;
use crate::clinical::{LegalBasis, Modality};
use crate::ids::{InvitationId, SubmissionId};
use crate::words::words;

/// The facts of one patient.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Facts {
    /// The birth date.
    pub born: Date,
    /// The date of death; null while the patient is alive.
    pub deceased_on: Option<Date>,
    /// Whether cognitive impairment prevents the patient from answering.
    pub cognitive_impairment: bool,
    /// Whether the patient needs an interpreter.
    pub interpreter_needed: bool,
    /// The channels that reach the patient.
    pub channels: Vec<Channel>,
    /// The last change of telephone or e-mail; failed channels may be tried again after it.
    pub contact_changed_at: Option<Timestamp>,
    /// On what grounds the patient is in the registry.
    pub grounds: Vec<LegalBasis>,
    /// Referrals, the earliest first.
    pub referrals: Vec<ReferralFact>,
    /// Episodes of care, the earliest first.
    pub episodes: Vec<EpisodeFact>,
    /// Procedures that belong to a group, the earliest first.
    pub procedures: Vec<ProcedureFact>,
    /// Permanent generators and pumps, the earliest first.
    pub implants: Vec<ImplantFact>,
    /// Participation in projects.
    pub participations: Vec<ParticipationFact>,
    /// Answers to forms of follow-up, the newest revision of each, in order.
    pub answers: Vec<AnswerFact>,
    /// The invitations in order of attempts.
    pub invitations: Vec<InvitationFact>,
    /// The occurrences for which the patient declined, or could not answer, when phoned.
    pub declined: Vec<DeclinedFact>,
}

/// An occurrence about which a patient was phoned without result.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DeclinedFact {
    /// The code of the rule.
    pub rule: String,
    /// The entry that started it.
    pub start_id: Uuid,
    /// The number of the occurrence.
    pub number: u32,
}

/// A referral of the patient.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ReferralFact {
    /// The id of the entry.
    pub id: Uuid,
    /// The day of receipt.
    pub received_on: Date,
    /// Its treatment-right category.
    pub category: Option<String>,
    /// Whether the category leads to follow-up; `None` where there is none.
    pub triggers_follow_up: Option<bool>,
}

/// An episode of care.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EpisodeFact {
    /// The id of the entry.
    pub id: Uuid,
    /// The referral it follows.
    pub referral_id: Option<Uuid>,
    /// The first day of the episode.
    pub opened_on: Date,
    /// The last day of the episode; null while it is open.
    pub closed_on: Option<Date>,
}

/// A procedure of a group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ProcedureFact {
    /// The id of the entry.
    pub id: Uuid,
    /// The day of the procedure.
    pub performed_on: Date,
    /// The group, such as `rf`.
    pub group: String,
}

/// A permanent generator or pump.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ImplantFact {
    /// The component's id.
    pub id: Uuid,
    /// The implant of the component: the replacement of a generator does not restart follow-up.
    pub implant_id: Uuid,
    /// The modality of the implant.
    pub modality: Modality,
    /// The day of implantation.
    pub implanted_on: Date,
    /// The day of removal; absent while in place.
    pub removed_on: Option<Date>,
}

/// Participation in a project.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ParticipationFact {
    /// The id of the entry.
    pub id: Uuid,
    /// The code of the project.
    pub project: String,
    /// The first day of the participation.
    pub joined_on: Date,
    /// The last day.
    pub left_on: Option<Date>,
    /// Whether the project excludes its participants from the registry's own follow-up.
    pub excludes: bool,
}

/// An answer to a form of follow-up.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AnswerFact {
    /// The id of the submission.
    pub id: SubmissionId,
    /// The code of the form.
    pub form: String,
    /// The time of submission.
    pub submitted_at: Timestamp,
    /// The invitation it says it answers.
    pub invitation_id: Option<InvitationId>,
    /// The evidence for the invitation that was answered.
    pub invited_by: Option<MatchedBy>,
}

words! {
    /// The state of an invitation.
    InvitationState {
        /// A sender holds it and has not begun.
        Claimed,
        /// The sender was instructed to hand the invitation over to its gateway.
        HandedOver,
        /// The message was sent.
        Sent,
        /// The message was delivered.
        Delivered,
        /// The message could not be sent or delivered.
        Failed,
        /// The outcome is unknown.
        Unknown,
        /// The message was not sent.
        Withdrawn,
    }
}

words! {
    /// A delivery report of a sender.
    Receipt {
        /// Its gateway took it.
        Sent,
        /// The message was delivered.
        Delivered,
        /// The message could not be sent or delivered.
        Failed,
        /// The sender does not know whether it was sent.
        Unknown,
    }
    /// The outcome of a phone call to a patient who has not answered.
    CallOutcome {
        /// The patient was reached.
        Reached,
        /// The call was not answered.
        NoReply,
        /// The number is wrong.
        WrongNumber,
        /// The patient declined to answer.
        Declined,
        /// The patient promised to answer.
        WillAnswer,
        /// The patient cannot answer.
        Unable,
    }
    /// The reason why a message could not be sent or delivered.
    Failure {
        /// The telephone number, address or mailbox does not exist.
        InvalidAddress,
        /// The receiver exists and was not reachable in time.
        Unreachable,
        /// The recipient does not take messages of this kind.
        Blocked,
        /// The gateway refused the message.
        Rejected,
        /// The gateway failed.
        GatewayError,
        /// Any other failure.
        Other,
    }
}

impl InvitationState {
    /// Returns the state after a delivery report. No report is lost: a delivered message stays delivered, a failure
    /// after sending is a failure, and a sent message never counts as unsent.
    #[must_use]
    pub const fn after(self, receipt: Receipt) -> Self {
        match (self, receipt) {
            (_, Receipt::Delivered) | (Self::Delivered, _) => Self::Delivered,
            (_, Receipt::Failed) | (Self::Failed, _) => Self::Failed,
            (_, Receipt::Sent) | (Self::Sent, _) => Self::Sent,
            (Self::Claimed | Self::HandedOver | Self::Unknown | Self::Withdrawn, Receipt::Unknown) => Self::Unknown,
        }
    }
}

/// An invitation, sent or in progress.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InvitationFact {
    /// The id of the invitation.
    pub id: InvitationId,
    /// The code of the rule.
    pub rule: String,
    /// The entry that started the occurrence.
    pub start_id: Uuid,
    /// The number of the occurrence.
    pub number: u32,
    /// Counts everything sent for the occurrence.
    pub attempt: u32,
    /// 0: the invitation itself.
    pub reminder: u32,
    /// The channel of the message.
    pub channel: Channel,
    /// The form that was asked for.
    pub form: String,
    /// The state of the invitation.
    pub state: InvitationState,
    /// The expiry of the lease.
    pub lease_until: Timestamp,
    /// The time of sending; absent before it.
    pub sent_at: Option<Timestamp>,
    /// The time of delivery; absent before it.
    pub delivered_at: Option<Timestamp>,
    /// The time of failure; absent without one.
    pub failed_at: Option<Timestamp>,
    /// The reason of the failure, in the sender's words.
    pub failure: Option<String>,
    /// Whether an answer to it has come that could not be placed yet.
    pub answer_waits: bool,
}
