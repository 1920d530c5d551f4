//! Scores of new versions, and deliveries that change.

use painreg_tests::World;
use serde_json::{Value, json};

use super::{delivery, outcomes, sends};

#[test]
fn rescore_adds_versions_where_scores_differ() {
    let world = World::new();
    let manager = world.alpha().manager();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let eq5d = json!({"eq5d_mo": 3, "eq5d_sc": 1, "eq5d_ua": 3, "eq5d_pd": 4, "eq5d_ad": 2, "eq5d_vas": 45});
    let made = clinician.submits(&patient, "1", &eq5d).expect(201);
    let rescore = |sets: &[&str]| {
        let body = json!({"instrument": "eq5d5l", "value_sets": sets});
        let accepted = manager.post(&manager.at("rescorings"), &body);
        crate::operations::completes(&world, &manager, &accepted)["result"].clone()
    };
    assert_eq!(rescore(&["NO_5L_2024"]), json!({"examined": 1, "rescored": 0}));
    assert_eq!(rescore(&["NO_5L_2024", "DK_5L_2021"]), json!({"examined": 1, "rescored": 1}));
    assert_eq!(rescore(&["NO_5L_2024", "DK_5L_2021"])["rescored"], 0, "the same again is nothing new");
    let versions = clinician.get(&format!("{}/scores", made.header("location"))).expect(200);
    let result: Vec<(&Value, usize)> = versions
        .items()
        .iter()
        .map(|version| {
            let sets = version["score"]["scales"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|scale| scale.get("value_set").is_some());
            (&version["version"], sets.count())
        })
        .collect();
    assert_eq!(result, [(&json!(2), 2), (&json!(1), 1)]);
    let stored = clinician.get(made.header("location")).expect(200);
    assert_eq!(stored.body["scores"].as_array().map(Vec::len), Some(1), "the newest counts");
    assert_eq!(stored.body["scores"][0]["scales"], versions.items()[0]["score"]["scales"]);
    // Each result counts once in the registry's means.
    for _ in 0..4 {
        let other = clinician.registers(&world.person());
        clinician.submits(&other, &other.id, &eq5d).expect(201);
    }
    let means = clinician.get(&clinician.at("summary")).expect(200).body["means"].clone();
    let vas = means.as_array().into_iter().flatten().find(|mean| mean["scale"] == "vas").expect("a mean").clone();
    assert_eq!(vas["n"], json!(5));
}

#[test]
fn submission_differences_list_changed_answers() {
    let world = World::new();
    let (importer, clinician) = (world.alpha().importer(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    let number = patient.person.national_id.as_str();
    let first = importer.delivers(&delivery(number, 1, &json!({"nrs_average": 5, "isi": {"01": "1"}}))).expect(201);
    let second = importer.delivers(&delivery(number, 1, &json!({"nrs_average": 7, "isi": {"02": "3"}}))).expect(201);
    let result = clinician.get(&format!("{}/differences", second.header("location"))).expect(200).body;
    assert_eq!(
        result["differences"],
        json!([{"item": "isi_01", "before": 1}, {"item": "isi_02", "after": 3}, {"item": "nrs_average", "before": 5, "after": 7}])
    );
    assert_eq!((&result["version"], &result["supersedes"]), (&json!(2), &first.body["id"]));
    let none = clinician.get(&format!("{}/differences", first.header("location"))).expect(200).body;
    assert_eq!((&none["differences"], &none["supersedes"]), (&json!([]), &Value::Null));
}

#[test]
fn redelivery_is_recognised_after_the_form_is_closed() {
    let world = World::new();
    let (importer, manager, clinician) = (world.alpha().importer(), world.alpha().manager(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    let number = patient.person.national_id.as_str();
    let first = delivery(number, 1, &json!({"nrs_average": 5}));
    let made = importer.delivers(&first).expect(201);
    let by_hand = clinician.submits(&patient, "1", &json!({"nrs_average": 5})).expect(201);
    let settings = manager.at("settings");
    let read = manager.get(&settings).expect(200);
    let block = json!({"use_outside_licence": "block"});
    manager.request("PATCH", &settings).header("if-match", read.header("etag")).json(&block).send().expect(200);

    let again = importer.delivers(&first).expect(200);
    assert_eq!((&again.body["delivered"], &again.body["id"]), (&json!("unchanged"), &made.body["id"]));
    let again = clinician.submits(&patient, "1", &json!({"nrs_average": 5})).expect(200);
    assert_eq!((&again.body["delivered"], &again.body["id"]), (&json!("unchanged"), &by_hand.body["id"]));
    let results =
        sends(&importer, "nettskjema/1000001/delivery-batches", "application/x-ndjson", &format!("{first}\n"));
    assert_eq!(outcomes(&results), ["unchanged"]);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.quarantine"), 0);
    // Its changed content is not applied: it is quarantined.
    let changed = importer.delivers(&delivery(number, 1, &json!({"nrs_average": 6}))).expect(202);
    assert_eq!(changed.body["reasons"][0]["code"], json!("licence_missing"));
    clinician.submits(&patient, "1", &json!({"nrs_average": 6})).problem(409, "licence_blocked");
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.submission"), 2);
}
