//! Lists the versions of a Nettskjema form definition.

use actix_web::{HttpResponse, get, web};
use painreg_tenants::StoreError;
use painreg_tenants::store::nettskjema;

use super::describe::DefinitionView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::Page;

/// List the versions of a Nettskjema form definition, the newest first.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadForms"))),
    responses((status = 200, description = "The versions.", body = Page<DefinitionView>), Problems))]
#[get("/{form_id}/definitions")]
pub async fn list_nettskjema_definitions(
    caller: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (_, form_id) = path.into_inner();
    let found = caller
        .run(move |tx| match nettskjema::definitions(tx, &form_id)? {
            none if none.is_empty() => Err(StoreError::NotFound.into()),
            found => Ok(found),
        })
        .await?;
    Ok(HttpResponse::Ok()
        .json(Page { items: found.into_iter().map(DefinitionView::from).collect(), next_cursor: None }))
}
