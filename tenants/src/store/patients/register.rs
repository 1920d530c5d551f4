//! Registering a patient: row, key, sealed national id and access event in one statement.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Date as SqlDate, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff_diesel::ToDiesel as _;
use painreg_domain::clinical::legal_basis::Circumstances;
use painreg_domain::event;
use painreg_domain::ids::PatientId;
use painreg_domain::national_id::NationalId;
use painreg_domain::patient::Details;

use super::contact::{channels, email_index, mobile_index, seal_contact};
use super::find::{KnownId, Patient};
use super::keys::{SealedId, identifier_aad, key_aad, seal_json};
use super::update::within_reach;
use crate::access::{PatientAccess, RecordingContext};
use crate::audit::columns::INSERT;
use crate::crypt::Key;
use crate::error::StoreError;
use crate::statement::statement;
use crate::tx::Tx;

/// A newly registered patient.
pub struct Registered<'t> {
    /// The open record: the registration is logged as an access.
    pub access: PatientAccess<'t>,
    /// The patient as stored.
    pub patient: Patient,
    /// What recording an entry of the patient needs.
    pub standing: RecordingContext,
}

#[derive(QueryableByName)]
struct RegisteredRow {
    #[diesel(sql_type = BigInt)]
    registry_number: i64,
    #[diesel(sql_type = BigInt)]
    lists: i64,
}

/// Registers a patient: stores the row, a new key, the national id sealed under it, and the access event, in one round trip.
/// Returns [`StoreError::Conflict`] at `/national_id` if the number is registered already.
pub fn register<'t>(
    tx: &mut Tx<'t>,
    national_id: &NationalId,
    details: &Details,
) -> Result<Registered<'t>, StoreError> {
    within_reach(tx, details)?;
    let id = PatientId::existing(tx.random_id());
    let identifier = tx.random_id();
    let now = tx.now().to_diesel();
    let key = Key::random();
    let place = tx.place();
    let sex: &'static str = details.sex.into();
    let kind: &'static str = national_id.kind().into();
    let plain =
        SealedId { value: national_id.digits().to_owned(), assigner: national_id.assigner().map(str::to_owned) };
    let query = statement(
        "WITH stored AS (INSERT INTO patient (id, unit, sex, birth_date, language, interpreter_needed, \
         cognitive_impairment, protected_address, deceased_on, contact, mobile_index, email_index, channels, created_at, \
         updated_at, updated_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING registry_number), \
         keyed AS (INSERT INTO patient_key (patient_id, wrapped, created_at) VALUES (?, ?, ?)), \
         numbered AS (INSERT INTO patient_identifier (id, patient_id, kind, blind_index, sealed, created_at) \
         VALUES (?, ?, ?, ?, ?, ?)), \
         logged AS (",
    )
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<Text, _>(&details.unit)
    .bind::<Text, _>(sex)
    .bind::<SqlDate, _>(details.birth_date.to_diesel())
    .bind::<Text, _>(&details.language)
    .bind::<Bool, _>(details.interpreter_needed)
    .bind::<Bool, _>(details.cognitive_impairment)
    .bind::<Bool, _>(details.protected_address)
    .bind::<Nullable<SqlDate>, _>(details.deceased_on.map(jiff_diesel::ToDiesel::to_diesel))
    .bind::<Nullable<Bytea>, _>(seal_contact(place, &key, id, &details.contact))
    .bind::<Nullable<Bytea>, _>(mobile_index(place, &details.contact))
    .bind::<Nullable<Bytea>, _>(email_index(place, &details.contact))
    .bind::<Array<Text>, _>(channels(&details.contact))
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(tx.trace.action())
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<Bytea, _>(key.wrap(&place.keys.wrapping, &key_aad(place, id)))
    .bind::<Timestamptz, _>(now)
    .bind::<SqlUuid, _>(identifier)
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<Text, _>(kind)
    .bind::<Bytea, _>(tx.blind_index(national_id))
    .bind::<Bytea, _>(seal_json(&key, &plain, &identifier_aad(place, identifier)))
    .bind::<Timestamptz, _>(now)
    .then(INSERT)
    .then("VALUES (?, ?, ")
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<SqlUuid, _>(tx.ordered_id());
    let row: RegisteredRow = tx
        .trace
        .columns(query, None, "ok")
        .then(")) SELECT registry_number, config_generation.value AS lists FROM stored, config_generation")
        .get_result(tx.conn)?;
    let patient = Patient {
        id,
        registry_number: row.registry_number,
        details: details.clone(),
        national_ids: vec![KnownId { kind: national_id.kind(), value: plain.value, assigner: plain.assigner }],
        created_at: now.to_jiff(),
        updated_at: now.to_jiff(),
        version: 1,
    };
    let standing = RecordingContext {
        born: details.birth_date,
        died: details.deceased_on,
        grounds: Vec::new(),
        circumstances: Circumstances {
            deceased_on: details.deceased_on,
            cognitive_impairment: details.cognitive_impairment,
            interpreter_needed: details.interpreter_needed,
        },
        lists: row.lists,
    };
    tx.keys.push((id.uuid(), key));
    tx.mark_follow_up_stale(id.uuid());
    tx.emit(event::EventType::PatientRegistered, Some(id.uuid()), format!("patient/{id}"), Some(1));
    Ok(Registered { access: tx.registered(id), patient, standing })
}
