//! Bodies of `patient-batches`: line ends, sizes, dry runs, interruptions.

use painreg_domain::clinical::EntryKind;
use painreg_tests::{World, registration};
use serde_json::{Value, json};

use super::super::{alone, treated};
use super::{STORED, course, expected_outcomes, outcomes, refused, sends};
use crate::kit::{AnswerAssertions as _, with};

#[test]
fn register_many_accepts_every_line_ending() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let line = || course(&world).to_string();
    for (text, expected) in [
        (format!("{}\r\n{}\r\n", line(), line()), vec![(1, "registered"), (2, "registered")]),
        (format!("{}\n\n  \r\n{}", line(), line()), vec![(1, "registered"), (4, "registered")]),
        (format!("\n{}", line()), vec![(2, "registered")]),
        (
            format!("{}\nnot JSON\n{{\"patient\":\n{}\n", line(), line()),
            vec![(1, "registered"), (2, "refused"), (3, "refused"), (4, "registered")],
        ),
        (format!("{}{}\n", line(), line()), vec![(1, "refused")]),
        (format!("\u{feff}{}\n", line()), vec![(1, "registered")]),
        (format!("{}\u{2028}\n", line()), vec![(1, "refused")]),
        (format!("[{}]\n", line()), vec![(1, "refused")]),
    ] {
        let answer = sends(&clinician, "", text.clone()).expect(200);
        assert_eq!(outcomes(&answer), expected_outcomes(&expected), "{text}");
    }
    let person = registration(&world.person()).to_string();
    let doubled = format!("{{\"patient\": {person}, \"entries\": [], \"entries\": []}}");
    let within = format!("{{\"patient\": {}}}", person.replacen('{', "{\"sex\": \"male\", ", 1));
    let entry = format!(
        "{{\"patient\": {person}, \"entries\": [{{\"kind\": \"diagnosis\", \"content\": {{\"rank\": 1, \"rank\": 2}}}}]}}"
    );
    let nul = format!(
        "{{\"patient\": {person}, \"entries\": [{{\"kind\": \"diagnosis\", \"content\": {{\"code\": \"a\\u0000\"}}}}]}}"
    );
    let mut latin = b"{\"patient\": \"".to_vec();
    latin.extend([0xe6, 0xf8, 0xe5]);
    latin.extend(b"\"}");
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let before = world.number(STORED);
    for (bytes, code, faults) in [
        (doubled.into_bytes(), "duplicate_member", vec![("/entries", "duplicate_key")]),
        (within.into_bytes(), "duplicate_member", vec![("/patient/sex", "duplicate_key")]),
        (entry.into_bytes(), "duplicate_member", vec![("/entries/0/content/rank", "duplicate_key")]),
        (nul.into_bytes(), "invalid", vec![("/entries/0/content/code", "forbidden_character")]),
        (latin, "malformed_json", vec![]),
        (deep.into_bytes(), "malformed_json", vec![]),
    ] {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let answer = sends(&clinician, "", bytes).expect(200);
        let faults: Vec<(String, String)> =
            faults.iter().map(|(pointer, code): &(&str, &str)| ((*pointer).to_owned(), (*code).to_owned())).collect();
        assert_eq!(refused(&answer.lines()[0]), (code.to_owned(), faults), "{text}");
    }
    assert_eq!(world.number(STORED), before);
}

#[test]
fn register_many_refuses_empty_and_oversized_bodies() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    for empty in ["", "\n", " \r\n\t\n"] {
        sends(&clinician, "", empty).problem(422, "invalid").fault(422, "", "required");
    }
    sends(&clinician, "", "{}\n".repeat(10_001)).problem(413, "too_large");
    sends(&clinician, "", vec![b' '; 16 * 1024 * 1024 + 1]).problem(413, "too_large");
    let path = clinician.at("patient-batches");
    for media in ["application/json", "text/plain", "application/x-ndjson; charset=latin1"] {
        clinician.request("POST", &path).body(media, b"{}\n".to_vec()).send().problem(415, "unsupported_media_type");
    }
    let request = clinician.request("POST", &path).header("content-encoding", "gzip");
    request.body("application/x-ndjson", b"{}\n".to_vec()).send().problem(415, "unsupported_media_type");
    for media in ["application/ndjson", "application/x-ndjson; charset=utf-8"] {
        let answer = clinician.request("POST", &path).body(media, b"{}\n".to_vec()).send().expect(200);
        assert_eq!(outcomes(&answer), expected_outcomes(&[(1, "refused")]));
    }
    for bad in ["?dry_run=maybe", "?dry_run=", "?surprise=1"] {
        sends(&clinician, bad, "{}\n").problem(400, "invalid_parameter");
    }
    for actor in
        [world.alpha().importer(), world.alpha().dpo(), world.alpha().patient(&world.clock.random_id().to_string())]
    {
        sends(&actor, "", format!("{}\n", course(&world))).problem(403, "forbidden");
        sends(&actor, "", "not JSON\n").problem(403, "forbidden");
        sends(&actor, "", "").problem(403, "forbidden");
    }
    world
        .beta()
        .clinician()
        .request("POST", &path)
        .body("application/x-ndjson", b"{}\n".to_vec())
        .send()
        .problem(404, "not_found");
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.patient"), 0);
}

#[test]
fn register_many_dry_run_stores_nothing() {
    let world = World::new();
    let (clinician, known) = treated(&world);
    let more =
        json!({"patient_id": known.id, "entries": [{"kind": "diagnosis", "content": alone(EntryKind::Diagnosis)}]});
    let wrong = json!({"patient_id": known.id, "entries": [{"kind": "diagnosis", "content": with(&alone(EntryKind::Diagnosis), &json!({"rank": 0}))}]});
    let lines = [course(&world), more, wrong, json!({"patient": registration(&known.person)})];
    let before = world.number(STORED);
    let answer = clinician.sends_lines("?dry_run=true", &lines).expect(200);
    assert_eq!(
        outcomes(&answer),
        expected_outcomes(&[(1, "acceptable"), (2, "acceptable"), (3, "refused"), (4, "refused")])
    );
    assert_eq!(world.number(STORED), before);
    let log = world.alpha().patient(&known.id).reads_access_log_of(&known).expect(200);
    let said: Vec<&Value> =
        log.items().iter().filter(|it| it["action"] == "RegisterInBulk").map(|it| &it["outcome"]).collect();
    assert_eq!(said, ["refused", "rehearsed"], "outcomes of the dry run");
    // A dry run does not use its key.
    let key = |query: &str| {
        let request = clinician.request("POST", &clinician.at(&format!("patient-batches{query}"))).key("dry");
        request.body("application/x-ndjson", format!("{}\n", lines[0]).into_bytes()).send().expect(200)
    };
    assert_eq!(outcomes(&key("?dry_run=true")), expected_outcomes(&[(1, "acceptable")]));
    assert_eq!(outcomes(&key("?dry_run=false")), expected_outcomes(&[(1, "registered")]));
    assert_eq!(outcomes(&key("")), expected_outcomes(&[(1, "known")]));
}

#[test]
fn register_many_resent_after_interruption_stores_once() {
    let world = World::new();
    let feed = world.alpha().pas_feed();
    let courses: Vec<Value> = (0..4)
        .map(|_| {
            let mut line = course(&world);
            line["entries"].as_array_mut().expect("entries").truncate(3);
            line
        })
        .collect();
    let sends = |lines: &[Value]| {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let request = feed.request("POST", &feed.at("patient-batches")).key("batch-1");
        request.body("application/x-ndjson", text.into_bytes()).send().expect(200)
    };
    // As if the connection had broken after two lines.
    let first = sends(&courses[..2]);
    assert_eq!(outcomes(&first), expected_outcomes(&[(1, "registered"), (2, "registered")]));
    let before = world.number("SELECT count(*) FROM {alpha}.patient");
    let whole = sends(&courses);
    assert_eq!(
        outcomes(&whole),
        expected_outcomes(&[(1, "known"), (2, "known"), (3, "registered"), (4, "registered")])
    );
    for at in 0..2 {
        assert_eq!(whole.lines()[at]["registered"], first.lines()[at]["registered"]);
    }
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.patient"), before + 2);
    // Another line under the same number is another request.
    let mut swapped = courses.clone();
    swapped.swap(0, 1);
    let answer = sends(&swapped);
    assert_eq!(refused(&answer.lines()[0]).0, "key_reused");
    assert_eq!(outcomes(&answer), expected_outcomes(&[(1, "refused"), (2, "refused"), (3, "known"), (4, "known")]));
    // A refused line may be corrected under the same key.
    let mut wrong = courses.clone();
    let mut fifth = course(&world);
    fifth["entries"][0]["content"]["received_on"] = json!("2999-01-01");
    wrong.push(fifth.clone());
    assert_eq!(outcomes(&sends(&wrong))[4], (5, "refused".to_owned()));
    fifth["entries"] = json!([]);
    wrong[4] = fifth;
    assert_eq!(outcomes(&sends(&wrong))[4], (5, "registered".to_owned()));
    // A machine client must send a key, one for all lines.
    let request = feed.request("POST", &feed.at("patient-batches")).bare();
    let none = request.body("application/x-ndjson", format!("{}\n", courses[0]).into_bytes()).send();
    none.problem(400, "idempotency_key_missing");
}
