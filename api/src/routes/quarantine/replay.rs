//! Trying one delivery again.

use actix_web::{HttpResponse, post, web};
use painreg_domain::ids::QuarantineId;
use serde::Deserialize;
use validator::Validate;

use super::{ReplayedView, replay};
use crate::caller::Caller;
use crate::intake::corrections::Corrections;
use crate::problem::{Problem, Problems};
use crate::state::State;
use crate::wire::{Body, IdempotencyKey, reply};

/// How a delivery is tried again.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// What it does not say itself, or says wrongly; added to what was corrected before.
    #[serde(default)]
    corrections: Corrections,
}

/// Try a delivery in quarantine again.
///
/// After its mapping was changed, after its patient was registered, or with corrections. What was delivered stays as it
/// came; corrections are kept beside it.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ResolveQuarantine"))),
    params(IdempotencyKey),
    request_body = Replay,
    responses((status = 200, description = "What became of it.", body = ReplayedView), Problems))]
#[post("/v1/tenants/{tenant}/quarantine/{quarantined}/replays")]
pub async fn replay_quarantined(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<(String, QuarantineId)>,
    state: web::Data<State>,
    body: Body<Replay>,
) -> Result<HttpResponse, Problem> {
    let (tenant, id) = path.into_inner();
    let Body { value, bytes } = body;
    let place = format!("/v1/tenants/{tenant}/quarantine/{id}/replays");
    let acceptance = state.acceptance;
    caller
        .run_once(key, bytes, &place, move |tx| {
            let (replayed, patient) = replay(tx, id, value.corrections, acceptance)?;
            let mut reply = reply(200, None, None, &replayed);
            reply.patient = patient;
            Ok(reply)
        })
        .await
}
