//! Lists the decisions behind a figure.

use actix_web::{HttpRequest, HttpResponse, get, web};
use jiff::civil::Date;
use painreg_domain::report::response::{Dimension, Figure};
use painreg_tenants::store::response_rates;
use serde::Deserialize;

use super::StatisticsParams;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::follow_up::DecisionView;
use crate::wire::{self, Page, PageParams, page_answer};

/// The query of the decisions behind a figure.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FigureParams {
    /// Only occurrences first asked about on this day or later, in Norway.
    from: Option<Date>,
    /// Only occurrences first asked about on this day or earlier.
    to: Option<Date>,
    /// Only decisions of this rule.
    #[param(max_length = 40)]
    rule: Option<String>,
    /// Only patients of this unit.
    #[param(max_length = 100)]
    unit: Option<String>,
    /// The first dimension of the groups.
    #[param(value_type = Option<String>, max_length = 20)]
    by: Option<Dimension>,
    /// The second dimension of the groups.
    #[param(value_type = Option<String>, max_length = 20)]
    and: Option<Dimension>,
    /// The group by the first dimension; absent: the group without a name.
    #[param(max_length = 100)]
    value: Option<String>,
    /// The group by the second dimension; absent: the group without a name.
    #[param(max_length = 100)]
    and_value: Option<String>,
    /// The figure: `sent` (the default), `delivered` or `answered`.
    #[param(value_type = Option<String>, max_length = 20)]
    figure: Option<Figure>,
    /// Maximum number of items in the page, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// The `next_cursor` of the previous page; absent: the first page.
    #[param(max_length = 1000)]
    cursor: Option<String>,
}

/// List the decisions that a figure of the response rates counts.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReadFollowUpStatistics"))),
    params(FigureParams),
    responses((status = 200, description = "A page of decisions.", body = Page<DecisionView>), Problems))]
#[get("/v1/tenants/{tenant}/follow-up-statistics/decisions")]
pub async fn list_statistics_decisions(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    params: web::Query<FigureParams>,
) -> Result<HttpResponse, Problem> {
    let FigureParams { from, to, rule, unit, by, and, value, and_value, figure, limit, cursor } = params.into_inner();
    let page = PageParams { limit, cursor };
    let (limit, cursor) = (page.limit()?, page.cursor());
    let (period, by) = StatisticsParams { from, to, rule, unit, by, and, disclosure: None }.to_domain()?;
    let value = wire::short("value", value, 100)?;
    let and_value = wire::short("and_value", and_value, 100)?;
    let group: Vec<String> =
        [Some(value.unwrap_or_default()), and.and(Some(and_value.unwrap_or_default()))].into_iter().flatten().collect();
    let figure = figure.unwrap_or(Figure::Sent);
    let page = caller
        .run(move |tx| {
            let list = format!("statistics-decisions {period:?} {by:?} {group:?} {figure:?}");
            let after = tx.open_cursor(&list, cursor)?;
            let found = response_rates::decisions(tx, &period, &by, &group, figure, after, limit)?;
            Ok(wire::page::<_, DecisionView>(found, |last| tx.seal_cursor(&list, &last.id)))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
