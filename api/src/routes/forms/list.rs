//! Lists the published forms.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_tenants::Keyset;
use painreg_tenants::store::forms;

use super::FormView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// List the registry's published forms, by code and version.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadForms"))),
    params(PageParams),
    responses((status = 200, description = "A page of forms.", body = Page<FormView>), Problems))]
#[get("")]
pub async fn list_forms(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    const LIST: &str = "forms";
    let page = caller
        .run(move |tx| {
            let after = tx.open_cursor(LIST, cursor)?;
            let found = forms::list(tx, after, limit)?;
            Ok(wire::page::<_, FormView>(found, |last| tx.seal_cursor(LIST, &Keyset(last.code(), last.version()))))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
