//! Reading one patient.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_domain::ids::PatientId;
use painreg_domain::policy::Action;
use painreg_tenants::store::patients;

use super::PatientView;
use crate::auth::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::etag;

/// Read one patient.
#[utoipa::path(operation_id = "readPatient", tag = "Patients", extensions(("x-action" = json!("ReadPatient"))),
    params(("tenant" = String, Path, description = "The registry's slug.", max_length = 40),
        ("patient" = PatientId, Path, description = "The patient's id.")),
    responses((status = 200, description = "The patient.", body = PatientView), Problems))]
#[get("/v1/tenants/{tenant}/patients/{patient}")]
pub async fn read_patient(caller: Caller, path: web::Path<(String, PatientId)>) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let patient = caller
        .run(Action::ReadPatient, move |tx| {
            let access = tx.open_patient(id)?;
            Ok(PatientView::from(patients::find(tx, &access)?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(patient.version))).json(patient))
}
