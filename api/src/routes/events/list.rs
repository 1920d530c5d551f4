//! Reading what happened.

use actix_web::{HttpResponse, get, web};
use painreg_domain::event::EventType;
use painreg_domain::ids::PatientId;
use painreg_tenants::Cursor;
use painreg_tenants::store::events::{self, EventFilter};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::event::{EventView, FEED};
use crate::wire::PageParams;

/// Which events.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventParams {
    /// Where to read on: the `next_after` that was read last. Without it: from the start.
    #[param(max_length = 1000)]
    after: Option<String>,
    /// Only events of this type, as `submission.stored`.
    #[param(value_type = Option<String>, max_length = 40)]
    kind: Option<EventType>,
    /// Only events of this patient.
    #[param(value_type = Option<String>, max_length = 36)]
    patient: Option<PatientId>,
    /// How many items at the most, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
}

/// A stretch of what happened.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Events {
    /// What happened, in order.
    #[schema(max_items = 200)]
    items: Vec<EventView>,
    /// Send this as `after` to read on, now or whenever something may have happened since.
    #[schema(max_length = 1000)]
    next_after: String,
    /// Whether there is more already.
    more: bool,
}

/// Read what happened, in the order in which it became known, from the start or on from where one was.
///
/// Whatever happens later comes later in the order: whoever reads on from `next_after` misses nothing and reads nothing
/// twice. Events are kept as long as the registry. Whose reach is a unit reads of its patients only, and whoever may not read
/// answers or alerts is told of none. Every patient told of has it in their access log.
#[utoipa::path(tag = "Events", extensions(("x-action" = json!("ReadEvents"))),
    params(EventParams),
    responses((status = 200, description = "A stretch of what happened.", body = Events), Problems))]
#[get("/v1/tenants/{tenant}/events")]
pub async fn list_events(
    caller: Caller,
    _path: web::Path<String>,
    params: web::Query<EventParams>,
) -> Result<HttpResponse, Problem> {
    let EventParams { after, kind, patient, limit } = params.into_inner();
    let limit = PageParams { limit, cursor: None }.limit()?;
    let events = caller
        .run(move |tx| {
            let after = tx.open_cursor(FEED, after.as_deref().map(Cursor::received))?.unwrap_or_default();
            let (found, next) = events::list(tx, EventFilter { kind, patient }, after, limit)?;
            let next_after = tx.seal_cursor(FEED, &next).as_str().to_owned();
            Ok(Events { items: found.items.into_iter().map(EventView::from).collect(), next_after, more: found.more })
        })
        .await?;
    Ok(HttpResponse::Ok().json(events))
}
