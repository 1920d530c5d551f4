//! Corrections of deliveries in quarantine, as requests carry them.

use painreg_domain::ids::PatientId;
use painreg_tenants::app::intake::{Correction, Corrections};
use serde::Deserialize;
use serde_json::Value;

/// What a person says about a delivery that it does not say itself, or says wrongly. It is kept beside what was delivered,
/// which stays as it came.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Corrections)]
pub struct CorrectionsBody {
    /// The patient who answered.
    #[serde(default)]
    patient_id: Option<PatientId>,
    /// Other values.
    #[serde(default)]
    #[schema(max_items = 200)]
    values: Vec<CorrectionBody>,
}

/// Another value at one place.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Correction)]
pub struct CorrectionBody {
    /// RFC 6901 pointer, as the reasons have it.
    #[schema(max_length = 1000, example = "/answers/isi/01")]
    pointer: String,
    /// The value; null takes the answer away.
    #[schema(value_type = Object)]
    value: Value,
}

impl From<CorrectionsBody> for Corrections {
    fn from(it: CorrectionsBody) -> Self {
        let values = it.values.into_iter().map(|CorrectionBody { pointer, value }| Correction { pointer, value });
        Self { patient_id: it.patient_id, values: values.collect() }
    }
}
