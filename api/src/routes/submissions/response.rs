//! Reads a submission as a FHIR `QuestionnaireResponse`.

use actix_web::{HttpResponse, get, web};
use painreg_domain::ids::SubmissionId;
use painreg_tenants::store::{forms, submissions};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::state::State;
use crate::views::submission::SourceBody;
use crate::wire::Resource;

/// The prefix of the system and its form in the identifier of a response.
pub(super) const SOURCE: &str = "urn:painreg:source:";

/// Read one answered questionnaire as a FHIR R4 `QuestionnaireResponse`.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadAnswers"))),
    responses((status = 200, description = "The resource.", body = Resource), Problems))]
#[get("/{submission}/fhir-questionnaire-response")]
pub async fn read_fhir_response(
    caller: Caller,
    path: web::Path<(String, SubmissionId)>,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (tenant, id) = path.into_inner();
    let base = state.forms_address(&tenant);
    let resource: Value = caller
        .run(move |tx| {
            let found = submissions::find(tx, id)?;
            let form = forms::version(tx, &found.form, &found.form_version)?;
            let answers =
                form.joined(found.answers, None).map_err(|_| Problem::internal("stored answers do not fit"))?;
            let source = SourceBody::from(found.source);
            let who = if found.answered_by == "patient" { "Patient" } else { "RelatedPerson" };
            Ok(json!({
                "resourceType": "QuestionnaireResponse",
                "id": id,
                "identifier": {
                    "system": format!("{SOURCE}{}:{}", source.system, source.form_id),
                    "value": source.submission_id,
                },
                "questionnaire": format!("{base}/{}|{}", form.code(), form.version()),
                "status": "completed",
                "subject": {"reference": format!("Patient/{}", found.patient)},
                "authored": found.submitted_at,
                "source": {"type": who},
                "item": form.to_response_items(&answers),
            }))
        })
        .await?;
    Ok(HttpResponse::Ok().json(resource))
}
