//! Duplicates: found, merged, read as one record, and separated again.

mod addresses;
mod chains;

use painreg_domain::clinical::EntryKind;
use painreg_domain::synthetic::Person;
use painreg_tests::{Actor, Patient, World, registration};
use serde_json::{Value, json};

use super::{alone, changed_at, episode, id, ids, just_before, stage, treated};
use crate::kit::{AnswerAssertions as _, pages, version, with};

/// Registers a person with the data of `person` under another number.
#[track_caller]
fn registers_again(actor: &Actor<'_>, person: &Person, number: &Value, change: &Value) -> Patient {
    let body = with(&with(&registration(person), &json!({ "national_id": number })), change);
    let body = actor.post(&actor.at("patients"), &body).expect(201).body;
    Patient { id: id(&body).to_owned(), tenant: "alpha".to_owned(), body, person: person.clone() }
}

fn fnr(person: &Person) -> Value {
    json!({"type": "fnr", "value": person.national_id})
}

#[test]
fn list_duplicates_finds_candidates() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let manager = world.alpha().manager();
    let (one, other) = (world.person(), world.person());
    let first = clinician.registers(&one);
    let another = |change: &Value| registers_again(&clinician, &one, &fnr(&world.person()), change);
    // Candidates with the same telephone, another spelling of the address, neither; another birth date; a temporary
    // number.
    let phone = another(&json!({"contact": {"mobile": one.mobile, "email": "elsewhere@example.org"}}));
    let mail = another(&json!({"contact": {"mobile": null, "email": one.email.to_uppercase()}}));
    let nothing = another(&json!({"contact": {}}));
    let elsewhen = another(&json!({"birth_date": other.birth_date}));
    let temporary = registers_again(
        &clinician,
        &one,
        &json!({"type": "dnr", "value": "41818012320"}),
        &json!({"contact": {}, "sex": "unknown"}),
    );
    let found = manager.get(&manager.at("patient-duplicates")).expect(200);
    let result: Vec<(&str, &str, bool, bool, bool)> = found
        .items()
        .iter()
        .map(|pair| {
            let said = |name: &str| pair[name].as_bool().expect("yes or no");
            let who = |name: &str| pair[name]["patient_id"].as_str().expect("an id");
            (who("first"), who("second"), said("same_mobile"), said("same_email"), said("temporary_number"))
        })
        .collect();
    assert_eq!(
        result,
        [
            (first.id.as_str(), phone.id.as_str(), true, false, false),
            (first.id.as_str(), mail.id.as_str(), false, true, false),
            (first.id.as_str(), temporary.id.as_str(), false, false, true),
            (phone.id.as_str(), temporary.id.as_str(), false, false, true),
            (mail.id.as_str(), temporary.id.as_str(), false, false, true),
            (nothing.id.as_str(), temporary.id.as_str(), false, false, true),
        ]
    );
    assert!(!found.text().contains(&elsewhen.id) && !found.text().contains(&one.mobile));
    for limit in [1, 4] {
        let paged = pages(&manager, &manager.at(&format!("patient-duplicates?limit={limit}")));
        assert_eq!(paged.into_iter().flatten().collect::<Vec<_>>(), found.items());
    }
    // A changed telephone number changes the candidates; both of a pair must be within reach.
    clinician.changes(&phone, 1, &json!({"contact": {"mobile": "+46701740605"}})).expect(200);
    clinician.changes(&first, 1, &json!({"contact": {"mobile": null}})).expect(200);
    manager.changes(&temporary, 1, &json!({"unit": "ward"})).expect(200);
    let within = clinician.get(&clinician.at("patient-duplicates")).expect(200);
    assert_eq!(within.items().len(), 1, "{}", within.text());
    assert_eq!(within.items()[0]["second"]["patient_id"], mail.id.as_str());
    assert_eq!(clinician.clone().of_unit("ward").get(&clinician.at("patient-duplicates")).expect(200).items().len(), 0);
    // A merged patient is no candidate any more.
    manager.merges(&first, &mail).expect(201);
    assert_eq!(clinician.get(&clinician.at("patient-duplicates")).expect(200).items().len(), 0);
    let log = world.alpha().dpo().reads_access_log_of(&nothing).expect(200);
    assert!(log.items().iter().any(|it| it["action"] == "FindDuplicates" && it["actor"] == "registry_manager-1"));
    // Telephone numbers and addresses are encrypted.
    let rows = world.rows("SELECT to_jsonb(patient)::text AS line FROM {alpha}.patient");
    assert!(rows.iter().all(|row| !row["line"].as_str().unwrap_or_default().contains("4670174")));
}

#[test]
fn merge_patients_reads_as_one_and_undo_separates() {
    let world = World::new();
    let (clinician, survivor) = treated(&world);
    let duplicate = clinician.registers(&world.person());
    let manager = world.alpha().manager();
    let mut own: Vec<(&Patient, Vec<String>)> = Vec::new();
    let mut episodes = Vec::new();
    for patient in [&survivor, &duplicate] {
        let open = episode(&clinician, patient);
        let diagnosis = with(&alone(EntryKind::Diagnosis), &json!({"episode_id": open["id"]}));
        let kept = [open.clone(), clinician.records(patient, EntryKind::Diagnosis, &diagnosis)];
        let answered =
            clinician.submits(patient, &format!("s-{}", patient.id), &json!({"nrs_average": 7})).expect(201).body;
        own.push((patient, [&kept[0], &kept[1], &answered].map(|it| id(it).to_owned()).to_vec()));
        episodes.push(open);
    }
    let lines = |actor: &Actor<'_>, patient: &Patient| {
        let mut found = ids(actor.reads_timeline_of(patient, "").expect(200).items());
        found.sort();
        found
    };
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    let before = world.clock.now();
    let merged = manager.merges(&survivor, &duplicate).expect(201);
    assert_eq!(merged.header("etag"), "\"v1\"");
    assert_eq!(merged.header("location"), manager.at(&format!("patient-merges/{}", id(&merged.body))));
    assert_eq!((&merged.body["merged_by"], &merged.body["undone_at"]), (&json!("registry_manager-1"), &Value::Null));

    // Both ids and both numbers open the survivor, for every operation.
    let read = clinician.reads(&survivor).expect(200);
    assert_eq!(clinician.reads(&duplicate).expect(200).body, read.body);
    assert_eq!(read.body["id"], survivor.id.as_str());
    assert_eq!(read.body["registry_number"], survivor.body["registry_number"]);
    assert_eq!(read.body["national_ids"].as_array().map(Vec::len), Some(2));
    for patient in [&survivor, &duplicate] {
        assert_eq!(clinician.looks_up(&patient.person).expect(200).body, read.body);
        assert_eq!(lines(&clinician, patient), sorted(own.iter().flat_map(|(_, ids)| ids.clone()).collect()));
        assert_eq!(clinician.reads_answers_of(patient).expect(200).items().len(), 2);
        for (whose, _) in &own {
            assert_eq!(clinician.lists(patient, EntryKind::Diagnosis, "").expect(200).items().len(), 2, "{}", whose.id);
        }
    }
    let submission = clinician.get(&clinician.at(&format!("submissions/{}", own[1].1[2]))).expect(200);
    assert_eq!(submission.status, 200);
    // The list shows one of them, unless merged patients are requested.
    let listed = clinician.lists_patients("").expect(200);
    assert_eq!(ids(listed.items()), [survivor.id.as_str()]);
    assert_eq!(ids(clinician.lists_patients("?stage=merged").expect(200).items()), [duplicate.id.as_str()]);
    assert_eq!(stage(&clinician, &survivor), "in_treatment");
    // Each is found by their registry number only in the list that includes them.
    let number = format!("?registry_number={}&stage=merged", duplicate.body["registry_number"]);
    assert_eq!(clinician.lists_patients(&number).expect(200).items().len(), 1);
    // The log covers both, with the merge in each.
    let log = manager.reads_access_log_of(&survivor).expect(200);
    let registered = log.items().iter().filter(|it| it["action"] == "RegisterPatient").count();
    let merging = log.items().iter().filter(|it| it["action"] == "MergePatients").count();
    assert_eq!((registered, merging), (2, 2), "{}", log.text());

    // An entry recorded while merged belongs to the patient of its episode.
    let mut while_merged = Vec::new();
    for (at, open) in episodes.iter().enumerate() {
        let through = [&duplicate, &survivor][at];
        let body = with(&alone(EntryKind::Consultation), &json!({"episode_id": open["id"]}));
        let entry = clinician.records(through, EntryKind::Consultation, &body);
        clinician.reads_entry(&survivor, EntryKind::Consultation, &entry, "").expect(200);
        while_merged.push(id(&entry).to_owned());
    }
    let loose = clinician.records(&duplicate, EntryKind::Medication, &alone(EntryKind::Medication));
    let changed = clinician.lists(&survivor, EntryKind::Diagnosis, "").expect(200);
    let theirs = changed.items().iter().find(|it| it["id"] == own[1].1[1].as_str()).expect("theirs").clone();
    let theirs =
        clinician.changes_entry(&survivor, EntryKind::Diagnosis, &theirs, &json!({"rank": 2})).expect(200).body;

    manager.delete(&manager.at(&format!("patient-merges/{}", id(&merged.body))), 2).problem(412, "stale");
    let undone = manager.undoes(&merged.body).expect(200);
    assert_eq!((undone.header("etag"), &undone.body["undone_by"]), ("\"v2\"", &json!("registry_manager-1")));
    own[0].1.extend([while_merged[0].clone(), id(&loose).to_owned()]);
    own[1].1.push(while_merged[1].clone());
    for (patient, kept) in &own {
        let read = clinician.reads(patient).expect(200).body;
        assert_eq!(read["id"], patient.id.as_str());
        assert_eq!(read["national_ids"], patient.body["national_ids"]);
        assert_eq!(clinician.looks_up(&patient.person).expect(200).body["id"], patient.id.as_str());
        assert_eq!(lines(&clinician, patient), sorted(kept.clone()));
        assert_eq!(stage(&clinician, patient), "in_treatment");
    }
    assert_eq!(clinician.reads_entry(&duplicate, EntryKind::Diagnosis, &theirs, "").expect(200).body, theirs);
    clinician.reads_entry(&survivor, EntryKind::Diagnosis, &theirs, "").problem(404, "not_found");
    // The history holds the duplicate's data, state by state, without a gap.
    let kept = world.rows(&format!(
        "SELECT version, reason, valid_from, valid_to, before ->> 'merged_into' AS merged_into FROM {{alpha}}.row_history \
         WHERE entity = 'patient' AND entity_id = '{}' ORDER BY version",
        duplicate.id
    ));
    let result: Vec<(&Value, &Value)> = kept.iter().map(|row| (&row["reason"], &row["merged_into"])).collect();
    assert_eq!(result, [(&json!("merge"), &Value::Null), (&json!("merge_undone"), &json!(survivor.id))]);
    assert_eq!(kept[0]["valid_to"], kept[1]["valid_from"]);
    let now = clinician.reads(&duplicate).expect(200).body;
    assert_eq!(version(&now), 3);
    for (at, expected) in [(before, 1), (just_before(changed_at(&now)), 2), (changed_at(&now), 3)] {
        let path = clinician.at(&format!("patients/{}?as_of={at}", duplicate.id));
        assert_eq!(version(&clinician.get(&path).expect(200).body), expected, "{at}");
    }
    // A merge cannot be undone twice; the patients may be merged again.
    manager.undoes(&undone.body).problem(409, "state_conflict");
    manager.merges(&duplicate, &survivor).expect(201);
    assert_eq!(clinician.reads(&survivor).expect(200).body["id"], duplicate.id.as_str());
    let listed = manager.get(&manager.at("patient-merges")).expect(200);
    assert_eq!(listed.items().len(), 2);
    assert_eq!(listed.items()[1], undone.body);
    assert_eq!(
        pages(&manager, &manager.at("patient-merges?limit=1")).into_iter().flatten().collect::<Vec<_>>(),
        listed.items()
    );
}

#[test]
fn merge_patients_derives_the_stage_of_both_records() {
    let world = World::new();
    let (clinician, survivor) = treated(&world);
    let duplicate = clinician.registers(&world.person());
    clinician.records(&duplicate, EntryKind::Referral, &alone(EntryKind::Referral));
    let merge = world.alpha().manager().merges(&survivor, &duplicate).expect(201).body;
    assert_eq!(stage(&clinician, &survivor), "referred");
    let open = clinician.records(&duplicate, EntryKind::Referral, &alone(EntryKind::Referral));
    world.alpha().manager().undoes(&merge).expect(200);
    clinician.reads_entry(&survivor, EntryKind::Referral, &open, "").expect(200);
    episode(&clinician, &duplicate);
    world.alpha().manager().merges(&survivor, &duplicate).expect(201);
    assert_eq!(stage(&clinician, &survivor), "in_treatment");
    assert_eq!(ids(clinician.lists_patients("?stage=in_treatment").expect(200).items()), [survivor.id.as_str()]);
}

#[test]
fn merge_patients_refuses_invalid_pairs() {
    let world = World::new();
    let (clinician, one) = treated(&world);
    let [two, three] = [0, 1].map(|_| clinician.registers(&world.person()));
    let manager = world.alpha().manager();
    let foreigner = world.beta().clinician().registers(&world.person());
    let unregistered = Patient { id: world.clock.random_id().to_string(), ..one.clone() };
    manager.merges(&one, &one).fault(422, "/duplicate_id", "same_patient");
    for stranger in [&foreigner, &unregistered] {
        manager.merges(&one, stranger).problem(404, "not_found");
        manager.merges(stranger, &one).problem(404, "not_found");
    }
    for actor in [&clinician, &world.alpha().secretary(), &world.alpha().pas_feed(), &world.alpha().patient(&one.id)] {
        actor.merges(&one, &two).problem(403, "forbidden");
    }
    let path = manager.at("patient-merges");
    for (body, pointer, code) in [
        (json!({"survivor_id": one.id}), "/duplicate_id", "required"),
        (json!({"survivor_id": one.id, "duplicate_id": "x"}), "/duplicate_id", "invalid_format"),
        (json!({"survivor_id": one.id, "duplicate_id": two.id, "why": "x"}), "/why", "unknown_item"),
    ] {
        manager.post(&path, &body).fault(422, pointer, code);
    }
    manager.merges(&one, &two).expect(201);
    manager.merges(&one, &two).problem(409, "already_exists").fault(409, "/duplicate_id", "already_exists");
    manager.merges(&three, &two).fault(409, "/duplicate_id", "already_exists");
    manager.merges(&two, &three).fault(409, "/survivor_id", "already_exists");
    manager.merges(&two, &one).expect(409);
    manager.merges(&two, &two).fault(422, "/duplicate_id", "same_patient");
    let unknown = json!({"id": world.clock.random_id(), "version": 1});
    manager.undoes(&unknown).problem(404, "not_found");
    let merges = manager.get(&path).expect(200);
    assert_eq!(merges.items().len(), 1);
    let known = format!("{path}/{}", id(&merges.items()[0]));
    manager.request("DELETE", &known).send().problem(428, "precondition_required");
    world
        .beta()
        .manager()
        .delete(&world.beta().manager().at(&format!("patient-merges/{}", id(&merges.items()[0]))), 1)
        .problem(404, "not_found");
    clinician.delete(&known, 1).problem(403, "forbidden");
}

#[test]
fn patient_token_reads_the_merged_record() {
    let world = World::new();
    let (clinician, survivor) = treated(&world);
    let duplicate = clinician.registers(&world.person());
    let goal = clinician.records(&duplicate, EntryKind::TreatmentGoal, &alone(EntryKind::TreatmentGoal));
    let merge = world.alpha().manager().merges(&survivor, &duplicate).expect(201).body;
    let by_number = |patient: &Patient| {
        world.alpha().patient(&patient.id).changed(|claims| {
            claims.patient = None;
            claims.national_id = Some(patient.person.national_id.clone());
        })
    };
    let owns = || [&survivor, &duplicate].into_iter().flat_map(|it| [world.alpha().patient(&it.id), by_number(it)]);
    for own in owns() {
        for patient in [&survivor, &duplicate] {
            assert_eq!(own.reads(patient).expect(200).body["id"], survivor.id.as_str());
            assert_eq!(own.reads_entry(patient, EntryKind::TreatmentGoal, &goal, "").expect(200).body, goal);
            assert_eq!(own.reads_timeline_of(patient, "").expect(200).items().len(), 1);
            own.reads_access_log_of(patient).expect(200);
        }
    }
    let sent = by_number(&duplicate).submits(&duplicate, "own-1", &json!({"nrs_average": 3})).expect(201);
    assert_eq!(sent.body["patient_id"], survivor.id.as_str());
    world.alpha().manager().undoes(&merge).expect(200);
    for (number, own) in owns().enumerate() {
        let (theirs, not_theirs) = if number < 2 { (&survivor, &duplicate) } else { (&duplicate, &survivor) };
        assert_eq!(own.reads(theirs).expect(200).body["id"], theirs.id.as_str());
        own.reads(not_theirs).problem(404, "not_found");
        own.reads_timeline_of(not_theirs, "").problem(404, "not_found");
    }
}

#[test]
fn revision_while_merged_stays_with_its_predecessor() {
    let world = World::new();
    let (clinician, survivor) = treated(&world);
    let duplicate = clinician.registers(&world.person());
    let manager = world.alpha().manager();
    let first = clinician.submits(&duplicate, "s-1", &json!({"nrs_average": 7})).expect(201).body;
    let merge = manager.merges(&survivor, &duplicate).expect(201).body;
    let second = clinician.submits(&duplicate, "s-1", &json!({"nrs_average": 8})).expect(201).body;
    assert_eq!(second["delivered"], "revised");
    manager.undoes(&merge).expect(200);
    let mut theirs = ids(clinician.reads_answers_of(&duplicate).expect(200).items());
    theirs.sort();
    let mut both = [id(&first).to_owned(), id(&second).to_owned()];
    both.sort();
    assert_eq!(theirs, both);
    assert_eq!(clinician.reads_timeline_of(&duplicate, "").expect(200).items().len(), 1);
    assert_eq!(clinician.reads_timeline_of(&survivor, "").expect(200).items().len(), 0);
    // The source continues to correct.
    assert_eq!(
        clinician.submits(&duplicate, "s-1", &json!({"nrs_average": 9})).expect(201).body["delivered"],
        "revised"
    );
}

#[test]
fn entries_of_a_duplicate_refer_to_its_own_entries() {
    let world = World::new();
    let (clinician, survivor) = treated(&world);
    let duplicate = clinician.registers(&world.person());
    let loose = clinician.records(&survivor, EntryKind::Diagnosis, &alone(EntryKind::Diagnosis));
    let theirs = episode(&clinician, &duplicate);
    world.alpha().manager().merges(&survivor, &duplicate).expect(201);
    // An entry belongs to the patient it was recorded for: an episode of the other patient is refused as its parent.
    let put = clinician.changes_entry(&survivor, EntryKind::Diagnosis, &loose, &json!({"episode_id": theirs["id"]}));
    put.fault(422, "/episode_id", "unknown_reference");
    // A referral of one patient and an episode of the other: when recorded again, the entry belongs to the patient of
    // the referral.
    let referral = clinician.records(&survivor, EntryKind::Referral, &alone(EntryKind::Referral));
    let body = json!({"referral_id": referral["id"], "opened_on": "2025-03-01"});
    let open = clinician.records(&duplicate, EntryKind::Episode, &body);
    assert_eq!(open["patient_id"], survivor.id.as_str());
    let at_episode = with(&alone(EntryKind::Procedure), &json!({"episode_id": theirs["id"]}));
    assert_eq!(clinician.records(&survivor, EntryKind::Procedure, &at_episode)["patient_id"], duplicate.id.as_str());
    // An entry that others refer to cannot be withdrawn, whichever patient it belongs to.
    clinician.withdraws(&survivor, EntryKind::Episode, &theirs).fault(409, "", "in_use");
    // A list over the registry shows both, each within the survivor's unit.
    let all = clinician.get(&clinician.at("episodes")).expect(200);
    assert_eq!(all.items().len(), 2);
    assert_eq!(clinician.clone().of_unit("ward").get(&clinician.at("episodes")).expect(200).items().len(), 0);
}
