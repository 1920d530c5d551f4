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
use crate::columns::Columns;
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
    let patient = Columns::default()
        .column::<SqlUuid, _>("id", id.uuid())
        .column::<Text, _>("unit", &details.unit)
        .column::<Text, _>("sex", sex)
        .column::<SqlDate, _>("birth_date", details.birth_date.to_diesel())
        .column::<Text, _>("language", &details.language)
        .column::<Bool, _>("interpreter_needed", details.interpreter_needed)
        .column::<Bool, _>("cognitive_impairment", details.cognitive_impairment)
        .column::<Bool, _>("protected_address", details.protected_address)
        .column::<Nullable<SqlDate>, _>("deceased_on", details.deceased_on.map(jiff_diesel::ToDiesel::to_diesel))
        .column::<Nullable<Bytea>, _>("contact", seal_contact(place, &key, id, &details.contact))
        .column::<Nullable<Bytea>, _>("mobile_index", mobile_index(place, &details.contact))
        .column::<Nullable<Bytea>, _>("email_index", email_index(place, &details.contact))
        .column::<Array<Text>, _>("channels", channels(&details.contact))
        .column::<Timestamptz, _>("created_at", now)
        .column::<Timestamptz, _>("updated_at", now)
        .column::<Text, _>("updated_by", tx.trace.action());
    let patient_key = Columns::default()
        .column::<SqlUuid, _>("patient_id", id.uuid())
        .column::<Bytea, _>("wrapped", key.wrap(&place.keys.wrapping, &key_aad(place, id)))
        .column::<Timestamptz, _>("created_at", now);
    let patient_identifier = Columns::default()
        .column::<SqlUuid, _>("id", identifier)
        .column::<SqlUuid, _>("patient_id", id.uuid())
        .column::<Text, _>("kind", kind)
        .column::<Bytea, _>("blind_index", tx.blind_index(national_id))
        .column::<Bytea, _>("sealed", seal_json(&key, &plain, &identifier_aad(place, identifier)))
        .column::<Timestamptz, _>("created_at", now);
    let query = statement("WITH stored AS (INSERT INTO patient (").names(&patient).then(") VALUES (").values(patient);
    let query = query.then(") RETURNING registry_number), keyed AS (INSERT INTO patient_key (").names(&patient_key);
    let query = query.then(") VALUES (").values(patient_key);
    let query = query.then(")), numbered AS (INSERT INTO patient_identifier (").names(&patient_identifier);
    let query = query.then(") VALUES (").values(patient_identifier).then(")), logged AS (");
    let query =
        query.then(INSERT).then("VALUES (?, ?, ").bind::<SqlUuid, _>(id.uuid()).bind::<SqlUuid, _>(tx.ordered_id());
    let row: RegisteredRow = tx
        .trace
        .columns(query, Some(format!("patient/{id}")), "ok")
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
