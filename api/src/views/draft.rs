//! Views of the faults of drafts.

use painreg_domain::fault::{Fault, FaultCode};
use serde::Serialize;

/// One fault of a draft.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DraftFault {
    /// RFC 6901 pointer into the definition.
    #[schema(max_length = 1000, example = "/items/0/label/nb")]
    pointer: String,
    /// The code of the rule that is broken.
    code: FaultCode,
}

impl From<Fault> for DraftFault {
    fn from(Fault { pointer, code, .. }: Fault) -> Self {
        Self { pointer, code }
    }
}
