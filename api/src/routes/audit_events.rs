//! The access log (innsynslogg), as patients and those who oversee read it.

pub mod list;
pub mod of_patient;

use painreg_domain::ids::{EventId, PatientId};
use painreg_tenants::audit::read::Event;
use serde::Serialize;

use crate::wire::ListedCode;

/// One entry of the access log.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = AccessEvent)]
pub struct EventView {
    /// The entry's id.
    id: EventId,
    /// When.
    at: jiff::Timestamp,
    /// `person`, `machine` or `system`.
    #[schema(max_length = 20, example = "person")]
    actor_kind: String,
    /// Who, as the issuer names them.
    #[schema(max_length = 200)]
    actor: String,
    /// Health personnel number (HPR-nummer).
    #[schema(max_length = 200)]
    hpr: Option<String>,
    /// The role the actor acted in.
    #[schema(max_length = 40, example = "clinician")]
    role: String,
    /// Organisation number.
    #[schema(max_length = 200)]
    organisation: Option<String>,
    /// The client program.
    #[schema(max_length = 200)]
    client: Option<String>,
    /// The patient whose record was opened; null where none was.
    patient: Option<PatientId>,
    /// What was done: the `x-action` of the operation.
    #[schema(max_length = 60, example = "ReadPatient")]
    action: String,
    /// Why.
    #[schema(max_length = 40, example = "treatment")]
    purpose: String,
    /// What kind of data.
    #[schema(value_type = Vec<ListedCode>, max_items = 20)]
    categories: Vec<String>,
    /// The address the request came from.
    #[schema(max_length = 60)]
    origin: Option<String>,
    /// What else there is to say, such as `replayed`.
    #[schema(max_length = 200)]
    object: Option<String>,
    /// `ok`, `forbidden` or `not_found`.
    #[schema(max_length = 20, example = "ok")]
    outcome: String,
    /// The request's id.
    #[schema(max_length = 64)]
    request_id: String,
}

impl From<Event> for EventView {
    fn from(it: Event) -> Self {
        Self {
            id: it.id,
            at: it.at,
            actor_kind: it.actor_kind,
            actor: it.actor,
            hpr: it.hpr,
            role: it.role,
            organisation: it.organisation,
            client: it.client,
            patient: it.patient,
            action: it.action,
            purpose: it.purpose,
            categories: it.categories,
            origin: it.origin,
            object: it.object,
            outcome: it.outcome,
            request_id: it.request_id,
        }
    }
}
