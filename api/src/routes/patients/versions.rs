//! Every state that a patient's own fields were in.

use actix_web::{HttpResponse, get, web};
use jiff::Timestamp;
use painreg_domain::ids::PatientId;
use painreg_tenants::store::patients;
use serde::Serialize;

use super::PatientView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::Page;

/// One state that a patient's fields were in.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PatientVersion)]
pub struct StateView {
    /// From when.
    valid_from: Timestamp,
    /// Until when; null: it is the state of now.
    valid_to: Option<Timestamp>,
    /// The action that ended it.
    #[schema(max_length = 64)]
    changed_by: Option<String>,
    /// Why it ended.
    #[schema(max_length = 64)]
    reason: Option<String>,
    /// The patient as registered then.
    patient: PatientView,
}

/// List every state that a patient's own fields were in, the latest first.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("ReadPatient"))),
    responses((status = 200, description = "The states.", body = Page<StateView>), Problems))]
#[get("/v1/tenants/{tenant}/patients/{patient}/versions")]
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
