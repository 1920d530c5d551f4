//! What every change of an invitation shares.

use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use jiff_diesel::ToDiesel as _;
use painreg_domain::event;
use painreg_domain::followup::InvitationState;
use painreg_domain::ids::InvitationId;
use uuid::Uuid;

use super::read::read;
use super::stored::{COLUMNS, Invitation, InvitationRow};
use crate::error::StoreError;
use crate::statement::Statement;
use crate::store::decisions::{self, Locked};
use crate::tx::Tx;

/// Emits the event of a change of an invitation.
pub(super) fn emit(tx: &mut Tx<'_>, kind: event::EventType, patient: Uuid, id: Uuid, version: i64) {
    tx.emit(kind, Some(patient), format!("invitation/{id}"), Some(version));
}

/// Returns the event of reaching a state. Claims and hand-overs are not published from here.
pub(super) const fn event_kind(state: InvitationState) -> Option<event::EventType> {
    match state {
        InvitationState::Claimed | InvitationState::HandedOver => None,
        InvitationState::Sent => Some(event::EventType::InvitationSent),
        InvitationState::Delivered => Some(event::EventType::InvitationDelivered),
        InvitationState::Failed => Some(event::EventType::InvitationFailed),
        InvitationState::Unknown => Some(event::EventType::InvitationUnknown),
        InvitationState::Withdrawn => Some(event::EventType::InvitationWithdrawn),
    }
}

/// Opens the record of an invitation's patient, locks the patient's follow-up, and returns the invitation as it is now. Three
/// round trips.
pub(super) fn find_locked<'t>(tx: &mut Tx<'t>, id: InvitationId) -> Result<(Invitation, Locked<'t>, Uuid), StoreError> {
    tx.about(format!("invitation/{id}"));
    let patient = tx.open_by_invitation(id)?.id().uuid();
    let locked = decisions::lock(tx, &[patient])?;
    Ok((read(tx, id)?, locked, patient))
}

/// Completes and runs an `UPDATE` of one invitation; returns it as it is then.
pub(super) fn finish_change(tx: &mut Tx<'_>, query: Statement<'_>, id: InvitationId) -> Result<Invitation, StoreError> {
    let row: InvitationRow = query
        .then(", updated_at = ?, updated_by = ?, version = version + 1 WHERE id = ? RETURNING ")
        .then(COLUMNS)
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<Text, _>(tx.trace.action())
        .bind::<SqlUuid, _>(id.uuid())
        .get_result(tx.conn)?;
    row.try_into()
}
