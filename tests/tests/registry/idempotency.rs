//! Idempotent requests: the same key gives the same answer, and one effect.

use std::sync::Barrier;

use painreg_tests::{Actor, Answer, World, registration, submission};
use serde_json::json;

use crate::kit::{AnswerAssertions as _, advance, version};

fn rows(world: &World) -> i64 {
    world.number("SELECT count(*) FROM {alpha}.patient")
}

#[test]
fn idempotency_key_replays_the_answer_byte_for_byte() {
    let world = World::new();
    let secretary = world.alpha().secretary();
    let body = registration(&world.person());
    let send = || secretary.request("POST", &secretary.at("patients")).key("key-1").json(&body).send();
    let first = send().expect(201);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    for _ in 0..2 {
        let again = send().expect(201);
        assert_eq!(again.bytes, first.bytes);
        for name in ["location", "etag", "content-type"] {
            assert_eq!(again.header(name), first.header(name), "{name}");
        }
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_ne!(again.header("x-request-id"), first.header("x-request-id"), "the answer is old, the request is not");
    }
    assert_eq!(rows(&world), 1);
    // The stored answer is returned, without later changes.
    let id = first.text_at("/id");
    secretary.patch(&secretary.at(&format!("patients/{id}")), 1, &json!({"language": "en"})).expect(200);
    assert_eq!(send().expect(201).bytes, first.bytes);
    // The replay opened the patient's record, and the log says so.
    let replays = world.number("SELECT count(*) FROM {alpha}.audit_event WHERE object = 'replayed' AND action = 'RegisterPatient' AND patient_id IS NOT NULL");
    assert_eq!(replays, 3);
}

#[test]
fn idempotency_key_is_bound_to_body_path_and_caller() {
    let world = World::new();
    let secretary = world.alpha().secretary();
    let (one, other) = (registration(&world.person()), registration(&world.person()));
    let send =
        |actor: &Actor<'_>, path: &str, body| actor.request("POST", &actor.at(path)).key("key-1").json(body).send();
    send(&secretary, "patients", &one).expect(201);
    send(&secretary, "patients", &other).problem(422, "key_reused");
    // The bytes are compared, not the meaning: an additional space makes another request.
    let spaced = one.to_string().replacen(':', ": ", 1).into_bytes();
    let path = secretary.at("patients");
    secretary.request("POST", &path).key("key-1").body("application/json", spaced).send().problem(422, "key_reused");
    assert_eq!(rows(&world), 1);

    // Another path with the same key is another request, which is refused.
    let look_up = json!({"national_id": one["national_id"]});
    secretary.request("POST", &secretary.at("patient-lookups")).key("key-1").json(&look_up).send().expect(200);
    let clinician = world.alpha().clinician();
    let score = json!({"answers": {"isi_01": 1}});
    send(&clinician, "instruments/isi/scores", &score).expect(200);
    send(&clinician, "instruments/nrs/scores", &score).problem(422, "key_reused");

    // The same key of another caller is another key.
    send(&secretary.clone().called("secretary-2"), "patients", &other).expect(201);
    let third = registration(&world.person());
    send(&world.alpha().caller(painreg_domain::policy::Role::RegistryManager), "patients", &third).expect(201);
    send(&world.beta().secretary(), "patients", &one).expect(201);
    assert_eq!(rows(&world), 3);
}

#[test]
fn idempotency_key_is_required_of_machines_only() {
    let world = World::new();
    let feed = world.alpha().pas_feed();
    let bare = |actor: &Actor<'_>, headers: &[(&str, &str)], body: &serde_json::Value| -> Answer {
        let authorization = crate::kit::bearer(actor);
        let mut all = vec![("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        all.extend_from_slice(headers);
        crate::kit::call(world.address, "POST", &actor.at("patients"), &all, Some(body.to_string().as_bytes()))
    };
    let body = registration(&world.person());
    bare(&feed, &[], &body).problem(400, "idempotency_key_missing");
    assert_eq!(rows(&world), 0);
    bare(&feed, &[("Idempotency-Key", "\"6f1c2c0e-5a0a-4b0e-9a0b-2f0d4b7e9b11\"")], &body).expect(201);
    // The quoted form (RFC 9651), with parameters or without, and the plain form are the same key.
    let plain = "6f1c2c0e-5a0a-4b0e-9a0b-2f0d4b7e9b11";
    for same in [plain.to_owned(), format!("\"{plain}\";p=1"), format!(" \"{plain}\"; p; q=\"x;y\" ")] {
        let again = bare(&feed, &[("Idempotency-Key", &same)], &body).expect(201);
        assert_eq!(again.header("idempotency-replayed"), "true", "{same}");
    }
    bare(&feed, &[("Idempotency-Key", "\"order 66\"")], &registration(&world.person())).expect(201);
    bare(&world.alpha().secretary(), &[], &registration(&world.person())).expect(201);
    let long = "x".repeat(201);
    for bad in ["", "\"\"", "a b", "ø", long.as_str(), "a\"b", "\"a\"b\"", "a\tb"] {
        let answer = bare(&feed, &[("Idempotency-Key", bad)], &registration(&world.person()));
        answer.problem(400, "invalid_parameter").fault(400, "/header/Idempotency-Key", "invalid_format");
    }
    bare(&feed, &[("Idempotency-Key", "x".repeat(200).as_str())], &registration(&world.person())).expect(201);
    assert_eq!(rows(&world), 4);
}

#[test]
fn idempotency_key_used_concurrently_stores_one_row() {
    let world = World::new();
    let feed = world.alpha().pas_feed();
    let path = feed.at("patients");
    for round in 0..4 {
        let body = registration(&world.person());
        let key = format!("round-{round}");
        let barrier = Barrier::new(16);
        let answers: Vec<Answer> = std::thread::scope(|threads| {
            let sent: Vec<_> = (0..16)
                .map(|_| {
                    threads.spawn(|| {
                        barrier.wait();
                        feed.request("POST", &path).key(&key).json(&body).send()
                    })
                })
                .collect();
            sent.into_iter().map(|one| one.join().expect("an answer")).collect()
        });
        assert_eq!(rows(&world), round + 1);
        let settled = feed.request("POST", &path).key(&key).json(&body).send().expect(201);
        assert_eq!(settled.header("idempotency-replayed"), "true");
        let mut fresh = 0;
        for answer in answers {
            if answer.status == 201 {
                assert_eq!(answer.bytes, settled.bytes);
                fresh += usize::from(answer.header("idempotency-replayed").is_empty());
            } else {
                let answer = answer.problem(409, "in_progress");
                assert_eq!(answer.header("retry-after"), "1");
            }
        }
        assert_eq!(fresh, 1);
    }
}

#[test]
fn idempotency_key_keeps_no_refusal() {
    let world = World::new();
    let importer = world.alpha().importer();
    let person = world.person();
    let body = json!({
        "source": {"system": "painsoft", "form_id": "1", "submission_id": "1"},
        "patient": {"national_id": {"type": "fnr", "value": person.national_id}},
        "form": "opr-baseline", "submitted_at": "2026-01-05T08:15:00Z", "answers": {"isi_01": 1},
    });
    let send = || importer.request("POST", &importer.at("submissions")).key("key-1").json(&body).send();
    send().expect(404);
    send().expect(404);
    // Once the patient is registered, the same request with the same key succeeds.
    let patient = world.alpha().secretary().registers(&person);
    let done = send().expect(201);
    assert_eq!(done.text_at("/patient_id"), patient.id);
    assert_eq!(send().expect(201).header("idempotency-replayed"), "true");

    let clinician = world.alpha().clinician();
    let faulty = submission(&patient.id, "1", &json!({"isi_01": 5}));
    let post = |body| clinician.request("POST", &clinician.at("submissions")).key("key-2").json(body).send();
    post(&faulty).fault(422, "/answers/isi_01", "out_of_range");
    // A refused request does not use the key, so the corrected body may use it.
    post(&submission(&patient.id, "1", &json!({"isi_01": 4}))).expect(201);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.idempotency_key"), 2);
}

#[test]
fn idempotency_answer_is_encrypted_and_bound_to_its_row() {
    let world = World::new();
    let secretary = world.alpha().secretary();
    let person = world.person();
    let body = registration(&person);
    let path = secretary.at("patients");
    secretary.request("POST", &path).key("key-1").json(&body).send().expect(201);
    let kept =
        world.rows("SELECT encode(body, 'hex') AS body, encode(body, 'escape') AS text FROM {alpha}.idempotency_key");
    let text = serde_json::to_string(&kept).expect("JSON");
    for secret in [person.national_id.as_str(), person.email.as_str(), "national_ids", "registry_number"] {
        assert!(!text.contains(secret), "{secret}");
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!text.contains(&hex), "{secret} in hexadecimal");
    }
    // A stored answer in the place of another cannot be decrypted: no answer goes to the wrong caller.
    secretary.request("POST", &path).key("key-2").json(&registration(&world.person())).send().expect(201);
    let alpha = world.schema("alpha");
    painreg_tests::execute(
        &mut world.sql(),
        &format!(
            "UPDATE {alpha}.idempotency_key SET body = (SELECT body FROM {alpha}.idempotency_key WHERE key = 'key-2') WHERE key = 'key-1'"
        ),
    );
    let moved = secretary.request("POST", &path).key("key-1").json(&body).send().problem(500, "internal");
    assert!(!moved.text().contains(&person.national_id));
}

#[test]
fn idempotency_key_expires_after_thirty_days() {
    let world = World::new();
    let secretary = world.alpha().secretary();
    let path = secretary.at("patients");
    let (one, other) = (registration(&world.person()), registration(&world.person()));
    let send = |body| secretary.request("POST", &path).key("key-1").json(body).send();
    send(&one).expect(201);
    advance(&world, 29 * 24 * 3600);
    assert_eq!(world.registry.remove_expired_replies().expect("a tidy-up"), 0);
    assert_eq!(send(&one).expect(201).header("idempotency-replayed"), "true");
    send(&other).problem(422, "key_reused");
    advance(&world, 2 * 24 * 3600);
    assert_eq!(world.registry.remove_expired_replies().expect("a tidy-up"), 1);
    send(&other).expect(201);
    assert_eq!(rows(&world), 2);
}

#[test]
fn idempotency_key_applies_to_operators() {
    let world = World::new();
    let operator = world.operator();
    let body = json!({"slug": "gamma", "name": "Gamma"});
    let send = || operator.request("POST", "/v1/tenants").key("key-1").json(&body).send();
    let first = send().expect(201);
    let again = send().expect(201);
    assert_eq!((again.bytes, again.headers.get("idempotency-replayed").is_some()), (first.bytes.clone(), true));
    operator.post("/v1/tenants", &body).fault(409, "/slug", "already_exists");
    assert_eq!(world.number("SELECT count(*) FROM platform.tenant"), 3);
    assert_eq!(version(&first.body), 1);
}

#[test]
fn idempotency_key_survives_a_tenants_new_name() {
    let world = World::new();
    let secretary = world.alpha().secretary();
    let path = secretary.at("patients");
    let body = registration(&world.person());
    let send = || secretary.request("POST", &path).key("key-1").json(&body).send();
    let first = send().expect(201);
    for _ in 0..2 {
        secretary.registers(&world.person());
    }
    let page = secretary.lists_patients("?limit=1").expect(200);
    let cursor = page.text_at("/next_cursor").to_owned();
    let operator = world.operator();
    let before = operator.get("/v1/tenants/alpha").expect(200).body;
    let renamed =
        operator.patch("/v1/tenants/alpha", version(&before), &json!({"name": "Another name"})).expect(200).body;
    // The list of issuers sent back with one more leaves the others unchanged.
    let mut issuers = renamed["issuers"].as_array().cloned().expect("issuers");
    let mut more = issuers[0].clone();
    more["issuer"] = json!("https://second.example");
    issuers.push(more);
    operator.patch("/v1/tenants/alpha", version(&renamed), &json!({"issuers": issuers})).expect(200);
    let again = send();
    assert_eq!((again.status, again.bytes), (201, first.bytes), "a retry after a change of settings is still a retry");
    secretary.lists_patients(&format!("?limit=1&cursor={cursor}")).expect(200);
}
