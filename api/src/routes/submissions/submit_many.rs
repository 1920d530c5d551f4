//! Stores answered questionnaires in bulk, one per line.

use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, post, web};
use painreg_tenants::app::intake::{Arrival, Corrections};

use crate::caller::Caller;
use crate::intake::answers::{SubmitAnswers, examine};
use crate::intake::batch::{Batch, BatchParams, DeliveryResult};
use crate::problem::{Problem, Problems};
use crate::request_info::RequestInfo;
use crate::state::State;
use crate::wire::{Line, Lines, NDJSON, Query};

/// Submit answered questionnaires in bulk, one per line (NDJSON).
///
/// A line is a body of `POST submissions`. Every line is processed regardless of the others; the response has a result
/// for each, in order, as soon as available. A line that cannot be placed is kept in quarantine with the reasons.
/// Every line is identified by its source, so the same lines again change nothing and need no `Idempotency-Key`. At
/// most a million lines; a client that sends more than 16 MiB must read the results while sending.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("SubmitAnswersInBulk"))),
    params(BatchParams),
    request_body(content = SubmitAnswers, content_type = "application/x-ndjson"),
    responses((status = 200, description = "One result per line.", body = DeliveryResult, content_type = "application/x-ndjson"), Problems))]
#[post("/submission-batches")]
pub async fn submit_many(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    Query(params): Query<BatchParams>,
    state: web::Data<State>,
    lines: Lines,
) -> Result<HttpResponse, Problem> {
    let info = request.extensions().get::<RequestInfo>().cloned().unwrap_or_default();
    let acceptance = state.acceptance;
    let batch = Batch { caller, nettskjema_id: None, dry_run: params.dry_run(), info };
    batch
        .run(lines, None, move |tx, lines: &[Line]| {
            lines
                .iter()
                .map(|(_, payload)| {
                    let examined = examine(tx, payload, &Corrections::default(), acceptance)?;
                    Ok(Arrival { media_type: NDJSON, payload, examined })
                })
                .collect()
        })
        .await
}
