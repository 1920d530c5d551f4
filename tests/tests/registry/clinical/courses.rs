//! The course through the clinic: stages, referrals, episodes, the ownership of entries, and the legal basis of
//! recording.

mod access;

use painreg_domain::clinical::EntryKind;
use painreg_tests::World;
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use super::{alone, changed_at, episode, id, just_before, stage, treated, under};
use crate::examples;
use crate::kit::{AnswerAssertions as _, version, with};

#[test]
fn patient_stage_is_derived_from_the_record() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    assert_eq!(stage(&clinician, &patient), "registered");
    let referral = clinician.records(&patient, EntryKind::Referral, &alone(EntryKind::Referral));
    assert_eq!(stage(&clinician, &patient), "referred");
    let first = clinician.records(
        &patient,
        EntryKind::Episode,
        &json!({"referral_id": referral["id"], "opened_on": "2025-02-01"}),
    );
    assert_eq!(stage(&clinician, &patient), "in_treatment");
    let closed = json!({"closed_on": "2025-03-01", "closing_reason": "completed"});
    clinician.changes_entry(&patient, EntryKind::Episode, &first, &closed).expect(200);
    assert_eq!(stage(&clinician, &patient), "closed");
    let again = clinician.records(&patient, EntryKind::Episode, &json!({"opened_on": "2025-06-01"}));
    assert_eq!(stage(&clinician, &patient), "in_treatment");
    clinician.withdraws(&patient, EntryKind::Episode, &again).expect(204);
    assert_eq!(stage(&clinician, &patient), "closed");
    let second = clinician.registers(&world.person());
    let third = clinician.registers(&world.person());
    clinician.changes(&third, 1, &json!({"deceased_on": "2026-01-01"})).expect(200);
    assert_eq!(stage(&clinician, &third), "deceased");
    for (query, found) in [
        ("stage=closed", vec![&patient]),
        ("stage=registered", vec![&second]),
        ("stage=deceased", vec![&third]),
        ("stage=referred", vec![]),
        ("stage=in_treatment", vec![]),
        ("stage=merged", vec![]),
        (&format!("registry_number={}", second.body["registry_number"]), vec![&second]),
        (&format!("registry_number={}&stage=closed", second.body["registry_number"]), vec![]),
        ("registry_number=999999", vec![]),
        ("unit=clinic&stage=closed", vec![&patient]),
        ("unit=ward&stage=closed", vec![]),
    ] {
        let listed = clinician.lists_patients(&format!("?{query}")).expect(200);
        let shown: Vec<&str> = listed.items().iter().map(id).collect();
        assert_eq!(shown, found.iter().map(|patient| patient.id.as_str()).collect::<Vec<_>>(), "{query}");
    }
    for (query, name) in [
        ("stage=dead", ""),
        ("registry_number=0", "registry_number"),
        ("registry_number=-1", "registry_number"),
        ("registry_number=x", ""),
    ] {
        let answer = clinician.lists_patients(&format!("?{query}")).problem(400, "invalid_parameter");
        assert!(name.is_empty() || answer.faults()[0].0 == format!("/query/{name}"), "{query}: {}", answer.text());
    }
}

#[test]
fn read_patient_as_of_any_instant() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let mut states = vec![clinician.reads(&patient).expect(200).body];
    for change in [
        json!({"language": "en"}),
        json!({"contact": {"mobile": null}}),
        json!({"deceased_on": "2026-01-01", "interpreter_needed": true}),
    ] {
        world.advance(jiff::SignedDuration::from_secs(60));
        let at = version(states.last().expect("a state"));
        states.push(clinician.changes(&patient, at, &change).expect(200).body);
    }
    let path = clinician.at(&format!("patients/{}", patient.id));
    let read = |at: jiff::Timestamp| clinician.get(&format!("{path}?as_of={at}"));
    read(just_before(changed_at(&states[0]))).problem(404, "not_found");
    for (at, state) in states.iter().enumerate() {
        assert_eq!(read(changed_at(state)).expect(200).body, *state, "at the instant");
        if let Some(before) = at.checked_sub(1) {
            assert_eq!(read(just_before(changed_at(state))).expect(200).body, states[before], "just before it");
        }
    }
    assert_eq!(read(world.clock.now()).expect(200).body, states[3]);
    for (at, status) in [
        ("9999-12-30T22:00:00Z", 200),
        ("0001-01-02T01:59:59Z", 404),
        ("-009999-01-02T01:59:59Z", 400),
        ("2026-13-01T00:00:00Z", 400),
        ("", 400),
    ] {
        assert_eq!(clinician.get(&format!("{path}?as_of={at}")).status, status, "{at}");
    }
}

#[test]
fn recategorise_referral_reports_consequences() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let bare = clinician.records(&patient, EntryKind::Referral, &json!({"received_on": "2025-01-10"}));
    assert_eq!(bare["remarks"], json!(["category_missing"]));
    let path = format!("{}/recategorisations", clinician.entry_of(&patient, EntryKind::Referral, &bare));
    let recategorises = |actor: &painreg_tests::Actor<'_>, version: i64, body: &Value| {
        actor.request("POST", &path).header("if-match", &format!("\"v{version}\"")).json(body).send()
    };
    clinician.post(&path, &json!({"category": "right_granted"})).problem(428, "precondition_required");
    let body = json!({"category": "right_granted", "assessed_on": "2025-01-20"});
    let one = recategorises(&clinician, 1, &body).expect(201);
    assert_eq!(one.header("etag"), "\"v2\"");
    assert_eq!(one.header("location"), clinician.entry_of(&patient, EntryKind::Referral, &bare));
    assert_eq!(
        one.body["consequence"],
        json!({"before": null, "after": {"category": "right_granted", "counts_in_denominator": true,
            "triggers_baseline": true, "triggers_follow_up": true}})
    );
    assert_eq!(one.body["referral"]["remarks"], json!([]));
    // The second front end has read an older version: its change is refused, and nothing is lost.
    let late = json!({"category": "no_right", "assessed_on": "2025-01-21", "correction": true});
    recategorises(&clinician, 1, &late).problem(412, "stale");
    let two = recategorises(&world.alpha().secretary(), 2, &late).expect(201);
    assert_eq!(two.body["consequence"]["before"], one.body["consequence"]["after"]);
    assert_eq!(
        two.body["consequence"]["after"],
        json!({"category": "no_right", "counts_in_denominator": false, "triggers_baseline": false, "triggers_follow_up": false})
    );
    assert_eq!(clinician.reads_entry(&patient, EntryKind::Referral, &bare, "").expect(200).body, two.body["referral"]);
    // Without a day the assessment is of today.
    let three = recategorises(&clinician, 3, &json!({"category": "second_opinion"})).expect(201);
    assert_eq!(
        three.body["referral"]["assessed_on"],
        painreg_domain::calendar::norwegian_day(world.clock.now()).to_string()
    );
    let states = clinician.reads_versions_of(&patient, EntryKind::Referral, &bare).expect(200);
    let result: Vec<(&Value, &Value)> =
        states.items().iter().map(|it| (&it["reason"], &it["entry"]["category"])).collect();
    assert_eq!(
        result,
        [
            (&Value::Null, &json!("second_opinion")),
            (&json!("update"), &json!("no_right")),
            (&json!("correction"), &json!("right_granted")),
            (&json!("update"), &Value::Null),
        ]
    );
    for (body, pointer, code) in [
        (json!({"category": "right"}), "/category", "unknown_code"),
        (json!({"category": ""}), "/category", "unknown_code"),
        (json!({"category": "x".repeat(41)}), "/category", "too_long"),
        (json!({"category": "no_right", "assessed_on": "2025-01-09"}), "/assessed_on", "wrong_order"),
        (json!({"category": "no_right", "assessed_on": "2999-01-09"}), "/assessed_on", "in_future"),
        (json!({}), "/category", "required"),
        (json!({"category": "no_right", "why": "x"}), "/why", "unknown_item"),
    ] {
        recategorises(&clinician, 4, &body).fault(422, pointer, code);
    }
    // The hospital's system repeats a request: one effect, one answer.
    let feed = world.alpha().pas_feed();
    let send = || {
        let request = feed.request("POST", &path).header("if-match", "\"v4\"").key("recategorised-1");
        request.json(&json!({"category": "guidance_only"})).send().expect(201)
    };
    assert_eq!(send().bytes, send().bytes);
    assert_eq!(version(&clinician.reads_entry(&patient, EntryKind::Referral, &bare, "").expect(200).body), 5);
}

#[test]
fn close_episode_requires_a_later_day_and_a_reason() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let whole =
        json!({"unit": "clinic", "opened_on": "2025-02-01", "closed_on": "2025-02-01", "closing_reason": "completed"});
    clinician.records(&patient, EntryKind::Episode, &whole);
    for (change, faults) in [
        (json!({"closed_on": "2025-01-31"}), vec![("/closed_on", "wrong_order")]),
        (json!({"closing_reason": null}), vec![("/closing_reason", "required")]),
        (json!({"closed_on": null}), vec![("/closed_on", "required")]),
        (json!({"closed_on": "2999-01-01"}), vec![("/closed_on", "in_future")]),
        (
            json!({"opened_on": "2999-01-01", "closed_on": null, "closing_reason": null}),
            vec![("/opened_on", "in_future")],
        ),
        (json!({"opened_on": "1800-01-01"}), vec![("/opened_on", "before_birth")]),
        (json!({"closing_reason": "bored"}), vec![("/closing_reason", "unknown_code")]),
        (json!({"unit": "nowhere"}), vec![("/unit", "unknown_code")]),
        (
            json!({"unit": "nowhere", "closed_on": "2025-01-31"}),
            vec![("/closed_on", "wrong_order"), ("/unit", "unknown_code")],
        ),
        (json!({"opened_on": null}), vec![("/opened_on", "required")]),
        (json!({"opened_on": "yesterday"}), vec![("/opened_on", "invalid_format")]),
        (
            json!({"opened_on": "0001-01-01", "closed_on": null, "closing_reason": null}),
            vec![("/opened_on", "before_birth")],
        ),
        (json!({"patient_id": patient.id}), vec![("/patient_id", "unknown_item")]),
    ] {
        let answer =
            clinician.tries_to_record(&patient, EntryKind::Episode, &with(&whole, &change)).problem(422, "invalid");
        let faults: Vec<_> =
            faults.into_iter().map(|(pointer, code): (&str, &str)| (pointer.to_owned(), code.to_owned())).collect();
        assert_eq!(answer.faults(), faults, "{change}");
    }
    // The same rules apply to changes, with the pointers of the entry.
    let open = episode(&clinician, &patient);
    clinician.changes_entry(&patient, EntryKind::Episode, &open, &json!({"closed_on": "2025-03-01"})).fault(
        422,
        "/closing_reason",
        "required",
    );
    let wrong = json!({"closed_on": "2025-01-01", "closing_reason": "other"});
    clinician.changes_entry(&patient, EntryKind::Episode, &open, &wrong).fault(422, "/closed_on", "wrong_order");
    assert_eq!(clinician.reads_entry(&patient, EntryKind::Episode, &open, "").expect(200).body, open);
}

/// Returns the kinds that belong to others, with the member that refers to them.
fn belonging() -> impl Iterator<Item = (EntryKind, &'static str, EntryKind)> {
    EntryKind::iter().filter_map(|kind| kind.row().parent.map(|(member, parent)| (kind, member, parent)))
}

#[test]
fn entries_refer_only_to_the_same_patient() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let other = clinician.registers(&world.person());
    let abroad = world.beta().clinician();
    let foreigner = abroad.registers(&world.person());
    for (kind, member, parent) in belonging() {
        let own = clinician.records(&patient, parent, &alone(parent));
        let body = |reference: &Value| with(&alone(kind), &json!({ member: reference }));
        let kept = clinician.records(&patient, kind, &body(&own["id"]));
        let gone = clinician.records(&patient, parent, &alone(parent));
        clinician.withdraws(&patient, parent, &gone).expect(204);
        let not_theirs = [
            ("another patient's", clinician.records(&other, parent, &alone(parent))["id"].clone()),
            ("another registry's", abroad.records(&foreigner, parent, &alone(parent))["id"].clone()),
            ("nobody's", json!(world.clock.random_id())),
            ("withdrawn", gone["id"].clone()),
            ("another kind's", kept["id"].clone()),
        ];
        for (whose, reference) in not_theirs {
            let pointer = format!("/{member}");
            let answers = [
                clinician.tries_to_record(&patient, kind, &body(&reference)),
                clinician.changes_entry(&patient, kind, &kept, &json!({ member: reference })),
            ];
            for answer in answers {
                let answer = answer.expect(422);
                assert_eq!(answer.faults(), [(pointer.clone(), "unknown_reference".to_owned())], "{kind} {whose}");
            }
        }
        clinician.tries_to_record(&patient, kind, &body(&json!("e1"))).fault(
            422,
            &format!("/{member}"),
            "invalid_format",
        );
        assert_eq!(clinician.reads_entry(&patient, kind, &kept, "").expect(200).body, kept, "{kind}");
        // An entry cannot be read, changed or withdrawn through another patient.
        let through = under(&patient, &other);
        clinician.reads_entry(&through, kind, &kept, "").problem(404, "not_found");
        clinician.reads_versions_of(&through, kind, &kept).problem(404, "not_found");
        clinician.changes_entry(&through, kind, &kept, &json!({})).problem(404, "not_found");
        clinician.withdraws(&through, kind, &kept).problem(404, "not_found");
    }
}

#[test]
fn withdraw_entry_refuses_referenced_entries() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    for (kind, member, parent) in belonging() {
        let own = clinician.records(&patient, parent, &alone(parent));
        let child = clinician.records(&patient, kind, &with(&alone(kind), &json!({member: own["id"]})));
        clinician.withdraws(&patient, parent, &own).problem(409, "state_conflict").fault(409, "", "in_use");
        assert_eq!(clinician.reads_entry(&patient, parent, &own, "").expect(200).body, own, "{kind}");
        clinician.withdraws(&patient, kind, &child).expect(204);
        clinician.withdraws(&patient, parent, &own).expect(204);
        clinician.reads_entry(&patient, parent, &own, "").problem(404, "not_found");
        clinician.withdraws(&patient, parent, &own).problem(404, "not_found");
    }
}

#[test]
fn record_entry_refuses_days_after_death() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let implant = clinician.records(&patient, EntryKind::Implant, &alone(EntryKind::Implant));
    let open = episode(&clinician, &patient);
    clinician.changes(&patient, 1, &json!({"deceased_on": "2025-06-01"})).expect(200);
    for kind in
        EntryKind::iter().filter(|kind| *kind != EntryKind::LegalBasis && *kind != EntryKind::ProjectParticipation)
    {
        let row = kind.row();
        // No other day may be before the moved one.
        let bare = with(&examples::entry(kind, id(&open), id(&implant)), &json!({"assessed_on": null, "udi": null}));
        let on = |day: &str| with(&bare, &json!({row.day: day}));
        clinician.records(&patient, kind, &on("2025-06-01"));
        let late = clinician.tries_to_record(&patient, kind, &on("2025-06-02"));
        late.fault(422, &format!("/{}", row.day), "after_death");
        // The code may have been invalid on the new day.
        let early = clinician.tries_to_record(&patient, kind, &on("1900-01-01")).problem(422, "invalid");
        assert!(early.faults().contains(&(format!("/{}", row.day), "before_birth".to_owned())), "{}", early.text());
    }
    // Open entries must be closed explicitly.
    let closing = json!({"closed_on": "2025-06-20", "closing_reason": "deceased"});
    clinician.changes_entry(&patient, EntryKind::Episode, &open, &closing).expect(200);
}

#[test]
fn record_entry_repeated_under_one_key_stores_one() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let path = clinician.entries_of(&patient, EntryKind::Diagnosis);
    let send = |body: &Value| clinician.request("POST", &path).key("diagnosis-1").json(body).send();
    let first = send(&alone(EntryKind::Diagnosis)).expect(201);
    assert_eq!(first.header("location"), format!("{path}/{}", id(&first.body)));
    assert_eq!(first.header("etag"), "\"v1\"");
    let again = send(&alone(EntryKind::Diagnosis)).expect(201);
    assert_eq!((&again.bytes, again.header("location")), (&first.bytes, first.header("location")));
    send(&with(&alone(EntryKind::Diagnosis), &json!({"rank": 2}))).problem(422, "key_reused");
    assert_eq!(clinician.lists(&patient, EntryKind::Diagnosis, "").expect(200).items().len(), 1);
    // A refused request may be corrected under the same key.
    let wrong = with(&alone(EntryKind::Diagnosis), &json!({"rank": 0}));
    let other = |body: &Value| clinician.request("POST", &path).key("diagnosis-2").json(body).send();
    other(&wrong).fault(422, "/rank", "out_of_range");
    other(&alone(EntryKind::Diagnosis)).expect(201);
}

#[test]
fn entry_days_are_dates_without_time() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    for (day, code) in [
        ("2025-02-30", "invalid_format"),
        ("2025-2-3", "invalid_format"),
        ("03.02.2025", "invalid_format"),
        ("2025-W06-1", "invalid_format"),
        ("", "invalid_format"),
        (" 2025-02-03", "invalid_format"),
        ("2025-02-03T25:00:00", "invalid_format"),
    ] {
        let body = with(&alone(EntryKind::Diagnosis), &json!({"set_on": day}));
        clinician.tries_to_record(&patient, EntryKind::Diagnosis, &body).fault(422, "/set_on", code);
    }
    let body = with(&alone(EntryKind::Diagnosis), &json!({"set_on": 20_250_203}));
    clinician.tries_to_record(&patient, EntryKind::Diagnosis, &body).fault(422, "/set_on", "wrong_type");
}
