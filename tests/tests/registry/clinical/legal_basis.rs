//! Legal basis: one rule that applies to everything that is stored.

use jiff::civil::Date;
use painreg_domain::calendar::norwegian_day;
use painreg_domain::clinical::EntryKind;
use painreg_tests::{Actor, Answer, Patient, World, submission};
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use super::{alone, id, treated};
use crate::kit::{AnswerAssertions as _, with};

fn consent(decision: &str, from: &str) -> Value {
    json!({"basis": "consent", "decision": decision, "valid_from": from, "source": "paper", "letter_version": "2020-01"})
}

fn reservation(against: &str, from: &str) -> Value {
    json!({"basis": "reservation", "against": against, "valid_from": from, "source": "oral"})
}

#[track_caller]
fn permissions(actor: &Actor<'_>, patient: &Patient, query: &str) -> Value {
    actor.get(&actor.at(&format!("patients/{}/permissions{query}", patient.id))).expect(200).body
}

/// Returns whether data may be kept and questionnaires sent, and the reasons.
fn verdicts(body: &Value) -> [(bool, String); 2] {
    ["may_keep", "may_send"].map(|name| {
        let it = &body[name];
        assert!(it["en"].as_str().is_some_and(|text| text.ends_with('.')) && it["nb"] != it["en"], "{it}");
        (it["allowed"].as_bool().expect("yes or no"), it["reason"].as_str().unwrap_or_default().to_owned())
    })
}

/// Tries every operation that stores data of a patient.
fn keeps(world: &World, patient: &Patient, round: &str) -> Vec<(&'static str, Answer)> {
    let clinician = world.alpha().clinician();
    let importer = world.alpha().importer();
    let by_number = json!({"patient": {"national_id": {"type": "fnr", "value": patient.person.national_id}}});
    let line =
        json!({"patient_id": patient.id, "entries": [{"kind": "diagnosis", "content": alone(EntryKind::Diagnosis)}]});
    let id = |name: &str| format!("{name}-{round}");
    let delivered =
        world.delivery(&patient.person, 40_000_000 + u64::from(world.clock.now().subsec_nanosecond().unsigned_abs()));
    let own = world.alpha().patient(&patient.id);
    vec![
        ("a diagnosis", clinician.tries_to_record(patient, EntryKind::Diagnosis, &alone(EntryKind::Diagnosis))),
        (
            "the hospital's referral",
            world.alpha().pas_feed().tries_to_record(patient, EntryKind::Referral, &alone(EntryKind::Referral)),
        ),
        ("answers", clinician.submits(patient, &id("c"), &json!({"nrs_average": 7}))),
        ("the patient's answers", own.submits(patient, &id("p"), &json!({"nrs_average": 7}))),
        (
            "answers by number",
            importer.post(
                &importer.at("submissions"),
                &with(&submission("", &id("i"), &json!({"nrs_average": 7})), &by_number),
            ),
        ),
        ("a delivery", importer.delivers(&delivered)),
        ("a line", clinician.sends_lines("", &[line])),
    ]
}

#[track_caller]
fn none_is_kept(world: &World, patient: &Patient, reason: &str) {
    for (what, answer) in keeps(world, patient, reason) {
        let problem = if answer.status == 200 { answer.lines()[0]["problem"].clone() } else { answer.body.clone() };
        assert_eq!(
            (&problem["status"], &problem["code"]),
            (&json!(409), &json!("not_permitted")),
            "{what}: {}",
            answer.text()
        );
        let faults = problem["errors"].as_array().expect("faults");
        let pointer = if answer.status == 200 { "/entries/0/content" } else { "" };
        assert_eq!(faults.len(), 1, "{what}");
        assert_eq!((&faults[0]["pointer"], &faults[0]["code"]), (&json!(pointer), &json!(reason)), "{what}");
    }
}

#[track_caller]
fn all_is_kept(world: &World, patient: &Patient, round: &str) {
    for (what, answer) in keeps(world, patient, round) {
        let refused = answer.status >= 300 || answer.lines().iter().any(|line| line["outcome"] == "refused");
        assert!(!refused, "{what}: {}", answer.text());
    }
}

#[test]
fn record_entry_refuses_opted_out_patients() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let standing = clinician.records(&patient, EntryKind::Diagnosis, &alone(EntryKind::Diagnosis));
    all_is_kept(&world, &patient, "first");
    let counted = || {
        world.number("SELECT (SELECT count(*) FROM {alpha}.diagnosis) + (SELECT count(*) FROM {alpha}.submission) + (SELECT count(*) FROM {alpha}.referral)")
    };
    for (ground, reason) in [
        (reservation("registry", "2025-01-01"), "reserved_against_registry"),
        (consent("refused", "2025-01-01"), "consent_refused"),
        (consent("withdrawn", "2025-01-01"), "consent_withdrawn"),
    ] {
        let before = counted();
        let entry = clinician.records(&patient, EntryKind::LegalBasis, &ground);
        let said = permissions(&clinician, &patient, "");
        assert_eq!(verdicts(&said), [(false, reason.to_owned()), (false, reason.to_owned())]);
        none_is_kept(&world, &patient, reason);
        // Existing entries can be read; new ones are refused.
        clinician.reads_entry(&patient, EntryKind::Diagnosis, &standing, "").expect(200);
        let changed = clinician.changes_entry(&patient, EntryKind::Diagnosis, &standing, &json!({"rank": 2}));
        changed.problem(409, "not_permitted").fault(409, "", reason);
        assert_eq!(counted(), before);
        // The opt-out ended yesterday: from today recording is permitted.
        let yesterday = norwegian_day(world.clock.now()).yesterday().expect("a day");
        let ended = clinician
            .changes_entry(&patient, EntryKind::LegalBasis, &entry, &json!({"valid_to": yesterday}))
            .expect(200)
            .body;
        all_is_kept(&world, &patient, &format!("{reason}-ended"));
        assert!(!verdicts(&permissions(&clinician, &patient, &format!("?on={yesterday}")))[0].0);
        // On its last day the opt-out is in force.
        let today = norwegian_day(world.clock.now());
        let again = clinician
            .changes_entry(&patient, EntryKind::LegalBasis, &ended, &json!({"valid_to": today}))
            .expect(200)
            .body;
        none_is_kept(&world, &patient, reason);
        clinician.withdraws(&patient, EntryKind::LegalBasis, &again).expect(204);
        all_is_kept(&world, &patient, &format!("{reason}-withdrawn"));
    }
    // An opt-out of questionnaires is not one of the registry.
    clinician.records(&patient, EntryKind::LegalBasis, &reservation("questionnaires", "2025-01-01"));
    all_is_kept(&world, &patient, "questionnaires");
    assert_eq!(
        verdicts(&permissions(&clinician, &patient, "")),
        [(true, "general_exemption".to_owned()), (false, "reserved_against_questionnaires".to_owned())]
    );
}

#[test]
fn legal_basis_of_a_day_is_the_latest_recorded() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    for ground in [
        with(&consent("given", "2018-01-01"), &json!({"valid_to": "2019-12-31"})),
        consent("withdrawn", "2020-06-01"),
        json!({"basis": "exemption", "valid_from": "2021-06-01", "source": "registry"}),
        with(&reservation("questionnaires", "2022-01-01"), &json!({"valid_to": "2022-12-31"})),
        with(&reservation("registry", "2023-01-01"), &json!({"valid_to": "2023-12-31"})),
    ] {
        clinician.records(&patient, EntryKind::LegalBasis, &ground);
    }
    for (on, keep, send) in [
        ("2017-12-31", (false, "no_basis"), (false, "no_basis")),
        ("2018-01-01", (true, "consent_given"), (true, "consent_given")),
        ("2019-12-31", (true, "consent_given"), (true, "consent_given")),
        ("2020-01-01", (false, "no_basis"), (false, "no_basis")),
        ("2020-06-01", (false, "consent_withdrawn"), (false, "consent_withdrawn")),
        ("2021-05-31", (false, "consent_withdrawn"), (false, "consent_withdrawn")),
        ("2021-06-01", (true, "exempt"), (true, "exempt")),
        ("2022-06-01", (true, "exempt"), (false, "reserved_against_questionnaires")),
        ("2023-06-01", (false, "reserved_against_registry"), (false, "reserved_against_registry")),
        ("2024-01-01", (true, "exempt"), (true, "exempt")),
    ] {
        let body = permissions(&clinician, &patient, &format!("?on={on}"));
        assert_eq!(body["on"], on);
        let send = if patient.person.cognitive_impairment && send.0 { (false, "cognitive_impairment") } else { send };
        let send = if patient.person.interpreter_needed && send.0 { (false, "interpreter_needed") } else { send };
        assert_eq!(verdicts(&body), [keep, send].map(|(allowed, reason)| (allowed, reason.to_owned())), "{on}");
    }
    let other = clinician.registers(&world.person());
    clinician
        .changes(
            &other,
            1,
            &json!({"interpreter_needed": true, "cognitive_impairment": true, "deceased_on": "2026-01-01"}),
        )
        .expect(200);
    for (on, reason) in [("2025-12-31", "cognitive_impairment"), ("2026-01-01", "deceased")] {
        assert_eq!(verdicts(&permissions(&clinician, &other, &format!("?on={on}")))[1], (false, reason.to_owned()));
    }
    let today: Date = norwegian_day(world.clock.now());
    assert_eq!(permissions(&clinician, &other, "")["on"], today.to_string());
    for bad in ["on=yesterday", "on=", "at=2025-01-01", "on=2025-02-30"] {
        clinician
            .get(&clinician.at(&format!("patients/{}/permissions?{bad}", patient.id)))
            .problem(400, "invalid_parameter");
    }
}

#[test]
fn record_legal_basis_requires_the_members_of_its_kind() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let tries = |body: &Value| clinician.tries_to_record(&patient, EntryKind::LegalBasis, body);
    for (base, change, pointer, code) in [
        (consent("given", "2020-01-01"), json!({"decision": null}), "/decision", "required"),
        (consent("given", "2020-01-01"), json!({"against": "registry"}), "/against", "contradiction"),
        (reservation("registry", "2020-01-01"), json!({"against": null}), "/against", "required"),
        (reservation("registry", "2020-01-01"), json!({"decision": "given"}), "/decision", "contradiction"),
        (consent("given", "2020-01-01"), json!({"valid_to": "2019-12-31"}), "/valid_to", "wrong_order"),
        (consent("given", "2999-01-01"), json!({}), "/valid_from", "in_future"),
        (consent("given", "1800-01-01"), json!({}), "/valid_from", "before_birth"),
        (consent("given", "2020-01-01"), json!({"letter_version": ""}), "/letter_version", "invalid_format"),
        (consent("maybe", "2020-01-01"), json!({}), "/decision", "unknown_option"),
    ] {
        tries(&with(&base, &change)).fault(422, pointer, code);
    }
    let early = json!({"basis": "exemption", "valid_from": "2021-05-31", "source": "registry"});
    assert_eq!(tries(&early).expect(201).body["remarks"], json!(["exemption_before_june2021"]));
    // Its end may be in the future.
    let long = with(&consent("given", "2020-01-01"), &json!({"valid_to": "9999-12-31"}));
    assert_eq!(tries(&long).expect(201).body["valid_to"], "9999-12-31");
}

#[test]
fn opt_out_applies_to_the_merged_record_only() {
    let world = World::new();
    let (clinician, survivor) = treated(&world);
    let duplicate = clinician.registers(&world.person());
    clinician.records(&duplicate, EntryKind::LegalBasis, &reservation("registry", "2025-01-01"));
    all_is_kept(&world, &survivor, "before");
    let merge = world.alpha().manager().merges(&survivor, &duplicate).expect(201).body;
    none_is_kept(&world, &survivor, "reserved_against_registry");
    none_is_kept(&world, &duplicate, "reserved_against_registry");
    world.alpha().manager().undoes(&merge).expect(200);
    all_is_kept(&world, &survivor, "after");
    none_is_kept(&world, &duplicate, "reserved_against_registry");
}

#[test]
fn withdraw_and_correction_are_allowed_without_legal_basis() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let kept: Vec<(EntryKind, Value)> =
        [EntryKind::Referral, EntryKind::Diagnosis, EntryKind::TreatmentGoal, EntryKind::Medication]
            .map(|kind| (kind, clinician.records(&patient, kind, &alone(kind))))
            .into();
    let ground = clinician.records(&patient, EntryKind::LegalBasis, &reservation("registry", "2025-01-01"));
    for (kind, entry) in &kept {
        clinician.withdraws(&patient, *kind, entry).expect(204);
    }
    for kind in EntryKind::iter().filter(|kind| *kind != EntryKind::LegalBasis && kind.row().parent.is_none()) {
        let refused = clinician.tries_to_record(&patient, kind, &alone(kind)).problem(409, "not_permitted");
        refused.fault(409, "", "reserved_against_registry");
    }
    // The refusals are in the patient's log.
    let log = world.alpha().patient(&patient.id).reads_access_log_of(&patient).expect(200);
    assert!(log.items().iter().filter(|it| it["outcome"] == "refused").count() >= 5, "{}", log.text());
    let given = clinician.records(&patient, EntryKind::LegalBasis, &consent("given", "2025-02-01"));
    assert!(!verdicts(&permissions(&clinician, &patient, ""))[0].0, "a reservation outweighs consent: {}", id(&given));
    let questionnaires = json!({"against": "questionnaires"});
    clinician.changes_entry(&patient, EntryKind::LegalBasis, &ground, &questionnaires).expect(200);
    assert!(verdicts(&permissions(&clinician, &patient, ""))[0].0);
}
