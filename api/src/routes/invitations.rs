//! Invitations: claimed by senders, handed over, reported; and read by the clinic.

pub mod claim;
pub mod hand_over;
pub mod list;
pub mod read;
pub mod report;

use jiff::Timestamp;
use painreg_domain::followup::InvitationState;
use painreg_domain::ids::{DecisionId, EntryId, InvitationId, PatientId};
use painreg_tenants::store::invitations::Invitation;
use serde::Serialize;

/// An invitation or a reminder (invitasjon, purring), without the address it was sent to.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Invitation)]
pub struct InvitationView {
    /// The id of the invitation: the reference for the gateway.
    id: InvitationId,
    /// The patient who receives the message.
    patient_id: PatientId,
    /// The decision that the invitation carries out.
    decision_id: DecisionId,
    /// The name of the rule.
    #[schema(max_length = 40, example = "rf_3")]
    rule: String,
    /// The entry that started the occurrence.
    start_id: EntryId,
    /// The number of the occurrence of the rule.
    #[schema(minimum = 0)]
    number: i32,
    /// The number among all messages of the occurrence, from 1.
    #[schema(minimum = 1)]
    attempt: i32,
    /// The number of the reminder (purring); 0: the invitation.
    #[schema(minimum = 0)]
    reminder: i32,
    /// The channel of the message.
    #[schema(max_length = 40, example = "sms")]
    channel: String,
    /// The code of the form to answer.
    #[schema(max_length = 64, example = "opr-rf")]
    form: String,
    /// The state: `claimed`, `handed_over`, `sent`, `delivered`, `failed`, `unknown` or `withdrawn`.
    #[schema(value_type = String, max_length = 20, example = "sent")]
    state: InvitationState,
    /// The actor of the last claim, as in the access log.
    #[schema(max_length = 200)]
    claimed_by: String,
    /// The time of the last claim.
    claimed_at: Timestamp,
    /// The lease expiry of the last claim.
    lease_until: Timestamp,
    /// The time of the hand-over to the sender; null before.
    handed_over_at: Option<Timestamp>,
    /// The time of sending; null before.
    sent_at: Option<Timestamp>,
    /// The time of delivery; null before.
    delivered_at: Option<Timestamp>,
    /// The time of the failure; null where there was none.
    failed_at: Option<Timestamp>,
    /// The reason of the failure; null where there was none.
    #[schema(max_length = 40, example = "invalid_address")]
    failure: Option<String>,
    /// The reference of the sender's system; null without one.
    #[schema(max_length = 100)]
    reference: Option<String>,
    /// Counts changes; also the ETag.
    #[schema(minimum = 1)]
    version: i64,
}

impl From<Invitation> for InvitationView {
    fn from(it: Invitation) -> Self {
        Self {
            id: it.id,
            patient_id: it.patient,
            decision_id: it.decision,
            rule: it.rule,
            start_id: it.start,
            number: it.number,
            attempt: it.attempt,
            reminder: it.reminder,
            channel: it.channel,
            form: it.form,
            state: it.state,
            claimed_by: it.claimed_by,
            claimed_at: it.claimed_at,
            lease_until: it.lease_until,
            handed_over_at: it.handed_over_at,
            sent_at: it.sent_at,
            delivered_at: it.delivered_at,
            failed_at: it.failed_at,
            failure: it.failure,
            reference: it.reference,
            version: it.version,
        }
    }
}
