//! Long operations: queued by a request, run by the worker in stretches, read, cancelled, abandoned after failures.

use jiff::SignedDuration;
use painreg_tests::{Actor, Answer, World};
use serde_json::{Value, json};

use crate::kit::pages;
use crate::webhooks::works;

/// Returns the operation of a 202 answer, after the worker has done all due work.
#[track_caller]
pub fn completes(world: &World, actor: &Actor<'_>, accepted: &Answer) -> Value {
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    works(world);
    actor.get(accepted.header("location")).expect(200).body
}

/// Runs statements as the superuser.
fn execute(world: &World, statements: &str) {
    painreg_tests::execute(&mut world.sql(), &statements.replace("{alpha}", &world.schema("alpha")));
}

fn eq5d() -> Value {
    json!({"eq5d_mo": 3, "eq5d_sc": 1, "eq5d_ua": 3, "eq5d_pd": 4, "eq5d_ad": 2, "eq5d_vas": 45})
}

#[test]
fn rescore_reports_its_progress_from_queued_to_succeeded() {
    let world = World::new();
    let manager = world.alpha().manager();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    clinician.submits(&patient, "1", &eq5d()).expect(201);
    let body = json!({"instrument": "eq5d5l", "value_sets": ["DK_5L_2021"]});
    let accepted = manager.post(&manager.at("rescorings"), &body).expect(202);
    let place = accepted.header("location").to_owned();
    assert_eq!(place, manager.at(&format!("operations/{}", accepted.text_at("/id"))));
    let queued = manager.get(&place).expect(200);
    assert_eq!(queued.header("retry-after"), "2");
    assert_eq!(queued.body, accepted.body);
    assert_eq!((&queued.body["state"], &queued.body["kind"]), (&json!("queued"), &json!("rescoring")));
    assert_eq!(queued.body["progress"], json!({"done": 0, "total": null}));
    assert_eq!(queued.body["requested_by"], manager.claims.subject.as_str());
    works(&world);
    let done = manager.get(&place).expect(200);
    assert!(done.headers.get("retry-after").is_none());
    assert_eq!(done.body["state"], "succeeded");
    assert_eq!(done.body["progress"], json!({"done": 1, "total": 1}));
    assert_eq!(done.body["result"], json!({"examined": 1, "rescored": 1}));
    assert_eq!(done.header("etag"), format!("\"v{}\"", done.body["version"]));
    // Each stretch is audited as the action itself, by the registry's own role, with the operation as its object.
    let object = format!("operation/{}", done.text_at("/id"));
    let seen = world.rows(&format!(
        "SELECT action, role, outcome FROM {{alpha}}.audit_event WHERE object = '{object}' AND patient_id = '{}'",
        patient.id
    ));
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!((&seen[0]["action"], &seen[0]["role"]), (&json!("RescoreAnswers"), &json!("system")));
}

#[test]
fn rescore_goes_on_where_a_stretch_ended() {
    let world = World::new();
    let manager = world.alpha().manager();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let made = clinician.submits(&patient, "1", &eq5d()).expect(201);
    // 600 more submissions with a score: two stretches of 500.
    execute(
        &world,
        &format!(
            "INSERT INTO {{alpha}}.submission SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(), \
         'source_submission_id', n::text))).* FROM {{alpha}}.submission s, generate_series(2, 601) n WHERE id = '{0}'; \
         INSERT INTO {{alpha}}.score SELECT (jsonb_populate_record(score, jsonb_build_object('submission_id', copy.id))).* \
         FROM {{alpha}}.score, {{alpha}}.submission copy WHERE submission_id = '{0}' AND copy.id <> '{0}'",
            made.text_at("/id")
        ),
    );
    let body = json!({"instrument": "eq5d5l", "value_sets": ["NO_5L_2024", "DK_5L_2021"]});
    let accepted = manager.post(&manager.at("rescorings"), &body);
    let done = completes(&world, &manager, &accepted);
    assert_eq!(done["progress"], json!({"done": 601, "total": 601}));
    assert_eq!(done["result"], json!({"examined": 601, "rescored": 601}));
    let versions = world.number("SELECT count(*) FROM {alpha}.score WHERE instrument = 'eq5d5l' AND version = 2");
    assert_eq!(versions, 601);
}

#[test]
fn rescore_refuses_an_unknown_instrument_before_it_is_queued() {
    let world = World::new();
    let manager = world.alpha().manager();
    let refused = manager.post(&manager.at("rescorings"), &json!({"instrument": "nonsense"})).problem(422, "invalid");
    assert_eq!(refused.body["errors"][0]["pointer"], "/instrument");
    let sets = json!({"instrument": "eq5d5l", "value_sets": ["NOWHERE"]});
    manager.post(&manager.at("rescorings"), &sets).problem(422, "invalid");
    assert!(manager.get(&manager.at("operations")).expect(200).items().is_empty());
}

#[test]
fn cancel_operation_ends_it_before_the_worker_does() {
    let world = World::new();
    let manager = world.alpha().manager();
    let accepted = manager.post(&manager.at("rescorings"), &json!({"instrument": "isi"})).expect(202);
    let path = manager.at(&format!("operations/{}/cancellation", accepted.text_at("/id")));
    manager.request("PUT", &path).header("if-match", "\"v9\"").send().problem(412, "stale");
    let cancelled = manager.request("PUT", &path).header("if-match", accepted.header("etag")).send().expect(200);
    assert_eq!(cancelled.body["state"], "cancelled");
    assert_eq!(completes(&world, &manager, &accepted)["state"], "cancelled");
    let again = manager.request("PUT", &path).header("if-match", cancelled.header("etag")).send();
    again.problem(409, "state_conflict");
    let listed = manager.get(&manager.at("operations?state=cancelled")).expect(200);
    assert_eq!(listed.items().len(), 1);
    assert!(manager.get(&manager.at("operations?state=queued")).expect(200).items().is_empty());
}

#[test]
fn operation_whose_stretch_fails_is_retried_later_and_then_given_up() {
    let world = World::new();
    let manager = world.alpha().manager();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    clinician.submits(&patient, "1", &eq5d()).expect(201);
    let request = || manager.post(&manager.at("rescorings"), &json!({"instrument": "eq5d5l"})).expect(202);
    let accepted = request();
    // A score that cannot be read: the stretch fails with an internal error.
    execute(&world, "ALTER TABLE {alpha}.score RENAME COLUMN flags TO broken");
    let attempt = || completes(&world, &manager, &accepted);
    let failed_once = attempt();
    assert_eq!((&failed_once["state"], &failed_once["failure"]), (&json!("running"), &Value::Null));
    assert_eq!(attempt()["version"], failed_once["version"], "not before the delay is over");
    for delay in [10, 20, 40, 80, 160] {
        world.advance(SignedDuration::from_secs(delay));
        attempt();
    }
    let given_up = attempt();
    assert_eq!((&given_up["state"], &given_up["failure"]), (&json!("failed"), &json!("attempts_exhausted")));
    execute(&world, "ALTER TABLE {alpha}.score RENAME COLUMN broken TO flags");
    assert_eq!(attempt()["state"], "failed", "given up is final");
    assert_eq!(completes(&world, &manager, &request())["state"], "succeeded");
}

#[test]
fn operation_that_no_longer_fits_the_registry_is_given_up_at_once() {
    let world = World::new();
    let manager = world.alpha().manager();
    let accepted = manager.post(&manager.at("rescorings"), &json!({"instrument": "isi"})).expect(202);
    execute(&world, "UPDATE {alpha}.operation SET input = jsonb_set(input, '{instrument}', '\"gone\"')");
    let given_up = completes(&world, &manager, &accepted);
    assert_eq!((&given_up["state"], &given_up["failure"]), (&json!("failed"), &json!("no_longer_valid")));
}

#[test]
fn list_operations_pages_through_operations_of_one_instant() {
    let world = World::new();
    let manager = world.alpha().manager();
    let queues = || manager.post(&manager.at("rescorings"), &json!({"instrument": "isi"})).expect(202).body;
    let earlier = [queues(), queues(), queues()];
    world.advance(SignedDuration::from_secs(1));
    let newest = queues();
    let whole = manager.get(&manager.at("operations")).expect(200).items().to_vec();
    assert_eq!((whole.len(), &whole[0]), (earlier.len() + 1, &newest));
    for limit in [1, 2] {
        assert_eq!(pages(&manager, &manager.at(&format!("operations?limit={limit}"))).concat(), whole, "{limit}");
    }
}
