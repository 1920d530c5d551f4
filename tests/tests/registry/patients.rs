//! Patients: every kind of number, sealed where it lies, and seen by those who treat them.

use painreg_domain::policy::Role;
use painreg_tests::{Actor, Answer, World, registration};
use serde_json::{Value, json};

use crate::kit::{Judged as _, completed, real_looking, with};

/// A registration under any number.
fn with_number(number: &Value) -> Value {
    json!({"national_id": number, "sex": "unknown", "birth_date": "1980-01-31"})
}

fn registers(actor: &Actor<'_>, number: &Value) -> Answer {
    actor.post(&actor.at("patients"), &with_number(number))
}

/// Synthetic and public test vectors, both check rules: Skatteetaten's +80 numbers, `navikt/fnrvalidator`'s, FH numbers
/// of Norsk helsenett, generated ones.
const GOOD: &[(&str, &str)] = &[
    ("fnr", "01818012337"),
    ("fnr", "15865523413"),
    ("fnr", "29820050124"),
    ("fnr", "20913990073"),
    ("fnr", "10915596784"),
    ("fnr", "03851598730"),
    ("fnr", "30908299902"), // the rule of 2032: r1 = 2
    ("dnr", "41818012320"),
    ("dnr", "55865523407"),
    ("dnr", "69820050118"),
    ("dnr", "60913990067"),
    ("dnr", "50846202355"),
    ("dnr", "41819077302"),
    ("dnr", "41819077906"), // the rule of 2032: r1 = 1
    ("fnr", "13527248013"), // month + 40 on a fødselsnummer
    ("dnr", "68467038838"),
    ("fhn", "81234567802"),
    ("fhn", "91234567883"),
    ("fhn", "80008117075"),
    ("fhn", "80008621423"),
    ("fhn", "80009001259"),
    ("fhn", "80005484026"),
    ("fhn", "99056326525"),
];

#[test]
fn every_kind_of_number_registers_and_is_found_again() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    for (kind, value) in GOOD {
        let number = json!({"type": kind, "value": value});
        let answer = registers(&clinician, &number).expect(201);
        assert_eq!(answer.body["national_ids"], json!([number]), "{kind} {value}");
        assert_eq!(answer.header("location"), clinician.at(&format!("patients/{}", answer.text_at("/id"))));
        let found = clinician.post(&clinician.at("patient-lookups"), &json!({"national_id": number})).expect(200);
        assert_eq!(found.body, answer.body, "{kind} {value}");
        assert_eq!(found.header("etag"), "\"v1\"");
        assert_eq!(found.header("location"), "", "a look-up makes nothing");
    }
    // Sex and birth date are those of their own fields, never the number's.
    let listed = clinician.lists_patients("?limit=200").expect(200);
    assert!(listed.items().iter().all(|item| item["sex"] == "unknown" && item["birth_date"] == "1980-01-31"));
    assert_eq!(listed.items().len(), GOOD.len());
}

#[test]
fn an_h_number_is_unique_with_its_assigner_only() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let number = |assigner: &str| json!({"type": "hnr", "value": "13527248013", "assigner": assigner});
    let one = registers(&clinician, &number("993467049")).expect(201);
    let other = registers(&clinician, &number("ahus")).expect(201);
    assert_ne!(one.text_at("/id"), other.text_at("/id"));
    // One spelling: the assigner's case says nothing.
    registers(&clinician, &number("AHUS")).fault(409, "/national_id", "already_exists");
    let looked_up = |number: Value| clinician.post(&clinician.at("patient-lookups"), &json!({"national_id": number}));
    assert_eq!(looked_up(number("Ahus")).expect(200).text_at("/id"), other.text_at("/id"));
    looked_up(number("ous")).problem(404, "not_found");
    // The same digits as a fødselsnummer are another identity.
    looked_up(json!({"type": "fnr", "value": "13527248013"})).problem(404, "not_found");
    for (assigner, code) in [
        (json!(""), "required"),
        (json!("x".repeat(65)), "too_long"),
        (json!("a b"), "forbidden_character"),
        (Value::Null, "required"),
        (json!("ø"), "forbidden_character"),
    ] {
        let number = json!({"type": "hnr", "value": "13527248013", "assigner": assigner});
        registers(&clinician, &number).fault(422, "/national_id/assigner", code);
    }
    registers(&clinician, &json!({"type": "hnr", "value": "13527248013"})).fault(
        422,
        "/national_id/assigner",
        "required",
    );
    registers(&clinician, &json!({"type": "fnr", "value": "01818012337", "assigner": "ous"})).fault(
        422,
        "/national_id/assigner",
        "contradiction",
    );
}

#[test]
fn wrong_numbers_are_refused_by_place_and_reason_and_never_repeated() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    for (kind, value, code) in [
        ("fnr", "20036914712", "invalid_checksum"),
        ("fnr", "01818012338", "invalid_checksum"),
        ("fnr", "01818012347", "invalid_checksum"),
        ("fnr", "01818021337", "invalid_checksum"),
        ("fhn", "81234567803", "invalid_checksum"),
        ("dnr", "41819077907", "invalid_checksum"),
        ("fnr", &completed("298201"), "invalid_date"), // 29 February 2001
        ("fnr", &completed("318480"), "invalid_date"), // 31 April
        ("fnr", "12345678910", "invalid_date"),        // month 34
        ("fnr", "00000000000", "invalid_date"),
        ("fnr", "41818012320", "invalid_format"), // a D-number
        ("dnr", "01818012337", "invalid_format"),
        ("fhn", "01818012337", "invalid_format"),
        ("fnr", "81234567802", "invalid_format"),
        ("fnr", "0181801233", "invalid_format"),
        ("fnr", "018180123370", "invalid_format"),
        ("fnr", "018180 12337", "invalid_format"),
        ("fnr", " 1818012337", "invalid_format"),
        ("fnr", "0181801233O", "invalid_format"),
        ("fnr", "", "invalid_format"),
        ("fnr", "٠١٨١٨٠١٢٣٣٧", "invalid_format"),
        ("duf", "01818012337", "invalid_format"),
        // Real-looking numbers do not belong in a test environment, DUF numbers included.
        ("fnr", &real_looking(1), "not_accepted_here"),
        ("fnr", &real_looking(31), "not_accepted_here"),
        ("dnr", &real_looking(41), "not_accepted_here"),
        ("duf", "201012345678", "not_accepted_here"),
    ] {
        let number = json!({"type": kind, "value": value});
        let answers = [
            registers(&clinician, &number),
            clinician.post(&clinician.at("patient-lookups"), &json!({"national_id": number})),
        ];
        for answer in answers {
            let answer = answer.fault(422, "/national_id/value", code);
            assert!(value.is_empty() || !answer.text().contains(value), "{value}");
        }
        let body = json!({
            "source": {"system": "test", "form_id": "1", "submission_id": "1"}, "patient": {"national_id": number},
            "form": "opr-baseline", "submitted_at": "2026-01-05T08:15:00Z", "answers": {},
        });
        let importer = world.alpha().importer();
        importer.post(&importer.at("submissions"), &body).fault(422, "/patient/national_id/value", code);
    }
    for (number, pointer, code) in [
        (json!({"type": "ssn", "value": "01818012337"}), "/national_id/type", "unknown_option"),
        (json!({"type": "fnr", "value": 1_818_012_337}), "/national_id/value", "wrong_type"),
        (json!({"type": "fnr", "value": null}), "/national_id/value", "wrong_type"),
        (json!({"value": "01818012337"}), "/national_id/type", "required"),
        (json!({"type": "fnr"}), "/national_id/value", "required"),
        (json!({"type": "fnr", "value": "01818012337", "country": "NO"}), "/national_id/country", "unknown_item"),
        (json!("01818012337"), "/national_id", "wrong_type"),
        (json!(["fnr", "01818012337"]), "/national_id", "wrong_type"),
    ] {
        let answer = registers(&clinician, &number).fault(422, pointer, code);
        assert!(!answer.text().contains("01818012337"));
    }
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.patient"), 0);
}

#[test]
fn other_fields_are_checked_all_at_once() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let person = world.person();
    let body = with(
        &registration(&person),
        &json!({"birth_date": "2999-01-01", "language": "norsk", "unit": " clinic",
            "national_id": {"type": "fnr", "value": "01818012338"}, "contact": {"mobile": "22000000", "email": "nobody"}}),
    );
    let answer = clinician.post(&clinician.at("patients"), &body).problem(422, "invalid");
    let mut faults = answer.faults();
    faults.sort();
    let expected = [
        ("/birth_date", "invalid_date"),
        ("/contact/email", "invalid_format"),
        ("/contact/mobile", "invalid_format"),
        ("/language", "invalid_format"),
        ("/national_id/value", "invalid_checksum"),
        ("/unit", "invalid_format"),
    ];
    assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    for (changed, pointer, code) in [
        (json!({"sex": "other"}), "/sex", "unknown_option"),
        (json!({"sex": null}), "/sex", "required"),
        (json!({"birth_date": null}), "/birth_date", "required"),
        (json!({"birth_date": "1.2.1980"}), "/birth_date", "invalid_format"),
        (json!({"birth_date": "-009999-01-01"}), "/birth_date", "invalid_date"),
        (json!({"deceased_on": "1900-01-01"}), "/deceased_on", "contradiction"),
        (json!({"deceased_on": "2999-01-01"}), "/deceased_on", "invalid_date"),
        (json!({"unit": "x".repeat(101)}), "/unit", "too_long"),
        (json!({"contact": {"mobile": "+46701740605", "fax": "1"}}), "/contact/fax", "unknown_item"),
        (json!({"contact": {"email": format!("{}@example.org", "a".repeat(250))}}), "/contact/email", "too_long"),
        (json!({"interpreter_needed": 1}), "/interpreter_needed", "wrong_type"),
        (json!({"id": "x"}), "/id", "unknown_item"),
    ] {
        let body = with(&registration(&person), &changed);
        clinician.post(&clinician.at("patients"), &body).fault(422, pointer, code);
    }
    // Nobody's fault: the smallest body there is.
    let small = json!({"national_id": {"type": "fnr", "value": person.national_id}, "sex": "female", "birth_date": "1980-01-31"});
    let made = clinician.post(&clinician.at("patients"), &small).expect(201).body;
    for (member, value) in [
        ("language", json!("nb")),
        ("unit", json!("clinic")),
        ("interpreter_needed", json!(false)),
        ("deceased_on", Value::Null),
        ("contact", json!({"mobile": null, "email": null})),
    ] {
        assert_eq!(made.get(member).cloned().unwrap_or_default(), value, "{member}");
    }
}

#[test]
fn somebody_who_is_registered_is_not_registered_again() {
    let world = World::new();
    let person = world.person();
    let patient = world.alpha().clinician().registers(&person);
    for actor in
        [world.alpha().clinician(), world.alpha().secretary(), world.alpha().pas_feed(), world.alpha().manager()]
    {
        let answer = actor.post(&actor.at("patients"), &registration(&person));
        let answer = answer.problem(409, "already_exists").fault(409, "/national_id", "already_exists");
        assert!(!answer.text().contains(&patient.id) && !answer.text().contains(&person.national_id));
    }
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.patient"), 1);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.patient_key"), 1);
    // Two at once, without any key: one row.
    let other = world.person();
    let statuses: Vec<u16> = std::thread::scope(|threads| {
        let sent: Vec<_> = (0..8)
            .map(|_| {
                threads.spawn(|| {
                    let secretary = world.alpha().secretary();
                    secretary.post(&secretary.at("patients"), &registration(&other)).status
                })
            })
            .collect();
        sent.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 7);
    // The other registry knows nothing of it.
    let there = world.beta().clinician().registers(&person);
    assert_ne!(there.id, patient.id);
}

#[test]
fn what_identifies_a_patient_lies_sealed() {
    let world = World::new();
    let secretary = world.alpha().secretary();
    let person = world.person();
    let h_number = json!({"type": "hnr", "value": "13527248013", "assigner": "ous"});
    let patient = secretary.registers(&person);
    registers(&secretary, &h_number).expect(201);
    secretary.looks_up(&person).expect(200);
    secretary
        .request("POST", &secretary.at("patients"))
        .key("key-1")
        .json(&registration(&world.person()))
        .send()
        .expect(201);
    secretary
        .changes(&patient, 1, &json!({"contact": {"mobile": "+46701740611", "email": "hemmelig@example.org"}}))
        .expect(200);
    world.alpha().importer().delivers(&world.delivery(&person, 1)).expect(201);
    let citizen = world.alpha().patient("").changed(|claims| {
        claims.patient = None;
        claims.national_id = Some(person.national_id.clone());
    });
    citizen.reads(&patient).expect(200);

    // Every column of every table, as a dump would write it.
    let tables = world.rows(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_catalog.pg_tables \
         WHERE schemaname = 'platform' OR schemaname LIKE 't\\_%'",
    );
    assert!(tables.len() > 20);
    let mut dump = String::new();
    for table in tables.iter().filter_map(|row| row["name"].as_str()) {
        for row in world.rows(&format!("SELECT whole::text AS line FROM {table} AS whole")) {
            dump.push_str(row["line"].as_str().unwrap_or_default());
            dump.push('\n');
        }
    }
    // The scan sees what is there: the patient's id, and bytes as hexadecimal.
    assert!(dump.contains(&patient.id) && dump.contains("\\x01"));
    let log = std::fs::read_to_string(painreg_tests::Cluster::shared().folder.join("postgres.log")).unwrap_or_default();
    for secret in [
        person.national_id.as_str(),
        "13527248013",
        person.mobile.as_str(),
        &person.mobile[1..],
        person.email.as_str(),
        "+46701740611",
        "46701740611",
        "hemmelig",
    ] {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for (where_, text) in [("the tables", &dump), ("the database's log", &log)] {
            assert!(!text.contains(secret), "{secret} in {where_}");
            assert!(!text.contains(&hex), "{secret} in {where_}, in hexadecimal");
        }
    }
    // Sealed values do not open in another row: what is moved is not shown.
    let alpha = world.schema("alpha");
    painreg_tests::execute(
        &mut world.sql(),
        &format!(
            "UPDATE {alpha}.patient SET contact = (SELECT contact FROM {alpha}.patient WHERE id = '{}') WHERE contact IS NOT NULL",
            patient.id
        ),
    );
    let others = world
        .rows(&format!("SELECT id::text FROM {alpha}.patient WHERE contact IS NOT NULL AND id <> '{}'", patient.id));
    let other = others[0]["id"].as_str().expect("an id");
    let answer = secretary.get(&secretary.at(&format!("patients/{other}"))).problem(500, "internal");
    assert!(!answer.text().contains("hemmelig"));
    secretary.reads(&patient).expect(200);
}

#[test]
fn the_blind_index_of_one_number_differs_between_registries() {
    let world = World::new();
    let person = world.person();
    world.alpha().secretary().registers(&person);
    world.beta().secretary().registers(&person);
    let of = |tenant: &str| {
        let rows =
            world.rows(&format!("SELECT encode(blind_index, 'hex') AS blind FROM {{{tenant}}}.patient_identifier"));
        rows[0]["blind"].as_str().expect("an index").to_owned()
    };
    let (alpha, beta) = (of("alpha"), of("beta"));
    assert_eq!((alpha.len(), beta.len()), (64, 64));
    assert_ne!(alpha, beta);
    // And it is no plain hash of the number: nobody can go through all of them.
    let hashes = world.rows(&format!(
        "SELECT encode(sha256('{0}'), 'hex') AS plain, encode(sha256('fnr:{0}'), 'hex') AS canonical",
        person.national_id
    ));
    for hash in hashes[0].values().filter_map(Value::as_str) {
        assert!(hash != alpha && hash != beta);
    }
}

#[test]
fn who_reaches_a_unit_reaches_no_other() {
    let world = World::new();
    let here = world.alpha().clinician();
    let there = world.alpha().clinician().of_unit("ward").called("clinician-2");
    let patient = here.registers(&world.person());
    here.submits(&patient, "1", &json!({"isi_01": 1})).expect(201);
    let submission = here.reads_answers_of(&patient).expect(200).items()[0]["id"].as_str().expect("an id").to_owned();
    let nobody = "11111111-1111-4111-8111-111111111111";
    // For the other unit the patient does not exist: the same answer as for an id that was never given.
    for (real, invented) in [
        (there.reads(&patient), there.get(&there.at(&format!("patients/{nobody}")))),
        (there.reads_answers_of(&patient), there.get(&there.at(&format!("patients/{nobody}/submissions")))),
        (
            there.get(&there.at(&format!("submissions/{submission}"))),
            there.get(&there.at(&format!("submissions/{nobody}"))),
        ),
        (
            there.changes(&patient, 1, &json!({"language": "en"})),
            there.patch(&there.at(&format!("patients/{nobody}")), 1, &json!({"language": "en"})),
        ),
        (there.looks_up(&patient.person), there.looks_up(&world.person())),
        (
            there.submits(&patient, "2", &json!({"isi_01": 1})),
            there.post(&there.at("submissions"), &painreg_tests::submission(nobody, "2", &json!({"isi_01": 1}))),
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
    // Nobody registers or moves a patient out of their own reach.
    let body = with(&registration(&world.person()), &json!({"unit": "ward"}));
    here.post(&here.at("patients"), &body).fault(422, "/unit", "unknown_reference");
    here.changes(&patient, 1, &json!({"unit": "ward"})).fault(422, "/unit", "unknown_reference");
    // Whose token names no unit reaches nobody.
    let lost = here.clone().changed(|claims| claims.unit = None).called("clinician-3");
    lost.reads(&patient).problem(404, "not_found");
    assert_eq!(lost.lists_patients("").expect(200).items().len(), 0);
    // The manager reaches all and moves the patient; then it is the other way round.
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
fn a_patient_reads_their_own_record_and_who_looked_at_it() {
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
    // Nobody but the patient and those who oversee reads the log.
    for role in [Role::Clinician, Role::Secretary, Role::Importer, Role::PasFeed] {
        world.alpha().somebody(role).reads_access_log_of(&own).problem(403, "forbidden");
    }
    world.alpha().manager().reads_access_log_of(&own).expect(200);
    world.alpha().dpo().reads_access_log_of(&own).expect(200);
}

#[test]
fn the_access_log_tells_who_did_what_and_when() {
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
    // A change that came too late had opened the record, and is told; who could not reach it had not.
    clinician.changes(&patient, 1, &json!({"language": "nb"})).problem(412, "stale");
    clinician.clone().of_unit("ward").reads(&patient).problem(404, "not_found");
    let log = world.alpha().patient(&patient.id).reads_access_log_of(&patient).expect(200);
    let told: Vec<[&str; 5]> = log
        .items()
        .iter()
        .map(|event| {
            ["actor", "role", "action", "purpose", "outcome"].map(|name| event[name].as_str().unwrap_or_default())
        })
        .collect();
    let id = patient.id.as_str();
    assert_eq!(
        told,
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
    // The refusals are in the registry's log, for those who oversee.
    let all = world.alpha().dpo().get("/v1/tenants/alpha/audit-events?limit=200").expect(200);
    let refused = all.items().iter().filter(|event| event["outcome"] == "not_found").count();
    assert_eq!(refused, 1);
    // Nobody can change or remove an entry, whatever their role in the database.
    let alpha = world.schema("alpha");
    for role in ["clinician", "registry_manager", "dpo", "system", "patient", "importer"] {
        for deed in
            ["UPDATE {t}.audit_event SET actor = 'x'", "DELETE FROM {t}.audit_event", "TRUNCATE {t}.audit_event"]
        {
            let mut sql = world.sql();
            painreg_tests::execute(&mut sql, &format!("SET ROLE {alpha}_{role}"));
            let tried =
                format!("DO $$ BEGIN {}; RAISE EXCEPTION 'it was possible'; END $$", deed.replace("{t}", &alpha));
            let said =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| painreg_tests::execute(&mut sql, &tried)));
            let said = said.expect_err("it ends one way or the other");
            let text = said.downcast_ref::<String>().cloned().unwrap_or_default();
            assert!(text.contains("permission denied"), "{role}: {text}");
        }
    }
}
