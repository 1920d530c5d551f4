//! A furnished world and a valid request for every operation. An operation, parameter or body that stands nowhere here
//! fails: add it to the tables below.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use painreg_domain::clinical::Kind;
use painreg_domain::policy::{self, Action, Reach, Role};
use painreg_domain::questionnaire::{Form, FormFile};
use painreg_domain::synthetic::{BASELINE_FORM_ID, Person};
use painreg_tests::{Actor, Answer, World, issuer, registration, submission};
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use crate::document::{Document, Operation};
use crate::examples;

/// Things that requests speak of.
#[derive(Clone, Debug)]
pub struct Objects {
    /// A patient's id.
    pub patient: String,
    /// Who the patient is.
    pub person: Person,
    /// The id of one of the patient's submissions.
    pub submission: String,
    /// Where they are.
    pub tenant: String,
    /// An entry of the patient's, of every kind.
    pub entries: HashMap<Kind, String>,
}

/// Whom a successful request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// No patient.
    Nobody,
    /// The patient of the objects.
    Patient(String),
    /// The patient whose id the answer holds at this pointer.
    Answered(&'static str),
    /// Both of two who are merged.
    Both(String, String),
    /// Every patient of the list.
    Listed,
}

/// A request that can be sent.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// Headers but for the media type.
    pub headers: Vec<(String, String)>,
    /// The media type and the body.
    pub body: Option<(String, Vec<u8>)>,
    /// Whether it speaks of one of the objects.
    pub refers: bool,
    /// Whom it is about.
    pub whose: Whose,
    /// Whether headers are as given and no key is added.
    pub bare: bool,
}

impl Prepared {
    /// Sends it.
    #[track_caller]
    pub fn send(&self, actor: &Actor<'_>) -> Answer {
        let mut request = actor.request(&self.method, &self.path);
        if self.bare {
            request = request.bare();
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some((media, bytes)) = &self.body {
            request = request.body(media, bytes.clone());
        }
        request.send()
    }

    /// The same request with this header instead of any of the same name.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same request without this header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| !header.eq_ignore_ascii_case(name));
        self
    }

    /// The same request with another body.
    #[must_use]
    pub fn with_body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        if let Some((_, body)) = &mut self.body {
            *body = bytes.into();
        }
        self
    }
}

/// A furnished world.
pub struct Scene {
    /// The world.
    pub world: World,
    /// Its server's document.
    pub document: Document,
    /// What is in `alpha`.
    pub alpha: Objects,
    /// What is in `beta`.
    pub beta: Objects,
    count: AtomicU64,
}

/// The registry that operators suspend and resume.
const QUIET: &str = "quiet";

impl Scene {
    /// A patient with answers in each of the two registries.
    pub fn new() -> Self {
        let world = crate::invitations::morning();
        let document = Document::of(&world);
        let [alpha, beta] = ["alpha", "beta"].map(|slug| furnish(&world, slug));
        Self { world, document, alpha, beta, count: AtomicU64::new(1) }
    }

    /// Objects that never existed anywhere.
    pub fn nothing(&self) -> Objects {
        Objects {
            patient: self.world.clock.random_id().to_string(),
            person: self.world.person(),
            submission: self.world.clock.random_id().to_string(),
            tenant: "alpha".to_owned(),
            entries: Kind::iter().map(|kind| (kind, self.world.clock.random_id().to_string())).collect(),
        }
    }

    /// Another patient of `alpha`, with answers.
    pub fn another(&self) -> Objects {
        furnish(&self.world, "alpha")
    }

    /// Somebody of `slug` with this role; a patient is the one of `objects`.
    pub fn actor(&self, slug: &str, role: Role, objects: &Objects) -> Actor<'_> {
        let place = self.world.place(slug);
        match role {
            Role::Operator => self.world.operator(),
            Role::Patient => place.patient(&objects.patient),
            other => place.somebody(other),
        }
    }

    /// Somebody of `alpha` who may use the operation: people before machines.
    pub fn somebody_who_may(&self, operation: &Operation) -> Actor<'_> {
        let role = roles().find(|role| may(*role, operation) && *role != Role::Patient && !role.is_machine());
        let role = role.or_else(|| roles().find(|role| may(*role, operation)));
        self.actor("alpha", role.unwrap_or_else(|| panic!("nobody may {}", operation.id)), &self.alpha)
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// A valid request of this actor about these objects.
    pub fn prepare(&self, operation: &Operation, actor: &Actor<'_>, objects: &Objects) -> Prepared {
        let mut refers = false;
        let mut versions = HashMap::new();
        let tenant = actor.claims.tenant.clone().unwrap_or_else(|| self.target(operation));
        let mut path = operation.path.clone();
        for parameter in operation.parameters("path") {
            let name = parameter["name"].as_str().expect("a name");
            let value = match name {
                "tenant" => tenant.clone(),
                "patient" => objects.patient.clone(),
                "submission" => objects.submission.clone(),
                "instrument" => "isi".to_owned(),
                "system" => "icd10".to_owned(),
                "code" => "M79.7".to_owned(),
                "form" if operation.takes("path", "version") => examples::DRAFT.to_owned(),
                "form" if operation.right() == Action::ManageForms => self.draft(&tenant),
                "form" => "opr-baseline".to_owned(),
                "version" if operation.right() == Action::ReadFollowUpPlans => "1".to_owned(),
                "version" => examples::VERSION.to_owned(),
                "form_id" => BASELINE_FORM_ID.to_owned(),
                "entry" => self.entry(operation, objects),
                "merge" => self.merge(objects),
                "project" => examples::PROJECT.to_owned(),
                "list" => "goal_category".to_owned(),
                "quarantined" => self.quarantined(objects),
                "alert" => self.alert(objects),
                "licence" => self.licence(objects),
                "invitation" => self.invitation(objects),
                "webhook" => self.webhook(objects),
                "operation" => self.operation(objects),
                "language" => "nb".to_owned(),
                other => panic!("{}: no example of the path parameter `{other}`", operation.id),
            };
            refers |= matches!(
                name,
                "patient"
                    | "submission"
                    | "merge"
                    | "alert"
                    | "quarantined"
                    | "licence"
                    | "invitation"
                    | "webhook"
                    | "operation"
            );
            path = path.replace(&format!("{{{name}}}"), &value);
        }
        assert!(!path.contains('{'), "{}: a path parameter is not documented: {path}", operation.id);
        if operation.path.ends_with("/follow-up-plan-draft") || operation.id == "publishFollowUpPlan" {
            versions.insert("draft", self.plan_draft(&tenant));
        }
        if operation.id == "listRecalled" {
            path.push_str("?model=L-8");
        }
        let mut headers = Vec::new();
        for parameter in operation.parameters("header").filter(|parameter| parameter["required"] == true) {
            let value = match parameter["name"].as_str().expect("a name") {
                "If-Match" => {
                    let draft = versions.get("draft").copied();
                    let version = draft.unwrap_or_else(|| self.version(operation, &tenant, &path, objects));
                    format!("\"v{version}\"")
                }
                "Idempotency-Key" => self.world.clock.random_id().to_string(),
                other => panic!("{}: no example of the header `{other}`", operation.id),
            };
            headers.push((parameter["name"].as_str().expect("a name").to_owned(), value));
        }
        let asked = operation.parameters("query").any(|parameter| parameter["required"] == true);
        assert!(!asked, "{}: no example of a required query parameter", operation.id);
        // What cannot be placed is kept, so that nobody is told that there is no such patient.
        let keeps = ["submitMany", "deliverMany", "deliverNettskjema"].contains(&operation.id.as_str());
        let mut sent = Value::Null;
        let body = operation.media().map(|media| {
            let (body, about) = self.body(operation, objects, &tenant);
            refers |= about;
            sent = body;
            (media.to_owned(), sent.to_string().into_bytes())
        });
        let whose = match operation.id.as_str() {
            "registerPatient" => Whose::Answered("/id"),
            "registerMany" => Whose::Answered("/registered/patient_id"),
            "listPatients"
            | "listRecalled"
            | "listDuplicates"
            | "listMerges"
            | "listAlerts"
            | "listFollowUpDecisions"
            | "listInvitations"
            | "listStatisticsDecisions"
            | "readCallList"
            | "listFollowUpCalls"
            | "listEvents" => Whose::Listed,
            // Nobody knows whose it is.
            "readQuarantined" | "setAsideQuarantined" => Whose::Nobody,
            "mergePatients" => {
                Whose::Both(objects.patient.clone(), sent["duplicate_id"].as_str().unwrap_or_default().to_owned())
            }
            "readMerge" => {
                let id = path.rsplit('/').next().unwrap_or_default();
                let schema = self.world.schema(&objects.tenant);
                let found = self.world.rows(&format!("SELECT duplicate FROM {schema}.patient_merge WHERE id = '{id}'"));
                let duplicate = found.first().and_then(|row| row["duplicate"].as_str()).unwrap_or_default();
                Whose::Both(objects.patient.clone(), duplicate.to_owned())
            }
            id if id.starts_with("listAll") => Whose::Listed,
            _ if operation.takes("path", "webhook") || operation.takes("path", "operation") => Whose::Nobody,
            _ if operation.takes("path", "licence") => Whose::Nobody,
            _ if refers => Whose::Patient(objects.patient.clone()),
            _ => Whose::Nobody,
        };
        let refers = refers && !keeps;
        Prepared { method: operation.method.clone(), path, headers, body, refers, whose, bare: false }
    }

    /// A valid body, and whether it speaks of the objects.
    fn body(&self, operation: &Operation, objects: &Objects, tenant: &str) -> (Value, bool) {
        match operation.id.as_str() {
            "registerPatient" => (registration(&self.world.person()), false),
            "lookUpPatient" => (json!({"national_id": {"type": "fnr", "value": objects.person.national_id}}), true),
            "updatePatient" => (json!({"interpreter_needed": true}), false),
            "submitAnswers" => {
                (submission(&objects.patient, &format!("s-{}", self.next()), &json!({"nrs_average": 7})), true)
            }
            "submitMany" => (
                json!({"source": {"system": "painsoft", "form_id": "1", "submission_id": format!("m-{}", self.next())},
                    "patient": {"id": objects.patient}, "form": "opr-baseline", "submitted_at": "2026-01-05T08:15:00Z",
                    "answers": {"nrs_average": 7}}),
                true,
            ),
            "deliverMany" => (self.world.delivery(&objects.person, 40_000_000 + self.next()), true),
            "describeNettskjema" => (
                json!({"generatedDate": "2026-01-05T09:15:00+01:00", "elements": [
                    {"elementId": 1, "elementType": "RADIO", "externalElementId": "isi_01"}]}),
                false,
            ),
            "saveNettskjemaMapping" => {
                let manager = self.world.place(&objects.tenant).manager();
                let path = format!("/v1/tenants/{}/nettskjema/{BASELINE_FORM_ID}/mapping", objects.tenant);
                let saved = manager.get(&path).body;
                let keys = if saved["keys"].is_object() { saved["keys"].clone() } else { json!({}) };
                (json!({"form": "opr-baseline", "form_version": "1", "keys": keys}), false)
            }
            "replayQuarantined" => (json!({"corrections": {"patient_id": objects.patient}}), false),
            "replayQuarantine" => (json!({"form_id": "0"}), false),
            "rescore" => (json!({"instrument": "comm"}), false),
            "deliverNettskjema" => (self.world.delivery(&objects.person, 30_000_000 + self.next()), true),
            "scoreAnswers" => (json!({"answers": isi()}), false),
            "beginForm" => (json!({"definition": self.form(&format!("form-{}", self.next()))}), false),
            "replaceFormDraft" => (json!({"definition": self.form(examples::DRAFT)}), false),
            "importForm" => {
                let form = Form::from_json(&self.form(&format!("form-{}", self.next()))).expect("a form");
                (serde_json::to_value(FormFile::from(&form)).expect("serializes"), false)
            }
            "importFhirQuestionnaire" => (examples::questionnaire(&format!("form-{}", self.next())), false),
            "submitFhirResponse" => {
                let place = format!("http://{}/v1/tenants/{tenant}/forms", self.world.address);
                (examples::response(&place, &objects.patient, &format!("f-{}", self.next())), true)
            }
            "createTenant" => {
                let slug = format!("made-{}", self.next());
                (json!({"slug": slug, "name": "Made", "issuers": [issuer(Some(&slug))]}), false)
            }
            "updateTenant" => (json!({"name": "Another name"}), false),
            "registerMany" => (
                json!({"patient": registration(&self.world.person()), "entries": [
                    {"kind": "referral", "as": "r1", "content": examples::entry(Kind::Referral, "", "")},
                    {"kind": "episode", "content": {"referral_id": "#r1", "opened_on": "2025-02-01"}},
                ]}),
                false,
            ),
            "recategoriseReferral" => (json!({"category": "second_opinion"}), false),
            "mergePatients" => {
                let duplicate = self.fresh(objects).unwrap_or_else(|| self.world.clock.random_id().to_string());
                (json!({"survivor_id": objects.patient, "duplicate_id": duplicate}), true)
            }
            "claimInvitations" => (json!({"channel": "helsenorge"}), false),
            "recordFollowUpCall" => (json!({"decision_id": self.decision(objects), "outcome": "no_reply"}), true),
            "reportInvitation" => (json!({"outcome": "sent"}), false),
            "writeFollowUpPlanDraft" => (json!({"definition": examples::plan()}), false),
            "simulateFollowUp" => (json!({"definition": examples::plan(), "limit": 0}), false),
            "createWebhook" => (json!({"url": "https://receiver.example/painreg"}), false),
            "replayWebhook" => (json!({}), false),
            "registerLicence" => (examples::licence(), false),
            "loadItemTexts" => (examples::wording(), false),
            "registerProject" => (examples::project(&format!("project-{}", self.next())), false),
            "changeProject" => (examples::project(examples::PROJECT), false),
            "replaceCodeList" => {
                let lists = self
                    .world
                    .place(&objects.tenant)
                    .manager()
                    .get(&format!("/v1/tenants/{}/code-lists", objects.tenant));
                let codes = lists.items().iter().find(|list| list["list"] == "goal_category");
                let some = json!([{"code": "pain", "nb": "Smerte", "en": "Pain"}]);
                (json!({"codes": codes.map_or(some, |list| list["codes"].clone())}), false)
            }
            id if id.starts_with("change") => (json!({}), false),
            id if id.starts_with("record") => {
                let kind = kind_of(operation);
                (examples::entry(kind, &objects.entries[&Kind::Episode], &objects.entries[&Kind::Implant]), false)
            }
            other => panic!("{other}: no example of a body"),
        }
    }

    /// A form of one item, of a version that was never used.
    fn form(&self, code: &str) -> Value {
        examples::form(code, &format!("v{}", self.next()))
    }

    /// The code of a form that has a draft there.
    fn draft(&self, tenant: &str) -> String {
        let manager = self.world.place(tenant).manager();
        manager.post(&manager.at("forms"), &json!({"definition": self.form(examples::DRAFT)}));
        examples::DRAFT.to_owned()
    }

    /// A webhook of the registry that the patient is in.
    fn webhook(&self, objects: &Objects) -> String {
        let schema = self.world.schema(&objects.tenant);
        if self.world.rows(&format!("SELECT 1 FROM {schema}.patient WHERE id = '{}'", objects.patient)).is_empty() {
            return self.nothing().submission;
        }
        let manager = self.world.place(&objects.tenant).manager();
        let made = manager.post(&manager.at("webhooks"), &json!({"url": "https://receiver.example/painreg"}));
        made.body["webhook"]["id"].as_str().map_or_else(|| self.nothing().submission, str::to_owned)
    }

    /// A queued operation of the registry that the patient is in.
    fn operation(&self, objects: &Objects) -> String {
        let schema = self.world.schema(&objects.tenant);
        if self.world.rows(&format!("SELECT 1 FROM {schema}.patient WHERE id = '{}'", objects.patient)).is_empty() {
            return self.nothing().submission;
        }
        let manager = self.world.place(&objects.tenant).manager();
        let made = manager.post(&manager.at("rescorings"), &json!({"instrument": "comm"}));
        made.body["id"].as_str().map_or_else(|| self.nothing().submission, str::to_owned)
    }

    /// An invitation to the patient that a sender holds: made for the purpose.
    fn invitation(&self, objects: &Objects) -> String {
        let schema = self.world.schema(&objects.tenant);
        if self.world.rows(&format!("SELECT 1 FROM {schema}.patient WHERE id = '{}'", objects.patient)).is_empty() {
            return self.nothing().submission;
        }
        let patient = painreg_tests::Patient {
            id: objects.patient.clone(),
            tenant: objects.tenant.clone(),
            body: Value::Null,
            person: objects.person.clone(),
        };
        crate::invitations::make_due(&self.world, &objects.tenant, &patient);
        let sender = self.world.place(&objects.tenant).sender();
        let claim = sender.post(&sender.at("invitation-claims"), &json!({"channel": "sms", "limit": 200}));
        let made = claim.body["invitations"].as_array().into_iter().flatten();
        let mine = made.filter(|it| it["patient_id"] == objects.patient.as_str()).find_map(|it| it["id"].as_str());
        mine.map_or_else(|| self.nothing().submission, str::to_owned)
    }

    /// A decision about the patient.
    fn decision(&self, objects: &Objects) -> String {
        let schema = self.world.schema(&objects.tenant);
        let found = self.world.rows(&format!(
            "SELECT id FROM {schema}.decision WHERE patient_id::text = '{}' AND current ORDER BY rule LIMIT 1",
            objects.patient
        ));
        found.first().and_then(|row| row["id"].as_str()).map_or_else(|| self.nothing().submission, str::to_owned)
    }

    /// The version of the registry's draft of a plan, which is written where there is none.
    fn plan_draft(&self, tenant: &str) -> i64 {
        let manager = self.world.place(tenant).manager();
        let path = manager.at("follow-up-plan-draft");
        manager
            .request("PUT", &path)
            .header("if-match", "\"v0\"")
            .json(&json!({"definition": examples::plan()}))
            .send();
        manager.get(&path).body["version"].as_i64().unwrap_or(1)
    }

    /// The registry that an operator's request is about, in the state that the operation asks for.
    fn target(&self, operation: &Operation) -> String {
        let operator = self.world.operator();
        let made = |slug: &str| {
            let path = format!("/v1/tenants/{slug}");
            let found = operator.get(&path);
            if found.status == 200 {
                return found.body;
            }
            operator.post("/v1/tenants", &json!({"slug": slug, "name": "Quiet"})).expect(201).body
        };
        let turn = |tenant: &Value, suspended: bool| {
            let path = format!("/v1/tenants/{}/suspension", tenant["slug"].as_str().unwrap_or_default());
            let version = tenant["version"].as_i64().unwrap_or_default();
            if (tenant["state"] == "suspended") != suspended {
                let method = if suspended { "PUT" } else { "DELETE" };
                operator.request(method, &path).header("if-match", &format!("\"v{version}\"")).send().expect(200);
            }
        };
        match operation.id.as_str() {
            "suspendTenant" => turn(&made(QUIET), false),
            "resumeTenant" => turn(&made(QUIET), true),
            "dropTenant" => {
                let slug = format!("gone-{}", self.next());
                turn(&made(&slug), true);
                return slug;
            }
            _ => return "alpha".to_owned(),
        }
        QUIET.to_owned()
    }

    fn version(&self, operation: &Operation, tenant: &str, path: &str, objects: &Objects) -> i64 {
        let schema = || self.world.schema(tenant);
        let found = if operation.takes("path", "entry") {
            let table = kind_of(operation);
            let at = operation.path.split('/').position(|part| part == "{entry}").expect("its place");
            let id = path.split('/').nth(at).unwrap_or_default();
            self.world.rows(&format!("SELECT version FROM {}.{table} WHERE id = '{id}'", schema()))
        } else if operation.takes("path", "merge") {
            let id = path.rsplit('/').next().unwrap_or_default();
            self.world.rows(&format!("SELECT version FROM {}.patient_merge WHERE id = '{id}'", schema()))
        } else if operation.takes("path", "project") {
            let code = examples::PROJECT;
            self.world.rows(&format!("SELECT version FROM {}.project WHERE code = '{code}'", schema()))
        } else if operation.takes("path", "form") {
            let code = examples::DRAFT;
            self.world.rows(&format!("SELECT version FROM {}.form_draft WHERE code = '{code}'", schema()))
        } else if operation.takes("path", "licence") {
            let id = path.rsplit('/').next().unwrap_or_default();
            self.world
                .rows(&format!("SELECT max(version) AS version FROM {}.licence WHERE id::text = '{id}'", schema()))
        } else if operation.takes("path", "language") {
            let of_isi = "item_text WHERE instrument = 'isi' AND language = 'nb'";
            self.world.rows(&format!("SELECT max(version) AS version FROM {}.{of_isi}", schema()))
        } else if operation.id == "changeSettings" {
            self.world.rows(&format!("SELECT max(version) AS version FROM {}.registry_setting", schema()))
        } else if operation.takes("path", "list") {
            self.world.rows(&format!("SELECT version FROM {}.code_list_version WHERE list = 'goal_category'", schema()))
        } else if operation.takes("path", "webhook") {
            let id = path.split('/').nth(5).unwrap_or_default();
            self.world.rows(&format!("SELECT version FROM {}.webhook WHERE id::text = '{id}'", schema()))
        } else if operation.takes("path", "operation") {
            let id = path.split('/').nth(5).unwrap_or_default();
            self.world.rows(&format!("SELECT version FROM {}.operation WHERE id::text = '{id}'", schema()))
        } else if operation.takes("path", "invitation") {
            let id = path.rsplit('/').nth(1).unwrap_or_default();
            self.world.rows(&format!("SELECT version FROM {}.invitation WHERE id::text = '{id}'", schema()))
        } else if operation.takes("path", "quarantined") || operation.takes("path", "alert") {
            let table = if operation.takes("path", "alert") { "alert" } else { "quarantine" };
            let id = path.rsplit('/').nth(1).unwrap_or_default();
            self.world.rows(&format!("SELECT version FROM {}.{table} WHERE id = '{id}'", schema()))
        } else if operation.takes("path", "form_id") {
            self.world.rows(&format!(
                "SELECT max(version) AS version FROM {}.nettskjema_form WHERE nettskjema_id = '{BASELINE_FORM_ID}'",
                schema()
            ))
        } else if operation.takes("path", "patient") {
            self.world.rows(&format!("SELECT version FROM {}.patient WHERE id = '{}'", schema(), objects.patient))
        } else {
            self.world.rows(&format!("SELECT version FROM platform.tenant WHERE slug = '{tenant}'"))
        };
        found.first().and_then(|row| row["version"].as_i64()).unwrap_or(1)
    }

    /// Another patient where the objects are; `None` where nobody can be registered now.
    fn fresh(&self, objects: &Objects) -> Option<String> {
        let manager = self.world.place(&objects.tenant).manager();
        let made = manager.post(&manager.at("patients"), &registration(&self.world.person()));
        (made.status == 201).then(|| made.text_at("/id").to_owned())
    }

    /// The entry that a request speaks of. What is taken back is made for the purpose.
    fn entry(&self, operation: &Operation, objects: &Objects) -> String {
        let kind = kind_of(operation);
        let known = objects.entries[&kind].clone();
        if operation.method != "DELETE" {
            return known;
        }
        let manager = self.world.place(&objects.tenant).manager();
        let body = examples::entry(kind, &objects.entries[&Kind::Episode], &objects.entries[&Kind::Implant]);
        let made = manager.post(&manager.at(&format!("patients/{}/{}", objects.patient, kind.row().path)), &body);
        if made.status == 201 { made.text_at("/id").to_owned() } else { known }
    }

    /// A delivery in quarantine where the objects are.
    fn quarantined(&self, objects: &Objects) -> String {
        let schema = self.world.schema(&objects.tenant);
        if self.world.rows(&format!("SELECT 1 FROM {schema}.patient WHERE id = '{}'", objects.patient)).is_empty() {
            return self.nothing().submission;
        }
        let importer = self.world.place(&objects.tenant).importer();
        let mut document = self.world.delivery(&objects.person, 50_000_000 + self.next());
        document["metadata"].as_object_mut().expect("an object").remove("respondent");
        let kept = importer.delivers(&document);
        if kept.status == 202 { kept.text_at("/quarantine_id").to_owned() } else { self.nothing().submission }
    }

    /// An alert about the patient.
    fn alert(&self, objects: &Objects) -> String {
        let clinician = self.world.place(&objects.tenant).clinician();
        let body = submission(&objects.patient, &format!("a-{}", self.next()), &json!({"hscl_20": 3}));
        let made = clinician.post(&clinician.at("submissions"), &body);
        let schema = self.world.schema(&objects.tenant);
        let id = made.body["id"].as_str().unwrap_or_default();
        let found = self.world.rows(&format!("SELECT id FROM {schema}.alert WHERE submission_id::text = '{id}'"));
        found.first().and_then(|row| row["id"].as_str()).map_or_else(|| self.nothing().submission, str::to_owned)
    }

    /// A licence where the objects are.
    fn licence(&self, objects: &Objects) -> String {
        let schema = self.world.schema(&objects.tenant);
        if self.world.rows(&format!("SELECT 1 FROM {schema}.patient WHERE id = '{}'", objects.patient)).is_empty() {
            return self.nothing().submission;
        }
        let manager = self.world.place(&objects.tenant).manager();
        let made = manager.post(&manager.at("licences"), &examples::licence());
        if made.status == 201 { made.text_at("/id").to_owned() } else { self.nothing().submission }
    }

    /// A standing merge of somebody into the patient.
    fn merge(&self, objects: &Objects) -> String {
        let manager = self.world.place(&objects.tenant).manager();
        let made = self.fresh(objects).map(|duplicate| {
            let body = json!({"survivor_id": objects.patient, "duplicate_id": duplicate});
            manager.post(&manager.at("patient-merges"), &body)
        });
        match made {
            Some(made) if made.status == 201 => made.text_at("/id").to_owned(),
            _ => self.world.clock.random_id().to_string(),
        }
    }
}

/// The kind of entry that an operation is about.
pub fn kind_of(operation: &Operation) -> Kind {
    let named = |kind: &Kind| operation.path.split('/').any(|part| part == kind.row().path);
    Kind::iter().find(named).unwrap_or_else(|| panic!("{} is about no kind of entry", operation.id))
}

/// Every role that a token can carry.
pub fn roles() -> impl Iterator<Item = Role> {
    Role::iter().filter(|role| *role != Role::System)
}

/// Whether the policy lets this role use the operation at all.
pub fn may(role: Role, operation: &Operation) -> bool {
    policy::reach(role, operation.right()) != Reach::No
}

/// Answers to the ISI.
pub fn isi() -> Value {
    (1..=7).map(|item| (format!("isi_{item:02}"), json!(item % 5))).collect::<serde_json::Map<_, _>>().into()
}

impl Scene {
    /// These patients and those merged into them: a look at a record is a look at all of its rows.
    pub fn whole_records(&self, patients: &[String]) -> Vec<String> {
        let merged = patients
            .iter()
            .flat_map(|id| self.world.rows(&format!("SELECT id FROM {{alpha}}.patient WHERE merged_into = '{id}'")));
        let merged = merged.filter_map(|row| row["id"].as_str().map(str::to_owned));
        patients.iter().cloned().chain(merged.collect::<Vec<_>>()).collect()
    }
}

/// The patients that a list shows, each once.
pub fn shown(items: &[Value]) -> Vec<String> {
    let ids = items.iter().flat_map(|item| {
        let at = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let named: Vec<String> = ["/patient_id", "/survivor_id", "/first/patient_id", "/second/patient_id"]
            .into_iter()
            .filter_map(at)
            .collect();
        // An event is of a patient, or of nobody.
        if item.get("data").is_some() {
            at("/data/patient_id").into_iter().collect()
        } else if named.is_empty() {
            at("/id").into_iter().collect()
        } else {
            named
        }
    });
    let mut ids: Vec<String> = ids.collect();
    ids.sort();
    ids.dedup();
    ids
}

fn furnish(world: &World, slug: &str) -> Objects {
    let clinician = world.place(slug).clinician();
    let manager = world.place(slug).manager();
    let patient = clinician.registers(&world.answerer());
    let stored = clinician.submits(&patient, &format!("first-{}", patient.id), &isi()).expect(201);
    // Once a registry.
    manager.post(&manager.at("projects"), &examples::project(examples::PROJECT));
    manager.post(&manager.at("licences"), &examples::licence());
    let texts = manager.request("PUT", &manager.at("instruments/isi/texts/nb"));
    texts.header("if-match", "\"v0\"").json(&examples::wording()).send();
    let importer = world.place(slug).importer();
    importer.post(&importer.at(&format!("nettskjema/{BASELINE_FORM_ID}/definitions")), &json!({"elements": []}));
    let form = examples::form(examples::DRAFT, examples::VERSION);
    if manager.post(&manager.at("forms"), &json!({"definition": form})).status == 201 {
        let path = manager.at(&format!("forms/{}/versions", examples::DRAFT));
        manager.request("POST", &path).header("if-match", "\"v1\"").send();
    }
    let mut entries: HashMap<Kind, String> = HashMap::new();
    for kind in Kind::iter() {
        let known = |kind| entries.get(&kind).cloned().unwrap_or_default();
        let body = examples::entry(kind, &known(Kind::Episode), &known(Kind::Implant));
        let path = clinician.at(&format!("patients/{}/{}", patient.id, kind.row().path));
        let made = clinician.post(&path, &body).expect(201);
        entries.insert(kind, made.text_at("/id").to_owned());
    }
    let submission = stored.text_at("/id").to_owned();
    Objects { patient: patient.id, person: patient.person, submission, tenant: slug.to_owned(), entries }
}
