//! Units, the patient's access to the record, and the access log.

use painreg_domain::policy::Role;
use painreg_tests::{Answer, World, registration};
use serde_json::{Value, json};

use crate::kit::{AnswerAssertions as _, with};

#[test]
fn unit_role_reaches_its_own_unit_only() {
    let world = World::new();
    let here = world.alpha().clinician();
    let there = world.alpha().clinician().of_unit("ward").called("clinician-2");
    let patient = here.registers(&world.person());
    here.submits(&patient, "1", &json!({"isi_01": 1})).expect(201);
    let submission = here.reads_answers_of(&patient).expect(200).items()[0]["id"].as_str().expect("an id").to_owned();
    let never_issued = "11111111-1111-4111-8111-111111111111";
    // For the other unit the patient does not exist: the answer is the one for an id that was never issued.
    for (real, invented) in [
        (there.reads(&patient), there.get(&there.at(&format!("patients/{never_issued}")))),
        (there.reads_answers_of(&patient), there.get(&there.at(&format!("patients/{never_issued}/submissions")))),
        (
            there.get(&there.at(&format!("submissions/{submission}"))),
            there.get(&there.at(&format!("submissions/{never_issued}"))),
        ),
        (
            there.changes(&patient, 1, &json!({"language": "en"})),
            there.patch(&there.at(&format!("patients/{never_issued}")), 1, &json!({"language": "en"})),
        ),
        (there.looks_up(&patient.person), there.looks_up(&world.person())),
        (
            there.submits(&patient, "2", &json!({"isi_01": 1})),
            there.post(&there.at("submissions"), &painreg_tests::submission(never_issued, "2", &json!({"isi_01": 1}))),
        ),
    ] {
        let strip = |answer: Answer| {
            let mut body = answer.expect(404).body;
            body["instance"] = Value::Null;
            body
        };
        assert_eq!(strip(real), strip(invented));
    }
    assert_eq!(there.lists_patients("").expect(200).items().len(), 0);
    // A caller cannot register a patient outside their reach, or move one out of it.
    let body = with(&registration(&world.person()), &json!({"unit": "ward"}));
    here.post(&here.at("patients"), &body).fault(422, "/unit", "unknown_reference");
    here.changes(&patient, 1, &json!({"unit": "ward"})).fault(422, "/unit", "unknown_reference");
    // A token without a unit reaches no patient.
    let lost = here.clone().changed(|claims| claims.unit = None).called("clinician-3");
    lost.reads(&patient).problem(404, "not_found");
    assert_eq!(lost.lists_patients("").expect(200).items().len(), 0);
    // The manager reaches all units and moves the patient; then the other unit has access and the first has not.
    let manager = world.alpha().manager();
    manager.changes(&patient, 1, &json!({"unit": "ward"})).expect(200);
    there.reads(&patient).expect(200);
    here.reads(&patient).problem(404, "not_found");
    here.get(&here.at(&format!("submissions/{submission}"))).problem(404, "not_found");
    assert_eq!(
        there.get(&there.at(&format!("submissions/{submission}"))).expect(200).body["patient_id"],
        json!(patient.id)
    );
}

#[test]
fn patient_reads_own_record_and_access_log() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let (own, other) = (clinician.registers(&world.person()), clinician.registers(&world.person()));
    for patient in [&own, &other] {
        clinician.submits(patient, &patient.id, &json!({"isi_01": 1})).expect(201);
    }
    let submission_of = |patient| {
        let answers = clinician.reads_answers_of(patient).expect(200);
        answers.items()[0]["id"].as_str().expect("an id").to_owned()
    };
    let (mine, theirs) = (submission_of(&own), submission_of(&other));
    let citizen = world.alpha().patient(&own.id);
    assert_eq!(citizen.reads(&own).expect(200).body, own.body);
    assert_eq!(citizen.reads_answers_of(&own).expect(200).items().len(), 1);
    citizen.get(&citizen.at(&format!("submissions/{mine}"))).expect(200);
    citizen.reads_access_log_of(&own).expect(200);
    citizen.submits(&own, "own", &json!({"isi_01": 2})).expect(201);
    for answer in [
        citizen.reads(&other),
        citizen.reads_answers_of(&other),
        citizen.reads_access_log_of(&other),
        citizen.get(&citizen.at(&format!("submissions/{theirs}"))),
        citizen.submits(&other, "foreign", &json!({"isi_01": 2})),
        world.beta().patient(&own.id).get(&format!("/v1/tenants/beta/patients/{}", own.id)),
        world.beta().patient(&own.id).reads(&own),
    ] {
        answer.problem(404, "not_found");
    }
    for answer in [
        citizen.lists_patients(""),
        citizen.looks_up(&own.person),
        citizen.changes(&own, 1, &json!({"language": "en"})),
        citizen.get(&citizen.at("audit-events")),
        citizen.get(&citizen.at("summary")),
        citizen.post(&citizen.at("patients"), &registration(&world.person())),
    ] {
        answer.problem(403, "forbidden");
    }
    // Only the patient and supervising roles read the log.
    for role in [Role::Clinician, Role::Secretary, Role::Importer, Role::PasFeed] {
        world.alpha().caller(role).reads_access_log_of(&own).problem(403, "forbidden");
    }
    world.alpha().manager().reads_access_log_of(&own).expect(200);
    world.alpha().dpo().reads_access_log_of(&own).expect(200);
}

#[test]
fn access_log_shows_actor_action_and_time() {
    let world = World::new();
    let patient = world.alpha().secretary().called("sekretær Ås").registers(&world.person());
    let clinician = world.alpha().clinician().called("lege-7");
    let request = clinician.request("GET", &clinician.at(&format!("patients/{}", patient.id)));
    request.header("x-request-id", "my-request-0001").send().expect(200);
    clinician.looks_up(&patient.person).expect(200);
    clinician.lists_patients("").expect(200);
    clinician.changes(&patient, 1, &json!({"language": "en"})).expect(200);
    clinician.submits(&patient, "1", &json!({"isi_01": 1})).expect(201);
    world.alpha().importer().delivers(&world.delivery(&patient.person, 1)).expect(201);
    // A change with an old version opened the record and is logged; a caller outside the reach did not open it.
    clinician.changes(&patient, 1, &json!({"language": "nb"})).problem(412, "stale");
    clinician.clone().of_unit("ward").reads(&patient).problem(404, "not_found");
    let log = world.alpha().patient(&patient.id).reads_access_log_of(&patient).expect(200);
    let result: Vec<[&str; 5]> = log
        .items()
        .iter()
        .map(|event| {
            ["actor", "role", "action", "purpose", "outcome"].map(|name| event[name].as_str().unwrap_or_default())
        })
        .collect();
    let id = patient.id.as_str();
    assert_eq!(
        result,
        [
            ["patient-1", "patient", "ReadAccessLog", "own_access", "ok"],
            ["lege-7", "clinician", "UpdatePatient", "treatment", "refused"],
            ["importer-1", "importer", "DeliverNettskjema", "collection", "ok"],
            ["lege-7", "clinician", "SubmitAnswers", "treatment", "ok"],
            ["lege-7", "clinician", "UpdatePatient", "treatment", "ok"],
            ["lege-7", "clinician", "ListPatients", "treatment", "ok"],
            ["lege-7", "clinician", "LookUpPatient", "treatment", "ok"],
            ["lege-7", "clinician", "ReadPatient", "treatment", "ok"],
            ["sekretær Ås", "secretary", "RegisterPatient", "administration", "ok"],
        ]
    );
    for event in log.items() {
        assert_eq!((&event["patient"], &event["origin"]), (&json!(id), &json!("127.0.0.1")));
        assert_eq!(event["client"], json!("painreg-tests"));
        assert!(event["at"].as_str().is_some_and(|at| at.parse::<jiff::Timestamp>().is_ok()));
        assert!(!event.to_string().contains(&patient.person.national_id));
    }
    assert_eq!(log.items()[7]["request_id"], json!("my-request-0001"));
    assert_eq!(log.items()[2]["actor_kind"], json!("machine"));
    // The refusals are in the registry's log, for supervising roles.
    let all = world.alpha().dpo().get("/v1/tenants/alpha/audit-events?limit=200").expect(200);
    let refused = all.items().iter().filter(|event| event["outcome"] == "not_found").count();
    assert_eq!(refused, 1);
    // No role in the database can change or remove an event.
    let alpha = world.schema("alpha");
    for role in ["clinician", "registry_manager", "dpo", "system", "patient", "importer"] {
        for statement in
            ["UPDATE {t}.audit_event SET actor = 'x'", "DELETE FROM {t}.audit_event", "TRUNCATE {t}.audit_event"]
        {
            let mut sql = world.sql();
            painreg_tests::execute(&mut sql, &format!("SET ROLE {alpha}_{role}"));
            let tried =
                format!("DO $$ BEGIN {}; RAISE EXCEPTION 'it was possible'; END $$", statement.replace("{t}", &alpha));
            let said =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| painreg_tests::execute(&mut sql, &tried)));
            let said = said.expect_err("it ends one way or the other");
            let text = said.downcast_ref::<String>().cloned().unwrap_or_default();
            assert!(text.contains("permission denied"), "{role}: {text}");
        }
    }
}
