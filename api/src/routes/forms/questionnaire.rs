//! Reads a version of a form as a FHIR Questionnaire.

use actix_web::{HttpResponse, get, web};
use painreg_domain::questionnaire::fhir::Style;
use painreg_tenants::store::forms;
use serde_json::Value;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::state::State;
use crate::wire::Resource;

/// Read a published version of a form as a FHIR R4 Questionnaire.
///
/// Items have labels of the registry; the resource does not contain the wording of licensed instruments.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadForms"))),
    responses((status = 200, description = "The resource.", body = Resource), Problems))]
#[get("/{form}/versions/{version}/fhir-questionnaire")]
pub async fn read_fhir_questionnaire(
    caller: Caller,
    path: web::Path<(String, String, String)>,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (tenant, code, version) = path.into_inner();
    let form = caller.run(move |tx| Ok(forms::version(tx, &code, &version)?)).await?;
    let style = Style { base: &state.forms_address(&tenant), status: "active", language: "nb" };
    let resource: Value = form.definition().to_questionnaire(&style);
    Ok(HttpResponse::Ok().json(resource))
}
