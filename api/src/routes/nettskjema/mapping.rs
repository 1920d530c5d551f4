//! Reads the mapping of one Nettskjema form.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_tenants::StoreError;
use painreg_tenants::store::nettskjema;

use super::MappingView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};

/// Read the mapping of a Nettskjema form's codebook to the items of a form.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadForms"))),
    responses((status = 200, description = "The mapping.", body = MappingView), Problems))]
#[get("/{form_id}/mapping")]
pub async fn read_nettskjema_mapping(
    caller: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (_, form_id) = path.into_inner();
    let found = caller.run(move |tx| Ok(nettskjema::mapping(tx, &form_id)?.ok_or(StoreError::NotFound)?)).await?;
    let view = MappingView::from(found);
    Ok(HttpResponse::Ok().insert_header((header::ETAG, view.etag())).json(view))
}
