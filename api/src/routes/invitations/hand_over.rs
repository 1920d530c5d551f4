//! The last check before something is sent.

use actix_web::{HttpResponse, put, web};
use painreg_domain::ids::InvitationId;
use painreg_domain::policy::Action;
use painreg_tenants::store::invitations::{self, Handover};
use serde::Deserialize;
use uuid::Uuid;
use validator::Validate;

use super::InvitationView;
use crate::auth::Caller;
use crate::problem::{Code, Problem, Problems};
use crate::wire::Body;

/// By which claim.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    /// The claim that holds it.
    #[schema(value_type = String, format = "uuid", min_length = 36, max_length = 36)]
    claim_id: Uuid,
}

/// Ask, the moment before it is sent, whether an invitation is still to be sent; send it only where this answers 200.
///
/// The patient is decided again. `not_held`: the lease has run out, or another claim holds it. `not_to_be_sent`: it was
/// answered meanwhile, the patient has died or reserved themselves, or the like; it is withdrawn.
#[utoipa::path(operation_id = "handOverInvitation", tag = "Follow-up", extensions(("x-action" = json!("HandOverInvitation"))),
    params(("tenant" = String, Path, description = "The registry's slug.", max_length = 40),
        ("invitation" = InvitationId, Path, description = "The invitation's id.")),
    request_body = HandOver,
    responses((status = 200, description = "It is to be sent now.", body = InvitationView), Problems))]
#[put("/v1/tenants/{tenant}/invitations/{invitation}/handover")]
pub async fn hand_over_invitation(
    caller: Caller,
    path: web::Path<(String, InvitationId)>,
    body: Body<HandOver>,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let claim = body.value.claim_id;
    let (outcome, invitation) = caller
        .run(Action::HandOverInvitation, move |tx| {
            let outcome = invitations::hand_over(tx, id, claim)?;
            Ok((outcome, invitations::read(tx, id)?))
        })
        .await?;
    match outcome {
        Handover::Granted => Ok(HttpResponse::Ok().json(InvitationView::from(invitation))),
        Handover::NotHeld => Err(Code::NotHeld.into()),
        Handover::Withdrawn => Err(Code::NotToBeSent.into()),
    }
}
