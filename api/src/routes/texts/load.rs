//! Loads the wording of an instrument.

use actix_web::http::header;
use actix_web::{HttpResponse, put, web};
use painreg_domain::licence::Wording;
use painreg_domain::questionnaire::is_language;
use painreg_tenants::store::licences;
use serde::Deserialize;

use super::{WordingView, instrument};
use crate::caller::Caller;
use crate::problem::{Code, Problem, Problems};
use crate::wire::{Document, IfMatch, etag};

/// A wording in the structure of the licence holder's file.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(as = NewItemTexts)]
pub struct WordingBody(Wording);

/// Load the wording of an instrument in one language from the licence holder's file.
///
/// Exactly the items of the instrument. `If-Match` names the version that was read, `"v0"` where there is none yet.
/// Every version is kept. The wording may be loaded before the licence begins; reading it requires a valid licence.
#[utoipa::path(tag = "Licences", extensions(("x-action" = json!("LoadItemTexts"))),
    params(("If-Match" = String, Header, description = "The version that was read; `\"v0\"` where there is none yet.", max_length = 50)),
    request_body = WordingBody,
    responses((status = 200, description = "The wording after the change.", body = WordingView), Problems))]
#[put("/{instrument}/texts/{language}")]
pub async fn load_item_texts(
    caller: Caller,
    path: web::Path<(String, String, String)>,
    read: IfMatch,
    body: Document<WordingBody>,
) -> Result<HttpResponse, Problem> {
    let (_, code, language) = path.into_inner();
    let WordingBody(wording) = body.value;
    let view = caller
        .run(move |tx| {
            let instrument = instrument(&code)?;
            if !is_language(&language) {
                return Err(Code::NotFound.into());
            }
            let faults = wording.faults(instrument);
            if !faults.is_empty() {
                return Err(Problem::invalid(faults));
            }
            let stored = || licences::wording(tx, instrument, &language).map(|(kept, _)| kept.version);
            let version = read.version_if_any(stored)?;
            Ok(WordingView::from(licences::load_wording(tx, instrument, &language, version, &wording)?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
