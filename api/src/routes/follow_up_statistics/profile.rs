//! Reads the non-responder profile.

use actix_web::{HttpResponse, get, web};
use painreg_domain::report::response::{Cell, Dimension, ShareDifference, difference, publishable};
use painreg_tenants::store::response_rates;
use serde::Serialize;

use super::{Disclosure, DisclosureParams, StatisticsParams};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::Query;

/// The differences between responders and non-responders (frafallsanalyse).
#[derive(Serialize, utoipa::ToSchema)]
pub struct NonResponderProfile {
    /// The number of patients asked.
    #[schema(minimum = 0)]
    asked: i64,
    /// The number of them who answered.
    #[schema(minimum = 0)]
    answered: i64,
    /// The groups of each dimension.
    #[schema(max_items = 1000)]
    groups: Vec<ProfileGroup>,
}

/// One group among responders and non-responders.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ProfileGroup {
    /// The dimension of the group.
    #[schema(value_type = String, max_length = 20, example = "age_band")]
    by: Dimension,
    /// The group; null: the groups that are too small to show separately.
    #[schema(max_length = 100, example = "18-29")]
    group: Option<String>,
    /// The number of responders in the group.
    #[schema(minimum = 0)]
    answered: i64,
    /// The number of non-responders in the group.
    #[schema(minimum = 0)]
    not_answered: i64,
    /// The group's share among non-responders minus its share among responders, in percentage points with one decimal;
    /// null where there are no responders or no non-responders.
    #[schema(example = 12.3)]
    difference: Option<f64>,
    /// The 95 % confidence interval of the difference (Newcombe's hybrid score method), to one decimal.
    #[schema(max_items = 2, example = json!([1.2, 23.4]))]
    interval: Option<Vec<f64>>,
}

/// The dimensions of the profile.
const BY: [Dimension; 6] = [
    Dimension::AgeBand,
    Dimension::Sex,
    Dimension::DiagnosisGroup,
    Dimension::Unit,
    Dimension::Channel,
    Dimension::Track,
];

/// Compare non-responders with responders: by age, sex, diagnosis, unit, channel and track.
///
/// A low response rate is harmless where non-responders resemble responders, and is not where, for example, they are
/// younger; a difference with an interval that contains zero may be due to chance.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReadFollowUpStatistics"))),
    params(StatisticsParams, DisclosureParams),
    responses((status = 200, description = "The profile.", body = NonResponderProfile), Problems))]
#[get("/non-responder-profile")]
pub async fn read_non_responder_profile(
    caller: Caller,
    _path: web::Path<String>,
    Query(params): Query<StatisticsParams>,
    Query(DisclosureParams { disclosure }): Query<DisclosureParams>,
) -> Result<HttpResponse, Problem> {
    let (period, _) = params.to_domain()?;
    let exact = disclosure.unwrap_or_default() == Disclosure::Exact;
    let wanted: Vec<Dimension> =
        if params.by.is_some() { [params.by, params.and].into_iter().flatten().collect() } else { BY.to_vec() };
    let view = caller
        .run(move |tx| {
            let (mut asked, mut answered, mut groups) = (0, 0, Vec::new());
            for by in wanted {
                let cells = response_rates::cells(tx, &period, &[by])?;
                let cells = if exact { cells } else { publishable(cells) };
                // A figure that is publishable alone may be too small in combination with another.
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
