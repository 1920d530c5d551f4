//! Reads one invitation.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_domain::ids::InvitationId;
use painreg_tenants::store::invitations;

use super::InvitationView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::etag;

/// Read an invitation or reminder: its claim, its state and the times of each step.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReadInvitations"))),
    responses((status = 200, description = "The invitation.", body = InvitationView), Problems))]
#[get("/{invitation}")]
pub async fn read_invitation(caller: Caller, path: web::Path<(String, InvitationId)>) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let view = caller.run(move |tx| Ok(InvitationView::from(invitations::find(tx, id)?))).await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
