//! Reads one code by its system.

use actix_web::{HttpResponse, get, web};
use painreg_domain::code::System;
use serde::Serialize;

use super::CodeView;
use crate::caller::Caller;
use crate::problem::{Code, Problem, Problems};

/// A code with its history.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CodeHistory)]
pub struct CodeHistoryView {
    /// The identifier of the code system.
    system: System,
    /// The code, as the code system writes it.
    #[schema(max_length = 16, example = "M79.7")]
    code: String,
    /// The titles with their periods, the oldest first. The code is not valid in a gap.
    #[schema(max_items = 1000)]
    periods: Vec<CodeView>,
}

/// Read one code: all its titles with their periods of validity.
#[utoipa::path(tag = "Lists", extensions(("x-action" = json!("ReadCodes"))),
    responses((status = 200, description = "The code.", body = CodeHistoryView), Problems))]
#[get("/{system}/codes/{code}")]
pub async fn read_code(caller: Caller, path: web::Path<(String, String, String)>) -> Result<HttpResponse, Problem> {
    let (_, system, code) = path.into_inner();
    let view = caller
        .run(move |tx| {
            let system: System = system.parse().map_err(|_| Code::NotFound)?;
            let periods = tx.codes().book(system).map(|book| book.find(&code)).unwrap_or_default();
            let code = periods.first().map(|period| period.code.clone()).ok_or(Code::NotFound)?;
            Ok(CodeHistoryView { system, code, periods: periods.into_iter().map(CodeView::from).collect() })
        })
        .await?;
    Ok(HttpResponse::Ok().json(view))
}
