//! Free text: readable for those who may read the record, encrypted in every table, and in no other place.

use painreg_domain::clinical::EntryKind;
use painreg_tests::World;
use serde_json::{Value, json};

use super::{alone, changed_at, id, just_before, treated};
use crate::kit::with;

/// Words that occur in no other text.
const WORDS: [&str; 3] = ["Zebrafinken synger", "Quagga på vidda", "Xylofon i kjelleren"];

/// Returns every value of every table of `alpha` that holds one of the words, as text or as bytes.
fn found_in_the_database(world: &World) -> Vec<String> {
    let schema = world.schema("alpha");
    let tables = world.rows(&format!(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = '{schema}' AND table_type = 'BASE TABLE'"
    ));
    assert!(tables.len() > 20, "{tables:?}");
    let mut found = Vec::new();
    for table in tables {
        let name = table["name"].as_str().expect("a name");
        for row in world.rows(&format!("SELECT to_jsonb(held)::text AS line FROM {schema}.{name} held")) {
            let line = row["line"].as_str().unwrap_or_default();
            for words in WORDS {
                let bytes: String = words.bytes().map(|byte| format!("{byte:02x}")).collect();
                if line.contains(words) || line.contains(&bytes) {
                    found.push(format!("{name}: {line}"));
                }
            }
        }
    }
    found
}

#[test]
fn free_text_is_encrypted_in_every_state_and_readable() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let implant = clinician.records(&patient, EntryKind::Implant, &alone(EntryKind::Implant));
    for (kind, member, body) in [
        (EntryKind::TreatmentGoal, "text", alone(EntryKind::TreatmentGoal)),
        (EntryKind::ImplantEvent, "note", with(&alone(EntryKind::ImplantEvent), &json!({"implant_id": implant["id"]}))),
    ] {
        assert_eq!(kind.row().free_text, [member]);
        let first = clinician.records(&patient, kind, &with(&body, &json!({member: WORDS[0]})));
        assert_eq!(first[member], WORDS[0]);
        assert!(first.get("sealed").is_none());
        let second = clinician.changes_entry(&patient, kind, &first, &json!({member: WORDS[1]})).expect(200).body;
        assert_eq!(second[member], WORDS[1]);
        // A change of something else keeps the words.
        let third =
            clinician.changes_entry(&patient, kind, &second, &json!({kind.row().day: "2025-05-02"})).expect(200).body;
        assert_eq!(third[member], WORDS[1]);
        let (from, to) = (changed_at(&first), changed_at(&second));
        let between = clinician.get(&clinician.at(&format!("patients/{}/differences?from={from}&to={to}", patient.id)));
        assert_eq!(between.expect(200).items()[0]["before"], json!({member: WORDS[0]}));
        for (at, words) in [(from, WORDS[0]), (just_before(to), WORDS[0]), (to, WORDS[1])] {
            let query = format!("?as_of={at}");
            assert_eq!(clinician.reads_entry(&patient, kind, &first, &query).expect(200).body[member], words);
            assert_eq!(clinician.lists(&patient, kind, &query).expect(200).items()[0][member], words);
            let lines = clinician.reads_timeline_of(&patient, &query).expect(200);
            let line = lines.items().iter().find(|line| line["id"] == first["id"]).expect("a line").clone();
            assert_eq!(line["entry"][member], words);
            let all = clinician.get(&clinician.at(&format!("{}{query}", kind.row().path))).expect(200);
            assert_eq!(all.items()[0][member], words);
        }
        clinician.withdraws(&patient, kind, &third).expect(204);
        let states = clinician.reads_versions_of(&patient, kind, &first).expect(200);
        let result: Vec<&Value> = states.items().iter().map(|it| &it["entry"][member]).collect();
        assert_eq!(result, [WORDS[1], WORDS[1], WORDS[0]], "also of what was taken back");
    }
    // An event without words stays without words.
    let silent = with(&alone(EntryKind::ImplantEvent), &json!({"implant_id": implant["id"], "note": null}));
    let silent = clinician.records(&patient, EntryKind::ImplantEvent, &silent);
    assert_eq!(silent.get("note"), Some(&Value::Null));
    let spoken = clinician
        .changes_entry(&patient, EntryKind::ImplantEvent, &silent, &json!({"note": WORDS[2]}))
        .expect(200)
        .body;
    let line = json!({"patient_id": patient.id, "entries": [{"kind": "treatment_goal", "content": with(&alone(EntryKind::TreatmentGoal), &json!({"text": WORDS[2]}))}]});
    let stored = clinician.request("POST", &clinician.at("patient-batches")).key("words");
    let stored = stored.body("application/x-ndjson", line.to_string().into_bytes()).send().expect(200).lines();
    assert_eq!(stored[0]["outcome"], "registered", "{stored:?}");
    let quiet =
        clinician.changes_entry(&patient, EntryKind::ImplantEvent, &spoken, &json!({"note": null})).expect(200).body;
    assert_eq!((id(&quiet), quiet.get("note")), (id(&silent), Some(&Value::Null)));

    // A duplicate's text is encrypted under the duplicate's key and read with the survivor's record.
    let other = clinician.registers(&world.person());
    let goal = clinician.records(
        &other,
        EntryKind::TreatmentGoal,
        &with(&alone(EntryKind::TreatmentGoal), &json!({"text": WORDS[0]})),
    );
    let manager = world.alpha().manager();
    let before = world.clock.now();
    let merge = manager.merges(&patient, &other).expect(201).body;
    for path in [&patient, &other] {
        assert_eq!(clinician.reads_entry(path, EntryKind::TreatmentGoal, &goal, "").expect(200).body["text"], WORDS[0]);
        let changed = clinician.reads_versions_of(path, EntryKind::TreatmentGoal, &goal).expect(200);
        assert_eq!(changed.items()[0]["entry"]["text"], WORDS[0]);
    }
    let changed =
        clinician.changes_entry(&patient, EntryKind::TreatmentGoal, &goal, &json!({"text": WORDS[1]})).expect(200).body;
    let listed = clinician.lists(&patient, EntryKind::TreatmentGoal, "").expect(200);
    let mut words: Vec<&str> = listed.items().iter().filter_map(|it| it["text"].as_str()).collect();
    words.sort_unstable();
    assert_eq!(words, [WORDS[1], WORDS[2]]);
    assert_eq!(
        clinician.reads_entry(&patient, EntryKind::TreatmentGoal, &goal, &format!("?as_of={before}")).expect(200).body
            ["text"],
        WORDS[0]
    );
    assert!(clinician.reads_timeline_of(&patient, "").expect(200).text().contains(WORDS[1]));
    manager.undoes(&merge).expect(200);
    assert_eq!(clinician.reads_entry(&other, EntryKind::TreatmentGoal, &goal, "").expect(200).body, changed);
    assert_eq!(found_in_the_database(&world), [] as [String; 0]);
}

#[test]
fn problems_repeat_no_submitted_value() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let goal = alone(EntryKind::TreatmentGoal);
    for (change, status) in [
        (json!({"text": WORDS[0], "category": "Quagga på vidda"}), 422),
        (json!({"text": WORDS[0], "set_by": WORDS[1]}), 422),
        (json!({"text": WORDS[0], "set_on": WORDS[2]}), 422),
        (json!({"text": [WORDS[0]]}), 422),
        (json!({"text": format!("{} {}", WORDS[0], "x".repeat(2000))}), 422),
        (json!({"text": format!("{}\u{0}", WORDS[0])}), 422),
        (json!({"text": "   "}), 422),
        (json!({"text": null}), 422),
    ] {
        let answer =
            clinician.tries_to_record(&patient, EntryKind::TreatmentGoal, &with(&goal, &change)).expect(status);
        for words in WORDS {
            assert!(!answer.text().contains(words), "{}", answer.text());
        }
    }
    let diagnosis = with(&alone(EntryKind::Diagnosis), &json!({"code": WORDS[0]}));
    let refused = clinician.tries_to_record(&patient, EntryKind::Diagnosis, &diagnosis).expect(422);
    assert!(!refused.text().contains(WORDS[0]), "{}", refused.text());
    // Two thousand letters of any script count as two thousand.
    let long = with(&goal, &json!({"text": "ø".repeat(2000)}));
    assert_eq!(clinician.records(&patient, EntryKind::TreatmentGoal, &long)["text"], "ø".repeat(2000));
    let odd = with(&goal, &json!({"text": "\u{1F9A6} \"sitat\" \\ \u{2028}\n'; DROP TABLE patient; --"}));
    let kept = clinician.records(&patient, EntryKind::TreatmentGoal, &odd);
    assert_eq!(kept["text"], odd["text"]);
    assert_eq!(found_in_the_database(&world), [] as [String; 0]);
}
