//! Reads one patient by id.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_domain::ids::PatientId;
use painreg_tenants::store::patients;

use super::PatientView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{AsOf, Query, etag};

/// Read one patient.
///
/// The id of a merged duplicate returns the survivor.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("ReadPatient"))),
    params(AsOf),
    responses((status = 200, description = "The patient.", body = PatientView), Problems))]
#[get("")]
pub async fn read_patient(
    caller: Caller,
    path: web::Path<(String, PatientId)>,
    Query(AsOf { as_of }): Query<AsOf>,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let patient = caller
        .run(move |tx| {
            let access = tx.open_patient(id)?;
            Ok(PatientView::from(patients::find(tx, &access, as_of)?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(patient.version))).json(patient))
}
