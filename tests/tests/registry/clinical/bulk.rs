//! Bulk registration: one result for each line, independent of the other lines.

mod bodies;

use painreg_domain::clinical::EntryKind;
use painreg_tests::{Actor, Answer, World, registration};
use serde_json::{Value, json};

use super::{alone, id, treated};
use crate::examples;
use crate::kit::with;

/// Returns a line of a new patient, with a course that refers to itself.
fn course(world: &World) -> Value {
    json!({"patient": registration(&world.person()), "entries": [
        {"kind": "referral", "as": "r1", "content": alone(EntryKind::Referral)},
        {"kind": "episode", "as": "e1", "content": {"referral_id": "#r1", "opened_on": "2025-02-01"}},
        {"kind": "consultation", "content": with(&alone(EntryKind::Consultation), &json!({"episode_id": "#e1"}))},
        {"kind": "diagnosis", "content": with(&alone(EntryKind::Diagnosis), &json!({"episode_id": "#e1"}))},
    ]})
}

/// Sends these bytes.
#[track_caller]
fn sends(actor: &Actor<'_>, query: &str, bytes: impl Into<Vec<u8>>) -> Answer {
    let request = actor.request("POST", &actor.at(&format!("patient-batches{query}")));
    request.body("application/x-ndjson", bytes.into()).send()
}

/// Returns the outcome of each line.
fn outcomes(answer: &Answer) -> Vec<(i64, String)> {
    let lines = answer.lines();
    lines
        .iter()
        .map(|it| (it["line"].as_i64().unwrap_or_default(), it["outcome"].as_str().unwrap_or_default().to_owned()))
        .collect()
}

fn expected_outcomes(expected: &[(i64, &str)]) -> Vec<(i64, String)> {
    expected.iter().map(|(line, outcome)| (*line, (*outcome).to_owned())).collect()
}

/// Returns the problem's code, and pointers and codes of a line's faults.
fn refused(line: &Value) -> (String, Vec<(String, String)>) {
    assert_eq!((&line["outcome"], &line["registered"]), (&json!("refused"), &Value::Null), "{line}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let faults = line["problem"]["errors"].as_array().into_iter().flatten();
    (text(&line["problem"]["code"]), faults.map(|it| (text(&it["pointer"]), text(&it["code"]))).collect())
}

const STORED: &str = "SELECT (SELECT count(*) FROM {alpha}.patient) + (SELECT count(*) FROM {alpha}.patient_key) + \
     (SELECT count(*) FROM {alpha}.patient_identifier) + (SELECT count(*) FROM {alpha}.referral) + \
     (SELECT count(*) FROM {alpha}.episode) + (SELECT count(*) FROM {alpha}.consultation) + \
     (SELECT count(*) FROM {alpha}.diagnosis) + (SELECT count(*) FROM {alpha}.row_history) + \
     (SELECT count(*) FROM {alpha}.idempotency_key) AS stored";

#[test]
fn register_many_stores_a_patient_with_entries() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let answer = clinician.sends_lines("", &[course(&world), course(&world)]).expect(200);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert_eq!(outcomes(&answer), expected_outcomes(&[(1, "registered"), (2, "registered")]));
    let line = &answer.lines()[0];
    assert_eq!(line["problem"], Value::Null);
    let registered = &line["registered"];
    let patient = registered["patient_id"].as_str().expect("an id");
    let names: Vec<(&Value, &Value)> =
        registered["entries"].as_array().expect("entries").iter().map(|it| (&it["kind"], &it["as"])).collect();
    assert_eq!(
        names,
        [
            (&json!("referral"), &json!("r1")),
            (&json!("episode"), &json!("e1")),
            (&json!("consultation"), &Value::Null),
            (&json!("diagnosis"), &Value::Null)
        ]
    );
    let of = |rest: &str| clinician.get(&clinician.at(&format!("patients/{patient}{rest}"))).expect(200);
    assert_eq!(of("").body["registry_number"], registered["registry_number"]);
    let lines = of("/timeline");
    let find = |kind: &str| lines.items().iter().find(|it| it["kind"] == kind).expect("a line")["entry"].clone();
    assert_eq!(find("episode")["referral_id"], registered["entries"][0]["id"]);
    assert_eq!(find("consultation")["episode_id"], registered["entries"][1]["id"]);
    assert_eq!(find("diagnosis")["episode_id"], registered["entries"][1]["id"]);
    // More entries of a registered patient, by id, with references to existing ones.
    let more = json!({"patient_id": patient, "entries": [{"kind": "consultation",
        "content": with(&alone(EntryKind::Consultation), &json!({"episode_id": registered["entries"][1]["id"], "sequence": "follow_up"}))}]});
    let answer = clinician.sends_lines("", &[more]).expect(200).lines();
    assert_eq!(
        (&answer[0]["registered"]["patient_id"], &answer[0]["registered"]["registry_number"]),
        (&json!(patient), &Value::Null)
    );
    assert_eq!(of("/consultations").items().len(), 2);
    // Implants, their components and events refer to each other too.
    let lead = with(&alone(EntryKind::ImplantComponent), &json!({"implant_id": "#i1"}));
    let implants = json!({"patient_id": patient, "entries": [
        {"kind": "implant", "as": "i1", "content": alone(EntryKind::Implant)},
        {"kind": "implant_component", "as": "c1", "content": lead},
        {"kind": "implant_component", "as": "c2", "content": lead},
        {"kind": "implant_programme", "content": with(&alone(EntryKind::ImplantProgramme), &json!({"implant_id": "#i1",
            "leads": [{"component_id": "#c1", "polarity": "+-"}, {"component_id": "#c2", "polarity": "0"}]}))},
        {"kind": "implant_event", "content": {"implant_id": "#i1", "happened_on": "2025-06-01", "event": "explant", "component_ids": ["#c1", "#c2"]}},
    ]});
    let answer = clinician.sends_lines("", &[implants]).expect(200).lines();
    assert_eq!(answer[0]["outcome"], "registered", "{}", answer[0]);
    assert!(of("/implant-components").items().iter().all(|it| it["removed_on"] == "2025-06-01"));
    // A text that looks like a reference is a text if the member takes no reference.
    let goal = with(&alone(EntryKind::TreatmentGoal), &json!({"text": "#e1"}));
    let answer = clinician
        .sends_lines("", &[json!({"patient_id": patient, "entries": [{"kind": "treatment_goal", "content": goal}]})]);
    assert_eq!(answer.expect(200).lines()[0]["outcome"], "registered");
    assert_eq!(of("/treatment-goals").items()[0]["text"], "#e1");
}

/// A line, the problem's code, and the places with their codes.
type Refused<'a> = (Value, &'a str, Vec<(&'a str, &'a str)>);

#[test]
fn register_many_refuses_faulty_lines_and_stores_the_others() {
    let world = World::new();
    let (clinician, known) = treated(&world);
    let line = course(&world);
    let entry =
        |kind: &str, content: &Value| json!({"patient_id": known.id, "entries": [{"kind": kind, "content": content}]});
    let diagnosis = alone(EntryKind::Diagnosis);
    let mut twice = course(&world);
    twice["entries"][1]["as"] = json!("r1");
    let mut named = course(&world);
    named["entries"][1]["as"] = json!("E 1");
    let mut later = course(&world);
    later["entries"][0]["content"] = json!({"received_on": "2025-01-10"});
    later["entries"][1]["content"]["referral_id"] = json!("#e1");
    let nested = json!({"patient_id": known.id, "entries": [{"kind": "implant", "as": "i1", "content": alone(EntryKind::Implant)},
        {"kind": "implant_event", "content": {"implant_id": "#i1", "happened_on": "2025-05-01", "event": "other", "component_ids": ["#c9"]}}]});
    let many =
        json!({"patient_id": known.id, "entries": vec![json!({"kind": "diagnosis", "content": diagnosis}); 501]});
    let mut stranger = course(&world);
    stranger["patient"]["national_id"]["value"] = json!("01818012338");
    stranger["patient"]["language"] = json!("norsk");
    let cases: Vec<Refused<'_>> = vec![
        (
            json!({"patient": registration(&known.person)}),
            "already_exists",
            vec![("/patient/national_id", "already_exists")],
        ),
        (
            stranger,
            "invalid",
            vec![("/patient/language", "invalid_format"), ("/patient/national_id/value", "invalid_checksum")],
        ),
        (
            with(&line, &json!({"patient": {"sex": "female"}})),
            "invalid",
            vec![("/patient/birth_date", "required"), ("/patient/national_id", "required")],
        ),
        (with(&line, &json!({"patient_id": known.id})), "invalid", vec![("/patient_id", "contradiction")]),
        (json!({"entries": []}), "invalid", vec![("/patient", "required")]),
        (json!({}), "invalid", vec![("/patient", "required")]),
        (json!({"patient_id": world.clock.random_id()}), "not_found", vec![]),
        (json!({"patient_id": "x"}), "invalid", vec![("/patient_id", "invalid_format")]),
        (with(&line, &json!({"surprise": 1})), "invalid", vec![("/surprise", "unknown_item")]),
        (
            entry("diagnosis", &with(&diagnosis, &json!({"rank": 0, "code": "MG30.99"}))),
            "invalid",
            vec![("/entries/0/content/code", "unknown_code"), ("/entries/0/content/rank", "out_of_range")],
        ),
        (
            entry("diagnosis", &with(&diagnosis, &json!({"surprise": 0}))),
            "invalid",
            vec![("/entries/0/content/surprise", "unknown_item")],
        ),
        (
            entry("diagnosis", &with(&diagnosis, &json!({"rank": "1"}))),
            "invalid",
            vec![("/entries/0/content/rank", "wrong_type")],
        ),
        (entry("diagnosis", &Value::Null), "invalid", vec![("/entries/0/content", "wrong_type")]),
        (entry("diagnosis", &json!([])), "invalid", vec![("/entries/0/content", "wrong_type")]),
        (entry("patient", &diagnosis), "invalid", vec![("/entries/0/kind", "unknown_option")]),
        (
            json!({"patient_id": known.id, "entries": [{"kind": "diagnosis"}]}),
            "invalid",
            vec![("/entries/0/content", "required")],
        ),
        (
            entry("diagnosis", &with(&diagnosis, &json!({"episode_id": "#e1"}))),
            "invalid",
            vec![("/entries/0/content/episode_id", "unknown_reference")],
        ),
        (
            entry("diagnosis", &with(&diagnosis, &json!({"episode_id": world.clock.random_id()}))),
            "invalid",
            vec![("/entries/0/content/episode_id", "unknown_reference")],
        ),
        (
            entry("diagnosis", &with(&diagnosis, &json!({"episode_id": "e1"}))),
            "invalid",
            vec![("/entries/0/content/episode_id", "invalid_format")],
        ),
        (later, "invalid", vec![("/entries/1/content/referral_id", "unknown_reference")]),
        (nested, "invalid", vec![("/entries/1/content/component_ids/0", "unknown_reference")]),
        (twice, "invalid", vec![("/entries/1/as", "already_exists")]),
        (named, "invalid", vec![("/entries/1/as", "invalid_format")]),
        (many, "invalid", vec![("/entries", "too_long")]),
        (json!([]), "invalid", vec![("", "wrong_type")]),
        (json!("x"), "invalid", vec![("", "wrong_type")]),
    ];
    let mut lines = vec![course(&world)];
    lines.extend(cases.iter().map(|(line, ..)| line.clone()));
    lines.push(course(&world));
    let before = world.number(STORED);
    let answer = clinician.sends_lines("", &lines).expect(200);
    let results = answer.lines();
    assert_eq!(results.len(), lines.len());
    for (at, result) in results.iter().enumerate() {
        assert_eq!(result["line"], at + 1, "in order");
    }
    assert_eq!(
        (&results[0]["outcome"], &results[lines.len() - 1]["outcome"]),
        (&json!("registered"), &json!("registered"))
    );
    for ((line, code, faults), result) in cases.iter().zip(&results[1..]) {
        let (answered, mut pointers) = refused(result);
        pointers.sort();
        let faults: Vec<(String, String)> =
            faults.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect();
        assert_eq!((answered.as_str(), pointers), (*code, faults), "{line}: {result}");
    }
    assert_eq!(world.number(STORED) - before, 2 * 7, "two whole lines, nothing of the others");
    // Nothing submitted is repeated.
    assert!(!answer.text().contains(&known.person.national_id) && !answer.text().contains("01818012338"));
}

#[test]
fn register_many_applies_the_policy_of_single_requests() {
    let world = World::new();
    let (_, known) = treated(&world);
    let feed = world.alpha().pas_feed();
    let mine = json!({"patient_id": known.id, "entries": [
        {"kind": "referral", "as": "r1", "content": alone(EntryKind::Referral)},
        {"kind": "episode", "as": "e1", "content": {"referral_id": "#r1", "opened_on": "2025-02-01"}},
        {"kind": "consultation", "content": with(&alone(EntryKind::Consultation), &json!({"episode_id": "#e1"}))},
        {"kind": "legal_basis", "content": alone(EntryKind::LegalBasis)},
    ]});
    let not_mine = json!({"patient_id": known.id, "entries": [
        {"kind": "referral", "content": alone(EntryKind::Referral)},
        {"kind": "diagnosis", "content": alone(EntryKind::Diagnosis)},
    ]});
    let before = world.number("SELECT count(*) FROM {alpha}.audit_event");
    let answer = feed.sends_lines("", &[not_mine.clone(), mine, not_mine]).expect(200);
    assert_eq!(outcomes(&answer), expected_outcomes(&[(1, "refused"), (2, "registered"), (3, "refused")]));
    for at in [0, 2] {
        let expected = ("forbidden".to_owned(), vec![("/entries/1/kind".to_owned(), "not_accepted_here".to_owned())]);
        assert_eq!(refused(&answer.lines()[at]), expected);
    }
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.referral"), 1);
    // The record was opened each time: the log holds one event for each.
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.audit_event"), before + 3);
    let log = world.alpha().patient(&known.id).reads_access_log_of(&known).expect(200);
    let said: Vec<&Value> =
        log.items().iter().filter(|it| it["action"] == "RegisterInBulk").map(|it| &it["outcome"]).collect();
    assert_eq!(said, ["forbidden", "ok", "forbidden"]);
    // Users of a unit register and reach the patients of their unit.
    let ward = world.alpha().secretary().of_unit("ward");
    let there =
        with(&course(&world), &json!({"patient": with(&registration(&world.person()), &json!({"unit": "clinic"}))}));
    let answer = ward.sends_lines("", &[json!({"patient_id": known.id}), there, course(&world)]).expect(200);
    assert_eq!(outcomes(&answer), expected_outcomes(&[(1, "refused"), (2, "refused"), (3, "registered")]));
    assert_eq!(refused(&answer.lines()[0]).0, "not_found");
    assert_eq!(refused(&answer.lines()[1]).1, [("/patient/unit".to_owned(), "unknown_reference".to_owned())]);
}

#[test]
fn register_many_applies_a_lines_legal_basis_to_its_entries() {
    let world = World::new();
    let (clinician, known) = treated(&world);
    let against = json!({"kind": "legal_basis", "content": {"basis": "reservation", "against": "registry", "valid_from": "2025-01-01", "source": "pas"}});
    let diagnosis = json!({"kind": "diagnosis", "content": alone(EntryKind::Diagnosis)});
    let line = |entries: &[&Value]| json!({"patient": registration(&world.person()), "entries": entries});
    let answer = clinician
        .sends_lines(
            "",
            &[
                line(&[&against, &diagnosis]),
                line(&[&diagnosis, &against]),
                json!({"patient_id": known.id, "entries": [against]}),
                json!({"patient_id": known.id, "entries": [diagnosis]}),
            ],
        )
        .expect(200);
    assert_eq!(
        outcomes(&answer),
        expected_outcomes(&[(1, "refused"), (2, "registered"), (3, "registered"), (4, "refused")])
    );
    let refusal =
        |at: &str| ("not_permitted".to_owned(), vec![(at.to_owned(), "reserved_against_registry".to_owned())]);
    assert_eq!(refused(&answer.lines()[0]), refusal("/entries/1/content"));
    assert_eq!(refused(&answer.lines()[3]), refusal("/entries/0/content"));
    // Language and request id are those of the request.
    let request = clinician.request("POST", &clinician.at("patient-batches")).header("accept-language", "nb");
    let answer = request.body("application/x-ndjson", b"{}\n".to_vec()).send().expect(200);
    assert_eq!(answer.lines()[0]["problem"]["title"], "Forespørselen bryter en regel");
    assert!(
        answer.lines()[0]["problem"]["instance"].as_str().is_some_and(|text| text.starts_with("urn:painreg:request:"))
    );
    let entry = clinician.records(
        &clinician.registers(&world.person()),
        EntryKind::Sample,
        &examples::entry(EntryKind::Sample, "", ""),
    );
    assert!(!id(&entry).is_empty());
}
