//! Expiry of leases: invitations that no sender holds any more.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use jiff::{SignedDuration, Timestamp};
use jiff_diesel::ToDiesel as _;
use painreg_domain::event;
use uuid::Uuid;

use super::change::emit;
use super::stored::IdRow;
use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::store::decisions;
use crate::tx::Tx;

#[derive(QueryableByName)]
struct ExpiredRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    patient_id: Uuid,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// The condition of an expired invitation: claimed or handed over, and its lease ended this long ago:
///
/// |                  | no longer due | still due |
/// |------------------|---------------|-----------|
/// | not handed over  | 0             | 1 hour    |
/// | handed over      | 1 day         | 7 days    |
///
/// Before that it may be claimed again by a sender of its channel.
const EXPIRED: &str = "decision.id = decision_id AND invitation.state IN ('claimed', 'handed_over') AND lease_until < \
     CASE WHEN handed_over_at IS NULL THEN CASE WHEN send_on IS NULL THEN ?::timestamptz ELSE ?::timestamptz END \
     ELSE CASE WHEN send_on IS NULL THEN ?::timestamptz ELSE ?::timestamptz END END";

pub(super) fn expired(query: Statement<'_>, now: Timestamp) -> Statement<'_> {
    let ago = |hours| now.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::UNIX_EPOCH);
    query
        .then(EXPIRED)
        .bind::<Timestamptz, _>(now.to_diesel())
        .bind::<Timestamptz, _>(ago(1).to_diesel())
        .bind::<Timestamptz, _>(ago(24).to_diesel())
        .bind::<Timestamptz, _>(ago(24 * 7).to_diesel())
}

/// Returns whether [`expire_leases`] has work to do.
pub(crate) fn is_any_expired(conn: &mut PgConnection, now: Timestamp) -> Result<bool, StoreError> {
    let query = statement("SELECT invitation.id FROM invitation, decision WHERE ");
    let found: Option<IdRow> = expired(query, now).then(" LIMIT 1").get_result(conn).optional()?;
    Ok(found.is_some())
}

/// Ends expired invitations and returns their number. Those never handed over are withdrawn, and offered again while still
/// due; the others become `unknown`, since they may have been sent.
pub fn expire_leases(tx: &mut Tx<'_>) -> Result<usize, StoreError> {
    let now = tx.now();
    tx.as_system(|tx| {
        let query = statement("SELECT DISTINCT invitation.patient_id AS id FROM invitation, decision WHERE ");
        let patients: Vec<IdRow> = expired(query, now).then(" LIMIT 500").load(tx.conn)?;
        let patients: Vec<Uuid> = patients.into_iter().map(|row| row.id).collect();
        if patients.is_empty() {
            return Ok(0);
        }
        decisions::lock(tx, &patients)?;
        let query = statement(
            "UPDATE invitation SET state = CASE WHEN handed_over_at IS NULL THEN 'withdrawn' ELSE 'unknown' END, \
             updated_at = ?, updated_by = ?, version = invitation.version + 1 FROM decision \
             WHERE invitation.patient_id = ANY (?) AND ",
        )
        .bind::<Timestamptz, _>(now.to_diesel())
        .bind::<Text, _>(tx.trace.action().to_owned())
        .bind::<Array<SqlUuid>, _>(patients.clone());
        let expired_rows: Vec<ExpiredRow> = expired(query, now)
            .then(" RETURNING invitation.id, invitation.patient_id, invitation.state, invitation.version")
            .load(tx.conn)?;
        for patient in patients {
            tx.mark_follow_up_stale(patient);
        }
        for row in &expired_rows {
            let kind = if row.state == "unknown" {
                event::EventType::InvitationUnknown
            } else {
                event::EventType::InvitationWithdrawn
            };
            emit(tx, kind, row.patient_id, row.id, row.version);
        }
        Ok(expired_rows.len())
    })
}
