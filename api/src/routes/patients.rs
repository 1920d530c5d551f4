//! Patients: who they are and how to reach them. National ids stand in bodies, never in addresses.

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

/// How to reach a patient.
#[derive(Deserialize, Serialize, Default, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Contact)]
pub struct ContactBody {
    /// Mobile telephone: E.164, or eight Norwegian digits.
    #[serde(default)]
    #[schema(max_length = 20, example = "+46701740605")]
    mobile: Option<String>,
    /// E-mail address.
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

/// A patient.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Patient)]
pub struct PatientView {
    /// The patient's id.
    pub id: PatientId,
    /// What people say aloud.
    #[schema(minimum = 1)]
    pub registry_number: i64,
    /// The numbers the patient is known by.
    #[schema(max_items = 100)]
    pub national_ids: Vec<NationalIdBody>,
    /// The unit that treats the patient (enhet).
    #[schema(max_length = 100)]
    pub unit: String,
    /// Legal sex.
    pub sex: Sex,
    /// Birth date.
    pub birth_date: Date,
    /// Language of communication, ISO 639.
    #[schema(min_length = 2, max_length = 3)]
    pub language: String,
    /// Whether an interpreter is needed (tolkebehov).
    pub interpreter_needed: bool,
    /// Whether the patient cannot answer for cognitive reasons.
    pub cognitive_impairment: bool,
    /// Whether the address is protected (adressesperre).
    pub protected_address: bool,
    /// Date of death.
    pub deceased_on: Option<Date>,
    /// How to reach the patient.
    pub contact: ContactBody,
    /// When the patient was registered.
    pub created_at: jiff::Timestamp,
    /// When the patient last changed.
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

/// A patient in a list: nothing that is sealed.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PatientSummary)]
pub struct ListedView {
    /// The patient's id.
    id: PatientId,
    /// What people say aloud.
    #[schema(minimum = 1)]
    registry_number: i64,
    /// The unit that treats the patient (enhet).
    #[schema(max_length = 100)]
    unit: String,
    /// Legal sex.
    sex: Sex,
    /// Birth date.
    birth_date: Date,
    /// Date of death.
    deceased_on: Option<Date>,
    /// Where the patient stands in the clinic, as the record tells.
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
