//! Lists the deadlines of licences.

use actix_web::{HttpResponse, get, web};
use jiff::civil::Date;
use jiff::fmt::temporal::SpanParser;
use painreg_domain::licence::{self, Due};
use painreg_tenants::store::{forms, licences};
use serde::Deserialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Page, Query, parameter};

/// The query of the deadlines.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Within {
    /// The period from today, an ISO 8601 duration of days, weeks, months and years, at most five years; absent:
    /// ninety days.
    #[param(min_length = 1, max_length = 20, example = "P90D")]
    within: Option<String>,
}

impl Within {
    /// The last day of the period.
    fn horizon(&self, today: Date) -> Result<Date, Problem> {
        let text = self.within.as_deref().unwrap_or("P90D");
        let of_days = !text.contains(['T', 't']);
        let span = of_days.then(|| SpanParser::new().parse_span(text).ok()).flatten();
        let horizon = span.and_then(|span| today.checked_add(span).ok());
        let farthest = today.saturating_add(jiff::Span::new().years(5));
        horizon.filter(|day| (today..=farthest).contains(day)).ok_or_else(|| parameter("query", "within"))
    }
}

/// List the deadlines of licences, the most urgent first.
///
/// Licences that end without a successor, licence years to renew, unpaid invoices, volumes that are nearly used up,
/// and instruments of published forms that are used outside a licence. `due_on` is the last day for action; an overdue
/// deadline stays until settled.
#[utoipa::path(tag = "Licences", extensions(("x-action" = json!("ManageLicences"))),
    params(Within),
    responses((status = 200, description = "The deadlines.", body = Page<Due>), Problems))]
#[get("/licence-deadlines")]
pub async fn list_licence_deadlines(
    caller: Caller,
    _path: web::Path<String>,
    Query(within): Query<Within>,
) -> Result<HttpResponse, Problem> {
    let items = caller
        .run(move |tx| {
            let today = tx.today();
            let horizon = within.horizon(today)?;
            let mut due = licence::due(&licences::counted(tx, today)?, &forms::in_use(tx)?, today, horizon);
            due.truncate(1000);
            Ok::<_, Problem>(due)
        })
        .await?;
    Ok(HttpResponse::Ok().json(Page { items, next_cursor: None }))
}
