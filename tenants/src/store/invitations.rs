//! Invitations: claimed by senders under a lease, checked again immediately before sending, and completed by delivery reports.
//! An attempt is handed out a second time only where it is unknown whether it was sent; the new holder then has to check first.

mod claim;
mod delivery_report;
mod expiry;
mod hand_over;
mod token;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::event;
use painreg_domain::followup::{Channel, InvitationState};
use painreg_domain::ids::{DecisionId, EntryId, InvitationId, PatientId};
use uuid::Uuid;

use crate::cursor::Keyset;
use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::store::{Listing, decisions, parse_stored};
use crate::tx::Tx;

pub use claim::{Claim, ClaimRequest, ClaimedInvitation, claim};
pub use delivery_report::{DeliveryReport, apply_report};
pub use expiry::expire_leases;
pub(crate) use expiry::is_any_expired;
pub use hand_over::{Handover, hand_over};
pub use token::token_hash;

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
    /// The channel.
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

/// The filter of the list of invitations.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The state.
    pub state: Option<InvitationState>,
    /// The channel.
    pub channel: Option<Channel>,
    /// The rule.
    pub rule: Option<String>,
    /// The earliest claim.
    pub from: Option<Timestamp>,
    /// The end of the period of claims, exclusive.
    pub to: Option<Timestamp>,
}

#[derive(QueryableByName)]
struct InvitationRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    patient_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    decision_id: Uuid,
    #[diesel(sql_type = Text)]
    rule: String,
    #[diesel(sql_type = SqlUuid)]
    start_id: Uuid,
    #[diesel(sql_type = Integer)]
    number: i32,
    #[diesel(sql_type = Integer)]
    attempt: i32,
    #[diesel(sql_type = Integer)]
    reminder: i32,
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Text)]
    form: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    claimed_by: String,
    #[diesel(sql_type = Timestamptz)]
    claimed_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Timestamptz)]
    lease_until: jiff_diesel::Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    handed_over_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    sent_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    delivered_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    failed_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    failure: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reference: Option<String>,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
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

const INVITATIONS: &str = "SELECT invitation.id, invitation.patient_id, decision_id, rule, start_id, number, attempt, \
     reminder, channel, form, state, claimed_by, claimed_at, lease_until, handed_over_at, sent_at, delivered_at, \
     failed_at, failure, reference, invitation.version FROM invitation WHERE ";

fn emit(tx: &mut Tx<'_>, kind: event::EventType, patient: Uuid, id: Uuid, version: i64) {
    tx.emit(kind, Some(patient), format!("invitation/{id}"), Some(version));
}

/// Returns the event of reaching a state. Claims and hand-overs are not published from here.
const fn event_kind(state: InvitationState) -> Option<event::EventType> {
    match state {
        InvitationState::Claimed | InvitationState::HandedOver => None,
        InvitationState::Sent => Some(event::EventType::InvitationSent),
        InvitationState::Delivered => Some(event::EventType::InvitationDelivered),
        InvitationState::Failed => Some(event::EventType::InvitationFailed),
        InvitationState::Unknown => Some(event::EventType::InvitationUnknown),
        InvitationState::Withdrawn => Some(event::EventType::InvitationWithdrawn),
    }
}

/// Returns one invitation and opens the patient's record.
pub fn find(tx: &mut Tx<'_>, id: InvitationId) -> Result<Invitation, StoreError> {
    tx.about(format!("invitation/{id}"));
    let found = read(tx, id)?;
    let access = tx.open_patient(found.patient)?;
    Ok(Invitation { patient: access.id(), ..found })
}

/// Returns one invitation. The caller opens the record.
pub fn read(tx: &mut Tx<'_>, id: InvitationId) -> Result<Invitation, StoreError> {
    let row: InvitationRow =
        statement(INVITATIONS).then("invitation.id = ?").bind::<SqlUuid, _>(id.uuid()).get_result(tx.conn)?;
    row.try_into()
}

/// Returns one invitation and its patient, with the record open and the patient's decisions locked until the transaction ends.
fn find_locked(tx: &mut Tx<'_>, id: InvitationId) -> Result<(Invitation, Uuid), StoreError> {
    let access = {
        tx.about(format!("invitation/{id}"));
        let found = read(tx, id)?;
        tx.open_patient(found.patient)?
    };
    let patient = access.id().uuid();
    decisions::lock(tx, &[patient])?;
    Ok((read(tx, id)?, patient))
}

/// Completes and runs an `UPDATE` of one invitation.
fn finish_change(tx: &mut Tx<'_>, query: Statement<'_>, id: InvitationId) -> Result<(), StoreError> {
    query
        .then(", updated_at = ?, updated_by = ?, version = version + 1 WHERE id = ?")
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<Text, _>(tx.trace.action())
        .bind::<SqlUuid, _>(id.uuid())
        .execute(tx.conn)?;
    Ok(())
}

/// Returns invitations within the caller's reach, newest claim first. Logs every patient shown.
pub fn list(
    tx: &mut Tx<'_>,
    search: &Search,
    after: Option<Keyset<Timestamp, InvitationId>>,
    limit: i64,
) -> Result<Listing<Invitation>, StoreError> {
    let mut query = statement(INVITATIONS).then("true");
    if let Some(unit) = tx.unit_in_reach() {
        query = query
            .then(
                " AND EXISTS (SELECT FROM patient named JOIN patient ON patient.id = coalesce(named.merged_into, \
                 named.id) WHERE named.id = invitation.patient_id AND patient.unit = ?)",
            )
            .bind::<Text, _>(unit);
    }
    if let Some(state) = search.state {
        query = query.then(" AND state = ?").bind::<Text, _>(<&'static str>::from(state));
    }
    if let Some(channel) = search.channel {
        query = query.then(" AND channel = ?").bind::<Text, _>(<&'static str>::from(channel));
    }
    if let Some(rule) = &search.rule {
        query = query.then(" AND rule = ?").bind::<Text, _>(rule.clone());
    }
    if let Some(from) = search.from {
        query = query.then(" AND claimed_at >= ?").bind::<Timestamptz, _>(super::comparable(from));
    }
    if let Some(to) = search.to {
        query = query.then(" AND claimed_at < ?").bind::<Timestamptz, _>(super::comparable(to));
    }
    if let Some(Keyset(at, id)) = after {
        query = query
            .then(" AND (claimed_at, id) < (?, ?)")
            .bind::<Timestamptz, _>(super::comparable(at))
            .bind::<SqlUuid, _>(id.uuid());
    }
    let query = query.then(" ORDER BY claimed_at DESC, id DESC");
    tx.list(query, limit, |row: &InvitationRow| [row.patient_id])?.try_map(Invitation::try_from)
}
