//! What every change of an invitation shares.

use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use jiff_diesel::ToDiesel as _;
use painreg_domain::event;
use painreg_domain::followup::InvitationState;
use painreg_domain::ids::InvitationId;
use uuid::Uuid;

use super::read::read;
use super::stored::Invitation;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::store::decisions;
use crate::tx::Tx;

/// Emits the event of a change of an invitation.
pub(super) fn emit(tx: &mut Tx<'_>, kind: event::Kind, patient: Uuid, id: Uuid, version: i64) {
    tx.emit(kind, Some(patient), format!("invitation/{id}"), Some(version));
}

/// Returns the event of reaching a state. Claims and hand-overs are not published from here.
pub(super) const fn event_kind(state: InvitationState) -> Option<event::Kind> {
    match state {
        InvitationState::Claimed | InvitationState::HandedOver => None,
        InvitationState::Sent => Some(event::Kind::InvitationSent),
        InvitationState::Delivered => Some(event::Kind::InvitationDelivered),
        InvitationState::Failed => Some(event::Kind::InvitationFailed),
        InvitationState::Unknown => Some(event::Kind::InvitationUnknown),
        InvitationState::Withdrawn => Some(event::Kind::InvitationWithdrawn),
    }
}

/// Returns one invitation and its patient, with the record open and the patient's decisions locked until the transaction ends.
pub(super) fn find_locked(tx: &mut Tx<'_>, id: InvitationId) -> Result<(Invitation, Uuid), StoreError> {
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
pub(super) fn finish_change(tx: &mut Tx<'_>, query: Statement<'_>, id: InvitationId) -> Result<(), StoreError> {
    query
        .then(", updated_at = ?, updated_by = ?, version = version + 1 WHERE id = ?")
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<Text, _>(tx.trace.action())
        .bind::<SqlUuid, _>(id.uuid())
        .execute(tx.conn)?;
    Ok(())
}
