//! Lists the long operations.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_domain::operation::OperationState;
use painreg_tenants::Keyset;
use painreg_tenants::store::operations;
use serde::Deserialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::operation::OperationView;
use crate::wire::{self, Page, PageParams, Query, page_answer};

/// A filter of operations.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OperationParams {
    /// Only operations in this state.
    state: Option<OperationState>,
}

/// List long operations, the newest first.
#[utoipa::path(tag = "Operations", extensions(("x-action" = json!("ReadOperations"))),
    params(OperationParams, PageParams),
    responses((status = 200, description = "A page of operations.", body = Page<OperationView>), Problems))]
#[get("")]
pub async fn list_operations(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    Query(params): Query<OperationParams>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let OperationParams { state } = params;
    let page = caller
        .run(move |tx| {
            let list = format!("operations/{}", state.map_or("", Into::into));
            let after = tx.open_cursor(&list, cursor)?.map(|Keyset(at, id)| (at, id));
            let found = operations::list(tx, state, after, limit)?;
            Ok(wire::page::<_, OperationView>(found, |last| tx.seal_cursor(&list, &Keyset(last.created_at, last.id))))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
