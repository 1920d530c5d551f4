//! Replays one delivery in quarantine.

use actix_web::{HttpResponse, post, web};
use painreg_domain::ids::QuarantineId;
use serde::Deserialize;

use super::{ReplayedView, replay};
use crate::caller::Caller;
use crate::intake::corrections::CorrectionsBody;
use crate::problem::{Problem, Problems};
use crate::state::State;
use crate::wire::{Body, IdempotencyKey, reply};

/// The parameters of a replay.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Corrections to values that the delivery lacks or has wrong; added to earlier corrections.
    #[serde(default)]
    corrections: CorrectionsBody,
}

/// Replay a delivery in quarantine.
///
/// For use after its mapping was changed, after its patient was registered, or with corrections. The payload stays
/// unchanged; corrections are stored separately.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ResolveQuarantine"))),
    params(IdempotencyKey),
    request_body = Replay,
    responses((status = 200, description = "The result of the replay.", body = ReplayedView), Problems))]
#[post("/{quarantined}/replays")]
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
            let (replayed, patient) = replay(tx, id, value.corrections.into(), acceptance)?;
            let mut reply = reply(200, None, None, &replayed);
            reply.patient = patient;
            Ok(reply)
        })
        .await
}
