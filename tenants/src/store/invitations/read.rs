//! Reading one invitation, and the list of invitations.

use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use painreg_domain::followup::{Channel, InvitationState};
use painreg_domain::ids::InvitationId;

use super::stored::{Invitation, InvitationRow, invitations};
use crate::cursor::Keyset;
use crate::error::StoreError;
use crate::store::{Listing, comparable};
use crate::tx::Tx;

/// The filter of the list of invitations.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Only invitations in this state.
    pub state: Option<InvitationState>,
    /// Only invitations by this channel.
    pub channel: Option<Channel>,
    /// Only invitations of this rule.
    pub rule: Option<String>,
    /// The earliest claim.
    pub from: Option<Timestamp>,
    /// The end of the period of claims, exclusive.
    pub to: Option<Timestamp>,
}

/// Returns one invitation and opens the patient's record.
pub fn find(tx: &mut Tx<'_>, id: InvitationId) -> Result<Invitation, StoreError> {
    tx.about(format!("invitation/{id}"));
    let access = tx.open_by_invitation(id)?;
    Ok(Invitation { patient: access.id(), ..read(tx, id)? })
}

/// Returns one invitation. The caller opens the record.
pub fn read(tx: &mut Tx<'_>, id: InvitationId) -> Result<Invitation, StoreError> {
    let row: InvitationRow =
        invitations().then("invitation.id = ?").bind::<SqlUuid, _>(id.uuid()).get_result(tx.conn)?;
    row.try_into()
}

/// Returns invitations within the caller's reach, newest claim first. Logs every patient shown.
pub fn list(
    tx: &mut Tx<'_>,
    search: &Search,
    after: Option<Keyset<Timestamp, InvitationId>>,
    limit: i64,
) -> Result<Listing<Invitation>, StoreError> {
    let mut query = tx.within(invitations().then("true"), "invitation.patient_id");
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
        query = query.then(" AND claimed_at >= ?").bind::<Timestamptz, _>(comparable(from));
    }
    if let Some(to) = search.to {
        query = query.then(" AND claimed_at < ?").bind::<Timestamptz, _>(comparable(to));
    }
    if let Some(Keyset(at, id)) = after {
        query = query
            .then(" AND (claimed_at, id) < (?, ?)")
            .bind::<Timestamptz, _>(comparable(at))
            .bind::<SqlUuid, _>(id.uuid());
    }
    let query = query.then(" ORDER BY claimed_at DESC, id DESC");
    tx.list(query, limit, |row: &InvitationRow| [row.patient_id])?.try_map(Invitation::try_from)
}
