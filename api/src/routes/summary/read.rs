//! Counts and mean scores of one registry.

use actix_web::{HttpResponse, get, web};
use painreg_tenants::store::submissions::{self, Mean, Summary};
use serde::Serialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};

/// How much the registry holds.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Summary)]
pub struct SummaryView {
    /// Registered patients.
    #[schema(minimum = 0)]
    patients: i64,
    /// Submissions; superseded revisions are not counted.
    #[schema(minimum = 0)]
    submissions: i64,
    /// Mean scores.
    #[schema(max_items = 1000)]
    means: Vec<MeanView>,
}

/// One scale's mean.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Mean)]
pub struct MeanView {
    /// The instrument.
    #[schema(max_length = 40, example = "isi")]
    instrument: String,
    /// The scale.
    #[schema(max_length = 40, example = "total")]
    scale: String,
    /// The value set, where the scale has one.
    #[schema(max_length = 40)]
    value_set: Option<String>,
    /// How many results.
    #[schema(minimum = 1)]
    n: i64,
    /// Their mean, to two decimals.
    mean: f64,
}

impl From<Mean> for MeanView {
    fn from(it: Mean) -> Self {
        Self { instrument: it.instrument, scale: it.scale, value_set: it.value_set, n: it.n, mean: it.mean }
    }
}

impl From<Summary> for SummaryView {
    fn from(it: Summary) -> Self {
        Self {
            patients: it.patients,
            submissions: it.submissions,
            means: it.means.into_iter().map(Into::into).collect(),
        }
    }
}

/// Read how much the registry holds: patients, submissions and mean scores.
///
/// Only means of five or more patients are shown, to two decimals.
#[utoipa::path(tag = "Oversight", extensions(("x-action" = json!("ReadSummary"))),
    responses((status = 200, description = "Counts and means.", body = SummaryView), Problems))]
#[get("/v1/tenants/{tenant}/summary")]
pub async fn read_summary(caller: Caller, _path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let summary = caller.run(|tx| Ok(submissions::summary(tx)?)).await?;
    Ok(HttpResponse::Ok().json(SummaryView::from(summary)))
}
