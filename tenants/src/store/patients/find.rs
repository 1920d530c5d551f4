//! Reading one patient, with contact data and national ids decrypted.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Date as SqlDate, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use painreg_domain::ids::PatientId;
use painreg_domain::national_id::IdType;
use painreg_domain::patient::{Contact, Details};
use uuid::Uuid;

use super::contact::open_contact;
use super::keys::{SealedId, identifier_aad, key_aad, keys, open_json};
use crate::access::PatientAccess;
use crate::crypt::Key;
use crate::error::StoreError;
use crate::history;
use crate::statement::statement;
use crate::store::{comparable, parse_stored};
use crate::tx::Tx;

/// A registered patient.
#[derive(Clone, Debug)]
pub struct Patient {
    /// The patient's id.
    pub id: PatientId,
    /// Sequential number shown to staff; never reused.
    pub registry_number: i64,
    /// The details that staff enter.
    pub details: Details,
    /// The patient's national ids.
    pub national_ids: Vec<KnownId>,
    /// The instant of registration.
    pub created_at: Timestamp,
    /// The instant of the last change of the row.
    pub updated_at: Timestamp,
    /// The version, shown as ETag.
    pub version: i64,
}

/// A stored national id, decrypted.
#[derive(Clone)]
pub struct KnownId {
    /// The type of number.
    pub kind: IdType,
    /// The number itself.
    pub value: String,
    /// The assigning organisation, where the number is unique only within its system.
    pub assigner: Option<String>,
}

impl std::fmt::Debug for KnownId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KnownId").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[derive(QueryableByName)]
struct FoundRow {
    #[diesel(sql_type = BigInt)]
    registry_number: i64,
    #[diesel(sql_type = Text)]
    unit: String,
    #[diesel(sql_type = Text)]
    sex: String,
    #[diesel(sql_type = SqlDate)]
    birth_date: jiff_diesel::Date,
    #[diesel(sql_type = Text)]
    language: String,
    #[diesel(sql_type = Bool)]
    interpreter_needed: bool,
    #[diesel(sql_type = Bool)]
    cognitive_impairment: bool,
    #[diesel(sql_type = Bool)]
    protected_address: bool,
    #[diesel(sql_type = Nullable<SqlDate>)]
    deceased_on: Option<jiff_diesel::Date>,
    #[diesel(sql_type = Nullable<Bytea>)]
    contact: Option<Vec<u8>>,
    #[diesel(sql_type = Timestamptz)]
    created_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Bytea)]
    wrapped: Vec<u8>,
    #[diesel(sql_type = Array<SqlUuid>)]
    identifier_ids: Vec<Uuid>,
    #[diesel(sql_type = Array<SqlUuid>)]
    identifier_owners: Vec<Uuid>,
    #[diesel(sql_type = Array<Text>)]
    identifier_kinds: Vec<String>,
    #[diesel(sql_type = Array<Bytea>)]
    identifier_values: Vec<Vec<u8>>,
}

/// Returns the patient of the open record, current or as of an instant. One round trip.
pub fn find<'t>(tx: &mut Tx<'t>, access: &PatientAccess<'t>, as_of: Option<Timestamp>) -> Result<Patient, StoreError> {
    let id = access.id();
    let query = statement(
        "SELECT registry_number, unit, sex, birth_date, language, interpreter_needed, cognitive_impairment, \
         protected_address, deceased_on, contact, patient.created_at, updated_at, version, wrapped, \
         ARRAY(SELECT id FROM patient_identifier WHERE patient_id = ANY (?) ORDER BY created_at, id) AS identifier_ids, \
         ARRAY(SELECT patient_id FROM patient_identifier WHERE patient_id = ANY (?) ORDER BY created_at, id) AS identifier_owners, \
         ARRAY(SELECT kind FROM patient_identifier WHERE patient_id = ANY (?) ORDER BY created_at, id) AS identifier_kinds, \
         ARRAY(SELECT sealed FROM patient_identifier WHERE patient_id = ANY (?) ORDER BY created_at, id) AS identifier_values \
         FROM ",
    );
    let query = (0..4).fold(query, |query, _| query.bind::<Array<SqlUuid>, _>(access.rows()));
    let query = match as_of {
        None => query.then("patient"),
        Some(at) => history::at(query, "patient", Some(&[id.uuid()]), comparable(at)).then(" patient"),
    };
    let row: FoundRow = query
        .then(" JOIN patient_key ON patient_key.patient_id = patient.id WHERE patient.id = ?")
        .bind::<SqlUuid, _>(id.uuid())
        .get_result(tx.conn)?;
    // The numbers of merged duplicates are sealed under the duplicates' keys.
    let others = if access.is_merged() { keys(tx, &access.rows())? } else { Vec::new() };
    let place = tx.place();
    let key = Key::unwrap_from(&row.wrapped, &place.keys.wrapping, &key_aad(place, id))?;
    let contact = match row.contact {
        Some(sealed) => open_contact(place, &key, id, &sealed)?,
        None => Contact::default(),
    };
    let national_ids = row
        .identifier_ids
        .into_iter()
        .zip(row.identifier_owners)
        .zip(row.identifier_kinds)
        .zip(row.identifier_values)
        .map(|(((identifier, owner), kind), sealed)| {
            let key = others.iter().find(|(whose, _)| *whose == owner).map_or(&key, |(_, key)| key);
            let plain: SealedId = open_json(key, &sealed, &identifier_aad(place, identifier))?;
            let kind = parse_stored(&kind)?;
            Ok(KnownId { kind, value: plain.value, assigner: plain.assigner })
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(Patient {
        id,
        registry_number: row.registry_number,
        details: Details {
            unit: row.unit,
            sex: parse_stored(&row.sex)?,
            birth_date: row.birth_date.to_jiff(),
            language: row.language,
            interpreter_needed: row.interpreter_needed,
            cognitive_impairment: row.cognitive_impairment,
            protected_address: row.protected_address,
            deceased_on: row.deceased_on.map(jiff_diesel::Date::to_jiff),
            contact,
        },
        national_ids,
        created_at: row.created_at.to_jiff(),
        updated_at: row.updated_at.to_jiff(),
        version: row.version,
    })
}
