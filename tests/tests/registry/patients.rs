//! Patients: every type of id, encrypted at rest, visible only within the caller's reach.

mod access;
mod sealing;

use painreg_tests::{Actor, Answer, World, registration};
use serde_json::{Value, json};

use crate::kit::{AnswerAssertions as _, completed, real_looking, with};

/// Returns a registration with any number.
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
fn register_and_look_up_patient_by_every_id_type() {
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
    // Sex and birth date come from their fields, never from the number.
    let listed = clinician.lists_patients("?limit=200").expect(200);
    assert!(listed.items().iter().all(|item| item["sex"] == "unknown" && item["birth_date"] == "1980-01-31"));
    assert_eq!(listed.items().len(), GOOD.len());
}

#[test]
fn register_patient_scopes_h_numbers_to_their_assigner() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let number = |assigner: &str| json!({"type": "hnr", "value": "13527248013", "assigner": assigner});
    let one = registers(&clinician, &number("993467049")).expect(201);
    let other = registers(&clinician, &number("ahus")).expect(201);
    assert_ne!(one.text_at("/id"), other.text_at("/id"));
    // One spelling: the case of the assigner does not matter.
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
fn register_patient_refuses_invalid_ids_without_repeating_them() {
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
            "form": "opr-baseline", "submitted_at": "2026-01-05T08:15:00Z", "answers": {"isi_01": 1},
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
fn register_patient_reports_every_faulty_member() {
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
        (json!({"birth_date": "19800201"}), "/birth_date", "invalid_format"),
        (json!({"birth_date": "1980-02-01T10:00:00"}), "/birth_date", "invalid_format"),
        (json!({"birth_date": "-009999-01-01"}), "/birth_date", "invalid_format"),
        (json!({"birth_date": "0001-01-01"}), "/birth_date", "invalid_date"),
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
    // The smallest valid body.
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
fn register_patient_refuses_a_registered_id() {
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
    // Two requests at the same time, without a key: one row.
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
    // The other registry does not know the patient.
    let there = world.beta().clinician().registers(&person);
    assert_ne!(there.id, patient.id);
}
