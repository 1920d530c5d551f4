//! What is sent: claimed by senders, handed over, told the end of; and looked up.

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

/// An invitation or a reminder (invitasjon, purring). Where it went is not here.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Invitation)]
pub struct InvitationView {
    /// Its id: the reference that a gateway is to know it by.
    id: InvitationId,
    /// To whom.
    patient_id: PatientId,
    /// The decision it carries out.
    decision_id: DecisionId,
    /// The rule.
    #[schema(max_length = 40, example = "rf_3")]
    rule: String,
    /// The entry that started the occurrence.
    start_id: EntryId,
    /// Which occurrence of it.
    #[schema(minimum = 0)]
    number: i32,
    /// Counts everything sent for the occurrence, from 1.
    #[schema(minimum = 1)]
    attempt: i32,
    /// 0: the invitation itself; then the reminders.
    #[schema(minimum = 0)]
    reminder: i32,
    /// By which channel.
    #[schema(max_length = 40, example = "sms")]
    channel: String,
    /// For which form.
    #[schema(max_length = 64, example = "opr-rf")]
    form: String,
    /// `claimed`, `handed_over`, `sent`, `delivered`, `failed`, `unknown` or `withdrawn`.
    #[schema(value_type = String, max_length = 20, example = "sent")]
    state: InvitationState,
    /// Who took it on last, as the access log shows them.
    #[schema(max_length = 200)]
    claimed_by: String,
    /// When.
    claimed_at: Timestamp,
    /// Until when it was theirs.
    lease_until: Timestamp,
    /// When they were told to send it.
    handed_over_at: Option<Timestamp>,
    /// When it was sent.
    sent_at: Option<Timestamp>,
    /// When it arrived.
    delivered_at: Option<Timestamp>,
    /// When it failed.
    failed_at: Option<Timestamp>,
    /// Why.
    #[schema(max_length = 40, example = "invalid_address")]
    failure: Option<String>,
    /// What the sender's system calls it.
    #[schema(max_length = 100)]
    reference: Option<String>,
    /// Counts changes.
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
