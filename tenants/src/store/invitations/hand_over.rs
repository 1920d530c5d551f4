//! The hand-over: the last check before an invitation is sent.

use std::time::Duration;

use diesel::sql_types::{Text, Timestamptz};
use jiff_diesel::ToDiesel as _;
use painreg_domain::followup::{Decision, InvitationState};
use painreg_domain::ids::InvitationId;

use super::change::{emit, event_kind, find_locked, finish_change};
use super::stored::Invitation;
use crate::error::StoreError;
use crate::statement::statement;
use crate::store::{decisions, version};
use crate::tx::Tx;

/// The result of a hand-over.
#[derive(Clone, Debug)]
pub enum Handover {
    /// The sender must send it now.
    Granted(Box<Invitation>),
    /// The caller does not hold it: the lease has expired, or the invitation has ended.
    NotHeld,
    /// Nothing is sent at this hour; it is offered again after this time.
    NotYet(Duration),
    /// It must not be sent any more.
    Withdrawn,
}

/// Makes the last check before sending: the caller must hold the invitation in this version, and it must still be due.
/// An invitation that is no longer due is withdrawn. The same hand-over again, because its answer was lost, is checked and
/// granted again and changes nothing, as long as the lease lasts. Nine round trips where it is granted and no decision has
/// changed.
pub fn hand_over(tx: &mut Tx<'_>, id: InvitationId, version: i64) -> Result<Handover, StoreError> {
    let (found, locked, patient) = find_locked(tx, id)?;
    let is_holder = found.claimed_by == tx.principal().actor.as_str();
    // Every claim and every hand-over adds 1 to the version: this one is of the same claim.
    let again = is_holder && found.state == InvitationState::HandedOver && found.version - 1 == version;
    version::expect(found.version, if again { version + 1 } else { version })?;
    // Granted once a claim: a sender that is granted twice may send twice.
    let held = is_holder && (again || found.state == InvitationState::Claimed);
    if !held || found.lease_until <= tx.now() {
        return Ok(Handover::NotHeld);
    }
    let today = tx.today();
    let wanted = |decision: &Decision| {
        decision.rule == found.rule
            && decision.start == Some(found.start.uuid())
            && i32::try_from(decision.number) == Ok(found.number)
            && decision.send_on.is_some_and(|day| day <= today)
            && decision.next.is_some_and(|next| i32::try_from(next.attempt) == Ok(found.attempt))
    };
    let decided = tx.as_system(|tx| decisions::redecide(tx, &locked))?;
    if let Some(next_at) = decided.first().and_then(|record| record.plan.sends_again_at(tx.now())) {
        return Ok(Handover::NotYet(tx.now().duration_until(next_at).unsigned_abs()));
    }
    // The claim contains the address of that time, which may belong to another person by now.
    let still_there = |record: &decisions::Decided| record.contact_changed_at.is_none_or(|at| at <= found.claimed_at);
    let granted = tx.skips_last_check()
        || decided.iter().filter(|it| still_there(it)).flat_map(|it| &it.decisions).any(|(_, it)| wanted(it));
    if again && granted {
        return Ok(Handover::Granted(Box::new(found)));
    }
    // An earlier holder may have sent it: then its state is unknown.
    let state = match (granted, found.handed_over_at) {
        (true, _) => InvitationState::HandedOver,
        (false, None) => InvitationState::Withdrawn,
        (false, Some(_)) => InvitationState::Unknown,
    };
    let query = statement("UPDATE invitation SET state = ?").bind::<Text, _>(<&'static str>::from(state));
    let query =
        if granted { query.then(", handed_over_at = ?").bind::<Timestamptz, _>(tx.now().to_diesel()) } else { query };
    let changed = finish_change(tx, query, id)?;
    if let Some(kind) = event_kind(state) {
        emit(tx, kind, patient, id.uuid(), changed.version);
    }
    if granted {
        // Deciding does not distinguish a claimed invitation from one handed over: the decisions made above are still right.
        return Ok(Handover::Granted(Box::new(changed)));
    }
    tx.mark_follow_up_stale(patient);
    Ok(Handover::Withdrawn)
}
