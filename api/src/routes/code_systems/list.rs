//! Lists the code systems.

use actix_web::{HttpResponse, get, web};

use super::CodeSystemView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::Page;

/// List the code systems and their editions.
#[utoipa::path(tag = "Lists", extensions(("x-action" = json!("ReadCodes"))),
    responses((status = 200, description = "All code systems, with or without an imported edition.", body = Page<CodeSystemView>), Problems))]
#[get("")]
pub async fn list_code_systems(caller: Caller, _path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let items = caller
        .run(|tx| {
            let today = tx.today();
            Ok(tx.codes().iter().map(|book| CodeSystemView::of(book, today)).collect())
        })
        .await?;
    Ok(HttpResponse::Ok().json(Page::<CodeSystemView> { items, next_cursor: None }))
}
