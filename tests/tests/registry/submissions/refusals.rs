//! Deliveries and submissions that are refused or kept in quarantine.

use painreg_tests::{World, submission};
use serde_json::{Value, json};

use super::{delivery, traces};
use crate::kit::{AnswerAssertions as _, real_looking, with};

#[test]
fn deliver_quarantines_invalid_answers() {
    let world = World::new();
    let importer = world.alpha().importer();
    let patient = world.alpha().secretary().registers(&world.person());
    let number = patient.person.national_id.as_str();
    let good = delivery(number, 1, &json!({"nrs_average": 5}));
    let before = traces(&world);
    let changed = |pointer: &str, value: Value| {
        let mut document = good.clone();
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        let parent = document.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
        if value.is_null() {
            parent.remove(member)
        } else {
            parent.insert(member.to_owned(), value)
        };
        document
    };
    for (pointer, value, fault, code) in [
        ("/answers/nrs_average", json!(11), "/answers/nrs_average", "out_of_range"),
        ("/answers/nrs_average", json!(-1), "/answers/nrs_average", "out_of_range"),
        ("/answers/nrs_average", json!(5.5), "/answers/nrs_average", "wrong_type"),
        ("/answers/nrs_average", json!("05"), "/answers/nrs_average", "wrong_type"),
        ("/answers/nrs_average", json!("five"), "/answers/nrs_average", "wrong_type"),
        ("/answers/nrs_average", json!(true), "/answers/nrs_average", "wrong_type"),
        ("/answers/nrs_average", json!([5]), "/answers/nrs_average", "wrong_type"),
        ("/answers/isi", json!({"01": "5"}), "/answers/isi/01", "out_of_range"),
        ("/answers/isi", json!({"08": "1"}), "/answers/isi/08", "unknown_item"),
        ("/answers/isi", json!({"01": 1}), "/answers/isi/01", "wrong_type"),
        ("/answers/catastrophizing", json!({"13": "9"}), "/answers/catastrophizing/13", "out_of_range"),
        ("/answers/self_efficacy", json!({"s10": "0"}), "/answers/self_efficacy/s10", "out_of_range"),
        ("/answers/sivilstand", json!("happy"), "/answers/sivilstand", "unknown_option"),
        ("/answers/children", json!(99), "/answers/children", "out_of_range"),
        ("/answers/surprise", json!(1), "/answers/surprise", "unknown_item"),
        ("/answers/civil_status", json!("married"), "/answers/civil_status", "unknown_item"),
        ("/answers/a~1b", json!(1), "/answers/a~01b", "invalid_format"),
        ("/surprise", json!(1), "/surprise", "unknown_item"),
        ("/version", Value::Null, "/version", "required"),
        ("/version", json!(2024), "/version", "wrong_type"),
        ("/version_minor", json!("2"), "/version_minor", "wrong_type"),
        ("/metadata", Value::Null, "/metadata", "required"),
        ("/metadata/surprise", json!(1), "/metadata/surprise", "unknown_item"),
        ("/metadata/created", json!("yesterday"), "/metadata/created", "invalid_date"),
        ("/metadata/created", json!("2026-02-30T00:00:00Z"), "/metadata/created", "invalid_date"),
        ("/metadata/created", json!("-009998-01-01T00:00:00Z"), "/metadata/created", "invalid_date"),
        ("/metadata/submission_id", json!("1"), "/metadata/submission_id", "wrong_type"),
        ("/metadata/submission_id", json!(-1), "/metadata/submission_id", "wrong_type"),
        ("/metadata/answer_time", Value::Null, "/metadata/answer_time", "required"),
        ("/metadata/respondent/provider", json!("facebook"), "/metadata/respondent/provider", "unknown_option"),
        (
            "/metadata/respondent/personal_identifier",
            json!("12345678910"),
            "/metadata/respondent/personal_identifier",
            "invalid_date",
        ),
        (
            "/metadata/respondent/personal_identifier",
            json!(real_looking(1)),
            "/metadata/respondent/personal_identifier",
            "not_accepted_here",
        ),
        (
            "/metadata/respondent/personal_identifier",
            json!(1),
            "/metadata/respondent/personal_identifier",
            "wrong_type",
        ),
        ("/answers", json!([]), "/answers", "wrong_type"),
    ] {
        importer.delivers(&changed(pointer, value)).kept(fault, code);
    }
    for root in [json!([]), json!("x"), json!(1), Value::Null, json!(true)] {
        importer.delivers(&root).fault(422, "", "wrong_type");
    }
    // Several faults are all reported, in order.
    let several = changed("/answers", json!({"nrs_average": 11, "isi": {"01": "9", "02": "x"}, "surprise": 1}));
    let kept = importer.delivers(&several).expect(202);
    let reasons = kept.body["reasons"].as_array().expect("reasons");
    let places: Vec<&str> = reasons.iter().filter_map(|reason| reason["pointer"].as_str()).collect();
    assert_eq!(places, ["/answers/isi/01", "/answers/isi/02", "/answers/nrs_average", "/answers/surprise"]);
    // An unregistered person, an unknown form, a form of another registry.
    let stranger = delivery(&world.person().national_id, 1, &json!({"nrs_average": 5}));
    importer.delivers(&stranger).kept("/metadata/respondent/personal_identifier", "unknown_reference");
    for form in ["9999999", "1", "0"] {
        importer.post(&importer.at(&format!("nettskjema/{form}/deliveries")), &good).kept("", "unknown_reference");
    }
    for form in ["abc", "1000001x", "%31000001x", "999999999999999999999"] {
        importer.post(&importer.at(&format!("nettskjema/{form}/deliveries")), &good).problem(404, "not_found");
    }
    assert_eq!(traces(&world)[..2], before[..2]);
    importer.delivers(&good).expect(201);
}

#[test]
fn submit_answers_refuses_invalid_answers() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let good = submission(&patient.id, "1", &json!({"isi_01": 1}));
    let before = traces(&world);
    let unregistered = "11111111-1111-4111-8111-111111111111";
    let id = &patient.person.national_id;
    for (changed, status, pointer, code) in [
        (json!({"answers": {"isi_01": 5}}), 422, "/answers/isi_01", "out_of_range"),
        (json!({"answers": {"isi_01": "1"}}), 422, "/answers/isi_01", "wrong_type"),
        (json!({"answers": {"isi_01": 1.5}}), 422, "/answers/isi_01", "wrong_type"),
        (json!({"answers": {"isi_99": 1}}), 422, "/answers/isi_99", "unknown_item"),
        (json!({"answers": {"children": 99}}), 422, "/answers/children", "out_of_range"),
        (json!({"answers": {"civil_status": "happy"}}), 422, "/answers/civil_status", "unknown_option"),
        (json!({"answers": []}), 422, "/answers", "wrong_type"),
        (json!({"answers": null}), 422, "/answers", "required"),
        (json!({"form": "opr"}), 422, "/form", "unknown_reference"),
        (json!({"form": ""}), 422, "/form", "invalid_format"),
        (json!({"form": "x".repeat(65)}), 422, "/form", "too_long"),
        (json!({"form_version": "99"}), 422, "/form_version", "unknown_reference"),
        (json!({"submitted_at": "yesterday"}), 422, "/submitted_at", "invalid_format"),
        (json!({"submitted_at": "2026-01-05"}), 422, "/submitted_at", "invalid_format"),
        (json!({"submitted_at": "-009998-01-01T00:00:00Z"}), 422, "/submitted_at", "invalid_format"),
        (json!({"submitted_at": "0001-01-01T00:00:00Z"}), 422, "/submitted_at", "invalid_date"),
        (json!({"patient": {"id": unregistered}}), 404, "/patient", "unknown_reference"),
        (json!({"patient": {"id": "me"}}), 422, "/patient/id", "invalid_format"),
        (json!({"patient": {"name": "N N"}}), 422, "/patient", "unknown_option"),
        (json!({"patient": {}}), 422, "/patient", "wrong_type"),
        (
            json!({"patient": {"national_id": {"type": "fnr", "value": "01818012338"}}}),
            422,
            "/patient/national_id/value",
            "invalid_checksum",
        ),
        (
            json!({"source": {"system": "", "form_id": "1", "submission_id": "1"}}),
            422,
            "/source/system",
            "invalid_format",
        ),
        (
            json!({"source": {"system": "x".repeat(41), "form_id": "1", "submission_id": "1"}}),
            422,
            "/source/system",
            "too_long",
        ),
        (json!({"source": {"system": "x", "form_id": "1"}}), 422, "/source/submission_id", "required"),
        (json!({"source": null}), 422, "/source", "required"),
        (json!({"scores": []}), 422, "/scores", "unknown_item"),
    ] {
        let answer = clinician.post(&clinician.at("submissions"), &with(&good, &changed));
        assert_eq!(answer.status, status, "{changed}: {}", answer.text());
        assert_eq!(answer.faults(), [(pointer.to_owned(), code.to_owned())], "{changed}: {}", answer.text());
    }
    assert_eq!(traces(&world), before);
    let by_number =
        with(&good, &json!({"patient": {"national_id": {"type": "fnr", "value": id}}, "form_version": "1"}));
    let made = clinician.post(&clinician.at("submissions"), &by_number).expect(201);
    assert_eq!(made.body["patient_id"], json!(patient.id));
    // Unanswered means null, absent or empty; a submission without any answer is refused, also over earlier answers.
    for (empty, code) in [(json!({}), "required"), (json!({"isi_01": null}), "required"), (Value::Null, "wrong_type")] {
        let mut changed = by_number.clone();
        changed["answers"] = empty;
        clinician.post(&clinician.at("submissions"), &changed).fault(422, "/answers", code);
    }
    // The same bytes again change nothing; other answers are a revision.
    assert_eq!(
        clinician.post(&clinician.at("submissions"), &by_number).expect(200).body["delivered"],
        json!("unchanged")
    );
    let revised = with(&by_number, &json!({"answers": {"isi_01": 2}}));
    assert_eq!(clinician.post(&clinician.at("submissions"), &revised).expect(201).body["delivered"], json!("revised"));
}

#[test]
fn importer_submits_answers_and_cannot_read_them() {
    let world = World::new();
    let importer = world.alpha().importer();
    let patient = world.alpha().secretary().registers(&world.person());
    let made = importer.delivers(&world.delivery(&patient.person, 1)).expect(201);
    for answer in [
        importer.get(made.header("location")),
        importer.reads(&patient),
        importer.reads_answers_of(&patient),
        importer.lists_patients(""),
        importer.looks_up(&patient.person),
        importer.get(&importer.at("summary")),
    ] {
        answer.problem(403, "forbidden");
    }
    // Its database role cannot read them with any SQL.
    let alpha = world.schema("alpha");
    let mut sql = world.sql();
    painreg_tests::execute(&mut sql, &format!("SET ROLE {alpha}_importer"));
    for query in [
        "answers FROM {t}.submission",
        "sealed FROM {t}.patient_identifier",
        "contact FROM {t}.patient",
        "birth_date FROM {t}.patient",
        "actor FROM {t}.audit_event",
    ] {
        let refused = painreg_tests::try_rows(&mut sql, &format!("SELECT {}", query.replace("{t}", &alpha)));
        assert!(refused.is_err_and(|error| error.to_string().contains("permission denied")), "{query}");
    }
}
