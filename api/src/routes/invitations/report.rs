//! Records a delivery report.

use actix_web::{HttpResponse, post, web};
use jiff::{SignedDuration, Timestamp};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::followup::{Failure, Receipt};
use painreg_domain::ids::InvitationId;
use painreg_tenants::store::invitations::{self, DeliveryReport};
use serde::Deserialize;

use super::InvitationView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IdempotencyKey, reply};

/// The delivery report of an invitation (kvittering).
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationReceipt {
    /// The outcome of the delivery.
    outcome: Receipt,
    /// The reason of the failure: required for failures, refused otherwise.
    #[serde(default)]
    reason: Option<Failure>,
    /// The reference of the sender's system: answers that have it as their source are matched to the invitation.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    reference: Option<String>,
    /// The time of the outcome; absent: now.
    #[serde(default)]
    at: Option<Timestamp>,
}

/// The tolerance for a sender's clock that is ahead.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// Report the outcome of an invitation: sent, delivered, failed with a reason, or unknown.
///
/// The order of reports does not matter, and a repeated report changes nothing. A report is accepted after the lease
/// expiry too: the message was sent. After a failure the next channel of the plan is due at once.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReportInvitation"))),
    params(IdempotencyKey),
    request_body = InvitationReceipt,
    responses((status = 200, description = "The invitation after the change.", body = InvitationView), Problems))]
#[post("/{invitation}/receipts")]
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
