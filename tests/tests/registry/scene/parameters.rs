//! The path parameters and their values. An object that a request would use up is created for it; if the objects do not
//! exist, neither does this one.

use painreg_domain::synthetic::BASELINE_FORM_ID;
use painreg_tests::{Answer, registration, submission};
use serde_json::{Value, json};

use super::example::{Parameter, Request};
use crate::examples;

const fn object(name: &'static str, value: fn(&Request<'_>) -> String) -> Parameter {
    Parameter { name, object: true, value }
}

const fn registry(name: &'static str, value: fn(&Request<'_>) -> String) -> Parameter {
    Parameter { name, object: false, value }
}

pub const PATIENT: Parameter = object("patient", |request| request.objects.patient.clone());
pub const SUBMISSION: Parameter = object("submission", |request| request.objects.submission.clone());
pub const ENTRY: Parameter = registry("entry", |request| request.known(request.kind()).to_owned());
pub const MERGE: Parameter = object("merge", merge);
pub const ALERT: Parameter = object("alert", alert);
pub const QUARANTINED: Parameter = object("quarantined", quarantined);
pub const LICENCE: Parameter = object("licence", licence);
pub const INVITATION: Parameter = object("invitation", invitation);
pub const WEBHOOK: Parameter = object("webhook", webhook);
pub const OPERATION: Parameter = object("operation", operation);

/// An entry that can be withdrawn.
pub const SPARE_ENTRY: Parameter = registry("entry", spare_entry);

pub const INSTRUMENT: Parameter = registry("instrument", |_| "isi".to_owned());
pub const LANGUAGE: Parameter = registry("language", |_| "nb".to_owned());
pub const SYSTEM: Parameter = registry("system", |_| "icd10".to_owned());
pub const CODE: Parameter = registry("code", |_| "M79.7".to_owned());
pub const LIST: Parameter = registry("list", |_| "goal_category".to_owned());
pub const PROJECT: Parameter = registry("project", |_| examples::PROJECT.to_owned());
pub const FORM_ID: Parameter = registry("form_id", |_| BASELINE_FORM_ID.to_owned());
pub const FORM: Parameter = registry("form", |_| "opr-baseline".to_owned());

/// A form with a draft.
pub const DRAFTED_FORM: Parameter = registry("form", |request| {
    let manager = request.scene.world.place(&request.tenant).manager();
    let definition = examples::form(examples::DRAFT, &format!("v{}", request.scene.next()));
    manager.post(&manager.at("forms"), &json!({ "definition": definition }));
    examples::DRAFT.to_owned()
});

/// The form of which `FORM_VERSION` is published.
pub const PUBLISHED_FORM: Parameter = registry("form", |_| examples::DRAFT.to_owned());
pub const FORM_VERSION: Parameter = registry("version", |_| examples::VERSION.to_owned());
pub const PLAN_VERSION: Parameter = registry("version", |_| "1".to_owned());

/// Returns whether the patient of the objects is registered.
fn exists(request: &Request<'_>) -> bool {
    let schema = request.scene.world.schema(&request.objects.tenant);
    let found = format!("SELECT 1 FROM {schema}.patient WHERE id = '{}'", request.objects.patient);
    !request.scene.world.rows(&found).is_empty()
}

/// Returns an id that never existed.
fn never(request: &Request<'_>) -> String {
    request.scene.world.clock.random_id().to_string()
}

/// Returns the id in an answer of 201, else one that never existed.
fn made(request: &Request<'_>, answer: &Answer) -> String {
    if answer.status == 201 { answer.text_at("/id").to_owned() } else { never(request) }
}

/// Returns the id of another patient of the objects' registry; one that never existed if registering is refused.
pub fn another_patient(request: &Request<'_>) -> String {
    let manager = request.scene.world.place(&request.objects.tenant).manager();
    made(request, &manager.post(&manager.at("patients"), &registration(&request.scene.world.person())))
}

/// Returns the id of a current decision about the patient.
pub fn decision(request: &Request<'_>) -> String {
    let schema = request.scene.world.schema(&request.objects.tenant);
    let found = request.scene.world.rows(&format!(
        "SELECT id FROM {schema}.decision WHERE patient_id::text = '{}' AND current ORDER BY rule LIMIT 1",
        request.objects.patient
    ));
    found.first().and_then(|row| row["id"].as_str()).map_or_else(|| never(request), str::to_owned)
}

fn spare_entry(request: &Request<'_>) -> String {
    let manager = request.scene.world.place(&request.objects.tenant).manager();
    let path = manager.at(&format!("patients/{}/{}", request.objects.patient, request.kind().row().path));
    let answer = manager.post(&path, &super::entries::content(request));
    if answer.status == 201 { answer.text_at("/id").to_owned() } else { request.known(request.kind()).to_owned() }
}

fn merge(request: &Request<'_>) -> String {
    let manager = request.scene.world.place(&request.objects.tenant).manager();
    let body = json!({"survivor_id": request.objects.patient, "duplicate_id": another_patient(request)});
    made(request, &manager.post(&manager.at("patient-merges"), &body))
}

/// Returns the id of an open alert about the patient.
fn alert(request: &Request<'_>) -> String {
    let clinician = request.scene.world.place(&request.objects.tenant).clinician();
    let body = submission(&request.objects.patient, &request.fresh("a"), &json!({"hscl_20": 3}));
    let stored = clinician.post(&clinician.at("submissions"), &body);
    let schema = request.scene.world.schema(&request.objects.tenant);
    let id = stored.body["id"].as_str().unwrap_or_default();
    let found = request.scene.world.rows(&format!("SELECT id FROM {schema}.alert WHERE submission_id::text = '{id}'"));
    found.first().and_then(|row| row["id"].as_str()).map_or_else(|| never(request), str::to_owned)
}

/// Returns the id of a delivery of the patient in quarantine.
fn quarantined(request: &Request<'_>) -> String {
    if !exists(request) {
        return never(request);
    }
    let importer = request.scene.world.place(&request.objects.tenant).importer();
    let mut document = request.scene.world.delivery(&request.objects.person, 50_000_000 + request.scene.next());
    document["metadata"].as_object_mut().expect("an object").remove("respondent");
    let kept = importer.delivers(&document);
    if kept.status == 202 { kept.text_at("/quarantine_id").to_owned() } else { never(request) }
}

fn licence(request: &Request<'_>) -> String {
    if !exists(request) {
        return never(request);
    }
    let manager = request.scene.world.place(&request.objects.tenant).manager();
    made(request, &manager.post(&manager.at("licences"), &examples::licence()))
}

fn operation(request: &Request<'_>) -> String {
    if !exists(request) {
        return never(request);
    }
    let manager = request.scene.world.place(&request.objects.tenant).manager();
    let answer = manager.post(&manager.at("rescorings"), &json!({"instrument": "comm"}));
    answer.body["id"].as_str().map_or_else(|| never(request), str::to_owned)
}

fn webhook(request: &Request<'_>) -> String {
    if !exists(request) {
        return never(request);
    }
    let manager = request.scene.world.place(&request.objects.tenant).manager();
    let answer = manager.post(&manager.at("webhooks"), &json!({"url": "https://receiver.example/painreg"}));
    answer.body["webhook"]["id"].as_str().map_or_else(|| never(request), str::to_owned)
}

/// Returns the id of an invitation to the patient that a sender has leased.
fn invitation(request: &Request<'_>) -> String {
    if !exists(request) {
        return never(request);
    }
    let (world, objects) = (&request.scene.world, request.objects);
    let patient = painreg_tests::Patient {
        id: objects.patient.clone(),
        tenant: objects.tenant.clone(),
        body: Value::Null,
        person: objects.person.clone(),
    };
    crate::invitations::make_due(world, &objects.tenant, &patient);
    let sender = world.place(&objects.tenant).sender();
    let claim = sender.post(&sender.at("invitation-claims"), &json!({"channel": "sms", "limit": 200}));
    let claimed = claim.body["invitations"].as_array().into_iter().flatten();
    let mine = claimed.filter(|it| it["patient_id"] == objects.patient.as_str()).find_map(|it| it["id"].as_str());
    mine.map_or_else(|| never(request), str::to_owned)
}
