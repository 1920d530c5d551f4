//! Corrections of quarantined deliveries.

use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::PatientId;
use painreg_domain::nettskjema::Delivery;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a person says about a delivery that it does not say itself, or says wrongly. It is kept beside what was delivered,
/// which stays as it came.
#[derive(Clone, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Corrections {
    /// The patient who answered.
    #[serde(default)]
    pub patient_id: Option<PatientId>,
    /// Other values.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub values: Vec<Correction>,
}

/// Another value at one place.
#[derive(Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// RFC 6901 pointer, as the reasons have it.
    #[schema(max_length = 1000, example = "/answers/isi/01")]
    pub pointer: String,
    /// The value; null takes the answer away.
    #[schema(value_type = Object)]
    pub value: Value,
}

impl Corrections {
    /// Earlier corrections and these.
    pub fn after(self, earlier: Value) -> Self {
        let mut all: Self = serde_json::from_value(earlier).unwrap_or_default();
        all.patient_id = self.patient_id.or(all.patient_id);
        for correction in self.values {
            all.values.retain(|known| known.pointer != correction.pointer);
            all.values.push(correction);
        }
        all
    }

    /// Puts the values into a document, where it has the places; the others are told.
    pub fn apply(&self, document: &mut Value) -> Vec<&Correction> {
        self.values.iter().filter(|correction| !put(document, &correction.pointer, &correction.value)).collect()
    }

    /// Puts values into a delivery's answers. `unknown_item` where there is no such place.
    pub fn apply_to(rest: &[&Correction], delivery: &mut Delivery) -> Result<(), Vec<Fault>> {
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

/// Sets, adds or, given null, removes a member of the object that the pointer leads to.
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
