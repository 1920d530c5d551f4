//! Lists the instruments of the catalogue.

use actix_web::{HttpResponse, get, web};
use painreg_domain::instrument::Catalogue;

use super::InstrumentView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::Page;

/// List the instruments that can be scored.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadInstruments"))),
    responses((status = 200, description = "The catalogue.", body = Page<InstrumentView>), Problems))]
#[get("")]
pub async fn list_instruments(caller: Caller, _path: web::Path<String>) -> Result<HttpResponse, Problem> {
    caller.run(|_| Ok(())).await?;
    let items: Vec<InstrumentView> = Catalogue::shipped().iter().map(InstrumentView::from).collect();
    Ok(HttpResponse::Ok().json(Page { items, next_cursor: None }))
}
