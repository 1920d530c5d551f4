//! Taking an alert on.

use actix_web::http::header;
use actix_web::{HttpResponse, put, web};
use painreg_domain::ids::AlertId;
use painreg_domain::policy::Action;
use painreg_tenants::store::alerts;

use super::AlertView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{IfMatch, etag};

/// Take an alert on: the first who does stands.
#[utoipa::path(operation_id = "acknowledgeAlert", tag = "Questionnaires", extensions(("x-action" = json!("AcknowledgeAlert"))),
    params(("tenant" = String, Path, description = "The registry's slug.", max_length = 40),
        ("alert" = AlertId, Path, description = "The alert's id."),
        ("If-Match" = String, Header, description = "The version that was read.", max_length = 40)),
    responses((status = 200, description = "The alert.", body = AlertView), Problems))]
#[put("/v1/tenants/{tenant}/alerts/{alert}/acknowledgement")]
pub async fn acknowledge_alert(
    caller: Caller,
    path: web::Path<(String, AlertId)>,
    read: IfMatch,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let found = caller.run(Action::AcknowledgeAlert, move |tx| Ok(alerts::acknowledge(tx, id, read.0)?)).await?;
    let tag = etag(found.version);
    Ok(HttpResponse::Ok().insert_header((header::ETAG, tag)).json(AlertView::from(found)))
}
