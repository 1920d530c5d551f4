//! Lists of entries: every filter, both directions, page by page, within each caller's reach.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use painreg_domain::clinical::EntryKind;
use painreg_domain::policy::Role;
use painreg_tests::{Actor, Patient, World};
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use super::{alone, changed_at, id, ids, just_before, treated};
use crate::examples;
use crate::kit::{AnswerAssertions as _, pages, with};

fn all(actor: &Actor<'_>, path: &str) -> Vec<Value> {
    pages(actor, path).into_iter().flatten().collect()
}

/// Returns a filter's value as the query spells it; `None` if the entry has none.
fn asked(value: &Value) -> Option<String> {
    value.as_str().map(|text| text.replace('+', "%2B").replace(' ', "%20").replace('æ', "%C3%A6"))
}

/// Records two entries of each kind that differ in every filter, of two patients.
fn with_two_entries_each(world: &World) -> (Vec<Patient>, BTreeMap<EntryKind, Vec<Value>>) {
    let clinician = world.alpha().clinician();
    let manager = world.alpha().manager();
    for code in [examples::PROJECT, "other-project"] {
        manager.post(&manager.at("projects"), &examples::project(code)).expect(201);
    }
    let patients = vec![clinician.registers(&world.person()), clinician.registers(&world.person())];
    let mut kept: BTreeMap<EntryKind, Vec<Value>> = BTreeMap::new();
    for patient in &patients {
        let mut of_theirs: BTreeMap<EntryKind, String> = BTreeMap::new();
        for kind in EntryKind::iter() {
            let known = |kind| of_theirs.get(&kind).cloned().unwrap_or_default();
            let body = examples::entry(kind, &known(EntryKind::Episode), &known(EntryKind::Implant));
            let one = clinician.records(patient, kind, &body);
            let other = clinician.records(patient, kind, &with(&body, &differing(kind, &known(EntryKind::Referral))));
            of_theirs.insert(kind, id(&one).to_owned());
            kept.entry(kind).or_default().extend([one, other]);
        }
    }
    (patients, kept)
}

/// Returns the change after which every filter distinguishes the two entries.
fn differing(kind: EntryKind, referral: &str) -> Value {
    match kind {
        EntryKind::Referral => {
            json!({"category": "no_right", "source": "other", "unit": "rehabilitation", "pas_id": "P-2 +æ"})
        }
        EntryKind::Episode => {
            json!({"unit": "rehabilitation", "referral_id": referral, "closed_on": "2025-06-01", "closing_reason": "moved"})
        }
        EntryKind::Consultation => {
            json!({"sequence": "follow_up", "mode": "video", "attendance": "no_show", "episode_id": null})
        }
        EntryKind::Diagnosis => json!({"system": "icd10", "code": "M79.7", "episode_id": null}),
        EntryKind::Procedure => json!({"system": "ncsp", "code": "ZDS02", "episode_id": null}),
        EntryKind::PainSite => json!({"reported_by": "clinician", "episode_id": null}),
        EntryKind::TreatmentGoal => {
            json!({"set_by": "clinician", "category": "pain", "attainment": 1, "assessed_on": "2025-06-01"})
        }
        EntryKind::Medication => json!({"atc": "N02AA01", "route": "rectal", "ended_on": "2025-06-01"}),
        EntryKind::Implant => {
            json!({"indication": "other", "modality": "drg", "trial_started_on": "2025-03-01", "trial_ended_on": "2025-03-08", "trial_outcome": "success"})
        }
        EntryKind::ImplantComponent => {
            json!({"component": "lead_paddle", "manufacturer": "Other", "model": "M 2", "udi": null, "serial": "S2", "lot": "L2", "removed_on": "2025-06-01"})
        }
        EntryKind::ImplantProgramme => json!({"waveform": "burst", "ended_on": "2025-06-01"}),
        EntryKind::ImplantEvent => json!({"event": "infection"}),
        EntryKind::ImplantCheck => json!({"battery": "end_of_service"}),
        EntryKind::LegalBasis => {
            json!({"basis": "consent", "decision": "given", "valid_to": "2025-06-01", "letter_version": "2020"})
        }
        EntryKind::ProjectParticipation => json!({"project": "other-project", "arm": "B", "left_on": "2025-06-01"}),
        EntryKind::Sample => json!({"sample_type": "csf", "state": "used", "project": "other-project"}),
    }
}

#[test]
fn every_list_applies_every_filter() {
    let world = World::new();
    let (patients, kept) = with_two_entries_each(&world);
    let clinician = world.alpha().clinician();
    for kind in EntryKind::iter() {
        let row = kind.row();
        let paths = [clinician.entries_of(&patients[0], kind), clinician.at(row.path)];
        for (whole, path) in paths.iter().enumerate() {
            let own = |it: &&Value| whole == 1 || it["patient_id"] == patients[0].id.as_str();
            let these: Vec<&Value> = kept[&kind].iter().filter(own).collect();
            assert_eq!(all(&clinician, path).len(), these.len(), "{path}");
            let matching = |fits: &dyn Fn(&Value) -> bool| {
                let mut found: Vec<String> = these.iter().filter(|it| fits(it)).map(|it| id(it).to_owned()).collect();
                found.sort();
                found
            };
            let found = |query: &str| {
                let mut found = ids(&all(&clinician, &format!("{path}?{query}")));
                found.sort();
                found
            };
            for member in row.filters {
                let values: Vec<&Value> =
                    these.iter().map(|it| &it[*member]).filter(|value| !value.is_null()).collect();
                for value in values {
                    let query = format!("{member}={}", asked(value).expect("a text"));
                    let expected = matching(&|it| it[*member] == *value);
                    assert_eq!(found(&query), expected, "{path}?{query}");
                    // Components and events share one implant: its filter finds both.
                    assert!(
                        !expected.is_empty() && (expected.len() < these.len() || *member == "implant_id"),
                        "{path}?{query}"
                    );
                }
                let refers = member.ends_with("_id") && *member != "pas_id";
                let nothing = if refers { world.clock.random_id().to_string() } else { "none".to_owned() };
                let answer = clinician.get(&format!("{path}?{member}={nothing}"));
                // A word that the specification does not list is refused; text and ids find nothing.
                match answer.status {
                    200 => assert_eq!(answer.items().len(), 0, "{path}?{member}"),
                    _ => drop(answer.fault(400, &format!("/query/{member}"), "unknown_option")),
                }
                for bad in ["", "%00", &"x".repeat(201)] {
                    let answer = clinician.get(&format!("{path}?{member}={bad}")).problem(400, "invalid_parameter");
                    assert_eq!(answer.faults()[0].0, format!("/query/{member}"), "{bad}");
                }
            }
            let going_on = format!("{path}?ongoing=true");
            if let Some(until) = row.until {
                assert_eq!(found("ongoing=true"), matching(&|it| it[until].is_null()), "{path}");
                assert_eq!(found("ongoing=false"), matching(&|it| !it[until].is_null()), "{path}");
                clinician.get(&format!("{path}?ongoing=yes")).problem(400, "invalid_parameter");
            } else {
                clinician.get(&going_on).problem(400, "invalid_parameter");
            }
            let day = these[0][row.day].as_str().expect("a day");
            assert_eq!(found(&format!("from={day}&to={day}")), matching(&|it| it[row.day] == day));
            assert_eq!(found("from=2027-01-01"), [] as [String; 0]);
            assert_eq!(found("to=2019-12-31"), [] as [String; 0]);
            for bad in ["surprise=1", "sort=id", "sort=", "id=1", "text=x", "from=x", "from=2025-01-01&from=2025-01-02"]
            {
                clinician.get(&format!("{path}?{bad}")).problem(400, "invalid_parameter");
            }
        }
        let whole = clinician.at(row.path);
        assert_eq!(all(&clinician, &format!("{whole}?patient_unit=clinic")).len(), 4);
        assert_eq!(all(&clinician, &format!("{whole}?patient_unit=ward")).len(), 0);
        clinician.get(&format!("{whole}?patient_unit=")).problem(400, "invalid_parameter");
        clinician.lists(&patients[0], kind, "?patient_unit=clinic").problem(400, "invalid_parameter");
    }
}

#[test]
fn every_sort_order_pages_through_all_rows_once() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let other = clinician.registers(&world.person());
    let body = |day: u8| with(&alone(EntryKind::Diagnosis), &json!({"set_on": format!("2025-02-{day:02}")}));
    let mut kept = Vec::new();
    for at in 0..14_u8 {
        let whose = if at % 5 == 4 { &other } else { &patient };
        // Most entries share a day; some have a day alone.
        kept.push(clinician.records(whose, EntryKind::Diagnosis, &body(if at % 3 == 0 { at + 1 } else { 7 })));
    }
    for at in [3, 8, 1] {
        world.advance(SignedDuration::from_secs(1));
        kept[at] =
            clinician.changes_entry(&patient, EntryKind::Diagnosis, &kept[at], &json!({"rank": 3})).expect(200).body;
    }
    let now = world.clock.now();
    for (path, mine) in
        [(clinician.entries_of(&patient, EntryKind::Diagnosis), true), (clinician.at("diagnoses"), false)]
    {
        let whole = all(&clinician, &path);
        assert_eq!(whole.len(), if mine { 12 } else { 14 });
        let texts = |it: &Value, by: &str| {
            (
                if by == "day" {
                    it["set_on"].as_str().unwrap_or_default().to_owned()
                } else {
                    changed_at(it).to_string()
                },
                id(it).to_owned(),
            )
        };
        for sort in ["day", "-day", "updated_at", "-updated_at"] {
            let by = sort.trim_start_matches('-');
            let mut expected: Vec<_> = whole.iter().map(|it| texts(it, by)).collect();
            expected.sort_by(|a, b| {
                let instant = |text: &str| text.parse::<jiff::Timestamp>().ok();
                instant(&a.0)
                    .cmp(&instant(&b.0))
                    .then_with(|| if by == "day" { a.0.cmp(&b.0) } else { std::cmp::Ordering::Equal })
                    .then_with(|| a.1.cmp(&b.1))
            });
            if sort.starts_with('-') {
                expected.reverse();
            }
            let expected: Vec<String> = expected.into_iter().map(|(_, id)| id).collect();
            for limit in [1, 3, 14, 200] {
                let found = ids(&all(&clinician, &format!("{path}?sort={sort}&limit={limit}")));
                assert_eq!(found, expected, "{path} {sort} {limit}");
                let found = ids(&all(&clinician, &format!("{path}?sort={sort}&limit={limit}&as_of={now}")));
                assert_eq!(found, expected, "{path} {sort} {limit} as of {now}");
            }
            let some: Vec<String> =
                whole.iter().filter(|it| it["set_on"] == "2025-02-07").map(|it| id(it).to_owned()).collect();
            let mut found = ids(&all(
                &clinician,
                &format!("{path}?sort={sort}&limit=2&from=2025-02-07&to=2025-02-07&system=icd11"),
            ));
            found.sort();
            let mut some = some;
            some.sort();
            assert_eq!(found, some, "{path} {sort}");
        }
        assert_eq!(ids(&whole), ids(&all(&clinician, &format!("{path}?sort=-day"))), "the latest first");
    }
    // As of an instant, pages are consistent whatever changes between them.
    let path = format!("{}?as_of={now}&limit=5", clinician.entries_of(&patient, EntryKind::Diagnosis));
    let first = clinician.get(&path).expect(200);
    let gone = clinician.lists(&patient, EntryKind::Diagnosis, "?limit=200").expect(200);
    for entry in gone.items().iter().skip(4).take(4) {
        clinician.withdraws(&patient, EntryKind::Diagnosis, entry).expect(204);
    }
    let mut seen = ids(first.items());
    let mut next = first.text_at("/next_cursor").to_owned();
    while !next.is_empty() {
        let page = clinician.get(&format!("{path}&cursor={next}")).expect(200);
        seen.extend(ids(page.items()));
        page.text_at("/next_cursor").clone_into(&mut next);
    }
    assert_eq!(seen, ids(gone.items()));
}

#[test]
fn cursor_is_bound_to_list_and_filter() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    for _ in 0..3 {
        clinician.records(&patient, EntryKind::Diagnosis, &alone(EntryKind::Diagnosis));
        clinician.records(&patient, EntryKind::Medication, &alone(EntryKind::Medication));
    }
    let other = clinician.registers(&world.person());
    let now = world.clock.now();
    let path = clinician.entries_of(&patient, EntryKind::Diagnosis);
    let cursor = clinician.get(&format!("{path}?system=icd11&limit=1")).expect(200).text_at("/next_cursor").to_owned();
    let using = |path: &str, query: &str| clinician.get(&format!("{path}?{query}cursor={cursor}"));
    using(&path, "system=icd11&").expect(200);
    using(&path, "limit=200&system=icd11&").expect(200);
    clinician.get(&format!("{path}?cursor={cursor}&system=icd11")).expect(200);
    for query in [
        "",
        "system=icd10&",
        "system=icd11&code=MG30.02&",
        "system=icd11&sort=day&",
        "system=icd11&sort=-day&",
        "system=icd11&from=2020-01-01&",
        &format!("system=icd11&as_of={now}&"),
    ] {
        using(&path, query).problem(400, "invalid_cursor");
    }
    using(&clinician.entries_of(&other, EntryKind::Diagnosis), "system=icd11&").problem(400, "invalid_cursor");
    using(&clinician.entries_of(&patient, EntryKind::Medication), "").problem(400, "invalid_cursor");
    using(&clinician.at("diagnoses"), "system=icd11&").problem(400, "invalid_cursor");
    using(&clinician.at("patients"), "").problem(400, "invalid_cursor");
    let colleague = clinician.clone().called("clinician-2");
    colleague.get(&format!("{path}?system=icd11&cursor={cursor}")).problem(400, "invalid_cursor");
}

#[test]
fn registry_wide_lists_respect_reach() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let ward = world.alpha().clinician().of_unit("ward");
    let patients = [&clinician, &clinician, &ward].map(|actor| (actor.registers(&world.person()), actor));
    let entries = patients
        .each_ref()
        .map(|(patient, actor)| actor.records(patient, EntryKind::Diagnosis, &alone(EntryKind::Diagnosis)));
    let listed = |actor: &Actor<'_>, query: &str| {
        let mut found = ids(&all(actor, &actor.at(&format!("diagnoses{query}"))));
        found.sort();
        found
    };
    let expected = |at: &[usize]| {
        let mut ids: Vec<String> = at.iter().map(|at| id(&entries[*at]).to_owned()).collect();
        ids.sort();
        ids
    };
    for role in [Role::Clinician, Role::Secretary] {
        let here = world.alpha().caller(role);
        assert_eq!(listed(&here, ""), expected(&[0, 1]), "{role}");
        assert_eq!(listed(&here, "?patient_unit=ward"), expected(&[]), "{role}");
        assert_eq!(listed(&here.of_unit("ward"), ""), expected(&[2]), "{role}");
    }
    let manager = world.alpha().manager();
    assert_eq!(listed(&manager, ""), expected(&[0, 1, 2]));
    assert_eq!(listed(&manager, "?patient_unit=ward"), expected(&[2]));
    let now = world.clock.now();
    // A patient who moves to another unit takes the whole record along, including earlier states.
    manager.changes(&patients[1].0, 1, &json!({"unit": "ward"})).expect(200);
    for query in [String::new(), format!("?as_of={now}"), format!("?as_of={}", just_before(now))] {
        assert_eq!(listed(&ward, &query), expected(&[1, 2]), "{query}");
        assert_eq!(listed(&clinician, &query), expected(&[0]), "{query}");
    }
    assert_eq!(listed(&world.beta().manager(), ""), expected(&[]));
    // Every listed patient has an access event; merged patients have one for the record that holds both.
    let logged = |patient: &Patient| {
        let log = world.alpha().dpo().reads_access_log_of(patient).expect(200);
        log.items().iter().filter(|it| it["action"] == "ListClinical" && it["object"] == "diagnosis").count()
    };
    let before = logged(&patients[0].0);
    listed(&clinician, "");
    assert_eq!(logged(&patients[0].0), before + 1);
    manager.merges(&patients[0].0, &patients[2].0).expect(201);
    assert_eq!(listed(&clinician, ""), expected(&[0, 2]), "the record is the survivor's unit's");
    assert_eq!(listed(&ward, ""), expected(&[1]));
    let before = logged(&patients[0].0);
    listed(&clinician, "");
    assert!(logged(&patients[0].0) > before);
    for actor in [
        world.alpha().pas_feed(),
        world.alpha().importer(),
        world.alpha().dpo(),
        world.alpha().patient(&patients[0].0.id),
    ] {
        actor.get(&actor.at("diagnoses")).problem(403, "forbidden");
    }
}
