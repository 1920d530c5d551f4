//! A furnished world and a valid request for every operation, from the tables of examples beside this file.
//! An operation without a row fails and prints a skeleton of the row.

mod entries;
mod events;
mod example;
mod follow_up;
mod intake;
mod members;
mod parameters;
mod patients;
mod prepared;
mod questionnaires;
mod registry;
mod tenants;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use painreg_domain::clinical::EntryKind;
use painreg_domain::policy::{self, Reach, Role};
use painreg_domain::synthetic::{BASELINE_FORM_ID, Person};
use painreg_tests::{Actor, World};
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use crate::document::{Document, Operation};
use crate::examples;

pub use example::roles;
use example::{Example, Request, Whose};
pub use prepared::{Prepared, Traced};

/// The tables of examples: one row for each operation.
const TABLES: [&[Example]; 8] = [
    patients::ROWS,
    entries::ROWS,
    intake::ROWS,
    questionnaires::ROWS,
    follow_up::ROWS,
    events::ROWS,
    registry::ROWS,
    tenants::ROWS,
];

/// The objects of the requests.
#[derive(Clone, Debug)]
pub struct Objects {
    /// A patient's id.
    pub patient: String,
    /// The person who is the patient.
    pub person: Person,
    /// The id of one of the patient's submissions.
    pub submission: String,
    /// The slug of the patient's registry.
    pub tenant: String,
    /// The ids of the patient's entries, one of every kind.
    pub entries: HashMap<EntryKind, String>,
}

/// A world with a patient, answers and entries in each registry.
pub struct Scene {
    /// The world with both registries.
    pub world: World,
    /// The OpenAPI document of its server.
    pub document: Document,
    /// The objects of the registry `alpha`.
    pub alpha: Objects,
    /// The objects of the registry `beta`.
    pub beta: Objects,
    count: AtomicU64,
}

impl Scene {
    /// Creates a world with one patient and answers in each of the two registries.
    pub fn new() -> Self {
        Self::of(crate::invitations::morning())
    }

    /// The same in a world that differs.
    pub fn of(world: World) -> Self {
        let document = Document::of(&world);
        let [alpha, beta] = ["alpha", "beta"].map(|slug| populate(&world, slug));
        Self { world, document, alpha, beta, count: AtomicU64::new(1) }
    }

    /// Returns objects that never existed.
    pub fn nothing(&self) -> Objects {
        Objects {
            patient: self.world.clock.random_id().to_string(),
            person: self.world.person(),
            submission: self.world.clock.random_id().to_string(),
            tenant: "alpha".to_owned(),
            entries: EntryKind::iter().map(|kind| (kind, self.world.clock.random_id().to_string())).collect(),
        }
    }

    /// Registers another patient of `alpha`, with answers.
    pub fn another(&self) -> Objects {
        populate(&self.world, "alpha")
    }

    /// Returns a caller of `slug` with this role; a patient is the one of `objects`.
    pub fn actor(&self, slug: &str, role: Role, objects: &Objects) -> Actor<'_> {
        let place = self.world.place(slug);
        match role {
            Role::Operator => self.world.operator(),
            Role::Patient => place.patient(&objects.patient),
            other => place.caller(other),
        }
    }

    /// Returns a caller of `alpha` who may use the operation: people before machines.
    pub fn permitted_actor(&self, operation: &Operation) -> Actor<'_> {
        let role = roles().find(|role| may(*role, operation) && *role != Role::Patient && !role.is_machine());
        let role = role.or_else(|| roles().find(|role| may(*role, operation)));
        self.actor("alpha", role.unwrap_or_else(|| panic!("no role may use {}", operation.id)), &self.alpha)
    }

    /// Returns the next unused number.
    pub fn next(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns a valid request of this actor about these objects.
    pub fn prepare(&self, operation: &Operation, actor: &Actor<'_>, objects: &Objects) -> Prepared {
        let row = example::find(TABLES.into_iter().flatten(), operation);
        let tenant = actor.claims.tenant.clone().unwrap_or_else(|| (row.tenant)(self));
        let kind = example::kind_of(operation);
        let mut request = Request { scene: self, objects, tenant, kind, values: HashMap::new() };
        for parameter in row.path {
            let value = (parameter.value)(&request);
            request.values.insert(parameter.name, value);
        }
        if let Some(setup) = row.setup {
            setup(&request);
        }
        let asked = operation.parameters("query").any(|parameter| parameter["required"] == true);
        assert!(!asked, "{}: no example of a required query parameter", operation.id);
        let path = format!("{}{}", request.filled(&operation.path), row.query);
        assert!(!path.contains('{'), "{}: a path parameter is not documented: {path}", operation.id);
        let headers = self.headers(operation, row, &request);
        let sent = row.body.map(|body| body(&request)).unwrap_or_default();
        let body = operation.media().map(|media| (media.to_owned(), sent.to_string().into_bytes()));
        let traced = self.traced(row, &request, &sent);
        let method = operation.method.clone();
        Prepared { method, path, headers, body, refers: row.refers(), traced, bare: false }
    }

    /// Returns what is merged into the body where this member is sent, or where it is absent; `None` where the member
    /// needs no other.
    pub fn with_member(&self, operation: &Operation, objects: &Objects, pointer: &str, is_sent: bool) -> Option<Value> {
        let (tenant, kind) = (objects.tenant.clone(), example::kind_of(operation));
        let request = Request { scene: self, objects, tenant, kind, values: HashMap::new() };
        if is_sent {
            members::sent(operation, pointer, &request)
        } else {
            members::absent(operation, pointer, &request)
        }
    }

    fn headers(&self, operation: &Operation, row: &Example, request: &Request<'_>) -> Vec<(String, String)> {
        let required = operation.parameters("header").filter(|parameter| parameter["required"] == true);
        let header = |parameter: &Value| {
            let name = parameter["name"].as_str().expect("a name");
            let value = match name {
                "If-Match" => format!("\"v{}\"", self.version(row, request)),
                "Idempotency-Key" => self.world.clock.random_id().to_string(),
                other => panic!("{}: no example of the header `{other}`", operation.id),
            };
            (name.to_owned(), value)
        };
        required.map(header).collect()
    }

    /// Returns the current version of the row's object; 1 if there is none.
    fn version(&self, row: &Example, request: &Request<'_>) -> i64 {
        let source = request.filled(row.version.expect("a version"));
        let schema =
            if source.starts_with("platform.") { String::new() } else { self.world.schema(&request.tenant) + "." };
        let found = self.world.rows(&format!("SELECT max(version) AS version FROM {schema}{source}"));
        found.first().and_then(|row| row["version"].as_i64()).unwrap_or(1)
    }

    fn traced(&self, row: &Example, request: &Request<'_>, sent: &Value) -> Traced {
        let patient = request.objects.patient.clone();
        match row.whose {
            Whose::Nobody => Traced::Exactly(Vec::new()),
            Whose::Patient => Traced::Records(vec![patient]),
            Whose::Answered(pointer) => Traced::Answered(pointer),
            Whose::AndSent(pointer) => {
                let other = sent.pointer(pointer).and_then(Value::as_str).expect("an id");
                Traced::Records(vec![patient, other.to_owned()])
            }
            Whose::AndFound(column, source) => {
                let schema = self.world.schema(&request.objects.tenant);
                let found = self.world.rows(&format!("SELECT {column} FROM {schema}.{}", request.filled(source)));
                let other = found.first().and_then(|row| row[column].as_str()).unwrap_or_default();
                Traced::Exactly(vec![patient, other.to_owned()])
            }
            Whose::Listed => Traced::Listed,
        }
    }

    /// Returns these patients and those merged into them: an access to a record is an access to all of its rows.
    pub fn whole_records(&self, patients: &[String]) -> Vec<String> {
        let merged = patients
            .iter()
            .flat_map(|id| self.world.rows(&format!("SELECT id FROM {{alpha}}.patient WHERE merged_into = '{id}'")));
        let merged = merged.filter_map(|row| row["id"].as_str().map(str::to_owned));
        patients.iter().cloned().chain(merged.collect::<Vec<_>>()).collect()
    }
}

/// Returns whether the policy lets this role use the operation at all.
pub fn may(role: Role, operation: &Operation) -> bool {
    policy::reach(role, operation.right()) != Reach::No
}

/// Returns answers to the ISI.
pub fn isi() -> Value {
    (1..=7).map(|item| (format!("isi_{item:02}"), json!(item % 5))).collect::<serde_json::Map<_, _>>().into()
}

/// Returns the patients that a list shows, each once.
pub fn shown(items: &[Value]) -> Vec<String> {
    let ids = items.iter().flat_map(|item| {
        let at = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let named: Vec<String> = ["/patient_id", "/survivor_id", "/first/patient_id", "/second/patient_id"]
            .into_iter()
            .filter_map(at)
            .collect();
        // An event is about one patient, or none.
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

fn populate(world: &World, slug: &str) -> Objects {
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
    let mut entries: HashMap<EntryKind, String> = HashMap::new();
    for kind in EntryKind::iter() {
        let known = |kind| entries.get(&kind).cloned().unwrap_or_default();
        let body = examples::entry(kind, &known(EntryKind::Episode), &known(EntryKind::Implant));
        let path = clinician.at(&format!("patients/{}/{}", patient.id, kind.row().path));
        let made = clinician.post(&path, &body).expect(201);
        entries.insert(kind, made.text_at("/id").to_owned());
    }
    let submission = stored.text_at("/id").to_owned();
    Objects { patient: patient.id, person: patient.person, submission, tenant: slug.to_owned(), entries }
}

#[test]
fn examples_are_one_row_for_each_operation_of_the_document() {
    let world = World::new();
    let document = Document::of(&world);
    let known: HashSet<&str> = document.operations.iter().map(|operation| operation.id.as_str()).collect();
    for row in TABLES.into_iter().flatten().flat_map(Example::operations) {
        assert!(known.contains(row.as_str()), "{row}: a row without an operation");
    }
    for operation in &document.operations {
        example::find(TABLES.into_iter().flatten(), operation);
    }
}

#[test]
fn skeleton_names_parameters_body_and_version() {
    let world = World::new();
    let document = Document::of(&world);
    let operation = document.protected().find(|operation| operation.id == "updatePatient").expect("an operation");
    let skeleton = example::skeleton(operation);
    for part in
        ["operation: \"updatePatient\"", "path: &[PATIENT]", "body: Some(", "version: Some(", "whose: Whose::Patient"]
    {
        assert!(skeleton.contains(part), "{part} is missing in\n{skeleton}");
    }
}
