//! Reads the response rates.

use actix_web::{HttpResponse, get, web};
use painreg_domain::report::response::{Cell, People, publishable, quartiles};
use painreg_tenants::store::response_rates::{self, NotSent, OnDay, ShortForm};
use serde::Serialize;

use super::{CellView, Disclosure, DisclosureParams, StatisticsParams};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::follow_up::{ReasonView, reasons};
use crate::wire::Query;

/// The response rates, with the figures behind them.
#[derive(Serialize, utoipa::ToSchema)]
pub struct FollowUpStatistics {
    /// The figures of each group.
    #[schema(max_items = 10_000)]
    cells: Vec<CellView>,
    /// The total of all groups; null where too small to publish.
    total: Option<CellView>,
    /// The time from the first request to the answer.
    time_to_answer: TimeToAnswer,
    /// The occurrences that fell due in the period and were not asked about, with the reasons; in exact figures only.
    #[schema(max_items = 10_000)]
    not_sent: Vec<NotSentView>,
    /// The reasons for the short baseline instead of the whole; in exact figures only.
    #[schema(max_items = 100)]
    short_form_reasons: Vec<ShortFormView>,
}

/// Days from the first message to the answer.
#[derive(Serialize, utoipa::ToSchema)]
pub struct TimeToAnswer {
    /// The days by which a quarter, half and three quarters of those who answered had done so; null where there are no
    /// answers.
    #[schema(max_items = 3, example = json!([1, 3, 9]))]
    quartiles: Option<Vec<i64>>,
    /// The number of answers by days since the first request; in exact figures only.
    #[schema(max_items = 2000)]
    by_day: Vec<OnDayView>,
}

/// The number of answers on one day.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = AnsweredOnDay)]
pub struct OnDayView {
    /// Days since the first message.
    #[schema(minimum = 0)]
    day: i64,
    /// The number of answers.
    #[schema(minimum = 0)]
    answered: i64,
}

/// A group of occurrences that were not asked about.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = NotSent)]
pub struct NotSentView {
    /// The name of the rule.
    #[schema(max_length = 40, example = "closed_12")]
    rule: String,
    /// The state of the decisions.
    #[schema(max_length = 20, example = "suppressed")]
    state: String,
    /// The deciding reason; null where there is none.
    reason: Option<ReasonView>,
    /// The number of occurrences.
    #[schema(minimum = 0)]
    occurrences: i64,
}

/// One reason for the short baseline, with its number.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ShortFormReason)]
pub struct ShortFormView {
    /// The code of the reason in the form, or `not_said`.
    #[schema(max_length = 64, example = "no_device")]
    reason: String,
    /// The number of answers.
    #[schema(minimum = 0)]
    answers: i64,
}

/// Read the response rates: occurrences asked about, delivered and answered, and the time to answer.
///
/// An occurrence counts once, in the period in which it was first asked about, regardless of the messages sent. The
/// exact figures are for callers who may list every decision behind them, each cell with the link that does;
/// `disclosure=publishable` combines small groups until no figure covers fewer than five people, and leaves no margin
/// to subtract from.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReadFollowUpStatistics"))),
    params(StatisticsParams, DisclosureParams),
    responses((status = 200, description = "The rates.", body = FollowUpStatistics), Problems))]
#[get("")]
pub async fn read_follow_up_statistics(
    caller: Caller,
    path: web::Path<String>,
    Query(params): Query<StatisticsParams>,
    Query(DisclosureParams { disclosure }): Query<DisclosureParams>,
) -> Result<HttpResponse, Problem> {
    let (period, by) = params.to_domain()?;
    let exact = disclosure.unwrap_or_default() == Disclosure::Exact;
    let link = format!("/v1/tenants/{path}/follow-up-statistics/decisions?{}", params.as_query());
    let view = caller
        .run(move |tx| {
            let cells = response_rates::cells(tx, &period, &by)?;
            let days = response_rates::by_day(tx, &period)?;
            let of_days: Vec<(i64, i64)> = days.iter().map(|it| (it.day, it.answered)).collect();
            let mut total = Cell { group: None, sent: 0, delivered: 0, answered: 0, people: People::default() };
            for cell in &cells {
                total.sent += cell.sent;
                total.delivered += cell.delivered;
                total.answered += cell.answered;
            }
            let quartiles = quartiles(&of_days).map(Vec::from);
            if !exact {
                let cells: Vec<CellView> = publishable(cells).into_iter().map(|it| CellView::new(it, None)).collect();
                let enough = !cells.is_empty();
                return Ok(FollowUpStatistics {
                    cells,
                    total: enough.then(|| CellView::new(total, None)),
                    time_to_answer: TimeToAnswer { quartiles: quartiles.filter(|_| enough), by_day: Vec::new() },
                    not_sent: Vec::new(),
                    short_form_reasons: Vec::new(),
                });
            }
            let linked = |cell: Cell| {
                let mut query = form_urlencoded::Serializer::new(link.clone() + "&");
                for (name, value) in ["value", "and_value"].iter().zip(cell.group.iter().flatten()) {
                    query.append_pair(name, value);
                }
                let link = query.finish().replacen("&&", "&", 1);
                CellView::new(cell, Some(link))
            };
            Ok(FollowUpStatistics {
                cells: cells.into_iter().map(linked).collect(),
                total: Some(CellView::new(total, None)),
                time_to_answer: TimeToAnswer {
                    quartiles,
                    by_day: days.into_iter().map(|OnDay { day, answered }| OnDayView { day, answered }).collect(),
                },
                not_sent: response_rates::not_sent(tx, &period)?.into_iter().map(NotSentView::from).collect(),
                short_form_reasons: response_rates::short_form_reasons(tx, &period)?
                    .into_iter()
                    .map(Into::into)
                    .collect(),
            })
        })
        .await?;
    Ok(HttpResponse::Ok().json(view))
}

impl From<NotSent> for NotSentView {
    fn from(it: NotSent) -> Self {
        let NotSent { rule, state, reason, occurrences } = it;
        Self { rule, state, reason: reasons(&[reason]).next(), occurrences }
    }
}

impl From<ShortForm> for ShortFormView {
    fn from(it: ShortForm) -> Self {
        Self { reason: it.reason, answers: it.answers }
    }
}
