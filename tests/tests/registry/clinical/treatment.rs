//! Diagnoses, procedures and medication: official codes, groups of procedures, doses of opioids, pain drawings.

use painreg_domain::clinical::EntryKind;
use painreg_tests::{Actor, Patient, World};
use serde_json::{Value, json};

use super::{alone, id, only_fault, treated};
use crate::kit::{AnswerAssertions as _, with};

#[test]
fn record_diagnosis_requires_a_valid_code_and_derives_its_class() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let diagnosis = |change: Value| with(&alone(EntryKind::Diagnosis), &change);
    for (change, code, pain, remarks) in [
        (json!({"code": "mg30.02"}), "MG30.02", json!("primary"), json!([])),
        (json!({"code": "MG30.51", "rank": 2}), "MG30.51", json!("secondary"), json!([])),
        (json!({"system": "icd10", "code": "m797"}), "M79.7", Value::Null, json!(["chronic_pain_code_expected_first"])),
        (json!({"system": "icd10", "code": "M79.7", "rank": 2}), "M79.7", Value::Null, json!([])),
    ] {
        let kept = clinician.records(&patient, EntryKind::Diagnosis, &diagnosis(change));
        assert_eq!((&kept["code"], &kept["chronic_pain"], &kept["remarks"]), (&json!(code), &pain, &remarks), "{kept}");
        assert!(kept["title"].is_string() && kept["edition"].is_string(), "{kept}");
    }
    for (change, pointer, code) in [
        (json!({"code": "MG30.99"}), "/code", "unknown_code"),
        (json!({"code": "M79.7"}), "/code", "wrong_code_system"),
        (json!({"system": "icd10", "code": "MG30.02"}), "/code", "wrong_code_system"),
        (json!({"code": ""}), "/code", "invalid_format"),
        (json!({"code": "x".repeat(5000)}), "/code", "invalid_format"),
        (json!({"system": "icd9"}), "/system", "unknown_option"),
        (json!({"rank": 21}), "/rank", "out_of_range"),
        (json!({"set_on": "2999-01-01", "rank": 1}), "/set_on", "in_future"),
    ] {
        let refused = clinician.tries_to_record(&patient, EntryKind::Diagnosis, &diagnosis(change.clone())).expect(422);
        let known = (pointer.to_owned(), code.to_owned());
        assert!(refused.faults().contains(&known), "{change}: {}", refused.text());
        assert!(refused.bytes.len() < 4000, "nothing is repeated");
    }
    let slip = clinician.tries_to_record(
        &patient,
        EntryKind::Diagnosis,
        &diagnosis(json!({"system": "icd10", "code": "M79.6X"})),
    );
    let fault = only_fault(&slip.expect(422));
    assert!(
        fault["suggestions"].as_array().is_some_and(|near| !near.is_empty() && near[0]["title"].is_string()),
        "{fault}"
    );
    let shown = clinician.lists(&patient, EntryKind::Diagnosis, "?code=M79.7").expect(200);
    assert_eq!(shown.items().len(), 2);
}

#[test]
fn entry_code_is_checked_on_the_day_of_use() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let used = |atc: &str, on: &str| json!({"atc": atc, "route": "oral", "started_on": on});
    // Gabapentin has another code since 2023.
    let old = clinician.records(&patient, EntryKind::Medication, &used("N03AX12", "2022-12-31"));
    assert_eq!(old["substance"], "gabapentin");
    let refused =
        clinician.tries_to_record(&patient, EntryKind::Medication, &used("N03AX12", "2023-01-01")).expect(422);
    let fault = only_fault(&refused);
    assert_eq!((&fault["pointer"], &fault["code"]), (&json!("/atc"), &json!("expired_code")));
    assert_eq!(fault["suggestions"][0]["code"], "N02BF01", "{fault}");
    clinician.records(&patient, EntryKind::Medication, &used("N02BF01", "2023-01-01"));
    clinician.tries_to_record(&patient, EntryKind::Medication, &used("N02BF01", "2022-12-31")).fault(
        422,
        "/atc",
        "expired_code",
    );
    // An entry that was valid when recorded may be ended.
    let ended = json!({"ended_on": "2023-06-01", "stop_reason": "replaced"});
    clinician.changes_entry(&patient, EntryKind::Medication, &old, &ended).expect(200);
}

#[test]
fn record_procedure_derives_the_group_of_its_code() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let done = |change: Value| with(&alone(EntryKind::Procedure), &change);
    for (change, group) in [
        (json!({}), json!("rf")),
        (json!({"code": "zdnb01"}), json!("block")),
        (json!({"code": "ZDBT01"}), Value::Null),
        (json!({"system": "ncsp", "code": "ZDS02"}), json!("scs")),
        (json!({"code": "ZDBT01", "procedure_group": "infusion"}), json!("infusion")),
        (json!({"procedure_group": "block"}), json!("block")),
    ] {
        let kept = clinician.records(&patient, EntryKind::Procedure, &done(change));
        assert_eq!(kept["effective_group"], group, "{kept}");
    }
    assert_eq!(
        clinician.records(&patient, EntryKind::Procedure, &done(json!({"sites": null})))["remarks"],
        json!(["site_missing"])
    );
    for (change, pointer, code) in [
        (json!({"system": "ncrp"}), "/code", "code_system_not_loaded"),
        (json!({"system": "ncsp"}), "/code", "wrong_code_system"),
        (json!({"procedure_group": "magic"}), "/procedure_group", "unknown_code"),
        (json!({"sites": [{"region": "knee", "side": "midline"}]}), "/sites/0/side", "contradiction"),
        (json!({"sites": [{"region": "knee"}]}), "/sites/0/side", "required"),
        (json!({"sites": [{"region": "tail", "side": "left"}]}), "/sites/0/region", "unknown_option"),
        (json!({"sites": {"region": "knee", "side": "left"}}), "/sites", "wrong_type"),
    ] {
        clinician.tries_to_record(&patient, EntryKind::Procedure, &done(change)).fault(422, pointer, code);
    }
    let many = json!({"sites": vec![json!({"region": "knee", "side": "left"}); 21]});
    let refused = clinician.tries_to_record(&patient, EntryKind::Procedure, &done(many)).expect(422);
    assert!(refused.faults().contains(&("/sites".to_owned(), "too_long".to_owned())), "{}", refused.text());
}

#[test]
fn record_pain_site_refuses_duplicate_regions() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let drawing = |areas: Value| with(&alone(EntryKind::PainSite), &json!({ "areas": areas }));
    let kept = clinician.records(
        &patient,
        EntryKind::PainSite,
        &drawing(json!([
            {"region": "lower_back", "side": "both", "intensity": 7, "main": true},
            {"region": "lower_back", "side": "midline"},
            {"region": "knee", "side": "left", "intensity": 0},
        ])),
    );
    assert_eq!(kept["area_count"], 4);
    for (areas, pointer, code) in [
        (json!([]), "/areas", "required"),
        (
            json!([{"region": "knee", "side": "left"}, {"region": "knee", "side": "both"}]),
            "/areas/1/region",
            "contradiction",
        ),
        (
            json!([{"region": "knee", "side": "both"}, {"region": "knee", "side": "right"}]),
            "/areas/1/region",
            "contradiction",
        ),
        (
            json!([{"region": "knee", "side": "left"}, {"region": "knee", "side": "left"}]),
            "/areas/1/region",
            "contradiction",
        ),
        (json!([{"region": "knee", "side": "left", "intensity": 11}]), "/areas/0/intensity", "out_of_range"),
        (json!([{"region": "knee", "side": "left", "intensity": -1}]), "/areas/0/intensity", "out_of_range"),
        (json!([{"region": "knee", "side": "left", "intensity": 1.5}]), "/areas/0/intensity", "wrong_type"),
        (json!(vec![json!({"region": "knee", "side": "left"}); 101]), "/areas", "too_long"),
    ] {
        let refused = clinician.tries_to_record(&patient, EntryKind::PainSite, &drawing(areas)).expect(422);
        assert!(refused.faults().contains(&(pointer.to_owned(), code.to_owned())), "{}", refused.text());
    }
}

/// Returns day, sum, opioids, unknown ones and level of each step.
#[track_caller]
fn steps(actor: &Actor<'_>, patient: &Patient, query: &str) -> Vec<(String, f64, i64, i64, String)> {
    let found = actor.get(&actor.at(&format!("patients/{}/omeq-series{query}", patient.id))).expect(200);
    let text = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
    let number = |it: &Value, name: &str| it[name].as_i64().unwrap_or(-1);
    let step = |it: &Value| {
        (
            text(it, "from"),
            it["total_mg"].as_f64().unwrap_or(-1.0),
            number(it, "opioids"),
            number(it, "unknown"),
            text(it, "level"),
        )
    };
    found.items().iter().map(step).collect()
}

fn step(from: &str, mg: f64, opioids: i64, unknown: i64, level: &str) -> (String, f64, i64, i64, String) {
    (from.to_owned(), mg, opioids, unknown, level.to_owned())
}

#[test]
fn omeq_series_adds_opioids_over_time() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    assert_eq!(steps(&clinician, &patient, ""), []);
    let takes = |body: Value| clinician.records(&patient, EntryKind::Medication, &body);
    let morphine = takes(
        json!({"atc": "N02AA01", "route": "oral", "dose": 50, "unit": "mg", "doses_per_day": 2, "started_on": "2025-01-01"}),
    );
    assert_eq!((&morphine["omeq_mg"], &morphine["remarks"]), (&json!(100), &json!([])));
    assert_eq!(morphine["omeq_factors"], "hdir-konvertering-av-opioiddoser/1");
    let one = world.clock.now();
    let patch = takes(
        json!({"atc": "N02AB03", "route": "transdermal", "dose": 12.5, "unit": "ug_per_hour", "started_on": "2025-02-01", "ended_on": "2025-02-28"}),
    );
    assert_eq!(patch["omeq_mg"], 30);
    let much = takes(
        json!({"atc": "N02AA05", "route": "oral", "dose": 100.5, "unit": "mg", "doses_per_day": 2, "started_on": "2025-03-01", "ended_on": "2025-03-31", "stop_reason": "tapered"}),
    );
    assert_eq!((&much["omeq_mg"], &much["remarks"]), (&json!(301.5), &json!(["high_opioid_dose"])));
    let unknown = takes(
        json!({"atc": "N02AA01", "route": "intravenous", "dose": 5, "unit": "mg", "doses_per_day": 1, "started_on": "2025-04-10"}),
    );
    assert_eq!(
        (&unknown["omeq_mg"], &unknown["omeq_unknown"], &unknown["remarks"]),
        (&Value::Null, &json!("parenteral"), &json!(["omeq_unknown"]))
    );
    let none = takes(
        json!({"atc": "N02BE01", "route": "oral", "dose": 1, "unit": "g", "doses_per_day": 4, "started_on": "2025-01-15"}),
    );
    assert_eq!(
        (&none["omeq_mg"], &none["omeq_unknown"], &none["substance"].is_string()),
        (&Value::Null, &Value::Null, &true)
    );
    let whole = [
        step("2025-01-01", 100.0, 1, 0, "up_to_100"),
        step("2025-02-01", 130.0, 2, 0, "over_100"),
        step("2025-03-01", 401.5, 2, 0, "over_300"),
        step("2025-04-01", 100.0, 1, 0, "up_to_100"),
        step("2025-04-10", 100.0, 2, 1, "up_to_100"),
    ];
    assert_eq!(steps(&clinician, &patient, ""), whole);
    assert_eq!(steps(&clinician, &patient, &format!("?as_of={one}")), whole[..1]);
    // A smaller dose changes the sum, for earlier days too.
    let before = world.clock.now();
    clinician
        .changes_entry(&patient, EntryKind::Medication, &morphine, &json!({"dose": 10, "ended_on": "2025-01-31"}))
        .expect(200);
    clinician.withdraws(&patient, EntryKind::Medication, &unknown).expect(204);
    assert_eq!(
        steps(&clinician, &patient, ""),
        [
            step("2025-01-01", 20.0, 1, 0, "up_to_100"),
            step("2025-02-01", 30.0, 1, 0, "up_to_100"),
            step("2025-03-01", 301.5, 1, 0, "over_300"),
            step("2025-04-01", 0.0, 0, 0, "none"),
        ]
    );
    assert_eq!(steps(&clinician, &patient, &format!("?as_of={before}")), whole);
    for bad in ["as_of=x", "on=2025-01-01"] {
        clinician
            .get(&clinician.at(&format!("patients/{}/omeq-series?{bad}", patient.id)))
            .problem(400, "invalid_parameter");
    }
}

#[test]
fn record_medication_refuses_impossible_amounts() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let whole = alone(EntryKind::Medication);
    for (change, pointer, code) in [
        (json!({"dose": 0}), "/dose", "out_of_range"),
        (json!({"dose": -1}), "/dose", "out_of_range"),
        (json!({"dose": 100_001}), "/dose", "out_of_range"),
        (json!({"dose": 0.000_000_1}), "/dose", "invalid_format"),
        (json!({"dose": 1e30}), "/dose", "invalid_format"),
        (json!({"dose": "10"}), "/dose", "wrong_type"),
        (json!({"dose": null}), "/dose", "required"),
        (json!({"unit": null}), "/unit", "required"),
        (json!({"unit": "ug_per_hour", "doses_per_day": null}), "/unit", "contradiction"),
        (json!({"strength_mg": 5}), "/strength_mg", "contradiction"),
        (json!({"doses_per_day": 49}), "/doses_per_day", "out_of_range"),
        (json!({"atc": "N02A"}), "/atc", "unknown_code"),
        (json!({"atc": "N02AA99"}), "/atc", "unknown_code"),
        (json!({"product": " Dolcontin"}), "/product", "invalid_format"),
        (json!({"stop_reason": "tapered"}), "/stop_reason", "contradiction"),
        (json!({"started_on": "2999-01-01"}), "/started_on", "in_future"),
    ] {
        let refused = clinician.tries_to_record(&patient, EntryKind::Medication, &with(&whole, &change)).expect(422);
        assert!(refused.faults().contains(&(pointer.to_owned(), code.to_owned())), "{change}: {}", refused.text());
    }
    let ended = with(&whole, &json!({"ended_on": "2025-02-02"}));
    let refused = clinician.tries_to_record(&patient, EntryKind::Medication, &ended).expect(422);
    assert!(refused.faults().iter().all(|(pointer, _)| pointer == "/ended_on"), "{}", refused.text());
    // Numbers out of range are refused without an internal error.
    for text in [
        "1e400",
        "-1e400",
        "1e-400",
        "9999999999999999999999999999999999",
        "0.1234567890123456789012345678901234567890",
        "1E5",
    ] {
        let body = whole.to_string().replace("\"dose\":10,", &format!("\"dose\":{text},"));
        assert!(body.contains(text), "{body}");
        let request = clinician.request("POST", &clinician.entries_of(&patient, EntryKind::Medication));
        let answer = request.body("application/json", body.into_bytes()).send();
        assert!(matches!(answer.status, 201 | 400 | 422), "{text}: {}", answer.text());
    }
    // Amounts are returned as they were written.
    for amount in ["0.000001", "0.1", "2.5", "100000", "33.333333"] {
        let value: Value = amount.parse().expect("a number");
        let kept = clinician.records(&patient, EntryKind::Medication, &with(&whole, &json!({ "dose": value })));
        assert_eq!(kept["dose"].as_f64(), value.as_f64(), "{amount}");
        assert_eq!(
            clinician.reads_entry(&patient, EntryKind::Medication, &kept, "").expect(200).body["dose"],
            kept["dose"]
        );
        let changed = clinician
            .changes_entry(&patient, EntryKind::Medication, &kept, &json!({"as_needed": true}))
            .expect(200)
            .body;
        assert_eq!((id(&changed), &changed["dose"]), (id(&kept), &kept["dose"]));
    }
}

#[test]
fn record_consultation_and_goal_check_their_members() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    for (kind, change, pointer, code) in [
        (
            EntryKind::Consultation,
            json!({"professionals": [{"profession": "physician", "hpr": "123456"}]}),
            "/professionals/0/hpr",
            "invalid_format",
        ),
        (
            EntryKind::Consultation,
            json!({"professionals": [{"profession": "physician", "hpr": "12345678O"}]}),
            "/professionals/0/hpr",
            "invalid_format",
        ),
        (
            EntryKind::Consultation,
            json!({"professionals": vec![json!({"profession": "nurse"}); 21]}),
            "/professionals",
            "too_long",
        ),
        (
            EntryKind::Consultation,
            json!({"professionals": [{"profession": "nurse", "name": "Kari"}]}),
            "/professionals/0/name",
            "unknown_item",
        ),
        (EntryKind::Consultation, json!({"mode": "letter"}), "/mode", "unknown_option"),
        (EntryKind::Consultation, json!({"held_on": "2999-01-01"}), "/held_on", "in_future"),
        (
            EntryKind::TreatmentGoal,
            json!({"attainment": 3, "assessed_on": "2025-06-01"}),
            "/attainment",
            "out_of_range",
        ),
        (EntryKind::TreatmentGoal, json!({"attainment": 1}), "/assessed_on", "required"),
        (EntryKind::TreatmentGoal, json!({"assessed_on": "2025-06-01"}), "/attainment", "required"),
        (EntryKind::TreatmentGoal, json!({"target_on": "2025-02-02"}), "/target_on", "wrong_order"),
        (EntryKind::TreatmentGoal, json!({"category": "wealth"}), "/category", "unknown_code"),
        (
            EntryKind::Implant,
            json!({"trial_ended_on": "2025-03-10", "trial_outcome": "failed"}),
            "/trial_started_on",
            "required",
        ),
        (
            EntryKind::Implant,
            json!({"trial_started_on": "2025-03-01", "trial_ended_on": "2025-03-10"}),
            "/trial_outcome",
            "required",
        ),
        (
            EntryKind::Implant,
            json!({"trial_started_on": "2025-03-01", "trial_ended_on": "2025-03-10", "trial_outcome": "success", "trial_relief_percent": 49}),
            "/trial_outcome",
            "contradiction",
        ),
        (
            EntryKind::Implant,
            json!({"stages": "one_stage", "trial_started_on": "2025-03-01"}),
            "/stages",
            "contradiction",
        ),
        (EntryKind::Implant, json!({"trial_started_on": "2025-02-28"}), "/trial_started_on", "wrong_order"),
    ] {
        clinician.tries_to_record(&patient, kind, &with(&alone(kind), &change)).fault(422, pointer, code);
    }
    let trial = json!({"trial_started_on": "2025-03-01", "trial_ended_on": "2025-03-02", "trial_outcome": "failed"});
    let tried = clinician.records(&patient, EntryKind::Implant, &with(&alone(EntryKind::Implant), &trial));
    assert_eq!((&tried["trial_days"], &tried["remarks"]), (&json!(2), &json!(["unusual_trial_length"])));
    let implant = clinician.records(&patient, EntryKind::Implant, &alone(EntryKind::Implant));
    let programme = |change: Value| {
        with(&with(&alone(EntryKind::ImplantProgramme), &json!({"implant_id": implant["id"]})), &change)
    };
    for (change, pointer, code) in [
        (json!({"amplitude_unit": null}), "/amplitude_unit", "required"),
        (json!({"cycle_on_s": 30}), "/cycle_off_s", "required"),
        (json!({"number": 0}), "/number", "out_of_range"),
        (json!({"frequency_hz": 20_001}), "/frequency_hz", "out_of_range"),
        (json!({"ended_on": "2025-04-01"}), "/ended_on", "wrong_order"),
    ] {
        clinician.tries_to_record(&patient, EntryKind::ImplantProgramme, &programme(change)).fault(422, pointer, code);
    }
    let odd = clinician.records(&patient, EntryKind::ImplantProgramme, &programme(json!({"frequency_hz": 500})));
    assert_eq!(odd["remarks"], json!(["unusual_setting"]));
}
