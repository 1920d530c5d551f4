//! Lists the versions of a patient's own fields.

use actix_web::{HttpResponse, get, web};
use jiff::Timestamp;
use painreg_domain::ids::PatientId;
use painreg_tenants::store::patients;
use serde::Serialize;

use super::PatientView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::Page;

/// One version of a patient's fields.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PatientVersion)]
pub struct StateView {
    /// The time from which the version was current.
    valid_from: Timestamp,
    /// The time until which the version was current; null: the version is current.
    valid_to: Option<Timestamp>,
    /// The action that ended the version; null while current.
    #[schema(max_length = 64)]
    changed_by: Option<String>,
    /// The reason of the change that ended the version; null while the version is current.
    #[schema(max_length = 64)]
    reason: Option<String>,
    /// The patient in this version.
    patient: PatientView,
}

/// List the versions of a patient's own fields, the latest first.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("ReadPatient"))),
    responses((status = 200, description = "The versions.", body = Page<StateView>), Problems))]
#[get("/versions")]
pub async fn list_patient_versions(
    caller: Caller,
    path: web::Path<(String, PatientId)>,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let states = caller
        .run(move |tx| {
            let access = tx.open_patient(id)?;
            Ok(patients::versions(tx, &access)?)
        })
        .await?;
    let view = |(period, patient): (patients::Period, patients::Patient)| StateView {
        valid_from: period.valid_from,
        valid_to: period.valid_to,
        changed_by: period.changed_by,
        reason: period.reason,
        patient: patient.into(),
    };
    let items: Vec<StateView> = states.into_iter().map(view).collect();
    Ok(HttpResponse::Ok().json(Page { items, next_cursor: None }))
}
