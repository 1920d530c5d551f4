//! Lists the decisions behind a figure.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_domain::report::response::Figure;
use painreg_tenants::store::response_rates;
use serde::Deserialize;

use super::StatisticsParams;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::follow_up::DecisionView;
use crate::wire::{self, Page, PageParams, Query, page_answer};

/// The query of the decisions behind a figure.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FigureParams {
    /// The group by the first dimension; absent: the group without a name.
    #[param(min_length = 1, max_length = 100)]
    value: Option<String>,
    /// The group by the second dimension; absent: the group without a name.
    #[param(min_length = 1, max_length = 100)]
    and_value: Option<String>,
    /// The figure; absent: `sent`.
    #[param(inline)]
    figure: Option<Figure>,
}

/// List the decisions that a figure of the response rates counts.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReadFollowUpStatistics"))),
    params(StatisticsParams, FigureParams, PageParams),
    responses((status = 200, description = "A page of decisions.", body = Page<DecisionView>), Problems))]
#[get("/decisions")]
pub async fn list_statistics_decisions(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    Query(asked): Query<StatisticsParams>,
    Query(FigureParams { value, and_value, figure }): Query<FigureParams>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let (period, by) = asked.to_domain()?;
    let and_value = asked.and.map(|_| and_value.unwrap_or_default());
    let group: Vec<String> = [Some(value.unwrap_or_default()), and_value].into_iter().flatten().collect();
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
