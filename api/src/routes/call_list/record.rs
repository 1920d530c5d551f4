//! Records one call.

use actix_web::{HttpResponse, post, web};
use jiff::Timestamp;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::followup::CallOutcome;
use painreg_domain::ids::DecisionId;
use painreg_tenants::store::calls;
use serde::Deserialize;

use super::CallView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IdempotencyKey, reply};

/// A call about an unanswered invitation, with its outcome.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordFollowUpCall {
    /// The follow-up decision that the call was about.
    decision_id: DecisionId,
    /// The outcome of the call.
    outcome: CallOutcome,
    /// The time of the call; absent: now.
    #[serde(default)]
    called_at: Option<Timestamp>,
}

/// Record a call about an unanswered invitation, with its outcome.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("RecordCall"))),
    params(IdempotencyKey),
    request_body = RecordFollowUpCall,
    responses((status = 201, description = "The call.", body = CallView), Problems))]
#[post("/follow-up-calls")]
pub async fn record_follow_up_call(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    body: Body<RecordFollowUpCall>,
) -> Result<HttpResponse, Problem> {
    let Body { value: RecordFollowUpCall { decision_id, outcome, called_at }, bytes } = body;
    let place = format!("/v1/tenants/{path}/follow-up-calls");
    caller
        .run_once(key, bytes, &place, move |tx| {
            let at = called_at.unwrap_or(tx.now());
            if at > tx.now() {
                return Err(Problem::invalid(vec![Fault::at("called_at", FaultCode::InFuture)]));
            }
            let call = calls::record(tx, decision_id, outcome, at)?;
            let patient = call.patient;
            let mut reply = reply(201, None, None, &CallView::from(call));
            reply.patient = Some(patient);
            Ok(reply)
        })
        .await
}
