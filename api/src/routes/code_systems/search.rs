//! Searches a code system, for the entry of codes in forms.

use actix_web::{HttpRequest, HttpResponse, get, web};
use jiff::civil::Date;
use painreg_domain::code::{Place, System};
use painreg_tenants::Keyset;
use serde::Deserialize;

use super::CodeView;
use crate::caller::Caller;
use crate::problem::{Code, Problem, Problems};
use crate::wire::{Page, PageParams, Query, page_answer, parameter};

/// The query of the search.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CodeFilter {
    /// The beginning of the code, with or without its dot, or words of the title. Absent: every code.
    #[param(min_length = 1, max_length = 100)]
    query: Option<String>,
    /// The day on which the codes must be valid; absent: today.
    valid_on: Option<Date>,
}

/// Search a code system, or list its codes.
///
/// The order: codes that begin with the query, then codes with title words that begin with each of its words, then
/// codes with these words anywhere in the title; case is ignored. Without a query the order is by code.
#[utoipa::path(tag = "Lists", extensions(("x-action" = json!("ReadCodes"))),
    params(CodeFilter, PageParams),
    responses((status = 200, description = "A page of codes.", body = Page<CodeView>), Problems))]
#[get("/{system}/codes")]
pub async fn search_codes(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<(String, String)>,
    Query(CodeFilter { query, valid_on }): Query<CodeFilter>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let (_, system) = path.into_inner();
    if query.as_ref().is_some_and(|query| query.contains(char::is_control)) {
        return Err(parameter("query", "query"));
    }
    let limit = usize::try_from(limit).unwrap_or_default();
    let query = query.unwrap_or_default();
    let page = caller
        .run(move |tx| {
            let system: System = system.parse().map_err(|_| Code::NotFound)?;
            let book = tx.codes().book(system).ok_or(Code::NotFound)?;
            let list = format!(
                "codes?system={}&valid_on={}&query={query}",
                system.name(),
                valid_on.map(|day| day.to_string()).unwrap_or_default()
            );
            // The cursor keeps the day of the first page, also after midnight.
            let (day, after) = match tx.open_cursor(&list, cursor)? {
                Some(Keyset(day, Keyset(rank, code))) => (day, Some(Place { rank, code })),
                None => (valid_on.unwrap_or_else(|| tx.today()), None),
            };
            let (items, next) = book.page(&query, day, after.as_ref(), limit);
            let next_cursor = next
                .map(|place| tx.seal_cursor(&list, &Keyset(day, Keyset(place.rank, place.code))).as_str().to_owned());
            Ok(Page { items: items.into_iter().map(CodeView::from).collect(), next_cursor })
        })
        .await?;
    Ok(page_answer(&request, &page))
}
