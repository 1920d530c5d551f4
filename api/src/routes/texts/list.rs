//! Lists the languages of an instrument's wording.

use actix_web::{HttpResponse, get, web};
use painreg_tenants::store::licences;

use super::{ListedItemTexts, instrument};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::Page;

/// List the languages of the loaded wordings of an instrument.
#[utoipa::path(tag = "Licences", extensions(("x-action" = json!("ReadItemTexts"))),
    responses((status = 200, description = "The languages.", body = Page<ListedItemTexts>), Problems))]
#[get("/{instrument}/texts")]
pub async fn list_item_texts(caller: Caller, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (_, code) = path.into_inner();
    let found = caller.run(move |tx| Ok::<_, Problem>(licences::wordings(tx, instrument(&code)?)?)).await?;
    let items: Vec<ListedItemTexts> = found.into_iter().map(ListedItemTexts::from).collect();
    Ok(HttpResponse::Ok().json(Page { items, next_cursor: None }))
}
