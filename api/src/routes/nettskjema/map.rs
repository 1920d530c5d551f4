//! Saves the mapping of a Nettskjema form.

use actix_web::http::header;
use actix_web::{HttpResponse, put, web};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::nettskjema::Codebook;
use painreg_domain::questionnaire::Mapping;
use painreg_tenants::StoreError;
use painreg_tenants::store::{forms, nettskjema};
use serde::Deserialize;
use std::collections::BTreeMap;

use super::MappingView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IfMatch};

/// The mapping of a codebook to the items of a form.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveMapping {
    /// The code of the form in the registry.
    #[schema(min_length = 1, max_length = 64, example = "opr-baseline")]
    form: String,
    /// The version of the form.
    #[schema(min_length = 1, max_length = 32, example = "1")]
    form_version: String,
    /// Codebook path (`key` or `matrix.row`) -> item, or `@national_id`. A path that is not listed refers to the item
    /// with the same name (`matrix.row` to `matrix_row`), unless another path refers to it.
    #[schema(value_type = Object, example = json!({"fnr": "@national_id", "isi.1": "isi_01"}))]
    keys: BTreeMap<String, String>,
}

/// Save the mapping of a Nettskjema form's codebook to the items of a form.
///
/// `If-Match` names the version that was read, `"v0"` where there is none yet. Every version is kept. Deliveries in
/// quarantine can then be replayed.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("MapNettskjema"))),
    params(("If-Match" = String, Header, description = "The version that was read; `\"v0\"` where there is none yet.", max_length = 40)),
    request_body = SaveMapping,
    responses((status = 200, description = "The mapping.", body = MappingView), Problems))]
#[put("/{form_id}/mapping")]
pub async fn save_nettskjema_mapping(
    caller: Caller,
    path: web::Path<(String, String)>,
    read: IfMatch,
    body: Body<SaveMapping>,
) -> Result<HttpResponse, Problem> {
    let (_, form_id) = path.into_inner();
    let SaveMapping { form, form_version, keys } = body.value;
    let saved = caller
        .run(move |tx| {
            super::check_form_id(&form_id)?;
            let form = forms::version(tx, &form, &form_version).map_err(|error| match error {
                StoreError::NotFound => Problem::invalid(vec![Fault::at("form_version", FaultCode::UnknownReference)]),
                other => other.into(),
            })?;
            let codebook = Codebook::new(&form, Mapping { form_id, keys })?;
            let version = read.version_if_any(|| {
                nettskjema::mapping(tx, codebook.form_id())?.map(|it| it.version).ok_or(StoreError::NotFound)
            })?;
            Ok(nettskjema::save_mapping(tx, &codebook, version)?)
        })
        .await?;
    let view = MappingView::from(saved);
    Ok(HttpResponse::Ok().insert_header((header::ETAG, view.etag())).json(view))
}
