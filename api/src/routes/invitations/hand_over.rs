//! Checks an invitation for the last time before sending.

use actix_web::http::header;
use actix_web::{HttpResponse, put, web};
use painreg_domain::ids::InvitationId;
use painreg_tenants::store::invitations::{self, Handover};

use super::InvitationView;
use crate::caller::Caller;
use crate::problem::{Code, Problem, Problems};
use crate::wire::{IfMatch, etag};

/// Check, immediately before sending, that an invitation is still to be sent; send it only after status 200.
///
/// The patient is decided again. A sender that has lost the answer repeats the request, with the same `If-Match`, and
/// gets the same answer while the lease lasts. 412: another claim has the invitation. `not_held`: the lease has expired, or the
/// invitation is closed. `not_to_be_sent`: the form has been answered, the patient has died or opted out
/// (reservasjon), or the like; the invitation is withdrawn. `not_at_this_hour`: outside the plan's hours for sending;
/// the invitation is due again when they begin.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("HandOverInvitation"))),
    params(IfMatch),
    responses((status = 200, description = "The invitation is to be sent now.", body = InvitationView), Problems))]
#[put("/{invitation}/handover")]
pub async fn hand_over_invitation(
    caller: Caller,
    path: web::Path<(String, InvitationId)>,
    version: IfMatch,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let handed_over = caller.run(move |tx| {
        let version = version.version(|| invitations::find(tx, id).map(|it| it.version))?;
        Ok(invitations::hand_over(tx, id, version)?)
    });
    match handed_over.await? {
        Handover::Granted(invitation) => {
            let tag = etag(invitation.version);
            Ok(HttpResponse::Ok().insert_header((header::ETAG, tag)).json(InvitationView::from(*invitation)))
        }
        Handover::NotHeld => Err(Code::NotHeld.into()),
        Handover::NotYet(wait) => Err(Problem::from(Code::NotAtThisHour).after(wait)),
        Handover::Withdrawn => Err(Code::NotToBeSent.into()),
    }
}
