//! Replaces the codes of a code list.

use actix_web::http::header;
use actix_web::{HttpResponse, put, web};
use painreg_domain::code_list::Listed;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_tenants::store::code_lists;
use serde::Deserialize;

use super::{CodeListView, list_of};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IfMatch, etag};

/// The new content of a code list.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceCodeList {
    /// All codes of the list, in order.
    #[schema(min_items = 1, max_items = 500)]
    codes: Vec<Listed>,
}

/// Replace a code list.
///
/// The whole list, in order. Entries refer to its codes, so none may be left out: give a code a last day (`valid_to`)
/// instead.
#[utoipa::path(tag = "Lists", extensions(("x-action" = json!("ChangeCodeLists"))),
    params(IfMatch),
    request_body = ReplaceCodeList,
    responses((status = 200, description = "The list after the change.", body = CodeListView), Problems))]
#[put("/{list}")]
pub async fn replace_code_list(
    caller: Caller,
    path: web::Path<(String, String)>,
    version: IfMatch,
    body: Body<ReplaceCodeList>,
) -> Result<HttpResponse, Problem> {
    let (_, name) = path.into_inner();
    let codes = body.value.codes;
    let view = caller
        .run(move |tx| {
            let list = list_of(&name)?;
            let mut faults = Vec::new();
            for (at, code) in codes.iter().enumerate() {
                let place = format!("/codes/{at}");
                faults.extend(code.faults().into_iter().map(|fault| fault.under(&place)));
                if codes.iter().take(at).any(|other| other.code == code.code) {
                    faults.push(Fault::new(format!("{place}/code"), FaultCode::AlreadyExists));
                }
            }
            if !faults.is_empty() {
                return Err(Problem::invalid(faults));
            }
            let version = version.version(|| code_lists::find(tx, list).map(|it| it.version))?;
            code_lists::replace(tx, list, version, &codes)?;
            Ok(CodeListView::from(code_lists::find(tx, list)?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
