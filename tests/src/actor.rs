//! Actors: a caller with a role who acts over HTTP. Named actions on top, raw requests below.

use std::sync::Mutex;

use painreg_domain::clinical::EntryKind;
use painreg_domain::synthetic::{BASELINE_FORM_ID, Person};
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::cluster::Cluster;
use crate::request::Request;
use crate::tokens::Claims;
use crate::world::World;

/// The lifetime of tokens in seconds.
const GOOD_FOR: i64 = 3600;

/// A caller of the service.
pub struct Actor<'w> {
    pub(crate) world: &'w World,
    /// The claims of the actor's token.
    pub claims: Claims,
    /// `None`: a token is signed when needed; `Some`: exactly this text, or no credentials at all.
    fixed: Option<Option<String>>,
    signed: Mutex<Option<(i64, String)>>,
}

impl Clone for Actor<'_> {
    fn clone(&self) -> Self {
        Self { world: self.world, claims: self.claims.clone(), fixed: self.fixed.clone(), signed: Mutex::new(None) }
    }
}

/// A registered patient.
#[derive(Clone, Debug)]
pub struct Patient {
    /// The id of the patient.
    pub id: String,
    /// The slug of the registry.
    pub tenant: String,
    /// The body of the answer to the registration.
    pub body: Value,
    /// The person behind the patient.
    pub person: Person,
}

impl<'w> Actor<'w> {
    pub(crate) fn new(world: &'w World, claims: Claims) -> Self {
        Self { world, claims, fixed: None, signed: Mutex::new(None) }
    }

    /// The same actor with other claims.
    #[must_use]
    pub fn changed(mut self, change: impl FnOnce(&mut Claims)) -> Self {
        change(&mut self.claims);
        *self.signed.get_mut().expect("no thread panicked") = None;
        self
    }

    /// The same actor under another name.
    #[must_use]
    pub fn called(self, subject: &str) -> Self {
        self.changed(|claims| subject.clone_into(&mut claims.subject))
    }

    /// The same actor of another unit.
    #[must_use]
    pub fn of_unit(self, unit: &str) -> Self {
        self.changed(|claims| claims.unit = Some(unit.to_owned()))
    }

    /// The same actor with exactly this token, or with none.
    #[must_use]
    pub fn with_token(mut self, token: Option<String>) -> Self {
        self.fixed = Some(token);
        self
    }

    /// Returns the actor's token, valid for an hour of the service's clock.
    pub fn token(&self) -> Option<String> {
        if let Some(fixed) = &self.fixed {
            return fixed.clone();
        }
        let now = self.world.clock.now();
        let mut signed = self.signed.lock().expect("no thread panicked");
        if let Some((good_until, token)) = &*signed
            && now.as_second() < good_until - 60
        {
            return Some(token.clone());
        }
        let token = Cluster::shared().signer.sign(&self.claims.json(now, GOOD_FOR));
        *signed = Some((now.as_second() + GOOD_FOR, token.clone()));
        Some(token)
    }

    /// Returns a path in the actor's registry: `at("patients")` is `/v1/tenants/alpha/patients`.
    pub fn at(&self, path: &str) -> String {
        format!("/v1/tenants/{}/{path}", self.claims.tenant.as_deref().unwrap_or("alpha"))
    }

    /// Creates a request to a path from the root.
    pub fn request(&self, method: &str, path: &str) -> Request<'_, 'w> {
        Request {
            actor: self,
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
            bare: false,
        }
    }

    /// Sends a GET request.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    /// Sends a POST request. Machine clients send a fresh `Idempotency-Key`.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path).json(body).send()
    }

    /// Sends a PATCH request with this version in `If-Match`.
    #[track_caller]
    pub fn patch(&self, path: &str, version: i64, body: &Value) -> Answer {
        self.request("PATCH", path).header("if-match", &format!("\"v{version}\"")).json(body).send()
    }

    /// Sends a PUT request with this version in `If-Match` and without a body.
    #[track_caller]
    pub fn put(&self, path: &str, version: i64) -> Answer {
        self.request("PUT", path).header("if-match", &format!("\"v{version}\"")).send()
    }

    /// Sends a DELETE request with this version in `If-Match`.
    #[track_caller]
    pub fn delete(&self, path: &str, version: i64) -> Answer {
        self.request("DELETE", path).header("if-match", &format!("\"v{version}\"")).send()
    }

    /// Registers a person, who must not be registered yet.
    #[track_caller]
    pub fn registers(&self, person: &Person) -> Patient {
        let body = self.post(&self.at("patients"), &registration(person)).expect(201).body;
        Patient {
            id: body["id"].as_str().expect("an id").to_owned(),
            tenant: self.claims.tenant.clone().unwrap_or_default(),
            body,
            person: person.clone(),
        }
    }

    /// Reads a patient.
    #[track_caller]
    pub fn reads(&self, patient: &Patient) -> Answer {
        self.get(&self.at(&format!("patients/{}", patient.id)))
    }

    /// Changes a patient at this version.
    #[track_caller]
    pub fn changes(&self, patient: &Patient, version: i64, change: &Value) -> Answer {
        self.patch(&self.at(&format!("patients/{}", patient.id)), version, change)
    }

    /// Looks up a person by national id.
    #[track_caller]
    pub fn looks_up(&self, person: &Person) -> Answer {
        let body = json!({"national_id": {"type": "fnr", "value": person.national_id}});
        self.post(&self.at("patient-lookups"), &body)
    }

    /// Lists patients: `query` is empty or begins with `?`.
    #[track_caller]
    pub fn lists_patients(&self, query: &str) -> Answer {
        self.get(&self.at(&format!("patients{query}")))
    }

    /// Delivers a Nettskjema submission of the baseline form.
    #[track_caller]
    pub fn delivers(&self, delivery: &Value) -> Answer {
        self.post(&self.at(&format!("nettskjema/{BASELINE_FORM_ID}/deliveries")), delivery)
    }

    /// Submits answers to the baseline form in the registry's format.
    #[track_caller]
    pub fn submits(&self, patient: &Patient, submission_id: &str, answers: &Value) -> Answer {
        self.post(&self.at("submissions"), &submission(&patient.id, submission_id, answers))
    }

    /// Reads a patient's submissions.
    #[track_caller]
    pub fn reads_answers_of(&self, patient: &Patient) -> Answer {
        self.get(&self.at(&format!("patients/{}/submissions", patient.id)))
    }

    /// Reads the access log of a patient.
    #[track_caller]
    pub fn reads_access_log_of(&self, patient: &Patient) -> Answer {
        self.get(&self.at(&format!("patients/{}/access-log", patient.id)))
    }

    /// Returns the path of a patient's entries of a kind.
    pub fn entries_of(&self, patient: &Patient, kind: EntryKind) -> String {
        self.at(&format!("patients/{}/{}", patient.id, kind.row().path))
    }

    /// Returns the path of one entry.
    pub fn entry_of(&self, patient: &Patient, kind: EntryKind, entry: &Value) -> String {
        format!("{}/{}", self.entries_of(patient, kind), entry["id"].as_str().unwrap_or_default())
    }

    /// Records an entry about a patient, which must be accepted.
    #[track_caller]
    pub fn records(&self, patient: &Patient, kind: EntryKind, body: &Value) -> Value {
        self.tries_to_record(patient, kind, body).expect(201).body
    }

    /// Records an entry about a patient; the request may be refused.
    #[track_caller]
    pub fn tries_to_record(&self, patient: &Patient, kind: EntryKind, body: &Value) -> Answer {
        self.post(&self.entries_of(patient, kind), body)
    }

    /// Reads an entry: `query` is empty or begins with `?`.
    #[track_caller]
    pub fn reads_entry(&self, patient: &Patient, kind: EntryKind, entry: &Value, query: &str) -> Answer {
        self.get(&format!("{}{query}", self.entry_of(patient, kind, entry)))
    }

    /// Changes an entry as it was read: `entry` holds its version.
    #[track_caller]
    pub fn changes_entry(&self, patient: &Patient, kind: EntryKind, entry: &Value, change: &Value) -> Answer {
        self.patch(&self.entry_of(patient, kind, entry), entry["version"].as_i64().unwrap_or_default(), change)
    }

    /// Withdraws an entry at the version that was read.
    #[track_caller]
    pub fn withdraws(&self, patient: &Patient, kind: EntryKind, entry: &Value) -> Answer {
        self.delete(&self.entry_of(patient, kind, entry), entry["version"].as_i64().unwrap_or_default())
    }

    /// Lists a patient's entries of a kind: `query` is empty or begins with `?`.
    #[track_caller]
    pub fn lists(&self, patient: &Patient, kind: EntryKind, query: &str) -> Answer {
        self.get(&format!("{}{query}", self.entries_of(patient, kind)))
    }

    /// Reads all versions of an entry.
    #[track_caller]
    pub fn reads_versions_of(&self, patient: &Patient, kind: EntryKind, entry: &Value) -> Answer {
        self.get(&format!("{}/versions", self.entry_of(patient, kind, entry)))
    }

    /// Reads the timeline of a patient: `query` is empty or begins with `?`.
    #[track_caller]
    pub fn reads_timeline_of(&self, patient: &Patient, query: &str) -> Answer {
        self.get(&self.at(&format!("patients/{}/timeline{query}", patient.id)))
    }

    /// Merges a duplicate into a survivor.
    #[track_caller]
    pub fn merges(&self, survivor: &Patient, duplicate: &Patient) -> Answer {
        let body = json!({"survivor_id": survivor.id, "duplicate_id": duplicate.id});
        self.post(&self.at("patient-merges"), &body)
    }

    /// Undoes a merge.
    #[track_caller]
    pub fn undoes(&self, merge: &Value) -> Answer {
        let path = self.at(&format!("patient-merges/{}", merge["id"].as_str().unwrap_or_default()));
        self.delete(&path, merge["version"].as_i64().unwrap_or_default())
    }

    /// Sends lines of NDJSON: `query` is empty or begins with `?`.
    #[track_caller]
    pub fn sends_lines(&self, query: &str, lines: &[Value]) -> Answer {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let request = self.request("POST", &self.at(&format!("patient-batches{query}")));
        request.body("application/x-ndjson", text.into_bytes()).send()
    }
}

/// Returns the registration of a person, as a request body.
pub fn registration(person: &Person) -> Value {
    json!({
        "national_id": {"type": "fnr", "value": person.national_id},
        "sex": person.sex,
        "birth_date": person.birth_date,
        "language": person.language,
        "interpreter_needed": person.interpreter_needed,
        "cognitive_impairment": person.cognitive_impairment,
        "contact": {"mobile": person.mobile, "email": person.email},
    })
}

/// Returns answers to the baseline form, as a request body.
pub fn submission(patient: &str, submission_id: &str, answers: &Value) -> Value {
    json!({
        "source": {"system": "test", "form_id": "1", "submission_id": submission_id},
        "patient": {"id": patient},
        "form": "opr-baseline",
        "submitted_at": "2026-01-05T08:15:00Z",
        "answers": if answers.is_null() { Value::Object(Map::new()) } else { answers.clone() },
    })
}
