//! Reads one long operation.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_domain::ids::OperationId;
use painreg_tenants::store::operations;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::operation::OperationView;
use crate::wire::etag;

/// The polling interval for clients, in seconds.
const POLL_AFTER: &str = "2";

/// Read the state and progress of a long operation.
///
/// While the operation is queued or running, `Retry-After` gives the polling interval.
#[utoipa::path(tag = "Operations", extensions(("x-action" = json!("ReadOperations"))),
    responses((status = 200, description = "The operation.", body = OperationView), Problems))]
#[get("/{operation}")]
pub async fn read_operation(caller: Caller, path: web::Path<(String, OperationId)>) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let found = caller.run(move |tx| Ok(operations::find(tx, id)?)).await?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::ETAG, etag(found.version)));
    if !found.state.is_finished() {
        answer.insert_header((header::RETRY_AFTER, POLL_AFTER));
    }
    Ok(answer.json(OperationView::from(found)))
}
