//! Corrections of deliveries in quarantine. They are stored beside the payload, which stays as delivered.

use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::PatientId;
use painreg_domain::nettskjema::Delivery;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Values that a person adds to a delivery or replaces in it.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Corrections {
    /// The patient who answered.
    #[serde(default)]
    pub patient_id: Option<PatientId>,
    /// The corrected values.
    #[serde(default)]
    pub values: Vec<Correction>,
}

/// A corrected value.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// RFC 6901 pointer into the payload.
    pub pointer: String,
    /// The value; null removes the answer.
    pub value: Value,
}

impl Corrections {
    /// Returns the earlier corrections, replaced by these where both name one place.
    #[must_use]
    pub fn after(self, earlier: Value) -> Self {
        let mut all: Self = serde_json::from_value(earlier).unwrap_or_default();
        all.patient_id = self.patient_id.or(all.patient_id);
        for correction in self.values {
            all.values.retain(|known| known.pointer != correction.pointer);
            all.values.push(correction);
        }
        all
    }

    /// Writes the values into a document. Returns the corrections whose places the document does not have.
    pub fn apply(&self, document: &mut Value) -> Vec<&Correction> {
        self.values.iter().filter(|correction| !put(document, &correction.pointer, &correction.value)).collect()
    }

    /// Writes values into a delivery's answers. Fails with `unknown_item` where there is no such place.
    pub(super) fn apply_to(rest: &[&Correction], delivery: &mut Delivery) -> Result<(), Vec<Fault>> {
        let mut document = Value::Object(
            [("answers".to_owned(), Value::from(std::mem::take(&mut delivery.answers)))].into_iter().collect(),
        );
        let unknown = rest.iter().filter(|correction| !put(&mut document, &correction.pointer, &correction.value));
        let faults: Vec<Fault> = unknown.map(|it| Fault::new(it.pointer.clone(), FaultCode::UnknownItem)).collect();
        if let Some(Value::Object(answers)) = document.get_mut("answers").map(Value::take) {
            delivery.answers = answers;
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

/// Sets or adds the member that the pointer leads to; removes it where the value is null. Returns whether the place
/// exists.
fn put(document: &mut Value, pointer: &str, value: &Value) -> bool {
    let Some((parent, member)) = pointer.rsplit_once('/') else { return false };
    let member = member.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(parent) {
        Some(Value::Object(object)) if value.is_null() => object.remove(&member).is_some(),
        Some(Value::Object(object)) => {
            object.insert(member, value.clone());
            true
        }
        Some(Value::Array(items)) => match member.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
            Some(place) => {
                *place = value.clone();
                true
            }
            None => false,
        },
        _ => false,
    }
}
