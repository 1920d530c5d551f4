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
    /// Birth date.
    pub born: Date,
    /// Date of death.
    pub deceased_on: Option<Date>,
    /// Whether the patient cannot answer for cognitive reasons.
    pub cognitive_impairment: bool,
    /// Whether the patient needs an interpreter.
    pub interpreter_needed: bool,
    /// By which channels the patient can be reached.
    pub channels: Vec<Channel>,
    /// When telephone or e-mail last changed: what failed before may be tried again.
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
    /// What was sent, in order of attempts.
    pub invitations: Vec<InvitationFact>,
    /// Which occurrences the patient, when rung, did not want to or could not answer.
    pub declined: Vec<DeclinedFact>,
}

/// An occurrence about which a patient was rung in vain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DeclinedFact {
    /// The rule.
    pub rule: String,
    /// The entry that started it.
    pub start_id: Uuid,
    /// Which occurrence.
    pub number: u32,
}

/// A referral.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ReferralFact {
    /// Its id.
    pub id: Uuid,
    /// When it was received.
    pub received_on: Date,
    /// Its treatment-right category.
    pub category: Option<String>,
    /// Whether the category leads to follow-up; `None` where there is none.
    pub triggers_follow_up: Option<bool>,
}

/// An episode of care.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EpisodeFact {
    /// Its id.
    pub id: Uuid,
    /// The referral it follows.
    pub referral_id: Option<Uuid>,
    /// Its first day.
    pub opened_on: Date,
    /// Its last day.
    pub closed_on: Option<Date>,
}

/// A procedure of a group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ProcedureFact {
    /// Its id.
    pub id: Uuid,
    /// When it was performed.
    pub performed_on: Date,
    /// The group, such as `rf`.
    pub group: String,
}

/// A permanent generator or pump.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ImplantFact {
    /// The component's id.
    pub id: Uuid,
    /// The implant it belongs to: a generator that is changed does not start anything anew.
    pub implant_id: Uuid,
    /// Of what modality.
    pub modality: Modality,
    /// When it was implanted.
    pub implanted_on: Date,
    /// When it was removed.
    pub removed_on: Option<Date>,
}

/// Participation in a project.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ParticipationFact {
    /// Its id.
    pub id: Uuid,
    /// The project.
    pub project: String,
    /// The first day.
    pub joined_on: Date,
    /// The last day.
    pub left_on: Option<Date>,
    /// Whether the project excludes its participants from the registry's own follow-up.
    pub excludes: bool,
}

/// An answer to a form of follow-up.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AnswerFact {
    /// The submission.
    pub id: SubmissionId,
    /// The form.
    pub form: String,
    /// When it was answered.
    pub submitted_at: Timestamp,
    /// The invitation it says it answers.
    pub invitation_id: Option<InvitationId>,
    /// How it says so.
    pub invited_by: Option<MatchedBy>,
}

words! {
    /// How far something that is being sent has come.
    InvitationState {
        /// A sender holds it and has not begun.
        Claimed,
        /// A sender has been told to give it to its gateway.
        HandedOver,
        /// It was sent.
        Sent,
        /// It arrived.
        Delivered,
        /// It could not be sent, or did not arrive.
        Failed,
        /// Nobody knows.
        Unknown,
        /// It was not sent after all.
        Withdrawn,
    }
}

words! {
    /// What a sender says became of an invitation.
    Receipt {
        /// Its gateway took it.
        Sent,
        /// It arrived.
        Delivered,
        /// It could not be sent, or did not arrive.
        Failed,
        /// The sender does not know whether it was sent.
        Unknown,
    }
    /// What came of ringing somebody who has not answered.
    CallOutcome {
        /// They were spoken to.
        Reached,
        /// Nobody answered the telephone.
        NoReply,
        /// The number is somebody else's, or nobody's.
        WrongNumber,
        /// They do not want to answer.
        Declined,
        /// They said that they would answer.
        WillAnswer,
        /// They cannot answer.
        Unable,
    }
    /// Why something could not be sent or did not arrive.
    Failure {
        /// There is no such telephone, address or mailbox.
        InvalidAddress,
        /// It exists and could not be reached in time.
        Unreachable,
        /// The recipient does not take messages of this kind.
        Blocked,
        /// The gateway refused the message.
        Rejected,
        /// The gateway failed.
        GatewayError,
        /// Something else.
        Other,
    }
}

impl InvitationState {
    /// What it is after a sender has said something: nothing that was said before is lost. What arrived has arrived; what
    /// failed after it was sent has failed; and nobody forgets that something was sent.
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

/// Something that was or is being sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InvitationFact {
    /// Its id.
    pub id: InvitationId,
    /// The rule.
    pub rule: String,
    /// The entry that started the occurrence.
    pub start_id: Uuid,
    /// Which occurrence.
    pub number: u32,
    /// Counts everything sent for the occurrence.
    pub attempt: u32,
    /// 0: the invitation itself.
    pub reminder: u32,
    /// By which channel.
    pub channel: Channel,
    /// The form that was asked for.
    pub form: String,
    /// How far it has come.
    pub state: InvitationState,
    /// Until when whoever claimed it holds it.
    pub lease_until: Timestamp,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// When it arrived.
    pub delivered_at: Option<Timestamp>,
    /// When it failed.
    pub failed_at: Option<Timestamp>,
    /// Why.
    pub failure: Option<String>,
    /// Whether an answer to it has come that could not be placed yet.
    pub answer_waits: bool,
}
