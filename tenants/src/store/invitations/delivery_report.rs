//! Delivery reports: what a sender reports of an invitation, in any order.

use diesel::sql_types::{Nullable, Text, Timestamptz};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::followup::{Failure, InvitationState, Receipt};
use painreg_domain::ids::InvitationId;

use super::change::{emit, event_kind, find_locked, finish_change};
use super::stored::Invitation;
use crate::error::StoreError;
use crate::statement::statement;
use crate::tx::Tx;

/// A delivery report: what a sender reports of an invitation.
#[derive(Clone, Debug)]
pub struct DeliveryReport {
    /// The reported result.
    pub receipt: Receipt,
    /// The reason, of failures only.
    pub failure: Option<Failure>,
    /// The reference in the sender's system.
    pub reference: Option<String>,
    /// The instant of the result; now when absent.
    pub at: Option<Timestamp>,
}

/// Applies a delivery report. Reports may come in any order and repeatedly, also after the lease has expired.
pub fn apply_report(tx: &mut Tx<'_>, id: InvitationId, report: &DeliveryReport) -> Result<Invitation, StoreError> {
    let (found, _locked, patient) = find_locked(tx, id)?;
    if let (Some(known), Some(said)) = (&found.reference, &report.reference)
        && known != said
    {
        return Err(StoreError::Conflict(vec![Fault::at("reference", FaultCode::Contradiction)]));
    }
    // Another sender holds it now and will report itself.
    let is_held = matches!(found.state, InvitationState::Claimed | InvitationState::HandedOver);
    if report.receipt == Receipt::Failed && is_held && found.claimed_by != tx.principal().actor.as_str() {
        return Ok(found);
    }
    // A sender's clock may be wrong: the instant is limited to the time between the claim and now.
    let at = report.at.unwrap_or(tx.now()).max(found.claimed_at).min(tx.now().max(found.claimed_at));
    let state = found.state.after(report.receipt);
    let failure = report.failure.map(<&'static str>::from);
    let query = statement("UPDATE invitation SET state = ?, reference = coalesce(reference, ?)")
        .bind::<Text, _>(<&'static str>::from(state))
        .bind::<Nullable<Text>, _>(report.reference.clone());
    let query = match report.receipt {
        Receipt::Sent => query.then(", sent_at = coalesce(sent_at, ?)").bind::<Timestamptz, _>(at.to_diesel()),
        Receipt::Delivered => query
            .then(", sent_at = coalesce(sent_at, ?), delivered_at = coalesce(delivered_at, ?)")
            .bind::<Timestamptz, _>(at.to_diesel())
            .bind::<Timestamptz, _>(at.to_diesel()),
        Receipt::Failed => query
            .then(", failed_at = coalesce(failed_at, ?), failure = coalesce(failure, ?)")
            .bind::<Timestamptz, _>(at.to_diesel())
            .bind::<Nullable<Text>, _>(failure),
        Receipt::Unknown => query,
    };
    let changed = finish_change(tx, query, id)?;
    if let Some(kind) = event_kind(state).filter(|_| state != found.state) {
        emit(tx, kind, patient, id.uuid(), changed.version);
    }
    tx.mark_follow_up_stale(patient);
    Ok(changed)
}
