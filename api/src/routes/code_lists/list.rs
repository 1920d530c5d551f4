//! Lists the registry's code lists.

use actix_web::{HttpResponse, get, web};
use painreg_tenants::store::code_lists;

use super::CodeListView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::Page;

/// List the registry's own code lists, with the flags that rules read.
#[utoipa::path(tag = "Lists", extensions(("x-action" = json!("ReadCodeLists"))),
    responses((status = 200, description = "The lists.", body = Page<CodeListView>), Problems))]
#[get("")]
pub async fn list_code_lists(caller: Caller, _path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let lists = caller.run(|tx| Ok(code_lists::all(tx)?)).await?;
    let items: Vec<CodeListView> = lists.into_iter().map(CodeListView::from).collect();
    Ok(HttpResponse::Ok().json(Page { items, next_cursor: None }))
}
