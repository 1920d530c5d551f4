//! Lists the versions of a submission's scores.

use actix_web::{HttpResponse, get, web};
use painreg_domain::ids::SubmissionId;
use painreg_tenants::store::submissions::{self, StoredScore};
use serde::Serialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::submission::ScoreView;
use crate::wire::Page;

/// One version of an instrument's result.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ScoreVersion {
    /// The result of scoring.
    score: ScoreView,
    /// The version of the score: 1 is the score computed on arrival.
    #[schema(minimum = 1)]
    version: i32,
    /// The time of the repeated scoring; null for version 1.
    scored_at: Option<jiff::Timestamp>,
}

impl From<StoredScore> for ScoreVersion {
    fn from(it: StoredScore) -> Self {
        Self { version: it.version, scored_at: it.scored_at, score: it.into() }
    }
}

/// List the versions of a submission's scores, by instrument, the newest first.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadAnswers"))),
    responses((status = 200, description = "The scores.", body = Page<ScoreVersion>), Problems))]
#[get("/{submission}/scores")]
pub async fn list_scores(caller: Caller, path: web::Path<(String, SubmissionId)>) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let found = caller.run(move |tx| Ok(submissions::scores(tx, id)?)).await?;
    Ok(HttpResponse::Ok().json(Page { items: found.into_iter().map(ScoreVersion::from).collect(), next_cursor: None }))
}
