//! Patients and their national ids. What identifies a person lies here sealed, under a key of the person's own.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Date as SqlDate, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff_diesel::ToDiesel as _;
use painreg_domain::clinical::Kind;
use painreg_domain::clinical::legal_basis::Circumstances;
use painreg_domain::contact::{Email, Mobile};
use painreg_domain::event;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::followup::Channel;
use painreg_domain::ids::PatientId;
use painreg_domain::national_id::{IdType, NationalId};
use painreg_domain::patient::{Contact, Details, Sex, Stage};
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator as _;
use uuid::Uuid;

use crate::access::{PatientAccess, RecordingContext};
use crate::audit::columns::INSERT;
use crate::crypt::{CryptError, Key};
use crate::error::StoreError;
use crate::place::TenantDatabase;
use crate::schema::tenant::{patient, patient_key};
use crate::statement::statement;
use crate::store::{Listing, comparable};
use crate::tx::Tx;

/// A registered patient.
#[derive(Clone, Debug)]
pub struct Patient {
    /// The patient's id.
    pub id: PatientId,
    /// What people say aloud.
    pub registry_number: i64,
    /// What people fill in.
    pub details: Details,
    /// The numbers the patient is known by.
    pub national_ids: Vec<KnownId>,
    /// When the patient was registered.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
    /// Counts changes; the ETag.
    pub version: i64,
}

/// A stored number, opened.
#[derive(Clone)]
pub struct KnownId {
    /// Its type.
    pub kind: IdType,
    /// The digits.
    pub value: String,
    /// Who assigned it, where the number is unique only within the assigner's system.
    pub assigner: Option<String>,
}

impl std::fmt::Debug for KnownId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KnownId").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// One line of a list of patients: nothing that needs a key to open.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The patient's id.
    pub id: PatientId,
    /// What people say aloud.
    pub registry_number: i64,
    /// The unit that treats the patient.
    pub unit: String,
    /// Legal sex.
    pub sex: Sex,
    /// Birth date.
    pub birth_date: Date,
    /// Date of death.
    pub deceased_on: Option<Date>,
    /// Where the patient stands in the clinic.
    pub stage: Stage,
    /// Counts changes; the ETag.
    pub version: i64,
}

/// For how long a patient's row was as it was.
#[derive(Clone, Debug)]
pub struct Period {
    /// From when.
    pub valid_from: Timestamp,
    /// Until when; `None`: it still is.
    pub valid_to: Option<Timestamp>,
    /// The action that ended it.
    pub changed_by: Option<String>,
    /// Why it ended.
    pub reason: Option<String>,
}

/// How a list of patients is narrowed.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The unit that treats.
    pub unit: Option<String>,
    /// What people say aloud.
    pub registry_number: Option<i64>,
    /// Where the patient stands; those merged into others are listed only where asked for.
    pub stage: Option<Stage>,
}

/// A patient who has just been registered.
pub struct Registered<'t> {
    /// The receipt: the registration is its own trace.
    pub access: PatientAccess<'t>,
    /// The patient.
    pub patient: Patient,
    /// What must be known before anything is recorded about the patient.
    pub standing: RecordingContext,
}

#[derive(QueryableByName)]
struct RegisteredRow {
    #[diesel(sql_type = BigInt)]
    registry_number: i64,
    #[diesel(sql_type = BigInt)]
    lists: i64,
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

#[derive(QueryableByName)]
struct ListedRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    registry_number: i64,
    #[diesel(sql_type = Text)]
    unit: String,
    #[diesel(sql_type = Text)]
    sex: String,
    #[diesel(sql_type = SqlDate)]
    birth_date: jiff_diesel::Date,
    #[diesel(sql_type = Nullable<SqlDate>)]
    deceased_on: Option<jiff_diesel::Date>,
    #[diesel(sql_type = Text)]
    stage: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// What is sealed in `patient.contact`.
#[derive(Serialize, Deserialize)]
struct SealedContact {
    mobile: Option<String>,
    email: Option<String>,
}

/// What is sealed in `patient_identifier.sealed`.
#[derive(Serialize, Deserialize)]
struct SealedId {
    value: String,
    assigner: Option<String>,
}

/// Registers a patient: the row, a key of the patient's own, the number sealed under it, and the trace, all in one round
/// trip. Somebody who is registered already is a [`StoreError::Conflict`] at `/national_id`.
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
    .bind::<Bytea, _>(key.wrap(&place.keys.wrapping, &key_place(place, id)))
    .bind::<Timestamptz, _>(now)
    .bind::<SqlUuid, _>(identifier)
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<Text, _>(kind)
    .bind::<Bytea, _>(tx.blind_index(national_id))
    .bind::<Bytea, _>(seal_json(&key, &plain, &identifier_place(place, identifier)))
    .bind::<Timestamptz, _>(now)
    .then(INSERT)
    .then("VALUES (?, ?, ")
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<SqlUuid, _>(tx.ordered_id());
    let row: RegisteredRow = tx
        .trace
        .columns(query, None, "ok")
        .then(")) SELECT registry_number, list_generation.value AS lists FROM stored, list_generation")
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
    tx.emit(event::Kind::PatientRegistered, Some(id.uuid()), format!("patient/{id}"), Some(1));
    Ok(Registered { access: tx.registered(id), patient, standing })
}

/// The patient whose record is open, as registered now or as it stood at an instant. One round trip.
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
    let query = match as_of.map(comparable) {
        None => query.then("patient"),
        Some(at) => query
            .then(
                "(SELECT * FROM patient now WHERE now.id = ? AND now.updated_at <= ? UNION ALL SELECT past.* \
                 FROM row_history CROSS JOIN LATERAL jsonb_populate_record(NULL::patient, row_history.before) past \
                 WHERE entity = 'patient' AND entity_id = ? AND valid_from <= ? AND valid_to > ?) patient",
            )
            .bind::<SqlUuid, _>(id.uuid())
            .bind::<Timestamptz, _>(at)
            .bind::<SqlUuid, _>(id.uuid())
            .bind::<Timestamptz, _>(at)
            .bind::<Timestamptz, _>(at),
    };
    let row: FoundRow = query
        .then(" JOIN patient_key ON patient_key.patient_id = patient.id WHERE patient.id = ?")
        .bind::<SqlUuid, _>(id.uuid())
        .get_result(tx.conn)?;
    // The numbers of those merged into the patient lie under keys of their own.
    let others = if access.is_merged() { keys(tx, &access.rows())? } else { Vec::new() };
    let place = tx.place();
    let key = Key::unwrap_from(&row.wrapped, &place.keys.wrapping, &key_place(place, id))?;
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
            let plain: SealedId = open_json(key, &sealed, &identifier_place(place, identifier))?;
            let kind = kind.parse().map_err(|_| CryptError::DoesNotOpen)?;
            Ok(KnownId { kind, value: plain.value, assigner: plain.assigner })
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(Patient {
        id,
        registry_number: row.registry_number,
        details: Details {
            unit: row.unit,
            sex: row.sex.parse().unwrap_or(Sex::Unknown),
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

/// Gives the patient whose record is open new details, unless somebody changed the row since it was read. What was goes
/// to the history. Days of birth and death that leave entries outside the patient's life are [`StoreError::Invalid`].
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
    let key = Key::unwrap_from(&wrapped, &place.keys.wrapping, &key_place(place, id))?;
    let kept = statement(
        "WITH old AS (SELECT * FROM patient WHERE id = ? AND version = ? FOR NO KEY UPDATE) \
         INSERT INTO row_history (entity, entity_id, patient_id, version, valid_from, valid_to, changed_by, reason, before) \
         SELECT 'patient', id, id, version, updated_at, greatest(?, updated_at), ?, 'update', to_jsonb(old) FROM old",
    )
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<BigInt, _>(version)
    .bind::<Timestamptz, _>(tx.now().to_diesel())
    .bind::<Text, _>(tx.trace.action())
    .execute(tx.conn)?;
    if kept != 1 {
        return Err(StoreError::Stale);
    }
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
    tx.emit(event::Kind::PatientUpdated, Some(id.uuid()), format!("patient/{id}"), Some(version + 1));
    if changed == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// By which channels somebody with this contact data can be reached.
fn channels(contact: &Contact) -> Vec<&'static str> {
    let known = [(contact.mobile.is_some(), Channel::Sms), (contact.email.is_some(), Channel::Email)];
    known.into_iter().filter(|(has, _)| *has).map(|(_, channel)| channel.into()).collect()
}

/// Patients within the caller's reach by registry number, after `after`; every one of them is logged as shown.
pub fn list(tx: &mut Tx<'_>, search: &Search, after: i64, limit: i64) -> Result<Listing<Listed>, StoreError> {
    let mut query = statement(
        "SELECT id, registry_number, unit, sex, birth_date, deceased_on, version, stage FROM (SELECT patient.*, CASE \
         WHEN merged_into IS NOT NULL THEN 'merged' WHEN deceased_on IS NOT NULL THEN 'deceased' \
         WHEN EXISTS (SELECT FROM episode WHERE episode.patient_id = patient.id AND closed_on IS NULL) \
         OR EXISTS (SELECT FROM patient own JOIN episode ON episode.patient_id = own.id \
         WHERE own.merged_into = patient.id AND closed_on IS NULL) THEN 'in_treatment' \
         WHEN EXISTS (SELECT FROM episode WHERE episode.patient_id = patient.id) \
         OR EXISTS (SELECT FROM patient own JOIN episode ON episode.patient_id = own.id \
         WHERE own.merged_into = patient.id) THEN 'closed' \
         WHEN EXISTS (SELECT FROM referral WHERE referral.patient_id = patient.id) \
         OR EXISTS (SELECT FROM patient own JOIN referral ON referral.patient_id = own.id \
         WHERE own.merged_into = patient.id) THEN 'referred' \
         ELSE 'registered' END AS stage FROM patient) patient WHERE registry_number > ?",
    )
    .bind::<BigInt, _>(after);
    for unit in [search.unit.as_deref(), tx.unit_in_reach()].into_iter().flatten() {
        query = query.then(" AND unit = ?").bind::<Text, _>(unit.to_owned());
    }
    if let Some(number) = search.registry_number {
        query = query.then(" AND registry_number = ?").bind::<BigInt, _>(number);
    }
    query = match search.stage {
        Some(stage) => query.then(" AND stage = ?").bind::<Text, _>(<&'static str>::from(stage)),
        None => query.then(" AND merged_into IS NULL"),
    };
    let rows: Vec<ListedRow> =
        query.then(" ORDER BY registry_number LIMIT ?").bind::<BigInt, _>(limit + 1).load(tx.conn)?;
    let found: Vec<Listed> = rows
        .into_iter()
        .map(|row| Listed {
            id: PatientId::existing(row.id),
            registry_number: row.registry_number,
            unit: row.unit,
            sex: row.sex.parse().unwrap_or(Sex::Unknown),
            birth_date: row.birth_date.to_jiff(),
            deceased_on: row.deceased_on.map(jiff_diesel::Date::to_jiff),
            stage: row.stage.parse().unwrap_or(Stage::Registered),
            version: row.version,
        })
        .collect();
    let found = Listing::cut(found, limit);
    let shown: Vec<PatientId> = found.items.iter().map(|patient| patient.id).collect();
    tx.open_all(&shown)?;
    Ok(found)
}

/// Where a message goes, and in which language.
pub(crate) struct Address {
    pub(crate) address: String,
    pub(crate) language: String,
}

/// Where these patients are reached by a channel; those it does not reach are absent. Two round trips.
pub(crate) fn addresses(
    tx: &mut Tx<'_>,
    patients: &[Uuid],
    channel: Channel,
) -> Result<HashMap<Uuid, Address>, StoreError> {
    #[derive(QueryableByName)]
    struct ReachedRow {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Text)]
        language: String,
        #[diesel(sql_type = Nullable<Bytea>)]
        contact: Option<Vec<u8>>,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        owner: Option<Uuid>,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        identifier: Option<Uuid>,
        #[diesel(sql_type = Nullable<Bytea>)]
        number: Option<Vec<u8>>,
    }
    let rows: Vec<ReachedRow> = statement(
        "SELECT patient.id, language, contact, number.patient_id AS owner, number.id AS identifier, \
         number.sealed AS number FROM patient LEFT JOIN LATERAL (SELECT patient_identifier.* FROM patient_identifier \
         WHERE patient_id = ANY (ARRAY(SELECT id FROM patient merged WHERE merged.merged_into = patient.id) || patient.id) \
         AND kind IN ('fnr', 'dnr') ORDER BY kind DESC, patient_identifier.created_at DESC LIMIT 1) number ON true \
         WHERE patient.id = ANY (?)",
    )
    .bind::<Array<SqlUuid>, _>(patients.to_vec())
    .load(tx.conn)?;
    let owners: Vec<Uuid> = rows.iter().flat_map(|row| [Some(row.id), row.owner]).flatten().collect();
    let keys: HashMap<Uuid, Key> = keys(tx, &owners)?.into_iter().collect();
    let place = tx.place();
    let mut reached = HashMap::new();
    for row in rows {
        let id = PatientId::existing(row.id);
        let contact = match (&row.contact, keys.get(&row.id)) {
            (Some(sealed), Some(key)) => open_contact(place, key, id, sealed)?,
            _ => Contact::default(),
        };
        let address = match channel {
            Channel::Sms => contact.mobile.map(|it| it.as_str().to_owned()),
            Channel::Email => contact.email.map(|it| it.as_str().to_owned()),
            Channel::DigitalMailbox | Channel::Helsenorge => {
                match (row.identifier, &row.number, row.owner.and_then(|owner| keys.get(&owner))) {
                    (Some(identifier), Some(sealed), Some(key)) => {
                        Some(open_json::<SealedId>(key, sealed, &identifier_place(place, identifier))?.value)
                    }
                    _ => None,
                }
            }
        };
        if let Some(address) = address {
            reached.insert(row.id, Address { address, language: row.language });
        }
    }
    Ok(reached)
}

/// The keys of these patients: one round trip for those that this transaction has not needed before.
pub(crate) fn keys(tx: &mut Tx<'_>, patients: &[Uuid]) -> Result<Vec<(Uuid, Key)>, StoreError> {
    let known = |tx: &Tx<'_>, id: &Uuid| tx.keys.iter().any(|(whose, _)| whose == id);
    let missing: Vec<Uuid> = patients.iter().filter(|id| !known(tx, id)).copied().collect();
    if !missing.is_empty() {
        let rows: Vec<(Uuid, Vec<u8>)> = patient_key::table
            .filter(patient_key::patient_id.eq_any(missing))
            .select((patient_key::patient_id, patient_key::wrapped))
            .load(tx.conn)?;
        let place = tx.place();
        for (id, wrapped) in rows {
            let sealed_at = key_place(place, PatientId::existing(id));
            tx.keys.push((id, Key::unwrap_from(&wrapped, &place.keys.wrapping, &sealed_at)?));
        }
    }
    Ok(tx.keys.iter().filter(|(id, _)| patients.contains(id)).cloned().collect())
}

/// What was recorded of somebody happened while they lived. Appointments that nobody came to, grounds, and what was
/// removed after death are none of it.
fn within_life(tx: &mut Tx<'_>, access: &PatientAccess<'_>, details: &Details) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct LifeRow {
        #[diesel(sql_type = Nullable<SqlDate>)]
        first: Option<jiff_diesel::Date>,
        #[diesel(sql_type = Nullable<SqlDate>)]
        last: Option<jiff_diesel::Date>,
    }
    let mut query = statement("SELECT min(day) AS first, max(day) AS last FROM (");
    for (at, kind) in Kind::iter().filter(|kind| *kind != Kind::LegalBasis).enumerate() {
        query = query
            .then(if at > 0 { " UNION ALL " } else { "" })
            .then("SELECT ")
            .then(kind.row().day)
            .then(" AS day FROM ")
            .then(kind.into())
            .then(" WHERE patient_id = ANY (?)")
            .then(match kind {
                Kind::Consultation => " AND attendance = 'attended'",
                Kind::ImplantEvent => " AND class <> 'surgical'",
                _ => "",
            })
            .bind::<Array<SqlUuid>, _>(access.rows());
    }
    let row: LifeRow = query.then(") days").get_result(tx.conn)?;
    let mut faults = Vec::new();
    if row.first.is_some_and(|first| first.to_jiff() < details.birth_date) {
        faults.push(Fault::at("birth_date", FaultCode::EntriesOutsideLife));
    }
    if details.deceased_on.zip(row.last).is_some_and(|(died, last)| last.to_jiff() > died) {
        faults.push(Fault::at("deceased_on", FaultCode::EntriesOutsideLife));
    }
    if faults.is_empty() { Ok(()) } else { Err(StoreError::Invalid(faults)) }
}

/// Every state that the row of the patient whose record is open was in, the latest first: from when, until when, by which
/// action it ended and why.
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

/// Whoever reaches one unit only registers and keeps patients there.
fn within_reach(tx: &Tx<'_>, details: &Details) -> Result<(), StoreError> {
    match tx.unit_in_reach() {
        Some(unit) if unit != details.unit => {
            Err(StoreError::Invalid(vec![Fault::at("unit", FaultCode::UnknownReference)]))
        }
        _ => Ok(()),
    }
}

/// Keyed, so that two patients who share a telephone are found and the telephone is not.
fn mobile_index(place: &TenantDatabase, contact: &Contact) -> Option<Vec<u8>> {
    contact.mobile.as_ref().map(|it| place.keys.index.mac(format!("mobile {}", it.as_str()).as_bytes()).to_vec())
}

fn email_index(place: &TenantDatabase, contact: &Contact) -> Option<Vec<u8>> {
    let spelled_alike = |it: &Email| format!("email {}", it.as_str().to_lowercase());
    contact.email.as_ref().map(|it| place.keys.index.mac(spelled_alike(it).as_bytes()).to_vec())
}

fn key_place(place: &TenantDatabase, id: PatientId) -> [Vec<u8>; 4] {
    [place.id.clone(), b"patient_key".to_vec(), b"wrapped".to_vec(), id.uuid().into_bytes().to_vec()]
}

fn identifier_place(place: &TenantDatabase, id: Uuid) -> [Vec<u8>; 4] {
    [place.id.clone(), b"patient_identifier".to_vec(), b"sealed".to_vec(), id.into_bytes().to_vec()]
}

fn contact_place(place: &TenantDatabase, id: PatientId) -> [Vec<u8>; 4] {
    [place.id.clone(), b"patient".to_vec(), b"contact".to_vec(), id.uuid().into_bytes().to_vec()]
}

fn seal_json<T: Serialize>(key: &Key, value: &T, place: &[Vec<u8>; 4]) -> Vec<u8> {
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(value).unwrap_or_default());
    key.seal(&plain, place)
}

fn open_json<T: serde::de::DeserializeOwned>(key: &Key, sealed: &[u8], place: &[Vec<u8>; 4]) -> Result<T, CryptError> {
    let plain = key.open(sealed, place)?;
    serde_json::from_slice(&plain).map_err(|_| CryptError::DoesNotOpen)
}

fn seal_contact(place: &TenantDatabase, key: &Key, id: PatientId, contact: &Contact) -> Option<Vec<u8>> {
    (!contact.is_empty()).then(|| {
        let plain = SealedContact {
            mobile: contact.mobile.as_ref().map(|mobile| mobile.as_str().to_owned()),
            email: contact.email.as_ref().map(|email| email.as_str().to_owned()),
        };
        seal_json(key, &plain, &contact_place(place, id))
    })
}

fn open_contact(place: &TenantDatabase, key: &Key, id: PatientId, sealed: &[u8]) -> Result<Contact, CryptError> {
    let plain: SealedContact = open_json(key, sealed, &contact_place(place, id))?;
    Ok(Contact {
        mobile: plain.mobile.as_deref().map(Mobile::parse).transpose().map_err(|_| CryptError::DoesNotOpen)?,
        email: plain.email.as_deref().map(Email::parse).transpose().map_err(|_| CryptError::DoesNotOpen)?,
    })
}
