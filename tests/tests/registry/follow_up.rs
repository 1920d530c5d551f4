//! Follow-up with reasons: every change of a fact is decided on at once, the counts add up, publishing does what the
//! simulation predicted, and the knowledge of any day can be read.

mod plans;

use jiff::SignedDuration;
use jiff::civil::Date;
use painreg_domain::calendar::{days_after, days_before, months_after, norwegian_day};
use painreg_domain::clinical::EntryKind;
use painreg_tests::{Actor, Patient, World};
use serde_json::{Value, json};

use crate::examples;
use crate::kit::with;

/// Returns the current day of the world.
fn today(world: &World) -> Date {
    norwegian_day(world.clock.now())
}

/// Returns the current decision of one rule.
#[track_caller]
fn decided(actor: &Actor<'_>, patient: &Patient, rule: &str) -> Value {
    decided_as_of(actor, patient, rule, "")
}

#[track_caller]
fn decided_as_of(actor: &Actor<'_>, patient: &Patient, rule: &str, query: &str) -> Value {
    let follow_up = actor.get(&actor.at(&format!("patients/{}/follow-up{query}", patient.id))).expect(200).body;
    let rules = follow_up["rules"].as_array().expect("rules");
    let found = rules.iter().find(|it| it["rule"] == rule);
    found.unwrap_or_else(|| panic!("nothing is decided of {rule}: {follow_up}"))["current"]["decision"].clone()
}

/// Returns the state of a decision and the codes of its reasons.
fn state_and_reasons(decision: &Value) -> (String, Vec<String>) {
    let reasons = decision["reasons"].as_array().expect("reasons");
    let codes = reasons.iter().map(|reason| reason["code"].as_str().expect("a code").to_owned()).collect();
    (decision["state"].as_str().expect("a state").to_owned(), codes)
}

#[track_caller]
fn assert_decision(actor: &Actor<'_>, patient: &Patient, rule: &str, state: &str, reasons: &[&str]) -> Value {
    let decision = decided(actor, patient, rule);
    let reasons: Vec<String> = reasons.iter().map(|&reason| reason.to_owned()).collect();
    assert_eq!(state_and_reasons(&decision), (state.to_owned(), reasons), "{rule}");
    decision
}

/// Records a referral with a category and an episode that follows it.
fn treats(clinician: &Actor<'_>, patient: &Patient, opened_on: Date, category: Option<&str>) -> (Value, Value) {
    let referral = clinician.records(
        patient,
        EntryKind::Referral,
        &json!({"received_on": days_before(opened_on, 30), "source": "gp", "category": category}),
    );
    let episode = json!({"referral_id": referral["id"], "unit": "clinic", "opened_on": opened_on});
    let episode = clinician.records(patient, EntryKind::Episode, &episode);
    (referral, episode)
}

/// Returns the counts of every rule, each of which must add up to the population.
#[track_caller]
fn counts(manager: &Actor<'_>) -> Value {
    let counts = manager.get(&manager.at("follow-up-counts")).expect(200).body;
    let population = counts["population"].as_i64().expect("a number");
    for rule in counts["rules"].as_array().expect("rules") {
        let sum = |values: Vec<&Value>| values.into_iter().filter_map(Value::as_i64).sum::<i64>();
        let states = rule["states"].as_object().expect("states").values().collect();
        assert_eq!(sum(states), population, "{rule}");
        let reasons = rule["reasons"].as_array().expect("reasons").iter().map(|it| &it["patients"]).collect();
        assert_eq!(sum(reasons), population, "{rule}");
    }
    counts
}

/// Drafts the first plan that differs from the template's, and publishes it.
#[track_caller]
pub fn publishes(manager: &Actor<'_>, plan: &Value) -> Value {
    let path = manager.at("follow-up-plan-draft");
    manager.request("PUT", &path).header("if-match", "\"v0\"").json(&json!({"definition": plan})).send().expect(200);
    manager.request("POST", &manager.at("follow-up-plans")).header("if-match", "\"v1\"").send().expect(201).body
}

/// Decides everything that is due; returns the number of changed decisions.
#[track_caller]
pub fn runs(manager: &Actor<'_>) -> i64 {
    let mut changed = 0;
    loop {
        let step = manager.post(&manager.at("follow-up-runs"), &Value::Null).expect(200).body;
        changed += step["changed"].as_i64().expect("a number");
        if step["more"] == false {
            return changed;
        }
    }
}

#[test]
fn register_patient_decides_follow_up_with_reasons() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.answerer());
    assert_decision(&clinician, &patient, "closed_12", "waiting", &["no_episode"]);
    assert_decision(&clinician, &patient, "ongoing_12", "waiting", &["no_episode"]);
    for rule in ["rf_3", "rf_6", "rf_12"] {
        let decision = assert_decision(&clinician, &patient, rule, "waiting", &["no_procedure"]);
        assert_eq!(decision["facts"], json!({"procedure_group": "rf"}));
        assert_eq!(decision["rule_version"], 1);
        assert_eq!(decision["reasons"][0]["nb"], "Det er ikke registrert noen slik prosedyre.");
    }
    let implant = assert_decision(&clinician, &patient, "scs_6", "waiting", &["no_implant"]);
    assert_eq!(implant["start_id"], Value::Null);
    let counts = counts(&world.alpha().manager());
    assert_eq!(counts["rules"].as_array().map(Vec::len), Some(7));
    assert_eq!(counts["population"], 1);
}

#[test]
fn count_follow_up_answers_the_reports_questions() {
    let world = World::new();
    let (clinician, manager) = (world.alpha().clinician(), world.alpha().manager());
    let opened = days_before(today(&world), 300);
    // Closed in the hospital's system but not here: the wrong form would follow, and the registry gives the reason.
    let patient = clinician.registers(&world.answerer());
    let (referral, episode) = treats(&clinician, &patient, opened, None);
    let decision = assert_decision(&clinician, &patient, "closed_12", "waiting", &["not_closed"]);
    assert_eq!(decision["facts"]["open_since"], json!(opened));
    // The category is missing, then wrong.
    assert_decision(&clinician, &patient, "ongoing_12", "suppressed", &["category_missing"]);
    let change = json!({"category": "second_opinion"});
    let referral = clinician.changes_entry(&patient, EntryKind::Referral, &referral, &change).expect(200).body;
    let decision = assert_decision(&clinician, &patient, "ongoing_12", "suppressed", &["category_without_follow_up"]);
    assert_eq!(decision["facts"]["category"], "second_opinion");
    let change = json!({"category": "right_granted"});
    clinician.changes_entry(&patient, EntryKind::Referral, &referral, &change).expect(200);
    let decision = assert_decision(&clinician, &patient, "ongoing_12", "waiting", &["not_yet_due"]);
    assert_eq!(decision["due_on"], json!(months_after(opened, 12)));
    // After closing, the other form follows a year later.
    let closed = days_before(today(&world), 10);
    let change = json!({"closed_on": closed, "closing_reason": "completed"});
    clinician.changes_entry(&patient, EntryKind::Episode, &episode, &change).expect(200);
    assert_decision(&clinician, &patient, "ongoing_12", "suppressed", &["episode_closed"]);
    let decision = assert_decision(&clinician, &patient, "closed_12", "waiting", &["not_yet_due"]);
    assert_eq!((&decision["starts_on"], &decision["due_on"]), (&json!(closed), &json!(months_after(closed, 12))));
    assert_eq!(decision["start_id"], episode["id"]);
    counts(&manager);
    // Patients without a category, or without contact data, can be found.
    let listed =
        |query: &str| manager.get(&manager.at(&format!("follow-up-decisions{query}"))).expect(200).items().len();
    assert_eq!(listed("?reason=category_missing"), 0);
    assert_eq!(listed("?reason=not_yet_due&rule=closed_12"), 1);
    assert_eq!(listed("?reason=not_yet_due&rule=closed_12&state=sent"), 0);
    manager.get(&manager.at("follow-up-decisions?reason=nonsense")).problem(400, "invalid_parameter");
}

#[test]
fn decide_runs_in_the_transaction_that_changes_a_fact() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.answerer());
    let performed = days_before(today(&world), 20);
    let procedure = json!({"system": "ncmp", "code": "ZDRF01", "performed_on": performed});
    let procedure = clinician.records(&patient, EntryKind::Procedure, &procedure);
    let waits = || assert_decision(&clinician, &patient, "rf_3", "waiting", &["not_yet_due"]);
    let before = waits();
    assert_eq!(before["due_on"], json!(months_after(performed, 3)));
    assert_eq!(before["decided_by"], "RecordTreatment");
    // An opt-out, and its end.
    let reserved =
        json!({"basis": "reservation", "against": "questionnaires", "valid_from": today(&world), "source": "digital"});
    let reserved = clinician.records(&patient, EntryKind::LegalBasis, &reserved);
    assert_decision(&clinician, &patient, "rf_3", "suppressed", &["reserved_against_questionnaires"]);
    clinician.withdraws(&patient, EntryKind::LegalBasis, &reserved).expect(204);
    waits();
    // A research project.
    let manager = world.alpha().manager();
    manager.post(&manager.at("projects"), &examples::project(examples::PROJECT)).expect(201);
    let part = json!({"project": examples::PROJECT, "joined_on": today(&world), "field_values": {"grip": 1}});
    let part = clinician.records(&patient, EntryKind::ProjectParticipation, &part);
    assert_decision(&clinician, &patient, "rf_3", "suppressed", &["in_research_project"]);
    clinician
        .changes_entry(&patient, EntryKind::ProjectParticipation, &part, &json!({"left_on": today(&world)}))
        .expect(200);
    waits();
    // The needs of the patient.
    clinician.changes(&patient, 1, &json!({"interpreter_needed": true})).expect(200);
    assert_decision(&clinician, &patient, "rf_3", "suppressed", &["interpreter_needed"]);
    clinician.changes(&patient, 2, &json!({"interpreter_needed": false, "cognitive_impairment": true})).expect(200);
    assert_decision(&clinician, &patient, "rf_3", "suppressed", &["cognitive_impairment"]);
    clinician.changes(&patient, 3, &json!({"cognitive_impairment": false})).expect(200);
    waits();
    // The only telephone number is removed: the decision names it early.
    clinician.changes(&patient, 4, &json!({"contact": {"mobile": null}})).expect(200);
    waits();
    // Death takes precedence over all other reasons.
    clinician.changes(&patient, 5, &json!({"deceased_on": today(&world), "interpreter_needed": true})).expect(200);
    assert_decision(&clinician, &patient, "rf_3", "suppressed", &["deceased", "interpreter_needed"]);
    clinician.changes(&patient, 6, &json!({"deceased_on": null, "interpreter_needed": false})).expect(200);
    // A newer procedure restarts the rule; withdrawn, the older applies again.
    let again = json!({"system": "ncmp", "code": "ZDRF01", "performed_on": days_before(today(&world), 2)});
    let again = clinician.records(&patient, EntryKind::Procedure, &again);
    assert_eq!(waits()["start_id"], again["id"]);
    clinician.withdraws(&patient, EntryKind::Procedure, &again).expect(204);
    assert_eq!(waits()["start_id"], procedure["id"]);
    clinician.withdraws(&patient, EntryKind::Procedure, &procedure).expect(204);
    assert_decision(&clinician, &patient, "rf_3", "waiting", &["no_procedure"]);
    counts(&manager);
}

#[test]
fn decide_matches_answers_in_the_window_and_shows_those_outside() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.answerer());
    let performed = days_before(today(&world), 90);
    let body = json!({"system": "ncmp", "code": "ZDRF01", "performed_on": performed});
    clinician.records(&patient, EntryKind::Procedure, &body);
    let answers = |id: &str, day: Date| {
        let at = day.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).expect("an instant").timestamp();
        json!({"source": {"system": "test", "form_id": "1", "submission_id": id}, "patient": {"id": patient.id},
            "form": "opr-rf", "submitted_at": at, "answers": {"pgic": 2}})
    };
    let post = |body: &Value| clinician.post(&clinician.at("submissions"), body).expect(201).body["id"].clone();
    let outside = post(&answers("outside", days_after(performed, 20)));
    let path = clinician.at(&format!("patients/{}/follow-up", patient.id));
    let kept = clinician.get(&path).expect(200).body["answers_without_invitation"].clone();
    assert_eq!((kept.as_array().map(Vec::len), &kept[0]["submission_id"]), (Some(1), &outside));
    let due = months_after(performed, 3);
    let early = post(&answers("early", days_before(due, 5)));
    let reasons = ["answered_early", "answered_without_invitation"];
    let decision = assert_decision(&clinician, &patient, "rf_3", "answered", &reasons);
    assert_eq!((&decision["submission_id"], &decision["matched_by"]), (&early, &json!("window")));
    assert_eq!(decision["send_on"], Value::Null, "a patient who has answered is not asked");
    // A revision of the answer replaces it as the answer.
    let revised = with(&answers("early", days_before(due, 5)), &json!({"answers": {"pgic": 3}}));
    let revised = clinician.post(&clinician.at("submissions"), &revised).expect(201).body["id"].clone();
    assert_eq!(decided(&clinician, &patient, "rf_3")["submission_id"], revised);
    // The baseline answers none of these.
    clinician.submits(&patient, "baseline", &json!({"nrs_average": 3})).expect(201);
    assert_eq!(clinician.get(&path).expect(200).body["answers_without_invitation"].as_array().map(Vec::len), Some(1));
}

#[test]
fn read_follow_up_as_of_any_instant() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.answerer());
    let body = json!({"system": "ncmp", "code": "ZDRF01", "performed_on": days_before(today(&world), 20)});
    let registered = world.clock.now();
    world.advance(SignedDuration::from_hours(1));
    let procedure = clinician.records(&patient, EntryKind::Procedure, &body);
    let recorded = world.clock.now();
    world.advance(SignedDuration::from_hours(1));
    clinician.withdraws(&patient, EntryKind::Procedure, &procedure).expect(204);
    let at = |instant: jiff::Timestamp| {
        state_and_reasons(&decided_as_of(&clinician, &patient, "rf_3", &format!("?as_of={instant}"))).1
    };
    assert_eq!(at(registered), ["no_procedure"]);
    assert_eq!(at(recorded), ["not_yet_due"]);
    assert_eq!(at(world.clock.now()), ["no_procedure"]);
    let before = clinician
        .get(&clinician.at(&format!("patients/{}/follow-up?as_of=2020-01-01T00:00:00Z", patient.id)))
        .expect(200)
        .body;
    assert_eq!(before["rules"], json!([]));
}

#[test]
fn run_follow_up_decides_what_became_due() {
    let world = World::new();
    let (clinician, manager) = (world.alpha().clinician(), world.alpha().manager());
    let patient = clinician.registers(&world.answerer());
    let performed = days_before(today(&world), 60);
    clinician.records(
        &patient,
        EntryKind::Procedure,
        &json!({"system": "ncmp", "code": "ZDRF01", "performed_on": performed}),
    );
    let run = || runs(&manager);
    run();
    assert_eq!(run(), 0, "nothing is left to decide");
    let waiting = assert_decision(&clinician, &patient, "rf_3", "waiting", &["not_yet_due"]);
    let send_on: Date = waiting["send_on"].as_str().and_then(|text| text.parse().ok()).expect("a day");
    assert!(painreg_domain::calendar::is_working_day(send_on));
    let days = (send_on - today(&world)).get_days();
    world.advance(SignedDuration::from_hours(24 * i64::from(days)));
    run();
    assert_decision(&clinician, &patient, "rf_3", "due", &["due_now"]);
    world.advance(SignedDuration::from_hours(24 * 60));
    run();
    assert_decision(&clinician, &patient, "rf_3", "lapsed", &["never_sent"]);
    counts(&manager);
}

#[test]
fn merge_redecides_the_survivor_and_undo_redecides_both() {
    let world = World::new();
    let (clinician, manager) = (world.alpha().clinician(), world.alpha().manager());
    let (survivor, duplicate) = (clinician.registers(&world.answerer()), clinician.registers(&world.answerer()));
    let body = json!({"system": "ncmp", "code": "ZDRF01", "performed_on": days_before(today(&world), 20)});
    clinician.records(&duplicate, EntryKind::Procedure, &body);
    assert_eq!(counts(&manager)["population"], 2);
    let merge = manager.merges(&survivor, &duplicate).expect(201).body;
    assert_eq!(counts(&manager)["population"], 1);
    assert_decision(&clinician, &survivor, "rf_3", "waiting", &["not_yet_due"]);
    manager.undoes(&merge).expect(200);
    assert_eq!(counts(&manager)["population"], 2);
    assert_decision(&clinician, &survivor, "rf_3", "waiting", &["no_procedure"]);
    assert_decision(&clinician, &duplicate, "rf_3", "waiting", &["not_yet_due"]);
}
