//! The whole catalogue.

use actix_web::{HttpResponse, get, web};
use painreg_domain::instrument::Catalogue;
use painreg_domain::policy::Action;

use super::InstrumentView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::Page;

/// List the instruments that can be scored.
#[utoipa::path(operation_id = "listInstruments", tag = "Questionnaires", extensions(("x-action" = json!("ReadInstruments"))),
    params(("tenant" = String, Path, description = "The registry's slug.", max_length = 40)),
    responses((status = 200, description = "The catalogue.", body = Page<InstrumentView>), Problems))]
#[get("/v1/tenants/{tenant}/instruments")]
pub async fn list_instruments(caller: Caller, _path: web::Path<String>) -> Result<HttpResponse, Problem> {
    caller.run(Action::ReadInstruments, |_| Ok(())).await?;
    let items: Vec<InstrumentView> = Catalogue::shipped().iter().map(InstrumentView::from).collect();
    Ok(HttpResponse::Ok().json(Page { items, next_cursor: None }))
}
