//! Every permitted request leaves exactly its trace: one event with its `x-action` for each patient that it accesses,
//! or one event without a patient. Refusals leave one too.

use painreg_domain::policy::Role;
use painreg_tests::{Actor, Answer, World, submission};
use serde_json::{Map, Value, json};

use crate::document::Operation;
use crate::scene::{Prepared, Scene, Traced, may, roles, shown};

/// Sends the request and returns the new events of the log that must hold its trace.
fn traced(scene: &Scene, request: Prepared, actor: &Actor<'_>) -> (Answer, Vec<Map<String, Value>>) {
    let id = format!("traced-{}", scene.next());
    let answer = request.with("x-request-id", &id).send(actor);
    let schemas = ["platform".to_owned(), scene.world.schema("alpha"), scene.world.schema("beta")];
    let home = match actor.claims.tenant.as_deref() {
        None => &schemas[0],
        Some("alpha") => &schemas[1],
        _ => &schemas[2],
    };
    let mut found = Vec::new();
    for schema in &schemas {
        let events =
            scene.world.rows(&format!("SELECT * FROM {schema}.audit_event WHERE request_id = '{id}' ORDER BY id"));
        assert!(schema == home || events.is_empty(), "a trace in a foreign log: {events:?}");
        found.extend(events);
    }
    (answer, found)
}

fn patients(events: &[Map<String, Value>]) -> Vec<String> {
    let mut ids: Vec<String> =
        events.iter().filter_map(|event| event["patient_id"].as_str().map(str::to_owned)).collect();
    ids.sort();
    ids
}

fn fitting(events: &[Map<String, Value>], operation: &Operation, role: Role, outcome: &str) {
    for event in events {
        let said = (&event["action"], &event["role"], &event["outcome"]);
        let wanted = (operation.right().to_string(), role.to_string(), outcome.to_owned());
        assert_eq!(said, (&wanted.0.into(), &wanted.1.into(), &wanted.2.into()), "{}", operation.id);
        assert_eq!(event["origin"], "127.0.0.1");
        assert_eq!(event["actor_kind"], if role.is_machine() { "machine" } else { "person" });
        assert_eq!(event["purpose"], role.purpose());
    }
}

#[test]
fn every_allowed_request_leaves_exactly_its_trace() {
    let scene = Scene::new();
    // Lists then show several patients.
    scene.another();
    for operation in scene.document.protected() {
        for role in roles().filter(|role| may(*role, operation)) {
            let actor = scene.actor("alpha", role, &scene.alpha);
            let request = scene.prepare(operation, &actor, &scene.alpha);
            let names = request.traced.clone();
            let records = match &names {
                Traced::Records(ids) => scene.whole_records(ids),
                _ => Vec::new(),
            };
            let (answer, events) = traced(&scene, request, &actor);
            assert!(answer.status < 300, "{role} {}: {}", operation.id, answer.text());
            let mut expected = match names {
                Traced::Records(_) => records,
                Traced::Exactly(ids) => ids,
                Traced::Answered(pointer) => vec![answer.text_at(pointer).to_owned()],
                Traced::Listed => shown(answer.items()),
            };
            expected.sort();
            assert_eq!(events.len(), expected.len().max(1), "{role} {}: {events:?}", operation.id);
            assert_eq!(patients(&events), expected, "{role} {}", operation.id);
            fitting(&events, operation, role, "ok");
        }
    }
}

/// Operations that are no GET and change nothing: they read what a body asks for.
const READS: [&str; 3] = ["lookUpPatient", "scoreAnswers", "simulateFollowUp"];

#[test]
fn every_event_of_a_write_names_its_object() {
    let scene = Scene::new();
    let mut nameless = Vec::new();
    let writes = |operation: &&Operation| operation.method != "GET" && !READS.contains(&operation.id.as_str());
    for operation in scene.document.protected().filter(writes) {
        for role in roles().filter(|role| may(*role, operation)) {
            let actor = scene.actor("alpha", role, &scene.alpha);
            let request = scene.prepare(operation, &actor, &scene.alpha);
            let (answer, events) = traced(&scene, request, &actor);
            assert!(answer.status < 300, "{role} {}: {}", operation.id, answer.text());
            if events.iter().any(|event| event["object"].is_null()) {
                nameless.push(format!("{role} {}", operation.id));
            }
        }
    }
    assert_eq!(nameless, [] as [String; 0]);
}

#[test]
fn events_of_answers_and_registrations_name_what_was_stored() {
    let world = World::new();
    let (clinician, importer) = (world.alpha().clinician(), world.alpha().importer());
    let patient = clinician.registers(&world.person());
    let objects = |action: &str| {
        let rows = world.rows(&format!(
            "SELECT object FROM {{alpha}}.audit_event WHERE action = '{action}' AND outcome = 'ok' ORDER BY id"
        ));
        rows.into_iter().map(|row| row["object"].as_str().unwrap_or("nothing").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(objects("RegisterPatient"), [format!("patient/{}", patient.id)]);
    // Stored, repeated, revised, outdated: the event names the revision that holds the answers.
    let line = |answer: i64, hour: i64| {
        let mut line = submission(&patient.id, "1", &json!({ "nrs_average": answer }));
        line["modified_at"] = json!(format!("2026-01-05T{hour}:00:00Z"));
        line
    };
    let mut stored: Vec<String> = Vec::new();
    for (answer, hour, is_new) in [(5, 12, true), (5, 12, false), (6, 14, true), (4, 13, true), (5, 12, false)] {
        clinician.post(&clinician.at("submissions"), &line(answer, hour));
        let newest = "SELECT id FROM {alpha}.submission ORDER BY revision DESC LIMIT 1";
        let newest = world.rows(newest)[0]["id"].as_str().expect("an id").to_owned();
        stored.push(if is_new { newest } else { stored[0].clone() });
    }
    let wanted: Vec<String> = stored.iter().map(|id| format!("submission/{id}")).collect();
    assert_eq!(objects("SubmitAnswers"), wanted);
    // Each line of a batch names its own, also where two lines are the same.
    let body: String = [line(5, 12), line(6, 14), line(7, 15), line(7, 15)].map(|line| format!("{line}\n")).concat();
    let path = importer.at("submission-batches");
    importer.request("POST", &path).body("application/x-ndjson", body.into_bytes()).send().expect(200);
    // What an importer delivers is another source than what a person submits.
    let revisions = world.rows("SELECT id FROM {alpha}.submission WHERE source_system = 'test' ORDER BY revision");
    let ids: Vec<&str> = revisions.iter().filter_map(|row| row["id"].as_str()).collect();
    let mut wanted = [ids[0], ids[1], ids[2], ids[2]].map(|id| format!("submission/{id}"));
    let mut named = objects("SubmitAnswersInBulk");
    wanted.sort();
    named.sort();
    assert_eq!((named, ids.len()), (wanted.to_vec(), 3));
}

#[test]
fn replayed_answer_leaves_a_trace_of_the_same_patient() {
    let scene = Scene::new();
    for operation in scene.document.protected().filter(|operation| operation.takes("header", "Idempotency-Key")) {
        let actor = scene.permitted_actor(operation);
        let key = scene.world.clock.random_id().to_string();
        let request = scene.prepare(operation, &actor, &scene.alpha).with("idempotency-key", &key);
        let (first, once) = traced(&scene, request.clone(), &actor);
        let (again, twice) = traced(&scene, request, &actor);
        if operation.media() == Some("application/x-ndjson") {
            // A line's result shows that it is a replay.
            assert_eq!((first.text_at("/outcome"), again.text_at("/outcome")), ("registered", "known"));
            assert_eq!(first.body["registered"], again.body["registered"]);
        } else {
            assert_eq!((first.status, &first.bytes), (again.status, &again.bytes), "{}", operation.id);
            assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
        }
        // Of merged patients the survivor's log shows the replay.
        assert_eq!(twice.len(), 1, "{}", operation.id);
        let (once, again) = (patients(&once), patients(&twice));
        assert!(again.iter().all(|id| once.contains(id)), "{}", operation.id);
        let several = operation.id == "mergePatients" || scene.whole_records(&again).len() > 1;
        assert!(several || once == again, "{}: {once:?} {again:?}", operation.id);
        assert_eq!(twice[0]["object"], "replayed", "{}", operation.id);
        fitting(&twice, operation, actor.claims.role, "ok");
    }
}

#[test]
fn every_forbidden_request_leaves_one_trace() {
    let scene = Scene::new();
    for operation in scene.document.protected() {
        for role in roles().filter(|role| !may(*role, operation)) {
            let actor = scene.actor("alpha", role, &scene.alpha);
            let (answer, events) = traced(&scene, scene.prepare(operation, &actor, &scene.alpha), &actor);
            assert_eq!(answer.status, 403, "{role} {}", operation.id);
            assert_eq!(events.len(), 1, "{role} {}: {events:?}", operation.id);
            assert_eq!(patients(&events), Vec::<String>::new());
            fitting(&events, operation, role, "forbidden");
        }
    }
}

#[test]
fn every_request_not_found_leaves_one_trace() {
    let scene = Scene::new();
    for operation in scene.document.protected() {
        for role in roles().filter(|role| may(*role, operation) && *role != Role::Operator) {
            let actor = scene.actor("alpha", role, &scene.alpha);
            for objects in [&scene.nothing(), &scene.beta] {
                let request = scene.prepare(operation, &actor, objects);
                if !request.refers {
                    continue;
                }
                let (answer, events) = traced(&scene, request, &actor);
                assert_eq!(answer.status, 404, "{role} {}", operation.id);
                assert_eq!(events.len(), 1, "{role} {}: {events:?}", operation.id);
                assert_eq!(patients(&events), Vec::<String>::new(), "an id that is not ours stays out of our log");
                fitting(&events, operation, role, "not_found");
            }
        }
    }
}
