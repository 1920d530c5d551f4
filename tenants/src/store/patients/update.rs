//! Changing a patient's details, and the versions of the row.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date as SqlDate, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::clinical::EntryKind;
use painreg_domain::event;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::patient::Details;
use strum::IntoEnumIterator as _;

use super::contact::{channels, email_index, mobile_index, seal_contact};
use super::find::{Patient, find};
use super::keys::key_aad;
use crate::access::PatientAccess;
use crate::crypt::Key;
use crate::error::StoreError;
use crate::history;
use crate::schema::tenant::{patient, patient_key};
use crate::statement::statement;
use crate::store::version;
use crate::tx::Tx;

/// Replaces the details of the patient of the open record; [`StoreError::Stale`] if the row changed since it was read. The old
/// state is kept in the history. Birth and death dates that leave entries outside the patient's life are
/// [`StoreError::Invalid`].
pub fn update<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    read: &Patient,
    details: &Details,
) -> Result<(), StoreError> {
    let Patient { version, updated_at, .. } = *read;
    within_reach(tx, details)?;
    if (details.birth_date, details.deceased_on) != (read.details.birth_date, read.details.deceased_on) {
        within_life(tx, access, details)?;
    }
    let id = access.id();
    let place = tx.place();
    let wrapped: Vec<u8> = patient_key::table.find(id.uuid()).select(patient_key::wrapped).first(tx.conn)?;
    let key = Key::unwrap_from(&wrapped, &place.keys.wrapping, &key_aad(place, id))?;
    let old = statement("WITH old AS (SELECT * FROM patient WHERE id = ? AND version = ? FOR NO KEY UPDATE), ")
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<BigInt, _>(version);
    let kept = history::keep(old, tx, "patient", "update").then("SELECT id FROM old").execute(tx.conn)?;
    version::one_changed(kept)?;
    let sex: &'static str = details.sex.into();
    if details.contact != read.details.contact {
        diesel::update(patient::table.find(id.uuid()))
            .set(patient::contact_changed_at.eq(tx.now().to_diesel()))
            .execute(tx.conn)?;
    }
    let changed = diesel::update(patient::table.find(id.uuid()).filter(patient::version.eq(version)))
        .set((
            patient::unit.eq(&details.unit),
            patient::sex.eq(sex),
            patient::birth_date.eq(details.birth_date.to_diesel()),
            patient::language.eq(&details.language),
            patient::interpreter_needed.eq(details.interpreter_needed),
            patient::cognitive_impairment.eq(details.cognitive_impairment),
            patient::protected_address.eq(details.protected_address),
            patient::deceased_on.eq(details.deceased_on.map(jiff_diesel::ToDiesel::to_diesel)),
            patient::contact.eq(seal_contact(place, &key, id, &details.contact)),
            patient::mobile_index.eq(mobile_index(place, &details.contact)),
            patient::email_index.eq(email_index(place, &details.contact)),
            patient::channels.eq(channels(&details.contact)),
            patient::updated_at.eq(tx.now().max(updated_at).to_diesel()),
            patient::updated_by.eq(tx.trace.action()),
            patient::version.eq(version + 1),
        ))
        .execute(tx.conn)?;
    tx.mark_follow_up_stale(id.uuid());
    tx.emit(event::EventType::PatientUpdated, Some(id.uuid()), format!("patient/{id}"), Some(version + 1));
    version::one_changed(changed)
}

/// Checks that the record's entries happened during the patient's life. Excluded are missed appointments, legal bases and
/// surgical events of implants, which may follow death. As the registry's role: a caller who changes these dates, such as
/// the hospital's system, need not have the right to read entries.
fn within_life(tx: &mut Tx<'_>, access: &PatientAccess<'_>, details: &Details) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct LifeRow {
        #[diesel(sql_type = Nullable<SqlDate>)]
        first: Option<jiff_diesel::Date>,
        #[diesel(sql_type = Nullable<SqlDate>)]
        last: Option<jiff_diesel::Date>,
    }
    let mut query = statement("SELECT min(day) AS first, max(day) AS last FROM (");
    for (at, kind) in EntryKind::iter().filter(|kind| *kind != EntryKind::LegalBasis).enumerate() {
        query = query
            .then(if at > 0 { " UNION ALL " } else { "" })
            .then("SELECT ")
            .then(kind.row().day)
            .then(" AS day FROM ")
            .then(kind.into())
            .then(" WHERE patient_id = ANY (?)")
            .then(match kind {
                EntryKind::Consultation => " AND attendance = 'attended'",
                EntryKind::ImplantEvent => " AND class <> 'surgical'",
                _ => "",
            })
            .bind::<Array<SqlUuid>, _>(access.rows());
    }
    let row: LifeRow = tx.as_system(|tx| Ok(query.then(") days").get_result(tx.conn)?))?;
    let mut faults = Vec::new();
    if row.first.is_some_and(|first| first.to_jiff() < details.birth_date) {
        faults.push(Fault::at("birth_date", FaultCode::EntriesOutsideLife));
    }
    if details.deceased_on.zip(row.last).is_some_and(|(died, last)| last.to_jiff() > died) {
        faults.push(Fault::at("deceased_on", FaultCode::EntriesOutsideLife));
    }
    if faults.is_empty() { Ok(()) } else { Err(StoreError::Invalid(faults)) }
}

/// Checks that a caller whose reach is one unit keeps the patient in that unit.
pub(super) fn within_reach(tx: &Tx<'_>, details: &Details) -> Result<(), StoreError> {
    match tx.unit_in_reach() {
        Some(unit) if unit != details.unit => {
            Err(StoreError::Invalid(vec![Fault::at("unit", FaultCode::UnknownReference)]))
        }
        _ => Ok(()),
    }
}

/// The validity of one version of a patient's row.
#[derive(Clone, Debug)]
pub struct Period {
    /// The start of the validity.
    pub valid_from: Timestamp,
    /// The end of the validity; `None` for the current version.
    pub valid_to: Option<Timestamp>,
    /// The action that replaced it.
    pub changed_by: Option<String>,
    /// The reason given for the replacement.
    pub reason: Option<String>,
}

/// Returns every version of the row of the open record's patient with its validity, latest first.
pub fn versions<'t>(tx: &mut Tx<'t>, access: &PatientAccess<'t>) -> Result<Vec<(Period, Patient)>, StoreError> {
    #[derive(QueryableByName)]
    struct PeriodRow {
        #[diesel(sql_type = Timestamptz)]
        valid_from: jiff_diesel::Timestamp,
        #[diesel(sql_type = Timestamptz)]
        valid_to: jiff_diesel::Timestamp,
        #[diesel(sql_type = Text)]
        changed_by: String,
        #[diesel(sql_type = Text)]
        reason: String,
    }
    let current = find(tx, access, None)?;
    let past: Vec<PeriodRow> = statement(
        "SELECT valid_from, valid_to, changed_by, reason FROM row_history WHERE entity = 'patient' AND entity_id = ? \
         AND valid_to > valid_from ORDER BY version DESC LIMIT 1000",
    )
    .bind::<SqlUuid, _>(access.id().uuid())
    .load(tx.conn)?;
    let now = Period { valid_from: current.updated_at, valid_to: None, changed_by: None, reason: None };
    let mut states = vec![(now, current)];
    for row in past {
        let valid_from = row.valid_from.to_jiff();
        let period = Period {
            valid_from,
            valid_to: Some(row.valid_to.to_jiff()),
            changed_by: Some(row.changed_by),
            reason: Some(row.reason),
        };
        states.push((period, find(tx, access, Some(valid_from))?));
    }
    Ok(states)
}
