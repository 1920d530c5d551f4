//! Setting a delivery aside.

use actix_web::{HttpResponse, put, web};
use painreg_domain::ids::QuarantineId;
use painreg_domain::policy::Action;
use painreg_tenants::store::quarantine;

use super::QuarantinedView;
use crate::auth::Caller;
use crate::problem::{Problem, Problems};

/// Set a delivery in quarantine aside: a test of the form, or of somebody who is not to be registered. It stays, sealed.
#[utoipa::path(operation_id = "setAsideQuarantined", tag = "Questionnaires", extensions(("x-action" = json!("ResolveQuarantine"))),
    params(("tenant" = String, Path, description = "The registry's slug.", max_length = 40),
        ("quarantined" = QuarantineId, Path, description = "The delivery's id in quarantine.")),
    responses((status = 200, description = "It is set aside.", body = QuarantinedView), Problems))]
#[put("/v1/tenants/{tenant}/quarantine/{quarantined}/dismissal")]
pub async fn set_aside_quarantined(
    caller: Caller,
    path: web::Path<(String, QuarantineId)>,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let found = caller
        .run(Action::ResolveQuarantine, move |tx| {
            if quarantine::open(tx, id)?.about.state != "set_aside" {
                quarantine::close(tx, id, None)?;
            }
            Ok(quarantine::open(tx, id)?.about)
        })
        .await?;
    Ok(HttpResponse::Ok().json(QuarantinedView::from(found)))
}
