//! Reads counts and mean scores of one registry.

use actix_web::{HttpResponse, get, web};
use painreg_tenants::store::submissions::{self, Mean, Summary};
use serde::Serialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};

/// The size of the registry in figures.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Summary)]
pub struct SummaryView {
    /// The number of registered patients.
    #[schema(minimum = 0)]
    patients: i64,
    /// Submissions; superseded revisions are not counted.
    #[schema(minimum = 0)]
    submissions: i64,
    /// The mean of each scale.
    #[schema(max_items = 1000)]
    means: Vec<MeanView>,
}

/// The mean of one scale.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Mean)]
pub struct MeanView {
    /// The code of the instrument.
    #[schema(max_length = 40, example = "isi")]
    instrument: String,
    /// The code of the scale.
    #[schema(max_length = 40, example = "total")]
    scale: String,
    /// The value set, where the scale has one.
    #[schema(max_length = 40)]
    value_set: Option<String>,
    /// The number of results.
    #[schema(minimum = 1)]
    n: i64,
    /// The mean of the results, with two decimals.
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

/// Read the size of the registry: patients, submissions and mean scores.
///
/// Only means of five or more patients are shown, with two decimals.
#[utoipa::path(tag = "Oversight", extensions(("x-action" = json!("ReadSummary"))),
    responses((status = 200, description = "Counts and means.", body = SummaryView), Problems))]
#[get("/summary")]
pub async fn read_summary(caller: Caller, _path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let summary = caller.run(|tx| Ok(submissions::summary(tx)?)).await?;
    Ok(HttpResponse::Ok().json(SummaryView::from(summary)))
}
