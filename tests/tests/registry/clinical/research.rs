//! Projects, samples, and the code lists of each hospital.

use painreg_domain::clinical::EntryKind;
use painreg_tests::{Actor, Answer, World};
use serde_json::{Value, json};

use super::{alone, treated};
use crate::kit::{AnswerAssertions as _, pages, version, with};

/// Returns the code list of this name.
#[track_caller]
fn list(actor: &Actor<'_>, name: &str) -> Value {
    let lists = actor.get(&actor.at("code-lists")).expect(200);
    lists.items().iter().find(|it| it["list"] == name).expect("a list").clone()
}

#[track_caller]
fn replaces(actor: &Actor<'_>, name: &str, version: i64, codes: &Value) -> Answer {
    let request =
        actor.request("PUT", &actor.at(&format!("code-lists/{name}"))).header("if-match", &format!("\"v{version}\""));
    request.json(&json!({ "codes": codes })).send()
}

/// Returns the list with the members of `code` changed.
fn changed(list: &Value, code: &str, change: &Value) -> Value {
    let codes = list["codes"].as_array().expect("codes").iter();
    codes.map(|it| if it["code"] == code { with(it, change) } else { it.clone() }).collect()
}

#[test]
fn replace_code_list_takes_effect_at_once() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let manager = world.alpha().manager();
    let goal = |category: &str| with(&alone(EntryKind::TreatmentGoal), &json!({ "category": category }));
    let first = list(&clinician, "goal_category");
    assert_eq!(version(&first), 1);
    let standing = clinician.records(&patient, EntryKind::TreatmentGoal, &goal("pain"));
    clinician.tries_to_record(&patient, EntryKind::TreatmentGoal, &goal("garden")).fault(
        422,
        "/category",
        "unknown_code",
    );
    let mut more = first["codes"].as_array().expect("codes").clone();
    more.insert(0, json!({"code": "garden", "nb": "Hage", "en": "Garden"}));
    let answer = replaces(&manager, "goal_category", 1, &json!(more)).expect(200);
    assert_eq!(answer.header("etag"), "\"v2\"");
    assert_eq!(
        (&answer.body["codes"][0]["code"], answer.body["codes"].as_array().map(Vec::len)),
        (&json!("garden"), Some(more.len()))
    );
    assert_eq!(list(&clinician, "goal_category"), answer.body);
    // The running server uses the list in the next request.
    clinician.records(&patient, EntryKind::TreatmentGoal, &goal("garden"));
    // The other front end has the old list: its change is refused.
    replaces(&manager, "goal_category", 1, &first["codes"]).problem(412, "stale");
    let path = manager.at("code-lists/goal_category");
    manager.request("PUT", &path).json(&json!({"codes": more})).send().problem(428, "precondition_required");
    // No code may be omitted; a last day may be set.
    replaces(&manager, "goal_category", 2, &first["codes"]).problem(422, "invalid").fault(422, "/codes", "required");
    let ended = changed(&answer.body, "garden", &json!({"valid_to": "2025-01-31"}));
    let answer = replaces(&manager, "goal_category", 2, &ended).expect(200);
    clinician.tries_to_record(&patient, EntryKind::TreatmentGoal, &goal("garden")).fault(
        422,
        "/category",
        "expired_code",
    );
    clinician.records(&patient, EntryKind::TreatmentGoal, &with(&goal("garden"), &json!({"set_on": "2025-01-31"})));
    // Recorded entries keep the code; a change to a removed code is refused.
    clinician.changes_entry(&patient, EntryKind::TreatmentGoal, &standing, &json!({"category": "garden"})).fault(
        422,
        "/category",
        "expired_code",
    );
    let refused = clinician.tries_to_record(&patient, EntryKind::TreatmentGoal, &goal("gardn")).expect(422);
    let near = refused.body["errors"][0]["suggestions"].as_array().expect("suggestions").clone();
    assert!(!near.is_empty() && near.iter().all(|it| it["code"] != "garden"), "{near:?}");
    // Its texts may change; the order is the submitted one.
    let renamed = changed(&answer.body, "pain", &json!({"nb": "Smertelindring"}));
    let answer = replaces(&manager, "goal_category", 3, &renamed).expect(200);
    assert_eq!(answer.body["codes"], renamed);
    // The other registry has separate lists.
    assert_eq!(list(&world.beta().clinician(), "goal_category")["codes"], first["codes"]);
    for (codes, pointer, code) in [
        (json!([]), "/codes", "invalid_format"),
        (json!(vec![json!({"code": "x", "nb": "x", "en": "x"}); 501]), "/codes", "too_long"),
        (json!([{"code": "X", "nb": "x", "en": "x"}]), "/codes/0/code", "invalid_format"),
        (json!([{"code": "", "nb": "x", "en": "x"}]), "/codes/0/code", "invalid_format"),
        (json!([{"code": "x", "nb": " ", "en": "x"}]), "/codes/0/nb", "invalid_format"),
        (json!([{"code": "x", "nb": "x", "en": "x".repeat(201)}]), "/codes/0/en", "too_long"),
        (
            json!([{"code": "x", "nb": "x", "en": "x"}, {"code": "x", "nb": "x", "en": "x"}]),
            "/codes/1/code",
            "already_exists",
        ),
        (
            json!([{"code": "x", "nb": "x", "en": "x", "valid_from": "2025-01-02", "valid_to": "2025-01-01"}]),
            "/codes/0/valid_to",
            "wrong_order",
        ),
        (
            json!([{"code": "x", "nb": "x", "en": "x", "valid_from": "0001-01-01"}]),
            "/codes/0/valid_from",
            "invalid_date",
        ),
        (
            json!([{"code": "x", "nb": "x", "en": "x", "flags": {"codes": ["Ø"]}}]),
            "/codes/0/flags/codes/0",
            "invalid_format",
        ),
        (
            json!([{"code": "x", "nb": "x", "en": "x", "flags": {"magic": true}}]),
            "/codes/0/flags/magic",
            "unknown_item",
        ),
        (json!([{"code": "x", "nb": "x"}]), "/codes/0/en", "required"),
    ] {
        replaces(&manager, "goal_category", 4, &codes).fault(422, pointer, code);
    }
    replaces(&manager, "colours", 1, &json!([{"code": "x", "nb": "x", "en": "x"}])).problem(404, "not_found");
    for actor in
        [&clinician, &world.alpha().secretary(), &world.alpha().pas_feed(), &world.alpha().patient(&patient.id)]
    {
        replaces(actor, "goal_category", 4, &renamed).problem(403, "forbidden");
        actor.get(&actor.at("code-lists")).expect(200);
    }
}

#[test]
fn code_list_flags_drive_follow_up() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let manager = world.alpha().manager();
    let groups = list(&clinician, "procedure_group");
    let flags = |codes: Value| json!({"flags": {"codes": codes}});
    replaces(&manager, "procedure_group", 1, &changed(&groups, "infusion", &flags(json!(["ZDRF01"])))).expect(200);
    // The group with the longest matching prefix of the code is its group.
    let one = clinician.records(&patient, EntryKind::Procedure, &alone(EntryKind::Procedure));
    assert_eq!(one["effective_group"], "infusion");
    let other = clinician.records(
        &patient,
        EntryKind::Procedure,
        &with(&alone(EntryKind::Procedure), &json!({"code": "ZDRF02"})),
    );
    assert_eq!(other["effective_group"], "rf");
    let rights = list(&clinician, "treatment_right");
    replaces(
        &manager,
        "treatment_right",
        1,
        &changed(&rights, "no_right", &json!({"flags": {"triggers_baseline": true}})),
    )
    .expect(200);
    let referral = clinician.records(&patient, EntryKind::Referral, &alone(EntryKind::Referral));
    let path = format!("{}/recategorisations", clinician.entry_of(&patient, EntryKind::Referral, &referral));
    let answer = clinician
        .request("POST", &path)
        .header("if-match", "\"v1\"")
        .json(&json!({"category": "no_right"}))
        .send()
        .expect(201);
    assert_eq!(answer.body["consequence"]["after"]["triggers_baseline"], true);
}

#[test]
fn project_participation_accepts_the_projects_fields_only() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let manager = world.alpha().manager();
    let project = json!({"code": "taper", "title": "Nedtrapping", "kind": "quality", "starts_on": "2024-01-01", "ends_on": "2025-12-31",
        "excludes_from_follow_up": true, "fields": [
            {"code": "grip", "kind": "integer", "required": true}, {"code": "weight", "kind": "decimal"},
            {"code": "seen", "kind": "date"}, {"code": "smoker", "kind": "boolean"},
            {"code": "group", "kind": "option", "options": ["A", "B"]}]});
    let path = manager.at("projects");
    let made = manager.post(&path, &project).expect(201);
    assert_eq!((made.header("location"), made.header("etag")), (format!("{path}/taper").as_str(), "\"v1\""));
    manager.post(&path, &project).problem(409, "already_exists").fault(409, "/code", "already_exists");
    clinician.post(&path, &project).problem(403, "forbidden");
    let takes_part = |change: &Value| {
        let whole = json!({"project": "taper", "joined_on": "2025-02-03", "arm": "A", "field_values": {"grip": 31, "weight": 70.5, "seen": "2025-02-03", "smoker": false, "group": "B"}});
        clinician.tries_to_record(&patient, EntryKind::ProjectParticipation, &with(&whole, change))
    };
    let kept = takes_part(&json!({})).expect(201).body;
    assert_eq!(kept["excluded_from_follow_up"], true);
    assert_eq!(kept["field_values"]["weight"], 70.5);
    let values = |change: Value| json!({"field_values": with(&json!({"grip": 1}), &change)});
    for (change, pointer, code) in [
        (json!({"project": "nothing"}), "/project", "unknown_reference"),
        (json!({"joined_on": "2023-12-31"}), "/joined_on", "outside_period"),
        (json!({"joined_on": "2026-01-01"}), "/joined_on", "outside_period"),
        (json!({"left_on": "2025-02-02"}), "/left_on", "wrong_order"),
        (json!({"arm": ""}), "/arm", "invalid_format"),
        (json!({"field_values": {}}), "/field_values/grip", "required"),
        (json!({"field_values": null}), "/field_values/grip", "required"),
        (values(json!({"grip": 1.5})), "/field_values/grip", "wrong_type"),
        (values(json!({"grip": "1"})), "/field_values/grip", "wrong_type"),
        (values(json!({"weight": "70"})), "/field_values/weight", "wrong_type"),
        (values(json!({"seen": "2025-02-30"})), "/field_values/seen", "invalid_date"),
        (values(json!({"seen": 2025})), "/field_values/seen", "wrong_type"),
        (values(json!({"smoker": "no"})), "/field_values/smoker", "wrong_type"),
        (values(json!({"group": "C"})), "/field_values/group", "unknown_option"),
        (values(json!({"secret": 1})), "/field_values/secret", "unknown_item"),
        (values(json!({"a/b~c": 1})), "/field_values/a~1b~0c", "unknown_item"),
    ] {
        takes_part(&change).fault(422, pointer, code);
    }
    // A value is changed alone; null clears one.
    let changed = clinician
        .changes_entry(
            &patient,
            EntryKind::ProjectParticipation,
            &kept,
            &json!({"field_values": {"grip": 40, "group": null}}),
        )
        .expect(200)
        .body;
    assert_eq!(changed["field_values"], json!({"grip": 40, "weight": 70.5, "seen": "2025-02-03", "smoker": false}));
    clinician
        .changes_entry(&patient, EntryKind::ProjectParticipation, &changed, &json!({"field_values": {"grip": null}}))
        .fault(422, "/field_values/grip", "required");

    // The project is replaced as a whole and applies at once.
    let one = manager.get(&format!("{path}/taper")).expect(200);
    assert_eq!(one.body, made.body);
    let put = |version: i64, body: &Value| {
        manager
            .request("PUT", &format!("{path}/taper"))
            .header("if-match", &format!("\"v{version}\""))
            .json(body)
            .send()
    };
    // The fields of participants can be extended, not reduced.
    let shorter = with(&project, &json!({"fields": [{"code": "grip", "kind": "integer"}]}));
    let refused = put(1, &shorter).problem(422, "invalid");
    assert!(refused.faults().iter().all(|(place, code)| place == "/fields" && code == "in_use"));
    let mut fields = project["fields"].clone();
    let own = fields.as_array_mut().expect("fields");
    own.push(json!({"code": "stairs", "kind": "integer"}));
    own.iter_mut().for_each(|field| field["required"] = json!(false));
    let longer = with(&project, &json!({"ends_on": null, "fields": fields}));
    assert_eq!(put(1, &longer).expect(200).header("etag"), "\"v2\"");
    put(1, &project).problem(412, "stale");
    takes_part(&json!({"joined_on": "2026-01-01", "field_values": {}})).expect(201);
    takes_part(&values(json!({"stairs": 1}))).expect(201);
    takes_part(&values(json!({"height": 1}))).fault(422, "/field_values/height", "unknown_item");
    put(2, &with(&longer, &json!({"code": "other"}))).fault(422, "/code", "contradiction");
    manager
        .request("PUT", &format!("{path}/nothing"))
        .header("if-match", "\"v1\"")
        .json(&with(&project, &json!({"code": "nothing"})))
        .send()
        .problem(404, "not_found");
    manager.get(&format!("{path}/nothing")).problem(404, "not_found");
    for (change, pointer, code) in [
        (json!({"code": "T"}), "/code", "invalid_format"),
        (json!({"title": ""}), "/title", "invalid_format"),
        (json!({"ends_on": "2023-12-31"}), "/ends_on", "wrong_order"),
        (json!({"starts_on": "0001-01-01"}), "/starts_on", "invalid_date"),
        (
            json!({"fields": [{"code": "a", "kind": "integer"}, {"code": "a", "kind": "date"}]}),
            "/fields/1/code",
            "already_exists",
        ),
        (json!({"fields": [{"code": "A", "kind": "integer"}]}), "/fields/0/code", "invalid_format"),
        (json!({"fields": [{"code": "a", "kind": "option"}]}), "/fields/0/options", "required"),
        (json!({"fields": [{"code": "a", "kind": "date", "options": ["x"]}]}), "/fields/0/options", "contradiction"),
        (json!({"fields": [{"code": "a", "kind": "text"}]}), "/fields/0/kind", "unknown_option"),
        (json!({"kind": "hobby"}), "/kind", "unknown_option"),
        (json!({"surprise": 1}), "/surprise", "unknown_item"),
    ] {
        manager.post(&path, &with(&with(&project, &json!({"code": "fresh"})), &change)).fault(422, pointer, code);
    }
    for code in ["beta", "alpha"] {
        manager.post(&path, &with(&project, &json!({"code": code}))).expect(201);
    }
    let codes: Vec<Value> = pages(&manager, &format!("{path}?limit=1"))
        .into_iter()
        .flatten()
        .map(|it| it["project"]["code"].clone())
        .collect();
    assert_eq!(codes, ["alpha", "beta", "taper"]);
    let there = world.beta().manager();
    assert_eq!(there.get(&there.at("projects")).expect(200).items().len(), 0);
}

#[test]
fn record_sample_requires_a_known_type_and_project() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let whole = alone(EntryKind::Sample);
    for (change, pointer, code) in [
        (json!({"sample_type": "hair"}), "/sample_type", "unknown_code"),
        (json!({"project": "nothing"}), "/project", "unknown_reference"),
        (json!({"storage_reference": ""}), "/storage_reference", "invalid_format"),
        (json!({"legal_basis": "x".repeat(101)}), "/legal_basis", "too_long"),
        (json!({"state": "lost"}), "/state", "unknown_option"),
        (json!({"taken_on": "2999-01-01"}), "/taken_on", "in_future"),
    ] {
        clinician.tries_to_record(&patient, EntryKind::Sample, &with(&whole, &change)).fault(422, pointer, code);
    }
    let kept = clinician.records(&patient, EntryKind::Sample, &whole);
    let used = clinician.changes_entry(&patient, EntryKind::Sample, &kept, &json!({"state": "used"})).expect(200).body;
    assert_eq!(used["state"], "used");
    let listed = clinician.lists(&patient, EntryKind::Sample, "?state=stored").expect(200);
    assert_eq!(listed.items().len(), 0);
}
