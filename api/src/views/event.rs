//! Events as feeds and webhooks show them.

use jiff::Timestamp;
use painreg_domain::event::EventType;
use painreg_domain::ids::PatientId;
use painreg_tenants::store::events::Event;
use serde::Serialize;
use uuid::Uuid;

/// The list that cursors of the feed belong to: one order, whatever is filtered.
pub const FEED: &str = "events";

/// Something that happened: what, when and to what, in the shape of Standard Webhooks. What was recorded or answered is
/// never in it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// Its id, the same wherever and however often it is told.
    #[schema(value_type = String, format = "uuid", min_length = 36, max_length = 36)]
    id: Uuid,
    /// What happened.
    r#type: EventType,
    /// When.
    timestamp: Timestamp,
    /// To what.
    data: Subject,
}

/// What an event is about.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = EventSubject)]
pub struct Subject {
    /// The patient whose record holds the object, by the id at that time; null where it is about no patient.
    patient_id: Option<PatientId>,
    /// What it happened to, as the access log names it.
    #[schema(max_length = 200, example = "episode/3b7c1f6e-6f0e-4b0a-9f57-0d5a6d0b8f11")]
    object: String,
    /// Its version after it, where it has versions.
    version: Option<i64>,
}

impl From<Event> for EventView {
    fn from(it: Event) -> Self {
        let Event { id, kind, at, patient, object, version, place: _ } = it;
        Self { id, r#type: kind, timestamp: at, data: Subject { patient_id: patient, object, version } }
    }
}
