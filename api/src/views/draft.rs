//! Faults of drafts as they are shown.

use painreg_domain::fault::{Fault, FaultCode};
use serde::Serialize;

/// What is wrong with one part of a draft.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DraftFault {
    /// Where (RFC 6901).
    #[schema(max_length = 1000, example = "/items/0/label/nb")]
    pointer: String,
    /// Why.
    code: FaultCode,
}

impl From<Fault> for DraftFault {
    fn from(Fault { pointer, code, .. }: Fault) -> Self {
        Self { pointer, code }
    }
}
