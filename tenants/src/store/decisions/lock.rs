//! The lock of patients' follow-up: one advisory lock per patient, held until the transaction ends. Deciding needs it, and
//! so does every change of a patient's invitations, so that decisions are always based on the latest facts.

use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Text, Timestamptz, Uuid as SqlUuid};
use jiff_diesel::ToDiesel as _;
use painreg_domain::followup::Channel;
use uuid::Uuid;

use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::tx::Tx;

/// Proof that this transaction has locked the follow-up of these patients.
pub(crate) struct Locked<'t> {
    patients: Vec<Uuid>,
    brand: PhantomData<fn(&'t ()) -> &'t ()>,
}

impl Locked<'_> {
    /// The locked patients; of merged records the survivors.
    pub(crate) fn patients(&self) -> &[Uuid] {
        &self.patients
    }
}

#[derive(QueryableByName)]
struct LockedRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The patients with a decision to send by a channel today, as far as no other transaction has locked them.
const DUE: &str = "WITH due AS MATERIALIZED (SELECT decision.patient_id FROM decision \
     WHERE channel = ? AND send_on <= ? AND NOT EXISTS (SELECT FROM invitation WHERE decision_id = decision.id \
     AND state IN ('claimed', 'handed_over') AND lease_until > ?) ORDER BY send_on, id LIMIT ?), \
     root AS MATERIALIZED (SELECT DISTINCT coalesce(merged_into, id) AS id FROM due \
     JOIN patient ON patient.id = due.patient_id) \
     SELECT id FROM root WHERE pg_try_advisory_xact_lock(hashtextextended(id::text, 7)) LIMIT ?";

/// Locks the follow-up of these patients, in the order of ids. Waits for other transactions. One round trip.
pub(crate) fn lock<'t>(tx: &mut Tx<'t>, patients: &[Uuid]) -> Result<Locked<'t>, StoreError> {
    let query = statement(
        "SELECT id, pg_advisory_xact_lock(hashtextextended(id::text, 7)) FROM (SELECT DISTINCT coalesce(merged_into, id) \
         AS id FROM patient WHERE id = ANY (?) ORDER BY 1) AS root",
    );
    locked(tx, query.bind::<Array<SqlUuid>, _>(patients.to_vec()))
}

/// Locks the follow-up of at most `limit` patients to whom something is to be sent by a channel today. Skips those whom
/// another transaction has locked; reads at most `candidates` decisions. One round trip.
pub(crate) fn lock_due<'t>(
    tx: &mut Tx<'t>,
    channel: Channel,
    limit: i64,
    candidates: i64,
) -> Result<Locked<'t>, StoreError> {
    let query = statement(DUE)
        .bind::<Text, _>(<&'static str>::from(channel))
        .bind::<Date, _>(tx.today().to_diesel())
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<BigInt, _>(candidates)
        .bind::<BigInt, _>(limit);
    locked(tx, query)
}

fn locked<'t>(tx: &mut Tx<'t>, query: Statement<'_>) -> Result<Locked<'t>, StoreError> {
    let rows: Vec<LockedRow> = query.load(tx.conn)?;
    Ok(Locked { patients: rows.into_iter().map(|row| row.id).collect(), brand: PhantomData })
}
