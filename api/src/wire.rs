//! Parts that all operations share: bodies, parameters, preconditions, pages, responses. Parses and renders; applies no
//! rule.

mod body;
mod headers;
mod json;
mod national_id;
mod ndjson;
mod page;
mod parameters;
mod patch;
mod query;
mod reply;
mod schema;

pub use body::{BODY_DEADLINE, BODY_LIMIT, Body, Document, Resource, check_headers, read_body};
pub use headers::{IdempotencyKey, IfMatch, etag, header_faults};
pub use json::{deserialize, deserialize_checked, document, parse};
pub use national_id::NationalIdBody;
pub use ndjson::{CSV, JSON, LINES_LIMIT, Line, Lines, NDJSON, line_problem, lines_answer};
pub use page::{Limit, Page, PageParams, page, page_answer};
pub use parameters::{parameter, path_parameter};
pub use patch::Patch;
pub use query::{AsOf, Documented, Given, Query, WrongParameters};
pub use reply::{ListedCode, Raw, answer, reply};
pub use schema::Extent;
