//! Updates a patient's fields.

use actix_web::http::header;
use actix_web::{HttpResponse, patch, web};
use jiff::civil::Date;
use painreg_domain::contact::{Email, Mobile};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::PatientId;
use painreg_domain::patient::{Contact, Details, Sex};
use painreg_tenants::StoreError;
use painreg_tenants::store::patients;
use serde::Deserialize;
use validator::Validate;

use super::{ContactBody, PatientView};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, Change, IfMatch, etag, non_null};

/// The merge patch of a patient (RFC 7396): absent members stay as they are, null clears optional members.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdatePatient {
    /// The unit that treats the patient (enhet).
    #[serde(default, deserialize_with = "non_null")]
    #[schema(min_length = 1, max_length = 100, nullable = false)]
    unit: Option<String>,
    /// The legal sex of the patient.
    #[serde(default, deserialize_with = "non_null")]
    #[schema(nullable = false)]
    sex: Option<Sex>,
    /// The date of birth.
    #[serde(default, deserialize_with = "non_null")]
    #[schema(nullable = false)]
    birth_date: Option<Date>,
    /// The language of communication (ISO 639).
    #[serde(default, deserialize_with = "non_null")]
    #[schema(min_length = 2, max_length = 3, nullable = false)]
    language: Option<String>,
    /// Whether an interpreter is needed (tolkebehov).
    #[serde(default, deserialize_with = "non_null")]
    #[schema(nullable = false)]
    interpreter_needed: Option<bool>,
    /// Whether cognitive impairment prevents the patient from answering.
    #[serde(default, deserialize_with = "non_null")]
    #[schema(nullable = false)]
    cognitive_impairment: Option<bool>,
    /// Whether the address is protected (adressesperre).
    #[serde(default, deserialize_with = "non_null")]
    #[schema(nullable = false)]
    protected_address: Option<bool>,
    /// The date of death; null clears a date recorded by mistake.
    #[serde(default)]
    #[schema(value_type = Option<Date>)]
    deceased_on: Change<Date>,
    /// The contact details: absent members stay as they are; null clears one, or all of them.
    #[serde(default)]
    #[schema(value_type = Option<ContactBody>)]
    contact: Change<ContactChange>,
}

/// The merge patch of the contact details.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactChange {
    /// The mobile telephone number (E.164).
    #[serde(default)]
    mobile: Change<String>,
    /// The e-mail address of the patient.
    #[serde(default)]
    email: Change<String>,
}

impl ContactChange {
    fn apply(self, contact: &mut Contact, faults: &mut Vec<Fault>) {
        fn put<T>(
            place: &mut Option<T>,
            member: &str,
            change: Change<String>,
            parse: fn(&str) -> Result<T, FaultCode>,
            faults: &mut Vec<Fault>,
        ) {
            match change {
                Change::Keep => {}
                Change::Clear => *place = None,
                Change::Set(text) => match parse(&text) {
                    Ok(value) => *place = Some(value),
                    Err(code) => faults.push(Fault::new(format!("/contact/{member}"), code)),
                },
            }
        }
        put(&mut contact.mobile, "mobile", self.mobile, Mobile::parse, faults);
        put(&mut contact.email, "email", self.email, Email::parse, faults);
    }
}

impl UpdatePatient {
    fn apply(self, details: &mut Details, today: Date) -> Result<(), Vec<Fault>> {
        fn put<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        let mut faults = Vec::new();
        put(&mut details.unit, self.unit);
        put(&mut details.sex, self.sex);
        put(&mut details.birth_date, self.birth_date);
        put(&mut details.language, self.language);
        put(&mut details.interpreter_needed, self.interpreter_needed);
        put(&mut details.cognitive_impairment, self.cognitive_impairment);
        put(&mut details.protected_address, self.protected_address);
        match self.deceased_on {
            Change::Keep => {}
            Change::Clear => details.deceased_on = None,
            Change::Set(day) => details.deceased_on = Some(day),
        }
        match self.contact {
            Change::Keep => {}
            Change::Clear => details.contact = Contact::default(),
            Change::Set(change) => change.apply(&mut details.contact, &mut faults),
        }
        faults.extend(details.faults(today));
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

/// Update a patient.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("UpdatePatient"))),
    params(IfMatch),
    request_body(content = UpdatePatient, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The patient after the change.", body = PatientView), Problems))]
#[patch("/v1/tenants/{tenant}/patients/{patient}")]
pub async fn update_patient(
    caller: Caller,
    path: web::Path<(String, PatientId)>,
    version: IfMatch,
    body: Body<UpdatePatient>,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let change = body.value;
    let patient = caller
        .run(move |tx| {
            let (access, standing) = tx.open_to_record(id)?;
            let patient = patients::find(tx, &access, None)?;
            if patient.version != version.0 {
                return Err(StoreError::Stale.into());
            }
            let mut details = patient.details.clone();
            change.apply(&mut details, tx.today())?;
            // Contact details are kept only where the legal basis permits it; clearing them is always permitted.
            if details.contact != patient.details.contact && !details.contact.is_empty() {
                tx.may_keep(&standing.grounds)?;
            }
            patients::update(tx, &access, &patient, &details)?;
            Ok(PatientView::from(patients::find(tx, &access, None)?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(patient.version))).json(patient))
}
