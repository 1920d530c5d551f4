//! Events for subscribers (hendelser): ids, kinds and versions, without recorded, answered or sent content.
//! Subscribers with the rights read the content over the API.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::policy::Action;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $word:tt;)+) => {
        /// The kinds of events.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, EnumString, Display, IntoStaticStr, Serialize, Deserialize, utoipa::ToSchema)]
        #[schema(as = EventType)]
        pub enum EventType { $($(#[$doc])* #[strum(serialize = $word)] #[serde(rename = $word)] $name),+ }
    };
}

kinds! {
    /// A patient was registered.
    PatientRegistered "patient.registered";
    /// The identity or contact data of a patient changed.
    PatientUpdated "patient.updated";
    /// Two patients were merged; one event for each of them.
    PatientMerged "patient.merged";
    /// A merge was undone; one event for each of the patients.
    PatientUnmerged "patient.unmerged";
    /// The clinic recorded something.
    EntryRecorded "entry.recorded";
    /// The clinic changed what was recorded.
    EntryChanged "entry.changed";
    /// The clinic took back what was recorded.
    EntryWithdrawn "entry.withdrawn";
    /// An answered questionnaire was stored.
    SubmissionStored "submission.stored";
    /// A questionnaire was delivered again with other answers.
    SubmissionRevised "submission.revised";
    /// An answer raised an alert.
    AlertRaised "alert.raised";
    /// A delivery could not be placed.
    DeliveryQuarantined "delivery.quarantined";
    /// A follow-up decision of a patient changed.
    DecisionChanged "decision.changed";
    /// A sender took an invitation on.
    InvitationClaimed "invitation.claimed";
    /// An invitation was sent.
    InvitationSent "invitation.sent";
    /// An invitation arrived.
    InvitationDelivered "invitation.delivered";
    /// An invitation could not be sent or did not arrive.
    InvitationFailed "invitation.failed";
    /// The outcome of sending an invitation is unknown.
    InvitationUnknown "invitation.unknown";
    /// An invitation is not to be sent any more.
    InvitationWithdrawn "invitation.withdrawn";
    /// A version of the follow-up plan was published.
    PlanPublished "plan.published";
    /// A version of a form was published.
    FormPublished "form.published";
    /// A webhook was disabled because its receiver failed for days or answered 410.
    WebhookDisabled "webhook.disabled";
    /// A test of one webhook; only that webhook receives it.
    WebhookTest "webhook.test";
}

impl EventType {
    /// The actions that permit to read events of this kind, besides reading events at all: the fact of an answer or of
    /// an alert is itself information about the patient.
    pub const fn asks_for(self) -> Option<Action> {
        match self {
            Self::SubmissionStored | Self::SubmissionRevised => Some(Action::ReadAnswers),
            Self::AlertRaised => Some(Action::ReadAlerts),
            _ => None,
        }
    }
}
