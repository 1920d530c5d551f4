//! Registers one patient with contact details.

use actix_web::{HttpResponse, post, web};
use jiff::civil::Date;
use painreg_domain::fault::Fault;
use painreg_domain::national_id::{Acceptance, NationalId};
use painreg_domain::patient::{Details, Sex};
use painreg_tenants::store::patients::{self, Registered};
use serde::Deserialize;

use super::{ContactBody, PatientView};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::state::State;
use crate::wire::{Document, IdempotencyKey, NationalIdBody, reply};

/// A new patient.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterPatient {
    /// The national identifier of the person.
    national_id: NationalIdBody,
    /// The unit that treats the patient (enhet); absent: the caller's own.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    unit: Option<String>,
    /// The legal sex; never derived from the national identifier.
    sex: Sex,
    /// The date of birth; never derived from the national identifier.
    birth_date: Date,
    /// The language of communication (ISO 639).
    #[serde(default = "bokmal")]
    #[schema(min_length = 2, max_length = 3, default = "nb")]
    language: String,
    /// Whether an interpreter is needed (tolkebehov).
    #[serde(default)]
    interpreter_needed: bool,
    /// Whether cognitive impairment prevents the patient from answering.
    #[serde(default)]
    cognitive_impairment: bool,
    /// Whether the address is protected (adressesperre).
    #[serde(default)]
    protected_address: bool,
    /// The date of death; absent while the patient is alive.
    #[serde(default)]
    deceased_on: Option<Date>,
    /// The contact details of the patient.
    #[serde(default)]
    contact: ContactBody,
}

fn bokmal() -> String {
    "nb".to_owned()
}

/// The unit of patients that are registered without a unit.
const ONLY_UNIT: &str = "clinic";

impl RegisterPatient {
    pub(super) fn into_domain(
        self,
        acceptance: Acceptance,
        unit: Option<&str>,
        today: Date,
    ) -> Result<(NationalId, Details), Vec<Fault>> {
        let mut faults = Vec::new();
        let contact = self.contact.to_domain(&mut faults);
        let national_id =
            self.national_id.to_domain("/national_id", acceptance).map_err(|found| faults.extend(found)).ok();
        let details = Details {
            unit: self.unit.unwrap_or_else(|| unit.unwrap_or(ONLY_UNIT).to_owned()),
            sex: self.sex,
            birth_date: self.birth_date,
            language: self.language,
            interpreter_needed: self.interpreter_needed,
            cognitive_impairment: self.cognitive_impairment,
            protected_address: self.protected_address,
            deceased_on: self.deceased_on,
            contact,
        };
        faults.extend(details.faults(today));
        match national_id {
            Some(national_id) if faults.is_empty() => Ok((national_id, details)),
            _ => Err(faults),
        }
    }
}

/// Register a patient.
///
/// The national id is encrypted with a key for this patient only. A patient who is already registered is refused with
/// 409 `already_exists`; look the patient up instead.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("RegisterPatient"))),
    params(IdempotencyKey),
    request_body = RegisterPatient,
    responses((status = 201, description = "The patient was registered.", body = PatientView), Problems))]
#[post("")]
pub async fn register_patient(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    state: web::Data<State>,
    body: Document<RegisterPatient>,
) -> Result<HttpResponse, Problem> {
    let Document { value, bytes } = body;
    let place = format!("/v1/tenants/{path}/patients");
    let location = place.clone();
    let acceptance = state.acceptance;
    caller
        .run_once(key, bytes, &place, move |tx| {
            let (national_id, details) = value.into_domain(acceptance, tx.principal().unit.as_deref(), tx.today())?;
            let Registered { access, patient, .. } = patients::register(tx, &national_id, &details)?;
            let mut reply = reply(
                201,
                Some(format!("{location}/{}", patient.id)),
                Some(patient.version),
                &PatientView::from(patient),
            );
            reply.patient = Some(access.id());
            Ok(reply)
        })
        .await
}
