//! Lists the mappings of Nettskjema forms.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_tenants::store::nettskjema;

use super::MappingView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// List the mappings of Nettskjema forms that deliver to the registry.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadForms"))),
    params(PageParams),
    responses((status = 200, description = "A page of mappings.", body = Page<MappingView>), Problems))]
#[get("")]
pub async fn list_nettskjema_mappings(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    const LIST: &str = "nettskjema";
    let page = caller
        .run(move |tx| {
            let after: Option<String> = tx.open_cursor(LIST, cursor)?;
            let found = nettskjema::mappings(tx, after.as_deref(), limit)?;
            Ok(wire::page::<_, MappingView>(found, |last| tx.seal_cursor(LIST, &last.codebook.form_id())))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
