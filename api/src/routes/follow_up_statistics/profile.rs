//! How those who do not answer differ from those who do.

use actix_web::{HttpResponse, get, web};
use painreg_domain::report::response::{Cell, Dimension, ShareDifference, difference, publishable};
use painreg_tenants::store::response_rates;
use serde::Serialize;

use super::{Disclosure, StatisticsParams};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};

/// How those who do not answer differ (frafallsanalyse).
#[derive(Serialize, utoipa::ToSchema)]
pub struct NonResponderProfile {
    /// How many were asked.
    #[schema(minimum = 0)]
    asked: i64,
    /// How many of them answered.
    #[schema(minimum = 0)]
    answered: i64,
    /// By each dimension, its groups.
    #[schema(max_items = 1000)]
    groups: Vec<ProfileGroup>,
}

/// One group among those who answered and those who did not.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ProfileGroup {
    /// By what it is told apart.
    #[schema(value_type = String, max_length = 20, example = "age_band")]
    by: Dimension,
    /// The group; null: those whose own groups are too small to be told apart.
    #[schema(max_length = 100, example = "18-29")]
    group: Option<String>,
    /// How many of those who answered are in it.
    #[schema(minimum = 0)]
    answered: i64,
    /// How many of those who did not.
    #[schema(minimum = 0)]
    not_answered: i64,
    /// By how many percentage points the group's share among those who did not answer is above its share among those who
    /// did, to one decimal; null where there are none of either.
    #[schema(example = 12.3)]
    difference: Option<f64>,
    /// The 95 % confidence interval of the difference (Newcombe's hybrid score method), to one decimal.
    #[schema(max_items = 2, example = json!([1.2, 23.4]))]
    interval: Option<Vec<f64>>,
}

/// By what those who do not answer are looked at.
const BY: [Dimension; 6] = [
    Dimension::AgeBand,
    Dimension::Sex,
    Dimension::DiagnosisGroup,
    Dimension::Unit,
    Dimension::Channel,
    Dimension::Track,
];

/// Read how those who do not answer differ from those who do: by age, sex, diagnosis, unit, channel and track.
///
/// A low response rate is harmless where those who do not answer are like those who do, and is not where they are younger,
/// say; a difference whose interval holds zero may be chance.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReadFollowUpStatistics"))),
    params(StatisticsParams),
    responses((status = 200, description = "The profile.", body = NonResponderProfile), Problems))]
#[get("/v1/tenants/{tenant}/non-responder-profile")]
pub async fn read_non_responder_profile(
    caller: Caller,
    _path: web::Path<String>,
    params: web::Query<StatisticsParams>,
) -> Result<HttpResponse, Problem> {
    let params = params.into_inner();
    let (period, _) = params.to_domain()?;
    let exact = params.disclosure.unwrap_or_default() == Disclosure::Exact;
    let wanted: Vec<Dimension> =
        if params.by.is_some() { [params.by, params.and].into_iter().flatten().collect() } else { BY.to_vec() };
    let view = caller
        .run(move |tx| {
            let (mut asked, mut answered, mut groups) = (0, 0, Vec::new());
            for by in wanted {
                let cells = response_rates::cells(tx, &period, &[by])?;
                let cells = if exact { cells } else { publishable(cells) };
                // What may be told by one may be too little to be told by another.
                let all = cells.iter().map(|cell| cell.sent).sum();
                let did: i64 = cells.iter().map(|cell| cell.answered).sum();
                (asked, answered) = if all > asked { (all, did) } else { (asked, answered) };
                groups.extend(cells.into_iter().map(|cell| group(by, cell, all, did)));
            }
            Ok(NonResponderProfile { asked, answered, groups })
        })
        .await?;
    Ok(HttpResponse::Ok().json(view))
}

fn group(by: Dimension, cell: Cell, all_asked: i64, all_answered: i64) -> ProfileGroup {
    let not_answered = cell.sent - cell.answered;
    let rounded = |points: f64| (points * 10.0).round() / 10.0;
    let found = difference((not_answered, all_asked - all_answered), (cell.answered, all_answered));
    ProfileGroup {
        by,
        group: cell.group.and_then(|group| group.into_iter().next()),
        answered: cell.answered,
        not_answered,
        difference: found.map(|ShareDifference { points, .. }| rounded(points)),
        interval: found.map(|ShareDifference { low, high, .. }| vec![rounded(low), rounded(high)]),
    }
}
