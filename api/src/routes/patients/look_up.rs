//! Finds one patient by national id.

use actix_web::http::header;
use actix_web::{HttpResponse, post, web};
use painreg_tenants::store::patients;
use serde::Deserialize;

use super::PatientView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::state::State;
use crate::wire::{Body, NationalIdBody, etag};

/// The national id to search for.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookUpPatient {
    /// The national identifier of the person.
    national_id: NationalIdBody,
}

/// Find a patient by national id.
///
/// A POST, so that the number is in no URL and no log. The operation changes nothing and may be repeated.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("LookUpPatient"))),
    request_body = LookUpPatient,
    responses((status = 200, description = "The patient.", body = PatientView), Problems))]
#[post("/patient-lookups")]
pub async fn look_up_patient(
    caller: Caller,
    _path: web::Path<String>,
    state: web::Data<State>,
    body: Body<LookUpPatient>,
) -> Result<HttpResponse, Problem> {
    let national_id = body.value.national_id.to_domain("/national_id", state.acceptance);
    let patient = caller
        .run(move |tx| {
            let access = tx.open_by_national_id(&national_id?)?;
            Ok(PatientView::from(patients::find(tx, &access, None)?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(patient.version))).json(patient))
}
