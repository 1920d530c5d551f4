//! The access log (innsynslogg), for patients and for supervision.

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
    /// The id of the log entry.
    id: EventId,
    /// The time of the access.
    at: jiff::Timestamp,
    /// The kind of actor: `person`, `machine` or `system`.
    #[schema(max_length = 20, example = "person")]
    actor_kind: String,
    /// The person or client, as the issuer names them.
    #[schema(max_length = 200)]
    actor: String,
    /// The health personnel number (HPR-nummer); null where the token has none.
    #[schema(max_length = 200)]
    hpr: Option<String>,
    /// The role of the actor in the request.
    #[schema(max_length = 40, example = "clinician")]
    role: String,
    /// The organisation number (organisasjonsnummer) of the actor's organisation; null where the token has none.
    #[schema(max_length = 200)]
    organisation: Option<String>,
    /// The id of the client program; null where the token has none.
    #[schema(max_length = 200)]
    client: Option<String>,
    /// The patient with the opened record; null where no record was opened.
    patient: Option<PatientId>,
    /// The `x-action` of the operation.
    #[schema(max_length = 60, example = "ReadPatient")]
    action: String,
    /// The purpose of the access.
    #[schema(max_length = 40, example = "treatment")]
    purpose: String,
    /// The categories of data that were read or changed.
    #[schema(value_type = Vec<ListedCode>, max_items = 20)]
    categories: Vec<String>,
    /// The IP address of the client.
    #[schema(max_length = 60)]
    origin: Option<String>,
    /// The object of the action or a remark, such as `replayed`; null where there is none.
    #[schema(max_length = 200)]
    object: Option<String>,
    /// The outcome: `ok`, `forbidden` or `not_found`.
    #[schema(max_length = 20, example = "ok")]
    outcome: String,
    /// The id of the request.
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
