//! Reads one code list.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_tenants::store::code_lists;

use super::{CodeListView, list_of};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::etag;

/// Read one code list of the registry, with codes that are not in force.
#[utoipa::path(tag = "Lists", extensions(("x-action" = json!("ReadCodeLists"))),
    responses((status = 200, description = "The code list.", body = CodeListView), Problems))]
#[get("/{list}")]
pub async fn read_code_list(caller: Caller, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (_, name) = path.into_inner();
    let view = caller.run(move |tx| Ok(CodeListView::from(code_lists::find(tx, list_of(&name)?)?))).await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
