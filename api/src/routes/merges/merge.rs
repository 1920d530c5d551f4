//! Merges a duplicate into another patient.

use actix_web::{HttpResponse, post, web};
use painreg_domain::ids::PatientId;
use painreg_tenants::store::merges;
use serde::Deserialize;

use super::MergeView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IdempotencyKey, reply};

/// The two patients to merge.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergePatients {
    /// The survivor: the patient with the merged record afterwards.
    survivor_id: PatientId,
    /// The duplicate: the same person, registered a second time.
    duplicate_id: PatientId,
}

/// Merge a duplicate into another patient.
///
/// No data is moved or lost: both histories are read as one, both ids and all national ids refer to it, and undoing
/// the merge separates them again.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("MergePatients"))),
    params(IdempotencyKey),
    request_body = MergePatients,
    responses((status = 201, description = "The patients were merged.", body = MergeView), Problems))]
#[post("")]
pub async fn merge_patients(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    body: Body<MergePatients>,
) -> Result<HttpResponse, Problem> {
    let Body { value, bytes } = body;
    let place = format!("/v1/tenants/{path}/patient-merges");
    let location = place.clone();
    caller
        .run_once(key, bytes, &place, move |tx| {
            let merge = MergeView::from(merges::merge(tx, value.survivor_id, value.duplicate_id)?);
            let mut reply = reply(201, Some(format!("{location}/{}", merge.id)), Some(merge.version), &merge);
            reply.patient = Some(merge.survivor_id);
            Ok(reply)
        })
        .await
}
