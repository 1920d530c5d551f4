//! Typed identifiers: a patient's id can never be handed where a submission's is wanted.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = Uuid, min_length = 36, max_length = 36)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an id that already exists, or was just drawn by the one source of ids.
            pub const fn existing(id: Uuid) -> Self {
                Self(id)
            }

            /// The bare value, for the storage layer only.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// One hospital's registry (helseforetakets register).
    TenantId;
    /// One person in one tenant's registry. UUIDv4, because a v7 id contains the time of registration.
    PatientId;
    /// One revision of one answered questionnaire (besvarelse).
    SubmissionId;
    /// One entry of the access log (innsynslogg).
    EventId;
    /// One clinical entry about a patient, of any kind.
    EntryId;
    /// One merge of a duplicate into another patient.
    MergeId;
    /// One delivery that could not be placed yet (karantene).
    QuarantineId;
    /// One alert that an answer raised (varsel).
    AlertId;
    /// One licence of instruments (lisens).
    LicenceId;
    /// One decision about a follow-up.
    DecisionId;
    /// One invitation or reminder (invitasjon, purring).
    InvitationId;
    /// One telephone call about an unanswered invitation.
    CallId;
    /// The id of one webhook subscription.
    WebhookId;
    /// The id of one long operation.
    OperationId;
    /// One trusted issuer of tokens.
    IssuerId;
}
