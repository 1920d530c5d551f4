//! National ids in bodies. They never occur in URLs.

use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::national_id::{Acceptance, IdType, NationalId};
use painreg_tenants::store::patients::KnownId;
use serde::{Deserialize, Serialize};

/// A national id. An H-number includes its assigner, because it is unique per assigner only.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NationalId)]
pub struct NationalIdBody {
    /// The type of the number.
    r#type: IdType,
    /// The digits without separators.
    #[schema(min_length = 11, max_length = 12, pattern = "^[0-9]{11,12}$", example = "01818012337")]
    value: String,
    /// The organisation that assigned the number; required for `hnr`, refused for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    assigner: Option<String>,
}

impl NationalIdBody {
    /// Parses the number; faults have pointers below `prefix`.
    pub fn to_domain(&self, prefix: &str, acceptance: Acceptance) -> Result<NationalId, Vec<Fault>> {
        NationalId::parse(self.r#type, &self.value, self.assigner.as_deref(), acceptance).map_err(|code| {
            let member = match code {
                FaultCode::Required | FaultCode::Contradiction | FaultCode::TooLong | FaultCode::ForbiddenCharacter => {
                    "assigner"
                }
                _ => "value",
            };
            vec![Fault::new(format!("{prefix}/{member}"), code)]
        })
    }
}

impl From<KnownId> for NationalIdBody {
    fn from(it: KnownId) -> Self {
        Self { r#type: it.kind, value: it.value, assigner: it.assigner }
    }
}
