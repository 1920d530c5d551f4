//! Pages of lists and their cursors.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use painreg_tenants::Cursor;
use painreg_tenants::store::Listing;
use serde::{Deserialize, Serialize};

use super::parameters::parameter;
use crate::problem::Problem;

/// One page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T: utoipa::ToSchema> {
    /// The items of the page.
    #[schema(max_items = 1000)]
    pub items: Vec<T>,
    /// The `cursor` of the next page; null on the last page.
    #[schema(max_length = 1000)]
    pub next_cursor: Option<String>,
}

/// The page of a list: limit and cursor.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// The most items of the page, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// The `next_cursor` of the previous page.
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
}

impl PageParams {
    /// Returns the cursor, which is opened inside the transaction.
    pub fn cursor(&self) -> Option<Cursor> {
        self.cursor.as_deref().map(Cursor::received)
    }

    /// Returns the limit; fails outside 1 to 200.
    pub fn limit(&self) -> Result<i64, Problem> {
        match self.limit.unwrap_or(50) {
            limit @ 1..=200 => Ok(limit),
            _ => Err(parameter("query", "limit")),
        }
    }
}

/// Converts a listing to a page; `seal` returns the cursor of its last item.
pub fn page<T, V: From<T> + utoipa::ToSchema>(listing: Listing<T>, seal: impl FnOnce(&T) -> Cursor) -> Page<V> {
    let next_cursor = listing.items.last().filter(|_| listing.more).map(|last| seal(last).as_str().to_owned());
    Page { items: listing.items.into_iter().map(V::from).collect(), next_cursor }
}

/// Returns the response with a page and a `Link` header to the next page (RFC 8288).
pub fn page_answer<T: Serialize + utoipa::ToSchema>(request: &HttpRequest, page: &Page<T>) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    if let Some(cursor) = &page.next_cursor {
        let others = request.query_string().split('&').filter(|part| !part.is_empty() && !part.starts_with("cursor="));
        let query = others.chain([format!("cursor={cursor}").as_str()]).collect::<Vec<_>>().join("&");
        answer.insert_header((header::LINK, format!("<{}?{query}>; rel=\"next\"", request.path())));
    }
    answer.json(page)
}
