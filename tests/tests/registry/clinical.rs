//! The clinical registry: courses, treatment, implants, legal basis, duplicates, and the state at any instant.

mod bulk;
mod courses;
mod free_text;
mod history;
mod implants;
mod legal_basis;
mod lists;
mod merges;
mod research;
mod timeline;
mod treatment;

use jiff::{SignedDuration, Timestamp};
use painreg_domain::clinical::EntryKind;
use painreg_tests::{Actor, Answer, Patient, World};
use serde_json::{Value, json};

use crate::examples;

/// Returns the id of an entry.
pub fn id(entry: &Value) -> &str {
    entry["id"].as_str().expect("an id")
}

/// Returns the ids of items, in their order.
pub fn ids(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| id(item).to_owned()).collect()
}

/// Parses an instant in the service's format.
pub fn instant(value: &Value) -> Timestamp {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no instant: {value}"))
}

/// Returns the instant of the last change of an entry.
pub fn changed_at(entry: &Value) -> Timestamp {
    instant(&entry["updated_at"])
}

/// Returns the instant a microsecond earlier, the smallest difference.
pub fn just_before(at: Timestamp) -> Timestamp {
    at.checked_sub(SignedDuration::from_micros(1)).expect("an instant")
}

/// Returns a valid entry without references.
pub fn alone(kind: EntryKind) -> Value {
    let mut body = examples::entry(kind, "", "");
    body.as_object_mut().expect("an object").remove("episode_id");
    body
}

/// Returns a patient and the responsible clinician.
pub fn treated(world: &World) -> (Actor<'_>, Patient) {
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    (clinician, patient)
}

/// Records an episode of this patient.
#[track_caller]
pub fn episode(actor: &Actor<'_>, patient: &Patient) -> Value {
    actor.records(patient, EntryKind::Episode, &json!({"unit": "clinic", "opened_on": "2025-02-01"}))
}

/// Returns the path of one patient with the id of another.
pub fn under(patient: &Patient, other: &Patient) -> Patient {
    Patient { id: other.id.clone(), ..patient.clone() }
}

/// Returns the stage in the list of patients.
#[track_caller]
pub fn stage(actor: &Actor<'_>, patient: &Patient) -> String {
    let listed = actor.lists_patients("?limit=200").expect(200);
    let found = listed.items().iter().find(|item| item["id"] == patient.id.as_str());
    found.unwrap_or_else(|| panic!("not listed: {}", listed.text()))["stage"].as_str().unwrap_or_default().to_owned()
}

/// Returns the only fault of the answer.
#[track_caller]
pub fn only_fault(answer: &Answer) -> Value {
    let faults = answer.body["errors"].as_array().expect("errors");
    assert_eq!(faults.len(), 1, "{}", answer.text());
    faults[0].clone()
}
