//! Plans: drafts, simulation, publication, and runs after a change.

use jiff::civil::date;
use painreg_domain::calendar::days_before;
use painreg_domain::clinical::EntryKind;
use painreg_tests::{Patient, Setup, World};
use serde_json::{Value, json};

use super::{assert_decision, counts, publishes, runs, today, treats};
use crate::examples;
use crate::kit::{AnswerAssertions as _, with};

#[test]
fn publish_follow_up_plan_changes_what_the_simulation_predicted() {
    let world = World::new();
    let (clinician, manager) = (world.alpha().clinician(), world.alpha().manager());
    for at in 0..12_u32 {
        let patient = clinician.registers(&world.answerer());
        let performed = days_before(today(&world), 10 + 9 * at);
        let body = json!({"system": "ncmp", "code": "ZDRF01", "performed_on": performed});
        clinician.records(&patient, EntryKind::Procedure, &body);
        if at % 3 == 0 {
            clinician.changes(&patient, 1, &json!({"interpreter_needed": true})).expect(200);
        }
    }
    runs(&manager);
    let stored = || {
        let rows = world.rows(
            "SELECT patient_id, rule, start_id, number, state, reasons, due_on, send_on FROM {alpha}.decision \
             ORDER BY patient_id, rule, start_id, number",
        );
        rows.into_iter().map(Value::Object).collect::<Vec<_>>()
    };
    let mut plan = examples::plan();
    let rf = plan["tracks"].as_array_mut().and_then(|tracks| tracks.iter_mut().find(|it| it["code"] == "rf"));
    let rf = rf.expect("a track");
    rf["exclusions"] = json!(["child"]);
    rf["waves"] = json!([
        {"months": 2, "window": {"before_days": 7, "after_days": 30, "late_days": 0}},
        {"months": 6, "window": {"before_days": 21, "after_days": 50, "late_days": 30}},
    ]);
    let path = manager.at("follow-up-plan-draft");
    let draft = manager.request("PUT", &path).header("if-match", "\"v0\"").json(&json!({"definition": plan})).send();
    assert_eq!(draft.expect(200).body["faults"], json!([]));
    let before = stored();
    let simulated = manager.post(&manager.at("follow-up-simulations"), &json!({"limit": 10_000})).expect(200).body;
    assert_eq!(stored(), before, "a simulation stores nothing");
    let published = manager.request("POST", &manager.at("follow-up-plans")).header("if-match", "\"v1\"").send();
    let published = published.expect(201).body;
    assert_eq!(published["version"], 2);
    assert_eq!(published["rules"]["scs_6"], 1, "a rule that says the same keeps its version");
    assert_eq!(published["rules"]["rf_2"], 2);
    runs(&manager);
    let after = stored();
    assert_eq!(counts(&manager)["up_to_date"], true);
    // Every difference between before and after was predicted, and nothing else.
    let side = |row: &Value| json!({"patient_id": row["patient_id"], "rule": row["rule"], "state": row["state"], "due_on": row["due_on"], "send_on": row["send_on"]});
    let result: Vec<Value> = simulated["differences"]
        .as_array()
        .expect("differences")
        .iter()
        .filter(|it| it["after"] != Value::Null)
        .map(|it| json!({"patient_id": it["patient_id"], "rule": it["rule"], "state": it["after"]["state"], "due_on": it["after"]["due_on"], "send_on": it["after"]["send_on"]}))
        .collect();
    let mut happened: Vec<Value> = after.iter().filter(|row| !before.contains(row)).map(side).collect();
    let mut result: Vec<Value> =
        result.into_iter().filter(|it| !before.iter().map(side).any(|row| row == *it)).collect();
    happened.sort_by_key(ToString::to_string);
    result.sort_by_key(ToString::to_string);
    assert_eq!(result, happened);
    let gone = |rule: &str| after.iter().all(|row| row["rule"] != rule);
    assert!(gone("rf_3") && gone("rf_12"));
    assert_eq!(simulated["population"], 12);
    // What is the same is counted and not listed.
    for row in simulated["differences"].as_array().expect("differences") {
        assert_ne!(row["before"], row["after"]);
    }
    let listed = simulated["differences"].as_array().map(Vec::len).expect("differences");
    let counted = |simulated: &Value, names: &[&str]| {
        let rules = simulated["rules"].as_object().expect("rules").values();
        rules.flat_map(|rule| names.iter().map(|name| rule[*name].as_u64().expect("a number"))).sum::<u64>()
    };
    assert_eq!(counted(&simulated, &["added", "dropped", "moved", "restated"]), u64::try_from(listed).expect("few"));
    assert!(counted(&simulated, &["unchanged"]) > 0);
    // A repeated run changes nothing.
    let ask = |body: Value| manager.post(&manager.at("follow-up-simulations"), &body).expect(200).body;
    let again = ask(json!({"definition": published["definition"]}));
    assert_eq!(counted(&again, &["added", "dropped", "moved", "restated"]), 0);
    assert_eq!((&again["differences"], &again["more"]), (&json!([]), &json!(false)));
    let decisions = u64::try_from(after.len()).expect("few");
    assert_eq!(counted(&again, &["unchanged"]), decisions);
    let all = ask(json!({"definition": published["definition"], "list_unchanged": true, "limit": 10_000}));
    let all = all["differences"].as_array().expect("differences").clone();
    assert_eq!(u64::try_from(all.len()).expect("few"), decisions);
    assert!(all.iter().all(|row| row["change"] == "unchanged" && row["before"] == row["after"]), "{all:?}");
    manager.get(&path).problem(404, "not_found");
}

#[test]
fn concurrent_runs_decide_every_patient_once() {
    let world = World::with(&Setup { workers: 2, connections_per_tenant: 12, ..Setup::default() });
    let (clinician, manager) = (world.alpha().clinician(), world.alpha().manager());
    let performed = days_before(today(&world), 10);
    let body = json!({"system": "ncmp", "code": "ZDRF01", "performed_on": performed});
    let patients: Vec<Patient> = (0..32).map(|_| clinician.registers(&world.answerer())).collect();
    for patient in &patients {
        clinician.records(patient, EntryKind::Procedure, &body);
    }
    runs(&manager);
    let before = world.number("SELECT sum(version) FROM {alpha}.decision WHERE rule = 'rf_3'");
    let mut plan = examples::plan();
    let rf = plan["tracks"].as_array_mut().and_then(|tracks| tracks.iter_mut().find(|it| it["code"] == "rf"));
    rf.expect("a track")["waves"][0]["window"]["after_days"] = json!(31);
    publishes(&manager, &plan);
    let (changing, others) = patients.split_at(8);
    let runner = || {
        let manager = world.alpha().manager();
        while manager.get(&manager.at("follow-up-counts")).expect(200).body["up_to_date"] == false {
            manager.post(&manager.at("follow-up-runs"), &Value::Null).expect(200);
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(runner);
        }
        threads.spawn(|| {
            for patient in changing {
                clinician.changes(patient, 1, &json!({"interpreter_needed": true})).expect(200);
            }
        });
    });
    assert_eq!(counts(&manager)["population"], 32);
    for patient in changing {
        assert_decision(&clinician, patient, "rf_3", "suppressed", &["interpreter_needed"]);
    }
    // Each patient without another change was decided exactly once more.
    let of_others: Vec<String> = others.iter().map(|it| format!("'{}'", it.id)).collect();
    let after = world.number(&format!(
        "SELECT sum(version) FROM {{alpha}}.decision WHERE rule = 'rf_3' AND patient_id IN ({})",
        of_others.join(", ")
    ));
    assert_eq!((before, after), (32, 24 * 2));
}

#[test]
fn publish_follow_up_plan_refuses_a_faulty_draft() {
    let world = World::new();
    let manager = world.alpha().manager();
    let mut plan = examples::plan();
    plan["tracks"][2]["waves"] = json!([
        {"months": 6, "window": {"before_days": 1, "after_days": 30}},
        {"months": 3, "window": {"before_days": 1, "after_days": 30}},
    ]);
    plan["tracks"][3]["channels"] = json!(["email"]);
    let path = manager.at("follow-up-plan-draft");
    let write = |version: &str, plan: &Value| {
        manager.request("PUT", &path).header("if-match", version).json(&json!({"definition": plan})).send()
    };
    let draft = write("\"v0\"", &plan).expect(200).body;
    let places: Vec<&str> =
        draft["faults"].as_array().expect("faults").iter().filter_map(|fault| fault["pointer"].as_str()).collect();
    assert!(places.contains(&"/tracks/2/waves/1/months") && places.contains(&"/tracks/3/channels/0"), "{places:?}");
    let publish =
        |version: &str| manager.request("POST", &manager.at("follow-up-plans")).header("if-match", version).send();
    publish("\"v1\"").problem(422, "invalid");
    manager.post(&manager.at("follow-up-simulations"), &json!({})).problem(422, "invalid");
    write("\"v0\"", &plan).problem(412, "stale");
    write("\"v1\"", &examples::plan()).expect(200);
    publish("\"v1\"").problem(412, "stale");
    publish("\"v2\"").expect(201);
    let unknown = with(&examples::plan(), &json!({"surprise": 1}));
    write("\"v0\"", &unknown).problem(422, "invalid");
}

#[test]
fn run_follow_up_redecides_after_a_code_list_change() {
    let world = World::new();
    let (clinician, manager) = (world.alpha().clinician(), world.alpha().manager());
    let patient = clinician.registers(&world.answerer());
    treats(&clinician, &patient, date(2026, 1, 15).max(days_before(today(&world), 200)), Some("second_opinion"));
    assert_decision(&clinician, &patient, "ongoing_12", "suppressed", &["category_without_follow_up"]);
    let lists = manager.get(&manager.at("code-lists")).expect(200);
    let list = lists.items().iter().find(|it| it["list"] == "treatment_right").expect("a list").clone();
    let mut codes = list["codes"].clone();
    for code in codes.as_array_mut().expect("codes") {
        if code["code"] == "second_opinion" {
            code["flags"]["triggers_follow_up"] = json!(true);
        }
    }
    let path = manager.at("code-lists/treatment_right");
    let version = format!("\"v{}\"", list["version"]);
    manager.request("PUT", &path).header("if-match", &version).json(&json!({"codes": codes})).send().expect(200);
    assert_eq!(manager.get(&manager.at("follow-up-counts")).expect(200).body["up_to_date"], false);
    runs(&manager);
    assert_decision(&clinician, &patient, "ongoing_12", "waiting", &["not_yet_due"]);
    assert_eq!(counts(&manager)["up_to_date"], true);
}

#[test]
fn plan_forms_and_mappings_must_agree() {
    let world = World::new();
    let manager = world.alpha().manager();
    let mapped: Vec<Value> = manager.get(&manager.at("nettskjema")).expect(200).items().to_vec();
    let links = examples::plan()["links"]["forms"].clone();
    for (form, number) in links.as_object().expect("links") {
        let of_number = mapped.iter().find(|it| it["form_id"] == *number).expect("a mapping");
        assert_eq!(of_number["form"], json!(form), "{number}");
    }
    // A link to a number without a mapping, or to another form's.
    let path = manager.at("follow-up-plan-draft");
    for (number, code) in [("100003", "unknown_reference"), ("1000006", "contradiction")] {
        let mut plan = examples::plan();
        plan["links"]["forms"]["opr-rf"] = json!(number);
        let draft = manager.get(&path);
        let tag = if draft.status == 200 { draft.header("etag").to_owned() } else { "\"v0\"".to_owned() };
        let draft = manager.request("PUT", &path).header("if-match", &tag).json(&json!({"definition": plan})).send();
        let draft = draft.expect(200);
        assert_eq!(draft.body["faults"], json!([{"pointer": "/links/forms/opr-rf", "code": code}]));
        let publish = manager.request("POST", &manager.at("follow-up-plans")).header("if-match", draft.header("etag"));
        publish.send().fault(422, "/definition/links/forms/opr-rf", code);
    }
    // The mapping of a number that the plan in force links to stays with its form.
    let path = manager.at("nettskjema/1000005/mapping");
    let save = |form: &str| {
        let body = json!({"form": form, "form_version": "1", "keys": {"fnr": "@national_id"}});
        manager.request("PUT", &path).header("if-match", "\"v1\"").json(&body).send()
    };
    save("opr-scs").fault(422, "/form", "in_use");
    save("opr-rf").expect(200);
}
