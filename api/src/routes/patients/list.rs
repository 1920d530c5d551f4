//! Lists the patients of the registry.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_domain::patient::Stage;
use painreg_tenants::store::patients::{self, Search};
use serde::Deserialize;

use super::ListedView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, Query, page_answer};

/// The query of the list of patients.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PatientFilter {
    /// Only patients of this unit.
    #[param(min_length = 1, max_length = 100)]
    unit: Option<String>,
    /// Only the patient with this registry number.
    #[param(minimum = 1)]
    registry_number: Option<i64>,
    /// Only patients in this stage; merged duplicates are listed only where their stage is given.
    stage: Option<Stage>,
}

/// List patients, by registry number.
///
/// Every patient in the page finds the access in their access log.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("ListPatients"))),
    params(PatientFilter, PageParams),
    responses((status = 200, description = "A page of patients.", body = Page<ListedView>), Problems))]
#[get("")]
pub async fn list_patients(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    Query(PatientFilter { unit, registry_number, stage }): Query<PatientFilter>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let search = Search { unit, registry_number, stage };
    let page = caller
        .run(move |tx| {
            let list = format!("patients {search:?}");
            let after = tx.open_cursor(&list, cursor)?.unwrap_or(0);
            let found = patients::list(tx, &search, after, limit)?;
            Ok(wire::page::<_, ListedView>(found, |last| tx.seal_cursor(&list, &last.registry_number)))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
