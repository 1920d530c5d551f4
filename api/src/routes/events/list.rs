//! Reads the event feed.

use actix_web::{HttpResponse, get, web};
use painreg_domain::event::EventType;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::PatientId;
use painreg_tenants::store::events::{self, EventFilter};
use painreg_tenants::{Cursor, StoreError};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::problem::{Code, Problem, Problems};
use crate::views::event::{EventView, FEED};
use crate::wire::{Limit, Query};

/// The query of the event feed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventParams {
    /// The `next_after` that was read last; absent: from the start.
    #[param(max_length = 1000)]
    after: Option<String>,
    /// Only events of this type, such as `submission.stored`.
    kind: Option<EventType>,
    /// Only events of this patient.
    patient: Option<PatientId>,
}

/// A page of the event feed.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Events {
    /// The events, in order.
    #[schema(max_items = 200)]
    items: Vec<EventView>,
    /// The `after` of the next request, now or later.
    #[schema(max_length = 1000)]
    next_after: String,
    /// Whether more events are available now.
    more: bool,
}

/// List events in the order in which they became known, from the start or after a position.
///
/// Later events come later in the order, which is that of the commits: a client that continues from `next_after` reads every
/// event exactly once. What was committed before the request is in the feed. After the registry's database was restored,
/// positions given before are refused with 410 `epoch_ended`, and the client reads from the start. Events are kept as long as
/// the registry. A caller with the reach of a unit reads events of its patients only, and a
/// caller without the right to read answers or alerts reads no events about them. Every patient in the page finds the
/// access in their access log.
#[utoipa::path(tag = "Events", extensions(("x-action" = json!("ReadEvents"))),
    params(EventParams, Limit),
    responses((status = 200, description = "A page of the event feed.", body = Events), Problems))]
#[get("/events")]
pub async fn list_events(
    caller: Caller,
    _path: web::Path<String>,
    Query(EventParams { after, kind, patient }): Query<EventParams>,
    Limit(limit): Limit,
) -> Result<HttpResponse, Problem> {
    let events = caller
        .run(move |tx| {
            let after = tx.open_cursor(FEED, after.as_deref().map(Cursor::received)).map_err(|error| match error {
                StoreError::BadCursor => {
                    Problem::with(Code::InvalidCursor, vec![Fault::new("/query/after", FaultCode::InvalidFormat)])
                }
                other => other.into(),
            })?;
            let (found, next) = events::list(tx, EventFilter { kind, patient }, after, limit)?;
            let next_after = tx.seal_cursor(FEED, &next).as_str().to_owned();
            Ok(Events { items: found.items.into_iter().map(EventView::from).collect(), next_after, more: found.more })
        })
        .await?;
    Ok(HttpResponse::Ok().json(events))
}
