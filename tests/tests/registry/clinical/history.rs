//! History: every state of every entry can be read as of any instant, alone, in lists, in the timeline and as the
//! differences between two instants, also under concurrent writes.

mod model;

use std::sync::Barrier;

use jiff::Timestamp;
use painreg_domain::clinical::EntryKind;
use painreg_tests::{Answer, World};
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use super::{alone, changed_at, id, instant, just_before, treated};
use crate::kit::{AnswerAssertions as _, pages, version, with};

#[test]
fn read_entry_as_of_any_instant() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let before = world.clock.now();
    let first = clinician.records(&patient, EntryKind::Diagnosis, &alone(EntryKind::Diagnosis));
    let second = clinician.changes_entry(&patient, EntryKind::Diagnosis, &first, &json!({"rank": 2})).expect(200).body;
    let third = clinician
        .patch(
            &format!("{}?reason=correction", clinician.entry_of(&patient, EntryKind::Diagnosis, &first)),
            2,
            &json!({"code": "MG30.01"}),
        )
        .expect(200)
        .body;
    assert_eq!(third["code"], "MG30.01");
    assert_ne!(third["title"], second["title"], "what follows from it follows");
    clinician.withdraws(&patient, EntryKind::Diagnosis, &third).expect(204);
    let states = clinician.reads_versions_of(&patient, EntryKind::Diagnosis, &first).expect(200);
    let result: Vec<_> = states.items().iter().map(|it| (&it["entry"], &it["reason"], &it["changed_by"])).collect();
    assert_eq!(
        result,
        [
            (&third, &json!("registered_in_error"), &json!("WithdrawTreatment")),
            (&second, &json!("correction"), &json!("ChangeTreatment")),
            (&first, &json!("update"), &json!("ChangeTreatment")),
        ]
    );
    // One state ends at the instant at which the next begins.
    let spans: Vec<(Timestamp, Timestamp)> =
        states.items().iter().rev().map(|it| (instant(&it["valid_from"]), instant(&it["valid_to"]))).collect();
    assert_eq!(spans[0].0, changed_at(&first));
    assert_eq!(spans.iter().map(|(_, to)| *to).take(2).collect::<Vec<_>>(), [changed_at(&second), changed_at(&third)]);
    assert_eq!((spans[1].0, spans[2].0), (spans[0].1, spans[1].1));
    let gone = spans[2].1;
    for (at, seen) in [
        (before, None),
        (just_before(changed_at(&first)), None),
        (changed_at(&first), Some(&first)),
        (just_before(changed_at(&second)), Some(&first)),
        (changed_at(&second), Some(&second)),
        (just_before(changed_at(&third)), Some(&second)),
        (changed_at(&third), Some(&third)),
        (just_before(gone), Some(&third)),
        (gone, None),
        (world.clock.now(), None),
    ] {
        let query = format!("?as_of={at}");
        let one = clinician.reads_entry(&patient, EntryKind::Diagnosis, &first, &query);
        match seen {
            Some(entry) => assert_eq!(one.expect(200).body, *entry, "{at}"),
            None => drop(one.problem(404, "not_found")),
        }
        let listed = clinician.lists(&patient, EntryKind::Diagnosis, &query).expect(200);
        assert_eq!(listed.items().iter().collect::<Vec<_>>(), seen.into_iter().collect::<Vec<_>>(), "{at}");
        let lines = clinician.reads_timeline_of(&patient, &query).expect(200);
        assert_eq!(
            lines.items().iter().map(|line| &line["entry"]).collect::<Vec<_>>(),
            seen.into_iter().collect::<Vec<_>>()
        );
        let all = clinician.get(&clinician.at(&format!("diagnoses{query}"))).expect(200);
        assert_eq!(all.items().iter().collect::<Vec<_>>(), seen.into_iter().collect::<Vec<_>>(), "{at}");
    }
    clinician.reads_entry(&patient, EntryKind::Diagnosis, &first, "").problem(404, "not_found");
    clinician.changes_entry(&patient, EntryKind::Diagnosis, &third, &json!({})).problem(404, "not_found");
}

#[test]
fn change_reason_is_one_of_the_list() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let entry = clinician.records(&patient, EntryKind::Diagnosis, &alone(EntryKind::Diagnosis));
    let path = clinician.entry_of(&patient, EntryKind::Diagnosis, &entry);
    for bad in ["reason=merge", "reason=", "reason=x", "why=update", "reason=update&reason=update", "reason=%00"] {
        clinician.patch(&format!("{path}?{bad}"), 1, &json!({})).problem(400, "invalid_parameter");
        clinician.delete(&format!("{path}?{bad}"), 1).problem(400, "invalid_parameter");
    }
    clinician.request("PATCH", &path).json(&json!({})).send().problem(428, "precondition_required");
    clinician.request("DELETE", &path).send().problem(428, "precondition_required");
    clinician.delete(&path, 2).problem(412, "stale");
    for (body, pointer, code) in [
        (json!({"title": "x"}), "/title", "unknown_item"),
        (json!({"id": id(&entry)}), "/id", "unknown_item"),
        (json!({"version": 7}), "/version", "unknown_item"),
        (json!({"system": null}), "/system", "wrong_type"),
        (json!({"rank": "1"}), "/rank", "wrong_type"),
        (json!({"rank": 0}), "/rank", "out_of_range"),
        (json!({"rank": 1e300}), "/rank", "wrong_type"),
    ] {
        clinician.patch(&path, 1, &body).fault(422, pointer, code);
    }
    for body in [json!([]), json!("x"), json!(null), json!(1)] {
        clinician.patch(&path, 1, &body).problem(422, "invalid");
    }
    assert_eq!(clinician.get(&path).expect(200).body, entry);
    // A change without effect is a new version and has no differences.
    let same = clinician.patch(&path, 1, &json!({})).expect(200).body;
    assert_eq!(version(&same), 2);
    let (from, to) = (changed_at(&entry), changed_at(&same));
    let none =
        clinician.get(&clinician.at(&format!("patients/{}/differences?from={from}&to={to}", patient.id))).expect(200);
    assert_eq!(none.items(), &[] as &[Value]);
    clinician.delete(&format!("{path}?reason=correction"), 2).expect(204);
    let states = clinician.get(&format!("{path}/versions")).expect(200);
    assert_eq!(states.items()[0]["reason"], "correction");
}

#[test]
fn read_differences_lists_changed_members() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let start = world.clock.now();
    let goal = clinician.records(&patient, EntryKind::TreatmentGoal, &alone(EntryKind::TreatmentGoal));
    let sample = clinician.records(&patient, EntryKind::Sample, &alone(EntryKind::Sample));
    let middle = world.clock.now();
    let reached = json!({"attainment": 1, "assessed_on": "2025-06-01", "text": "Gå tur med to hunder"});
    clinician.changes_entry(&patient, EntryKind::TreatmentGoal, &goal, &reached).expect(200);
    clinician.withdraws(&patient, EntryKind::Sample, &sample).expect(204);
    let drug = clinician.records(&patient, EntryKind::Medication, &alone(EntryKind::Medication));
    let end = world.clock.now();
    let path = clinician.at(&format!("patients/{}/differences", patient.id));
    let between = |query: &str| clinician.get(&format!("{path}{query}"));
    let found = between(&format!("?from={middle}&to={end}")).expect(200);
    assert_eq!((instant(&found.body["from"]), instant(&found.body["to"])), (middle, end));
    let by_kind = |kind: &str| found.items().iter().find(|it| it["kind"] == kind).cloned().unwrap_or_default();
    assert_eq!(found.items().len(), 3);
    assert_eq!(
        by_kind("treatment_goal"),
        json!({"kind": "treatment_goal", "id": goal["id"], "became": "changed",
            "before": {"attainment": null, "assessed_on": null, "text": goal["text"]}, "after": reached})
    );
    assert_eq!((&by_kind("sample")["became"], &by_kind("sample")["after"]), (&json!("removed"), &json!({})));
    assert_eq!(by_kind("sample")["before"]["storage_reference"], "box 1");
    assert_eq!((&by_kind("medication")["became"], &by_kind("medication")["before"]), (&json!("added"), &json!({})));
    assert_eq!(by_kind("medication")["after"]["omeq_mg"], drug["omeq_mg"]);
    // Without instants: the whole history up to now.
    let whole = between("").expect(200);
    assert!(whole.items().iter().all(|it| it["became"] == "added") && whole.items().len() == 2, "{}", whole.text());
    assert_eq!(between(&format!("?to={start}")).expect(200).items().len(), 0);
    assert_eq!(between(&format!("?from={end}")).expect(200).items().len(), 0);
    between(&format!("?from={end}&to={middle}")).fault(400, "/query/to", "invalid_format");
    // Without an end the period extends to now, and nothing begins after it.
    between("?from=9999-12-30T22:00:00Z").problem(400, "invalid_parameter");
    for bad in ["from=yesterday", "to=", "since=2025-01-01T00:00:00Z", "from=2025-01-01"] {
        between(&format!("?{bad}")).problem(400, "invalid_parameter");
    }
}

#[test]
fn as_of_accepts_extreme_instants_and_days() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let entry = clinician.records(&patient, EntryKind::Episode, &json!({"opened_on": "2025-02-01"}));
    clinician.submits(&patient, "s-1", &json!({"nrs_average": 7})).expect(201);
    let of = |rest: &str| clinician.at(&format!("patients/{}/{rest}", patient.id));
    let instants = ["0000-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-30T22:00:00.999999999Z"];
    // RFC 3339 has no years before 0.
    for early in ["as_of=-009999-01-02T01:59:59Z", "from=-004713-01-01"] {
        clinician.get(&of(&format!("episodes?{early}"))).problem(400, "invalid_parameter");
    }
    for at in instants {
        for path in ["episodes", "timeline", "omeq-series", "current-implants"] {
            clinician.get(&of(&format!("{path}?as_of={at}"))).expect(200);
        }
        clinician.get(&clinician.at(&format!("episodes?as_of={at}"))).expect(200);
        let one = clinician.reads_entry(&patient, EntryKind::Episode, &entry, &format!("?as_of={at}"));
        assert_eq!(one.status, if at.starts_with('9') { 200 } else { 404 }, "{at}");
        for query in [format!("to={at}"), format!("from={at}&to={at}"), format!("from={at}")] {
            let answer = clinician.get(&of(&format!("differences?{query}")));
            assert!(answer.status < 500, "{query}: {}", answer.text());
        }
    }
    for day in ["0000-01-01", "9999-12-31"] {
        for path in [of("episodes"), clinician.at("episodes")] {
            let late = day.starts_with('9');
            assert_eq!(
                clinician.get(&format!("{path}?from={day}")).expect(200).items().len(),
                usize::from(!late),
                "{day}"
            );
            assert_eq!(
                clinician.get(&format!("{path}?to={day}")).expect(200).items().len(),
                usize::from(late),
                "{day}"
            );
        }
        clinician.get(&of(&format!("permissions?on={day}"))).expect(200);
    }
    for bad in
        ["from=2025-02-30", "to=1.2.2025", "as_of=now", "as_of=2025-01-01", "from=", "as_of=10000-01-01T00:00:00Z"]
    {
        clinician.get(&of(&format!("episodes?{bad}"))).problem(400, "invalid_parameter");
    }
}

#[test]
fn concurrent_changes_of_one_entry_keep_every_version() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let entry = clinician.records(&patient, EntryKind::Medication, &alone(EntryKind::Medication));
    let rounds = 6;
    let mut kept = Vec::new();
    for round in 1..=rounds {
        let barrier = Barrier::new(4);
        let answers: Vec<(i64, Answer)> = std::thread::scope(|threads| {
            let sent: Vec<_> = (1..=4)
                .map(|number| {
                    let (barrier, clinician, patient, entry) = (&barrier, &clinician, &patient, &entry);
                    threads.spawn(move || {
                        let dose = round * 10 + number;
                        barrier.wait();
                        let path = clinician.entry_of(patient, EntryKind::Medication, entry);
                        (dose, clinician.patch(&path, round, &json!({ "dose": dose })))
                    })
                })
                .collect();
            sent.into_iter().map(|one| one.join().expect("an answer")).collect()
        });
        let won: Vec<&(i64, Answer)> = answers.iter().filter(|(_, answer)| answer.status == 200).collect();
        assert_eq!(won.len(), 1, "{:?}", answers.iter().map(|(_, answer)| answer.status).collect::<Vec<_>>());
        for (_, answer) in answers.iter().filter(|(_, answer)| answer.status != 200) {
            assert_eq!((answer.status, answer.code()), (412, "stale"));
        }
        kept.push(won[0].0);
    }
    let states = clinician.reads_versions_of(&patient, EntryKind::Medication, &entry).expect(200);
    let versions: Vec<i64> = states.items().iter().map(|it| version(&it["entry"])).collect();
    assert_eq!(versions, (1..=rounds + 1).rev().collect::<Vec<_>>());
    let doses: Vec<Option<i64>> = states.items().iter().rev().skip(1).map(|it| it["entry"]["dose"].as_i64()).collect();
    assert_eq!(doses, kept.iter().map(|dose| Some(*dose)).collect::<Vec<_>>());
    let mut spans: Vec<(Timestamp, Option<Timestamp>)> = states
        .items()
        .iter()
        .map(|it| (instant(&it["valid_from"]), it["valid_to"].as_str().map(|_| instant(&it["valid_to"]))))
        .collect();
    spans.reverse();
    for pair in spans.windows(2) {
        assert_eq!(pair[0].1, Some(pair[1].0), "no gap and no overlap: {spans:?}");
    }
    // One withdraws the entry while another changes it: one of them is refused.
    let barrier = Barrier::new(2);
    let at = rounds + 1;
    let path = clinician.entry_of(&patient, EntryKind::Medication, &entry);
    let (changed, gone) = std::thread::scope(|threads| {
        let one = threads.spawn(|| {
            barrier.wait();
            clinician.patch(&path, at, &json!({"dose": 1})).status
        });
        let other = threads.spawn(|| {
            barrier.wait();
            clinician.delete(&path, at).status
        });
        (one.join().expect("an answer"), other.join().expect("an answer"))
    });
    assert!(matches!((changed, gone), (200, 412) | (412 | 404, 204)), "{changed} {gone}");
    let states = clinician.get(&format!("{path}/versions")).expect(200);
    let count = i64::try_from(states.items().len()).expect("a number");
    assert_eq!(count, if gone == 204 { at } else { at + 1 });
}

#[test]
fn stale_change_of_an_entry_is_refused() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let secretary = world.alpha().secretary();
    let entry = clinician.records(&patient, EntryKind::Referral, &alone(EntryKind::Referral));
    // Both read and change different members.
    let one =
        clinician.changes_entry(&patient, EntryKind::Referral, &entry, &json!({"source": "hospital"})).expect(200).body;
    secretary.changes_entry(&patient, EntryKind::Referral, &entry, &json!({"pas_id": "P-2"})).problem(412, "stale");
    let read = secretary.reads_entry(&patient, EntryKind::Referral, &entry, "").expect(200);
    assert_eq!((read.body.clone(), read.header("etag")), (one, "\"v2\""));
    let both =
        secretary.changes_entry(&patient, EntryKind::Referral, &read.body, &json!({"pas_id": "P-2"})).expect(200).body;
    assert_eq!((&both["source"], &both["pas_id"]), (&json!("hospital"), &json!("P-2")));
    secretary.withdraws(&patient, EntryKind::Referral, &entry).problem(412, "stale");
    assert_eq!(clinician.reads_entry(&patient, EntryKind::Referral, &entry, "").expect(200).body, both);
}

#[test]
fn timeline_pages_through_every_entry() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let manager = world.alpha().manager();
    manager.post(&manager.at("projects"), &crate::examples::project(crate::examples::PROJECT)).expect(201);
    let implant = clinician.records(&patient, EntryKind::Implant, &alone(EntryKind::Implant));
    let mut all = vec![(EntryKind::Implant.to_string(), implant.clone())];
    for kind in EntryKind::iter().filter(|kind| *kind != EntryKind::Implant) {
        let body = with(&crate::examples::entry(kind, "", id(&implant)), &json!({"episode_id": null}));
        // Twice, so that lines share a day.
        for _ in 0..2 {
            all.push((kind.to_string(), clinician.records(&patient, kind, &body)));
        }
    }
    let before = world.clock.now();
    clinician.submits(&patient, "s-1", &json!({"nrs_average": 7})).expect(201);
    clinician.submits(&patient, "s-1", &json!({"nrs_average": 8})).expect(201);
    let path = clinician.at(&format!("patients/{}/timeline", patient.id));
    let whole: Vec<Value> = pages(&clinician, &path).into_iter().flatten().collect();
    assert_eq!(whole.len(), all.len() + 1);
    for limit in [1, 4, 1000] {
        let paged: Vec<Value> = pages(&clinician, &format!("{path}?limit={limit}")).into_iter().flatten().collect();
        assert_eq!(paged, whole, "{limit}");
    }
    let entries: Vec<&Value> = whole.iter().filter(|line| line["kind"] != "submission").collect();
    assert_eq!(whole.len() - entries.len(), 1, "a revision replaces the answers before it");
    assert_eq!(whole.iter().find(|line| line["kind"] == "submission").expect("a line")["version"], 2);
    for line in &entries {
        let known = all.iter().find(|(_, entry)| entry["id"] == line["id"]).expect("known");
        assert_eq!((&line["kind"], &line["entry"], &line["version"]), (&json!(known.0), &known.1, &known.1["version"]));
        let kind: EntryKind = known.0.parse().expect("a kind");
        assert_eq!(line["on"], known.1[kind.row().day]);
    }
    assert!(whole.is_sorted_by(|a, b| (a["on"].as_str(), a["id"].as_str()) >= (b["on"].as_str(), b["id"].as_str())));
    let earlier: Vec<Value> =
        pages(&clinician, &format!("{path}?as_of={before}&limit=7")).into_iter().flatten().collect();
    assert_eq!(earlier.iter().collect::<Vec<_>>(), entries, "before the answers");
    // A cursor is valid for one instant of one patient.
    let cursor = clinician.get(&format!("{path}?limit=1")).expect(200).text_at("/next_cursor").to_owned();
    let other = clinician.registers(&world.person());
    clinician.get(&format!("{path}?cursor={cursor}&as_of={before}")).problem(400, "invalid_cursor");
    clinician.reads_timeline_of(&other, &format!("?cursor={cursor}")).problem(400, "invalid_cursor");
    for bad in ["limit=0", "limit=1001", "kind=referral", "as_of=x"] {
        clinician.get(&format!("{path}?{bad}")).problem(400, "invalid_parameter");
    }
}
