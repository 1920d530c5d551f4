//! Telling what became of an invitation.

use actix_web::{HttpResponse, post, web};
use jiff::{SignedDuration, Timestamp};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::followup::{Failure, Receipt};
use painreg_domain::ids::InvitationId;
use painreg_tenants::store::invitations::{self, DeliveryReport};
use serde::Deserialize;
use validator::Validate;

use super::InvitationView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IdempotencyKey, reply};

/// What became of an invitation (kvittering).
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationReceipt {
    /// What became of it.
    outcome: Receipt,
    /// Why it failed: required of failures, and of nothing else.
    #[serde(default)]
    reason: Option<Failure>,
    /// What the sender's system calls it: answers that carry it as their source find the invitation by it.
    #[serde(default)]
    #[validate(length(min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100)]
    reference: Option<String>,
    /// When; absent: now.
    #[serde(default)]
    at: Option<Timestamp>,
}

/// How far a sender's clock may be ahead.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// Tell what became of an invitation: sent, delivered, failed and why, or not known.
///
/// Order does not matter, and telling it twice changes nothing. A receipt counts whoever's lease has run out: what was sent
/// was sent. Where it failed, the next channel of the plan is due at once.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReportInvitation"))),
    params(IdempotencyKey),
    request_body = InvitationReceipt,
    responses((status = 200, description = "The invitation as it is now.", body = InvitationView), Problems))]
#[post("/v1/tenants/{tenant}/invitations/{invitation}/receipts")]
pub async fn report_invitation(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<(String, InvitationId)>,
    body: Body<InvitationReceipt>,
) -> Result<HttpResponse, Problem> {
    let (tenant, id) = path.into_inner();
    let Body { value: InvitationReceipt { outcome, reason, reference, at }, bytes } = body;
    let fault = match (outcome, reason) {
        (Receipt::Failed, None) => Some(FaultCode::Required),
        (Receipt::Failed, Some(_)) | (_, None) => None,
        (_, Some(_)) => Some(FaultCode::Contradiction),
    };
    if let Some(code) = fault {
        return Err(Problem::invalid(vec![Fault::at("reason", code)]));
    }
    let place = format!("/v1/tenants/{tenant}/invitations/{id}/receipts");
    caller
        .run_once(key, bytes, &place, move |tx| {
            if at.is_some_and(|at| at > tx.now().saturating_add(AHEAD).unwrap_or(Timestamp::MAX)) {
                return Err(Problem::invalid(vec![Fault::at("at", FaultCode::InFuture)]));
            }
            let told = DeliveryReport { receipt: outcome, failure: reason, reference, at };
            let invitation = invitations::apply_report(tx, id, &told)?;
            let patient = invitation.patient;
            let mut reply = reply(200, None, None, &InvitationView::from(invitation));
            reply.patient = Some(patient);
            Ok(reply)
        })
        .await
}
