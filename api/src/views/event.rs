//! Views of events in the feed and in webhook deliveries.

use jiff::Timestamp;
use painreg_domain::event::EventType;
use painreg_domain::ids::PatientId;
use painreg_tenants::store::events::Event;
use serde::Serialize;
use uuid::Uuid;

/// The list that cursors of the feed belong to: one order for all filters.
pub const FEED: &str = "events";

/// An event: type, time and subject, in the shape of Standard Webhooks. Recorded or answered content is never part of
/// an event.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// The id of the event, the same in every delivery and in the feed.
    #[schema(value_type = String, format = "uuid", min_length = 36, max_length = 36)]
    id: Uuid,
    /// The type of the event.
    r#type: EventType,
    /// The time of the event.
    timestamp: Timestamp,
    /// The subject of the event.
    data: Subject,
}

/// The subject of an event.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = EventSubject)]
pub struct Subject {
    /// The patient of the object, by the id at that time; null where the event is not about a patient.
    patient_id: Option<PatientId>,
    /// The object of the event, named as in the access log.
    #[schema(max_length = 200, example = "episode/3b7c1f6e-6f0e-4b0a-9f57-0d5a6d0b8f11")]
    object: String,
    /// The version of the object after the event; null for an object without versions.
    version: Option<i64>,
}

impl From<Event> for EventView {
    fn from(it: Event) -> Self {
        let Event { id, kind, at, patient, object, version, position: _ } = it;
        Self { id, r#type: kind, timestamp: at, data: Subject { patient_id: patient, object, version } }
    }
}
