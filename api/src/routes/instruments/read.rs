//! One instrument.

use actix_web::{HttpResponse, get, web};
use painreg_domain::instrument::Catalogue;
use painreg_domain::policy::Action;

use super::InstrumentView;
use crate::caller::Caller;
use crate::problem::{Code, Problem, Problems};

/// Read one instrument: its items, ranges, algorithm and source.
#[utoipa::path(operation_id = "readInstrument", tag = "Questionnaires", extensions(("x-action" = json!("ReadInstruments"))),
    params(("tenant" = String, Path, description = "The registry's slug.", max_length = 40),
        ("instrument" = String, Path, description = "The instrument's code.", max_length = 40)),
    responses((status = 200, description = "The instrument.", body = InstrumentView), Problems))]
#[get("/v1/tenants/{tenant}/instruments/{instrument}")]
pub async fn read_instrument(caller: Caller, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (_, code) = path.into_inner();
    let instrument = caller
        .run(Action::ReadInstruments, move |_| Catalogue::shipped().find(&code).ok_or_else(|| Code::NotFound.into()))
        .await?;
    Ok(HttpResponse::Ok().json(InstrumentView::from(instrument)))
}
