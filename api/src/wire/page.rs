//! Pages of lists and their cursors.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use painreg_tenants::Cursor;
use painreg_tenants::store::Listing;
use serde::Serialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use super::parameters::query_parameter;
use super::query::Given;
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

/// The query parameter `limit`: the usual number of items and the most.
#[derive(Clone, Copy, Debug)]
pub struct Limit<const USUAL: i64 = 50, const MOST: i64 = 200>(pub i64);

impl<const USUAL: i64, const MOST: i64> FromRequest for Limit<USUAL, MOST> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let limit = Given::of(request).0.get("limit").and_then(Value::as_i64);
        ready(Ok(Self(limit.unwrap_or(USUAL).clamp(1, MOST))))
    }
}

impl<const USUAL: i64, const MOST: i64> IntoParams for Limit<USUAL, MOST> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(1))
            .maximum(Some(MOST))
            .default(Some(USUAL.into()));
        let help = format!("Maximum number of items in the page, 1 to {MOST}.");
        vec![query_parameter("limit", &help, schema.into())]
    }
}

/// The query parameters of every list with pages: `limit` and `cursor`. The cursor is opened inside the transaction.
#[derive(Debug)]
pub struct PageParams<const USUAL: i64 = 50, const MOST: i64 = 200> {
    /// The most items of the page.
    pub limit: i64,
    /// The cursor of the previous page.
    pub cursor: Option<Cursor>,
}

impl<const USUAL: i64, const MOST: i64> FromRequest for PageParams<USUAL, MOST> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let cursor = Given::of(request).0.get("cursor").and_then(Value::as_str).map(Cursor::received);
        let limit = Limit::<USUAL, MOST>::from_request(request, payload).into_inner();
        ready(limit.map(|Limit(limit)| Self { limit, cursor }))
    }
}

impl<const USUAL: i64, const MOST: i64> IntoParams for PageParams<USUAL, MOST> {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new().schema_type(Type::String).max_length(Some(1000));
        let help = "The `next_cursor` of the previous page; absent: the first page.";
        let mut parameters = Limit::<USUAL, MOST>::into_params(place);
        parameters.push(query_parameter("cursor", help, schema.into()));
        parameters
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
