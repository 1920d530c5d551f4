//! Lists the versions of a form.

use actix_web::{HttpRequest, HttpResponse, get, web};
use jiff::Timestamp;
use painreg_tenants::Keyset;
use painreg_tenants::store::forms::{self, PublishedForm};
use serde::Serialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// A published version of a form, without its definition.
#[derive(Serialize, utoipa::ToSchema)]
pub struct FormVersion {
    /// The code of the form.
    #[schema(max_length = 64, example = "opr-baseline")]
    code: String,
    /// The name of the version.
    #[schema(max_length = 32, example = "1")]
    version: String,
    /// The time of publication.
    published_at: Timestamp,
    /// SHA-256 of the definition's canonical JSON, in hexadecimal digits.
    #[schema(max_length = 64)]
    digest: String,
}

impl From<PublishedForm> for FormVersion {
    fn from(it: PublishedForm) -> Self {
        Self {
            code: it.form.code().to_owned(),
            version: it.form.version().to_owned(),
            published_at: it.published_at,
            digest: it.form.definition().digest(),
        }
    }
}

/// List the published versions of a form, the newest first.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadForms"))),
    params(PageParams),
    responses((status = 200, description = "A page of versions.", body = Page<FormVersion>), Problems))]
#[get("/{form}/versions")]
pub async fn list_form_versions(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<(String, String)>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let (_, code) = path.into_inner();
    let list = format!("form versions {code}");
    let page = caller
        .run(move |tx| {
            let before = tx.open_cursor(&list, cursor)?;
            let found = forms::versions(tx, &code, before, limit)?;
            let seal = |last: &PublishedForm| tx.seal_cursor(&list, &Keyset(last.published_at, last.form.version()));
            Ok(wire::page::<_, FormVersion>(found, seal))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
