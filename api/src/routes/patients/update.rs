//! Updates a patient's fields.

use actix_web::http::header;
use actix_web::{HttpResponse, patch, web};
use jiff::civil::Date;
use painreg_domain::fault::Fault;
use painreg_domain::ids::PatientId;
use painreg_domain::patient::{Details, Sex};
use painreg_tenants::store::patients;
use serde::{Deserialize, Serialize};

use super::{ContactBody, PatientView};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Document, IfMatch, Patch, etag};

/// The merge patch of a patient (RFC 7396): absent members stay as they are, null clears optional members.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdatePatient {
    /// The unit that treats the patient (enhet).
    #[schema(min_length = 1, max_length = 100)]
    unit: String,
    /// The legal sex of the patient.
    sex: Sex,
    /// The date of birth.
    birth_date: Date,
    /// The language of communication (ISO 639).
    #[schema(min_length = 2, max_length = 3)]
    language: String,
    /// Whether an interpreter is needed (tolkebehov).
    interpreter_needed: bool,
    /// Whether cognitive impairment prevents the patient from answering.
    cognitive_impairment: bool,
    /// Whether the address is protected (adressesperre).
    protected_address: bool,
    /// The date of death; null clears a date recorded by mistake.
    deceased_on: Option<Date>,
    /// The contact details: absent members stay as they are; null clears one, or all of them.
    contact: Option<ContactBody>,
}

type PatientPatch = Patch<UpdatePatient>;

impl From<Details> for UpdatePatient {
    fn from(it: Details) -> Self {
        Self {
            unit: it.unit,
            sex: it.sex,
            birth_date: it.birth_date,
            language: it.language,
            interpreter_needed: it.interpreter_needed,
            cognitive_impairment: it.cognitive_impairment,
            protected_address: it.protected_address,
            deceased_on: it.deceased_on,
            contact: Some(it.contact.into()),
        }
    }
}

impl UpdatePatient {
    fn into_domain(self, today: Date) -> Result<Details, Vec<Fault>> {
        let mut faults = Vec::new();
        let details = Details {
            unit: self.unit,
            sex: self.sex,
            birth_date: self.birth_date,
            language: self.language,
            interpreter_needed: self.interpreter_needed,
            cognitive_impairment: self.cognitive_impairment,
            protected_address: self.protected_address,
            deceased_on: self.deceased_on,
            contact: self.contact.unwrap_or_default().to_domain(&mut faults),
        };
        faults.extend(details.faults(today));
        if faults.is_empty() { Ok(details) } else { Err(faults) }
    }
}

/// Update a patient.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("UpdatePatient"))),
    params(IfMatch),
    request_body(content = PatientPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The patient after the change.", body = PatientView), Problems))]
#[patch("")]
pub async fn update_patient(
    caller: Caller,
    path: web::Path<(String, PatientId)>,
    version: IfMatch,
    body: Document<PatientPatch>,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let changes = body.value;
    let patient = caller
        .run(move |tx| {
            tx.about(format!("patient/{id}"));
            let (access, standing) = tx.open_to_record(id)?;
            let patient = patients::find(tx, &access, None)?;
            version.against(patient.version)?;
            let details = changes.apply(&patient.details.clone().into())?.into_domain(tx.today())?;
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
