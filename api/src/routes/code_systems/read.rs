//! Reading one code.

use actix_web::{HttpResponse, get, web};
use painreg_domain::code::System;
use serde::Serialize;

use super::CodeView;
use crate::caller::Caller;
use crate::problem::{Code, Problem, Problems};

/// A code through the years.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CodeHistory)]
pub struct CodeHistoryView {
    /// The code system.
    system: System,
    /// The code, as it is written.
    #[schema(max_length = 16, example = "M79.7")]
    code: String,
    /// Its titles and their days, the oldest first. A gap: it was not valid then.
    #[schema(max_items = 1000)]
    periods: Vec<CodeView>,
}

/// Read one code: every title it had and when it was valid.
#[utoipa::path(tag = "Lists", extensions(("x-action" = json!("ReadCodes"))),
    responses((status = 200, description = "The code.", body = CodeHistoryView), Problems))]
#[get("/v1/tenants/{tenant}/code-systems/{system}/codes/{code}")]
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
