//! What happened, as others are told of it (hendelser): ids, kinds and versions, never what was recorded, answered or sent.
//! Whoever is told and may read the rest asks for it.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::policy::Action;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $word:tt;)+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, EnumString, Display, IntoStaticStr, Serialize, Deserialize, utoipa::ToSchema)]
        #[schema(as = EventType)]
        pub enum Kind { $($(#[$doc])* #[strum(serialize = $word)] #[serde(rename = $word)] $name),+ }
    };
}

kinds! {
    /// Somebody was registered.
    PatientRegistered "patient.registered";
    /// What is known of somebody changed.
    PatientUpdated "patient.updated";
    /// Two patients are one: told of both.
    PatientMerged "patient.merged";
    /// A merge was undone: told of both.
    PatientUnmerged "patient.unmerged";
    /// The clinic recorded something.
    EntryRecorded "entry.recorded";
    /// The clinic changed what was recorded.
    EntryChanged "entry.changed";
    /// The clinic took back what was recorded.
    EntryWithdrawn "entry.withdrawn";
    /// An answered questionnaire was stored.
    SubmissionStored "submission.stored";
    /// An answered questionnaire was delivered anew with other answers.
    SubmissionRevised "submission.revised";
    /// An answer raised an alert.
    AlertRaised "alert.raised";
    /// A delivery could not be placed.
    DeliveryQuarantined "delivery.quarantined";
    /// What is decided of somebody's follow-up changed.
    DecisionChanged "decision.changed";
    /// A sender took an invitation on.
    InvitationClaimed "invitation.claimed";
    /// An invitation was sent.
    InvitationSent "invitation.sent";
    /// An invitation arrived.
    InvitationDelivered "invitation.delivered";
    /// An invitation could not be sent or did not arrive.
    InvitationFailed "invitation.failed";
    /// Nobody can say whether an invitation was sent.
    InvitationUnknown "invitation.unknown";
    /// An invitation is not to be sent any more.
    InvitationWithdrawn "invitation.withdrawn";
    /// A version of the follow-up plan was published.
    PlanPublished "plan.published";
    /// A version of a form was published.
    FormPublished "form.published";
    /// A webhook was disabled because its receiver failed for days, or said that it is gone.
    WebhookDisabled "webhook.disabled";
    /// Somebody tries a webhook: told to that one only.
    WebhookTest "webhook.test";
}

impl Kind {
    /// Who may read the rest of it, beside reading events at all: that somebody answered, or was alarmed about, is itself
    /// something to know of them.
    pub const fn asks_for(self) -> Option<Action> {
        match self {
            Self::SubmissionStored | Self::SubmissionRevised => Some(Action::ReadAnswers),
            Self::AlertRaised => Some(Action::ReadAlerts),
            _ => None,
        }
    }
}
