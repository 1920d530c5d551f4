//! The list of patients. Reads nothing that is sealed.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date as SqlDate, Nullable, Text, Uuid as SqlUuid};
use jiff::civil::Date;
use painreg_domain::ids::PatientId;
use painreg_domain::patient::{Sex, Stage};
use uuid::Uuid;

use crate::error::StoreError;
use crate::reach::of_unit_patient;
use crate::statement::statement;
use crate::store::{Listing, parse_stored};
use crate::tx::Tx;

/// One row of the list of patients. Contains nothing that is sealed.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The patient's id.
    pub id: PatientId,
    /// Sequential number shown to staff; never reused.
    pub registry_number: i64,
    /// The unit that treats the patient.
    pub unit: String,
    /// Legal sex, as registered.
    pub sex: Sex,
    /// The patient's birth date.
    pub birth_date: Date,
    /// Date of death.
    pub deceased_on: Option<Date>,
    /// The patient's stage in the clinic.
    pub stage: Stage,
    /// The version, shown as ETag.
    pub version: i64,
}

/// The filter of the list of patients.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The unit that treats.
    pub unit: Option<String>,
    /// The sequential number shown to staff.
    pub registry_number: Option<i64>,
    /// The stage. Merged duplicates are listed only where this asks for them.
    pub stage: Option<Stage>,
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

/// Returns patients within the caller's reach by registry number. Logs every patient shown.
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
    query = of_unit_patient(tx.within_patient(query), search.unit.as_deref());
    if let Some(number) = search.registry_number {
        query = query.then(" AND registry_number = ?").bind::<BigInt, _>(number);
    }
    query = match search.stage {
        Some(stage) => query.then(" AND stage = ?").bind::<Text, _>(<&'static str>::from(stage)),
        None => query.then(" AND merged_into IS NULL"),
    };
    let found = tx.list(query.then(" ORDER BY registry_number"), limit, |row: &ListedRow| [row.id])?;
    found.try_map(|row| {
        Ok(Listed {
            id: PatientId::existing(row.id),
            registry_number: row.registry_number,
            unit: row.unit,
            sex: parse_stored(&row.sex)?,
            birth_date: row.birth_date.to_jiff(),
            deceased_on: row.deceased_on.map(jiff_diesel::Date::to_jiff),
            stage: parse_stored(&row.stage)?,
            version: row.version,
        })
    })
}
