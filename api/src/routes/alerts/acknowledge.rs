//! Taking an alert on.

use actix_web::{HttpResponse, put, web};
use painreg_domain::ids::AlertId;
use painreg_domain::policy::Action;
use painreg_tenants::store::alerts;

use super::AlertView;
use crate::auth::Caller;
use crate::problem::{Problem, Problems};

/// Take an alert on: the first who does stands, and doing it again changes nothing.
#[utoipa::path(operation_id = "acknowledgeAlert", tag = "Questionnaires", extensions(("x-action" = json!("AcknowledgeAlert"))),
    params(("tenant" = String, Path, description = "The registry's slug.", max_length = 40),
        ("alert" = AlertId, Path, description = "The alert's id.")),
    responses((status = 200, description = "The alert.", body = AlertView), Problems))]
#[put("/v1/tenants/{tenant}/alerts/{alert}/acknowledgement")]
pub async fn acknowledge_alert(caller: Caller, path: web::Path<(String, AlertId)>) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let found = caller.run(Action::AcknowledgeAlert, move |tx| Ok(alerts::acknowledge(tx, id)?)).await?;
    Ok(HttpResponse::Ok().json(AlertView::from(found)))
}
