//! Patients: identity and contact details. National ids are sent in bodies, never in URLs.

pub mod list;
pub mod look_up;
pub mod read;
pub mod register;
pub mod register_many;
pub mod update;
pub mod versions;

use jiff::civil::Date;
use painreg_domain::contact::{Email, Mobile};
use painreg_domain::fault::Fault;
use painreg_domain::ids::PatientId;
use painreg_domain::patient::{Contact, Sex, Stage};
use painreg_tenants::store::patients::{Listed, Patient};
use serde::{Deserialize, Serialize};

use crate::wire::NationalIdBody;

/// The contact details of a patient.
#[derive(Deserialize, Serialize, Default, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Contact)]
pub struct ContactBody {
    /// The mobile telephone number as people write it, with a country code or eight Norwegian digits; shown in E.164.
    #[serde(default)]
    #[schema(max_length = 32, example = "+46701740605")]
    mobile: Option<String>,
    /// The e-mail address; null where none is known.
    #[serde(default)]
    #[schema(max_length = 254, example = "kari@example.org")]
    email: Option<String>,
}

impl ContactBody {
    fn to_domain(&self, faults: &mut Vec<Fault>) -> Contact {
        let mut refuse = |member: &str, code| faults.push(Fault::new(format!("/contact/{member}"), code));
        Contact {
            mobile: self
                .mobile
                .as_deref()
                .and_then(|text| Mobile::parse(text).map_err(|code| refuse("mobile", code)).ok()),
            email: self.email.as_deref().and_then(|text| Email::parse(text).map_err(|code| refuse("email", code)).ok()),
        }
    }
}

impl From<Contact> for ContactBody {
    fn from(it: Contact) -> Self {
        Self {
            mobile: it.mobile.map(|mobile| mobile.as_str().to_owned()),
            email: it.email.map(|email| email.as_str().to_owned()),
        }
    }
}

/// A patient of the registry.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Patient)]
pub struct PatientView {
    /// The id of the patient.
    pub id: PatientId,
    /// Sequential number shown to staff; never reused.
    #[schema(minimum = 1)]
    pub registry_number: i64,
    /// The national identifiers of the patient.
    #[schema(max_items = 100)]
    pub national_ids: Vec<NationalIdBody>,
    /// The unit that treats the patient (enhet).
    #[schema(max_length = 100)]
    pub unit: String,
    /// The legal sex of the patient.
    pub sex: Sex,
    /// The date of birth.
    pub birth_date: Date,
    /// The language of communication (ISO 639).
    #[schema(min_length = 2, max_length = 3)]
    pub language: String,
    /// Whether an interpreter is needed (tolkebehov).
    pub interpreter_needed: bool,
    /// Whether cognitive impairment prevents the patient from answering.
    pub cognitive_impairment: bool,
    /// Whether the address is protected (adressesperre).
    pub protected_address: bool,
    /// The date of death; null while the patient is alive.
    pub deceased_on: Option<Date>,
    /// The contact details of the patient.
    pub contact: ContactBody,
    /// The time of registration.
    pub created_at: jiff::Timestamp,
    /// The time of the last change.
    pub updated_at: jiff::Timestamp,
    /// Counts changes; also the ETag.
    #[schema(minimum = 1)]
    pub version: i64,
}

impl From<Patient> for PatientView {
    fn from(it: Patient) -> Self {
        Self {
            id: it.id,
            registry_number: it.registry_number,
            national_ids: it.national_ids.into_iter().map(Into::into).collect(),
            unit: it.details.unit,
            sex: it.details.sex,
            birth_date: it.details.birth_date,
            language: it.details.language,
            interpreter_needed: it.details.interpreter_needed,
            cognitive_impairment: it.details.cognitive_impairment,
            protected_address: it.details.protected_address,
            deceased_on: it.details.deceased_on,
            contact: it.details.contact.into(),
            created_at: it.created_at,
            updated_at: it.updated_at,
            version: it.version,
        }
    }
}

/// A patient in a list, without encrypted members.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PatientSummary)]
pub struct ListedView {
    /// The id of the patient.
    id: PatientId,
    /// Sequential number shown to staff; never reused.
    #[schema(minimum = 1)]
    registry_number: i64,
    /// The unit that treats the patient (enhet).
    #[schema(max_length = 100)]
    unit: String,
    /// The legal sex of the patient.
    sex: Sex,
    /// The date of birth.
    birth_date: Date,
    /// The date of death; null while the patient is alive.
    deceased_on: Option<Date>,
    /// The stage of the patient in the clinic, derived from the record.
    stage: Stage,
    /// Counts changes; also the ETag.
    #[schema(minimum = 1)]
    version: i64,
}

impl From<Listed> for ListedView {
    fn from(it: Listed) -> Self {
        Self {
            id: it.id,
            registry_number: it.registry_number,
            unit: it.unit,
            sex: it.sex,
            birth_date: it.birth_date,
            deceased_on: it.deceased_on,
            stage: it.stage,
            version: it.version,
        }
    }
}
