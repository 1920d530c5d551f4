//! Cancels one long operation.

use actix_web::http::header;
use actix_web::{HttpResponse, put, web};
use painreg_domain::ids::OperationId;
use painreg_tenants::store::operations;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::operation::OperationView;
use crate::wire::{IfMatch, etag};

/// Cancel a long operation.
///
/// Results so far are kept. An operation that has ended is refused with 409 `state_conflict`.
#[utoipa::path(tag = "Operations", extensions(("x-action" = json!("CancelOperation"))),
    params(IfMatch),
    responses((status = 200, description = "The operation, cancelled.", body = OperationView), Problems))]
#[put("/{operation}/cancellation")]
pub async fn cancel_operation(
    caller: Caller,
    path: web::Path<(String, OperationId)>,
    version: IfMatch,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let found = caller
        .run(move |tx| {
            let version = version.version(|| operations::find(tx, id).map(|it| it.version))?;
            Ok(operations::cancel(tx, id, version)?)
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(found.version))).json(OperationView::from(found)))
}
