//! Compares a revision of a submission with the previous one.

use actix_web::{HttpResponse, get, web};
use painreg_domain::ids::SubmissionId;
use painreg_domain::questionnaire::AnswerDifference;
use painreg_tenants::store::{forms, submissions};
use serde::Serialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};

/// The differences between a revision and the one it replaces.
#[derive(Serialize, utoipa::ToSchema)]
pub struct SubmissionDifferences {
    /// The id of the revision.
    id: SubmissionId,
    /// The number of the revision.
    #[schema(minimum = 1)]
    version: i32,
    /// The revision it replaces; null for the first.
    supersedes: Option<SubmissionId>,
    /// The items with different answers; null before or after means unanswered.
    #[schema(max_items = 2000)]
    differences: Vec<AnswerDifference>,
}

/// Compare a revision of a submission with the previous one: every changed item with its answer before and after.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadAnswers"))),
    responses((status = 200, description = "The differences.", body = SubmissionDifferences), Problems))]
#[get("/{submission}/differences")]
pub async fn read_submission_differences(
    caller: Caller,
    path: web::Path<(String, SubmissionId)>,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let found = caller
        .run(move |tx| {
            let (after, before) = submissions::find_with_superseded(tx, id)?;
            let differences = match &before {
                Some(before) => {
                    let (old, new) = (
                        forms::version(tx, &before.form, &before.form_version)?,
                        forms::version(tx, &after.form, &after.form_version)?,
                    );
                    let stored = |form: painreg_domain::questionnaire::Form, answers: &serde_json::Value| {
                        form.joined(answers.clone(), None).map_err(|faults| Problem::internal_faults(&faults))
                    };
                    stored(old, &before.answers)?.differences(&stored(new, &after.answers)?)
                }
                None => Vec::new(),
            };
            Ok(SubmissionDifferences { id, version: after.revision, supersedes: after.supersedes, differences })
        })
        .await?;
    Ok(HttpResponse::Ok().json(found))
}
