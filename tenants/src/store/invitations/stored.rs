//! A stored invitation and its row.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use painreg_domain::followup::InvitationState;
use painreg_domain::ids::{DecisionId, EntryId, InvitationId, PatientId};
use uuid::Uuid;

use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::store::parse_stored;

/// A stored invitation.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// The invitation's id.
    pub id: InvitationId,
    /// The patient it is sent to.
    pub patient: PatientId,
    /// The follow-up decision that it carries out.
    pub decision: DecisionId,
    /// The rule of the plan.
    pub rule: String,
    /// The entry that started the occurrence.
    pub start: EntryId,
    /// The number of the occurrence.
    pub number: i32,
    /// The number of the attempt for the occurrence, from 1.
    pub attempt: i32,
    /// The number of the reminder; 0 for the invitation itself.
    pub reminder: i32,
    /// The channel that the invitation is sent by.
    pub channel: String,
    /// The form to be answered.
    pub form: String,
    /// The state of sending.
    pub state: InvitationState,
    /// The actor of the last claim, as shown in the access log.
    pub claimed_by: String,
    /// The instant of the last claim.
    pub claimed_at: Timestamp,
    /// The end of the lease.
    pub lease_until: Timestamp,
    /// The instant of the hand-over.
    pub handed_over_at: Option<Timestamp>,
    /// The instant of sending.
    pub sent_at: Option<Timestamp>,
    /// The instant of arrival.
    pub delivered_at: Option<Timestamp>,
    /// The instant of failure.
    pub failed_at: Option<Timestamp>,
    /// The reason of the failure.
    pub failure: Option<String>,
    /// The reference in the sender's system.
    pub reference: Option<String>,
    /// The version, from 1; every change adds 1.
    pub version: i64,
}

#[derive(QueryableByName)]
pub(super) struct InvitationRow {
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(super) patient_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(super) decision_id: Uuid,
    #[diesel(sql_type = Text)]
    pub(super) rule: String,
    #[diesel(sql_type = SqlUuid)]
    pub(super) start_id: Uuid,
    #[diesel(sql_type = Integer)]
    pub(super) number: i32,
    #[diesel(sql_type = Integer)]
    pub(super) attempt: i32,
    #[diesel(sql_type = Integer)]
    pub(super) reminder: i32,
    #[diesel(sql_type = Text)]
    pub(super) channel: String,
    #[diesel(sql_type = Text)]
    pub(super) form: String,
    #[diesel(sql_type = Text)]
    pub(super) state: String,
    #[diesel(sql_type = Text)]
    pub(super) claimed_by: String,
    #[diesel(sql_type = Timestamptz)]
    pub(super) claimed_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Timestamptz)]
    pub(super) lease_until: jiff_diesel::Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) handed_over_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) sent_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) delivered_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) failed_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) failure: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) reference: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub(super) version: i64,
}

#[derive(QueryableByName)]
pub(super) struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: Uuid,
}

impl TryFrom<InvitationRow> for Invitation {
    type Error = StoreError;

    fn try_from(row: InvitationRow) -> Result<Self, StoreError> {
        let at = |at: Option<jiff_diesel::Timestamp>| at.map(jiff_diesel::Timestamp::to_jiff);
        Ok(Self {
            id: InvitationId::existing(row.id),
            patient: PatientId::existing(row.patient_id),
            decision: DecisionId::existing(row.decision_id),
            rule: row.rule,
            start: EntryId::existing(row.start_id),
            number: row.number,
            attempt: row.attempt,
            reminder: row.reminder,
            channel: row.channel,
            form: row.form,
            state: parse_stored(&row.state)?,
            claimed_by: row.claimed_by,
            claimed_at: row.claimed_at.to_jiff(),
            lease_until: row.lease_until.to_jiff(),
            handed_over_at: at(row.handed_over_at),
            sent_at: at(row.sent_at),
            delivered_at: at(row.delivered_at),
            failed_at: at(row.failed_at),
            failure: row.failure,
            reference: row.reference,
            version: row.version,
        })
    }
}

/// The columns of an [`InvitationRow`].
pub(super) const COLUMNS: &str = "invitation.id, invitation.patient_id, decision_id, rule, start_id, number, attempt, \
     reminder, channel, form, state, claimed_by, claimed_at, lease_until, handed_over_at, sent_at, delivered_at, failed_at, \
     failure, reference, invitation.version";

/// Begins a statement that selects invitations; it continues with the condition.
pub(super) fn invitations<'q>() -> Statement<'q> {
    statement("SELECT ").then(COLUMNS).then(" FROM invitation WHERE ")
}
