//! Corrections of deliveries in quarantine, as requests carry them.

use painreg_domain::ids::PatientId;
use painreg_tenants::app::intake::{Correction, Corrections};
use serde::Deserialize;
use serde_json::Value;

/// Values that a person adds to a delivery or replaces in it. They are stored beside the payload, which is not changed.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Corrections)]
pub struct CorrectionsBody {
    /// The patient who answered.
    #[serde(default)]
    patient_id: Option<PatientId>,
    /// The corrected values.
    #[serde(default)]
    #[schema(max_items = 200)]
    values: Vec<CorrectionBody>,
}

/// A corrected value.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Correction)]
pub struct CorrectionBody {
    /// RFC 6901 pointer into the payload, as in the reasons.
    #[schema(max_length = 1000, example = "/answers/isi/01")]
    pointer: String,
    /// The value; null removes the answer.
    value: Value,
}

impl From<CorrectionsBody> for Corrections {
    fn from(it: CorrectionsBody) -> Self {
        let values = it.values.into_iter().map(|CorrectionBody { pointer, value }| Correction { pointer, value });
        Self { patient_id: it.patient_id, values: values.collect() }
    }
}
