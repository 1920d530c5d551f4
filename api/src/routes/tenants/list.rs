//! Lists the registries of the server.

use actix_web::{HttpRequest, HttpResponse, get};
use painreg_tenants::store::tenants;

use super::TenantView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// List registries, by slug.
#[utoipa::path(tag = "Tenants", extensions(("x-action" = json!("ListTenants"))),
    params(PageParams), responses((status = 200, description = "A page of registries.", body = Page<TenantView>), Problems))]
#[get("/v1/tenants")]
pub async fn list_tenants(
    request: HttpRequest,
    caller: Caller,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    const LIST: &str = "tenants";
    let page = caller
        .run_platform(move |tx| {
            let after: Option<String> = tx.open_cursor(LIST, cursor)?;
            let found = tenants::list(tx, after.as_deref(), limit)?;
            Ok(wire::page::<_, TenantView>(found, |last| tx.seal_cursor(LIST, &last.slug)))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
