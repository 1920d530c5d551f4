//! Reads the wording of an instrument, for programs that show a form.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_domain::fault::Fault;
use painreg_domain::questionnaire::is_language;
use painreg_tenants::store::licences;

use super::{WordingView, instrument};
use crate::caller::Caller;
use crate::problem::{Code, Problem, Problems};
use crate::wire::etag;

/// Read the wording of an instrument in one language.
///
/// Only while a licence covers the instrument and the language today, regardless of the registry's settings;
/// instruments with a free wording need none. Otherwise 403 `unlicensed`, with the reason in `errors`.
#[utoipa::path(tag = "Licences", extensions(("x-action" = json!("ReadItemTexts"))),
    responses((status = 200, description = "The wording.", body = WordingView), Problems))]
#[get("/{instrument}/texts/{language}")]
pub async fn read_item_texts(
    caller: Caller,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (_, code, language) = path.into_inner();
    let view = caller
        .run(move |tx| {
            let instrument = instrument(&code)?;
            if !is_language(&language) {
                return Err(Code::NotFound.into());
            }
            let (kept, standing) = licences::wording(tx, instrument, &language)?;
            match standing.refusal() {
                None => Ok(WordingView::from(kept)),
                Some(code) => Err(Problem::with(Code::Unlicensed, vec![Fault::new("", code)])),
            }
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
