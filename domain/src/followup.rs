//! Follow-up (oppfølging): who is to be asked again, when, how, and why not. A plan is data; what it means for a patient is
//! a pure function of the patient's facts. Nothing here sends, stores or looks at a clock.

pub mod call_priority;
mod check;
mod decide;
mod decision;
mod facts;
mod message;
mod plan;
mod start;
#[cfg(test)]
mod tests;

pub use decide::decide;
pub use decision::{Decision, Matched, MatchedBy, Next, Outcome, Reason, State, Timing};
pub use facts::{
    AnswerFact, CallOutcome, EpisodeFact, Facts, Failure, ImplantFact, InvitationFact, InvitationState,
    ParticipationFact, ProcedureFact, Receipt, ReferralFact,
};
pub use message::TOKEN_LENGTH;
pub use plan::{
    Exclusion, FollowUpPlanDefinition, FollowUpWave, Known, Links, Messages, OnNewStart, Plan, Rule, SendingHours,
    Start, Title, Track, Window,
};

crate::words::words! {
    /// The channel of a message.
    Channel {
        /// A text message to the mobile telephone.
        Sms,
        /// An e-mail to the address of the patient.
        Email,
        /// A digital mailbox (sikker digital post): by national id.
        DigitalMailbox,
        /// A task at Helsenorge: by national id.
        Helsenorge,
    }
}
