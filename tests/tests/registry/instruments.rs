//! The instrument catalogue over HTTP: everything except the wording, and scoring with a chosen value set.

use painreg_domain::instrument::Catalogue;
use painreg_tests::World;
use serde_json::{Value, json};

/// Returns the codes (or names) of a list's members.
fn named<'a>(list: &'a Value, member: &str) -> Vec<&'a str> {
    list.as_array().into_iter().flatten().filter_map(|one| one[member].as_str()).collect()
}

#[test]
fn list_instruments_and_read_instrument_agree() {
    let world = World::new();
    let manager = world.alpha().manager();
    let list = manager.get(&manager.at("instruments")).expect(200);
    let shipped: Vec<&str> = Catalogue::shipped().iter().map(painreg_domain::instrument::Instrument::code).collect();
    assert_eq!(named(&list.body["items"], "code"), shipped);
    for listed in list.body["items"].as_array().expect("a list") {
        let code = listed["code"].as_str().expect("a code");
        assert_eq!(&manager.get(&manager.at(&format!("instruments/{code}"))).expect(200).body, listed);
    }
}

#[test]
fn read_instrument_shows_definition_and_sources() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let read = |code: &str| clinician.get(&clinician.at(&format!("instruments/{code}"))).expect(200).body;
    let hscl = read("hscl25");
    assert_eq!(hscl["alerts"], json!([{"code": "suicidal_thoughts", "item": "hscl_20", "at_least": 2}]));
    assert_eq!(hscl["flags"][0], json!({"name": "total_ge_1_75", "rule": "total >= 1.75"}));
    assert_eq!(hscl["scales"][1], json!({"code": "anxiety", "n_items": 10, "min": 1.0, "max": 4.0, "bands": []}));
    let promis = read("promis29");
    assert_eq!(
        (&promis["direction"], &promis["scales"][0]["direction"]),
        (&json!("mixed"), &json!("higher_is_better"))
    );
    assert_eq!((&promis["scales"][0]["min"], &promis["scales"][0]["max"]), (&json!(22.5), &json!(57.0)));
    let isi = read("isi");
    assert_eq!(isi["items"][0], json!({"code": "isi_01", "label": "sleep onset", "min": 0, "max": 4}));
    assert_eq!(isi["scales"][0]["bands"][1], json!({"name": "subthreshold", "rule": ">= 8"}));
    assert_eq!((&isi["licence"], &isi["recall"]), (&json!("text_never"), &json!("last two weeks")));
    assert_eq!(named(&read("eq5d5l")["value_sets"], "code").first(), Some(&"NO_5L_2024"));
    assert_eq!(named(&read("eq5d3l")["value_sets"], "code").len(), 5);
}

#[test]
fn score_answers_applies_value_set_and_threshold() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let scored = |code: &str, body: &Value| clinician.post(&clinician.at(&format!("instruments/{code}/scores")), body);
    let state = json!({"eq5d3l_mo": 1, "eq5d3l_sc": 1, "eq5d3l_ua": 2, "eq5d3l_pd": 2, "eq5d3l_ad": 3});
    let both = json!({"answers": state, "value_sets": ["DK_3L_TTO_2009", "UK_3L_TTO_1997"]});
    let scales = scored("eq5d3l", &both).expect(200).body["scales"].clone();
    let index = |set: &str| {
        let found = scales.as_array().into_iter().flatten().find(|scale| scale["value_set"] == set);
        found.map(|scale| scale["value"].clone())
    };
    // State 11223 by Dolan 1997; by the Danish set 1 - 0.114 - 0.048 - 0.062 - 0.367.
    assert_eq!((index("UK_3L_TTO_1997"), index("DK_3L_TTO_2009")), (Some(json!(0.255)), Some(json!(0.409))));
    let refused = scored("eq5d3l", &json!({"answers": state, "value_sets": ["NO_5L_2024"]})).problem(422, "invalid");
    assert_eq!(refused.body["errors"][0]["pointer"], "/value_sets/0");
    assert_eq!(refused.body["errors"][0]["code"], "unknown_option");

    let answers: serde_json::Map<String, Value> = (1..=25).map(|at| (format!("bds_{at:02}"), json!(1))).collect();
    let class = |body: &Value| {
        let scores = scored("bds25", body).expect(200).body;
        (scores["scales"][5]["value"].clone(), scores.get("symptom_from").cloned())
    };
    assert_eq!(class(&json!({ "answers": answers })), (json!("none"), None));
    assert_eq!(class(&json!({"answers": answers, "symptom_from": 1})), (json!("multi_organ"), Some(json!(1))));
    scored("bds25", &json!({"answers": answers, "symptom_from": 4})).problem(422, "invalid");
}
