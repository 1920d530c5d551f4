//! Replays the deliveries in quarantine.

use actix_web::{HttpResponse, post, web};
use painreg_domain::fault::FaultCode;
use painreg_domain::ids::QuarantineId;
use painreg_tenants::app::intake::Corrections;
use painreg_tenants::store::quarantine::{self, QuarantineFilter};
use serde::{Deserialize, Serialize};

use super::{ReplayedView, replay};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::state::State;
use crate::wire::{Body, IdempotencyKey, reply};

/// The range of a bulk replay.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayMany {
    /// Only deliveries of this Nettskjema form.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 20)]
    form_id: Option<String>,
    /// Only deliveries with a reason of this code, such as `unknown_item`.
    #[serde(default)]
    code: Option<FaultCode>,
    /// The `next` of the previous batch; absent: from the beginning.
    #[serde(default)]
    after: Option<QuarantineId>,
}

/// The results of a batch.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ReplayedMany {
    /// The result of each delivery.
    #[schema(max_items = 100)]
    results: Vec<ReplayedView>,
    /// The `after` of the next batch; null at the end.
    next: Option<QuarantineId>,
}

/// The number of deliveries per request.
const STRETCH: i64 = 100;

/// Replay the deliveries in quarantine, in batches of 100.
///
/// For use after a mapping was changed, or patients were registered.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ResolveQuarantine"))),
    params(IdempotencyKey),
    request_body = ReplayMany,
    responses((status = 200, description = "The results of the batch.", body = ReplayedMany), Problems))]
#[post("/quarantine-replays")]
pub async fn replay_quarantine(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    state: web::Data<State>,
    body: Body<ReplayMany>,
) -> Result<HttpResponse, Problem> {
    let Body { value: ReplayMany { form_id, code, after }, bytes } = body;
    let place = format!("/v1/tenants/{path}/quarantine-replays");
    let acceptance = state.acceptance;
    caller
        .run_once(key, bytes, &place, move |tx| {
            let search = QuarantineFilter { state: None, nettskjema_id: form_id, code };
            let waiting = quarantine::waiting(tx, &search, after, STRETCH)?;
            let next = waiting.last().copied().filter(|_| i64::try_from(waiting.len()) == Ok(STRETCH));
            let results = waiting
                .into_iter()
                .map(|id| Ok::<_, Problem>(replay(tx, id, Corrections::default(), acceptance)?.0))
                .collect::<Result<_, _>>()?;
            Ok(reply(200, None, None, &ReplayedMany { results, next }))
        })
        .await
}
