//! Reads one instrument of the catalogue.

use actix_web::{HttpResponse, get, web};
use painreg_domain::instrument::Catalogue;

use super::InstrumentView;
use crate::caller::Caller;
use crate::problem::{Code, Problem, Problems};

/// Read one instrument: its items, ranges, algorithm and source.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadInstruments"))),
    responses((status = 200, description = "The instrument.", body = InstrumentView), Problems))]
#[get("/{instrument}")]
pub async fn read_instrument(caller: Caller, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (_, code) = path.into_inner();
    let instrument = caller.run(move |_| Catalogue::shipped().find(&code).ok_or_else(|| Code::NotFound.into())).await?;
    Ok(HttpResponse::Ok().json(InstrumentView::from(instrument)))
}
