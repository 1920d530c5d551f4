//! Answers: in Nettskjema's format and in the registry's, stored once, scored by the catalogue, refused as a whole.

mod refusals;

use painreg_tests::{Answer, World};
use serde_json::{Value, json};

use crate::kit::{AnswerAssertions as _, with};

/// Returns the counts of rows that a delivery may create.
fn traces(world: &World) -> [i64; 3] {
    ["submission", "score", "idempotency_key"]
        .map(|table| world.number(&format!("SELECT count(*) FROM {{alpha}}.{table}")))
}

/// Returns a delivery of these answers by this person, in the newest version.
fn delivery(number: &str, submission_id: u64, answers: &Value) -> Value {
    json!({
        "version": "2024-09", "version_minor": 2,
        "metadata": {
            "created": "2026-01-05T09:15:00+01:00", "answer_time": 265_150, "submission_id": submission_id,
            "respondent": {"provider": "idporten", "personal_identifier": number},
        },
        "answers": answers,
    })
}

/// Returns answers to every instrument of the baseline form, in Nettskjema's codebook and in the registry's format.
fn whole() -> (Value, Value) {
    let rows = |prefix: &str, count: usize, value: i32| -> Value {
        (1..=count)
            .map(|at| (format!("{prefix}{at:02}"), json!(value.to_string())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let bare = |count: usize, prefix: &str, value: i32| -> Value {
        (1..=count)
            .map(|at| (format!("{prefix}{at}"), json!(value.to_string())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let mut codebook = json!({
        "nrs_worst": 9, "nrs_least": 2, "nrs_average": 6.0, "nrs_now": 5,
        "eq5d_mo": "3", "eq5d_sc": "1", "eq5d_ua": "3", "eq5d_pd": "4", "eq5d_ad": "2", "eq5d_vas": 45,
        "hscl": rows("", 25, 2), "isi": rows("", 7, 3), "catastrophizing": bare(13, "", 1), "cfq": rows("", 11, 2),
        "self_efficacy": bare(10, "s", 3), "sivilstand": "married", "children": "2", "pain_duration_years": 12,
    });
    let mut words = json!({
        "nrs_worst": 9, "nrs_least": 2, "nrs_average": 6, "nrs_now": 5,
        "eq5d_mo": 3, "eq5d_sc": 1, "eq5d_ua": 3, "eq5d_pd": 4, "eq5d_ad": 2, "eq5d_vas": 45,
        "civil_status": "married", "children": 2, "pain_duration_years": 12,
    });
    let (given, ours) = (codebook.as_object_mut().expect("an object"), words.as_object_mut().expect("an object"));
    for (prefix, count, value) in
        [("odi", 10, 2), ("hscl", 25, 2), ("isi", 7, 3), ("pcs", 13, 1), ("cfq", 11, 2), ("gse", 10, 3)]
    {
        for at in 1..=count {
            ours.insert(format!("{prefix}_{at:02}"), json!(value));
            if prefix == "odi" {
                given.insert(format!("odi_{at:02}"), json!(value.to_string()));
            }
        }
    }
    (codebook, words)
}

/// Returns the scores of an answer, by instrument.
fn scores(answer: &Answer) -> Vec<Value> {
    let mut scores = answer.body["scores"].as_array().cloned().expect("scores");
    scores.sort_by_key(|score| score["instrument"].as_str().map(str::to_owned));
    scores
}

#[test]
fn deliver_accepts_three_versions_of_the_wire_format() {
    let world = World::new();
    let importer = world.alpha().importer();
    let patient = world.alpha().secretary().registers(&world.person());
    let (codebook, _) = whole();
    for (at, version) in ["2022-07", "2023-03", "2024-09"].into_iter().enumerate() {
        let document = with(
            &delivery(&patient.person.national_id, u64::try_from(at).expect("small"), &codebook),
            &json!({"version": version}),
        );
        let answer = importer.delivers(&document).expect(201);
        assert_eq!((&answer.body["delivered"], &answer.body["patient_id"]), (&json!("created"), &json!(patient.id)));
        assert_eq!((&answer.body["version"], &answer.body["wave"]), (&json!(1), &json!("baseline")));
        assert_eq!(answer.header("location"), importer.at(&format!("submissions/{}", answer.text_at("/id"))));
        assert_eq!(answer.header("etag"), "\"v1\"");
        assert_eq!(scores(&answer).len(), 8);
    }
    for version in ["2021-01", "2024-9", "", "2024-09 ", "2025-01"] {
        let document = with(&delivery(&patient.person.national_id, 9, &codebook), &json!({"version": version}));
        importer.delivers(&document).kept("/version", "unknown_version");
    }
    // A generated year of deliveries: every one is accepted.
    for at in 100..130 {
        let person = world.person();
        world.alpha().secretary().registers(&person);
        importer.delivers(&world.delivery(&person, at)).expect(201);
    }
}

#[test]
fn scores_are_equal_for_every_way_of_submission() {
    let world = World::new();
    let (importer, clinician) = (world.alpha().importer(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    let (codebook, words) = whole();
    let delivered = importer.delivers(&delivery(&patient.person.national_id, 1, &codebook)).expect(201);
    let submitted = clinician.submits(&patient, "2", &words).expect(201);
    let expected = scores(&delivered);
    assert_eq!(scores(&submitted), expected);
    let stored = clinician.get(delivered.header("location")).expect(200);
    assert_eq!(scores(&stored), expected);
    assert_eq!(stored.body["answers"], words, "the codebook leads to our words");
    for item in clinician.reads_answers_of(&patient).expect(200).items() {
        let mut listed = item["scores"].as_array().cloned().expect("scores");
        listed.sort_by_key(|score| score["instrument"].as_str().map(str::to_owned));
        assert_eq!(listed, expected);
    }
    let codes: Vec<&str> = expected.iter().filter_map(|score| score["instrument"].as_str()).collect();
    assert_eq!(codes, ["cfq11", "eq5d5l", "gse10", "hscl25", "isi", "nrs", "odi_opr_mod", "pcs"]);
    for score in &expected {
        let code = score["instrument"].as_str().expect("a code");
        let items = clinician.get(&clinician.at(&format!("instruments/{code}"))).expect(200);
        let of_it: serde_json::Map<_, _> = items.body["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| {
                let item = item["code"].as_str()?;
                Some((item.to_owned(), words.get(item)?.clone()))
            })
            .collect();
        let alone = clinician
            .post(&clinician.at(&format!("instruments/{code}/scores")), &json!({"answers": of_it}))
            .expect(200);
        assert_eq!(&alone.body, score, "{code}");
    }
    // Published values: seven times three, and the Norwegian value of 31342.
    assert_eq!(expected[4]["scales"][0]["value"], json!(21));
    let scales = expected[1]["scales"].as_array().expect("scales");
    assert!(scales.iter().any(|scale| scale["value"] == json!("31342")));
    assert!(scales.iter().any(|scale| scale["value_set"] == json!("NO_5L_2024") && scale["value"].is_number()));
}

#[test]
fn deliver_assigns_a_representatives_answers_to_the_patient() {
    let world = World::new();
    let importer = world.alpha().importer();
    let secretary = world.alpha().secretary();
    let (patient, relative) = (secretary.registers(&world.person()), secretary.registers(&world.person()));
    let represented = |authorizer: Value| {
        let mut document = delivery(&relative.person.national_id, 1, &json!({"nrs_average": 5}));
        document["metadata"]["respondent"]["representation"] = json!({
            "representation_type": "PARENT", "pid_authorizer": authorizer, "name_authorizer": "N N",
            "representative_pid": relative.person.national_id, "representative_name": "N N",
        });
        document
    };
    let answer = importer.delivers(&represented(json!(patient.person.national_id))).expect(201);
    assert_eq!(answer.body["patient_id"], json!(patient.id), "not the one who held the pen");
    let stored = world.alpha().clinician().get(answer.header("location")).expect(200);
    assert_eq!(stored.body["answered_by"], json!("representative"));
    assert_eq!(world.alpha().clinician().reads_answers_of(&relative).expect(200).items().len(), 0);
    let place = "/metadata/respondent/representation/pid_authorizer";
    importer.delivers(&represented(Value::Null)).kept(place, "required");
    importer.delivers(&represented(json!(""))).kept(place, "required");
    // Faults of the number are reported at the pointer of the number.
    importer.delivers(&represented(json!("01818012338"))).kept(place, "invalid_checksum");
    importer.delivers(&represented(json!(world.person().national_id))).kept(place, "unknown_reference");
}

#[test]
fn deliver_reads_the_patient_from_a_form_element() {
    let world = World::new();
    let importer = world.alpha().importer();
    let patient = world.alpha().secretary().registers(&world.person());
    let other = world.alpha().secretary().registers(&world.person());
    let open = |number: &str| {
        let mut document = delivery("", 1, &json!({"nrs_average": 5, "fnr": number}));
        document["metadata"].as_object_mut().expect("an object").remove("respondent");
        document
    };
    let answer = importer.delivers(&open(&patient.person.national_id)).expect(201);
    assert_eq!(answer.body["patient_id"], json!(patient.id));
    let stored = world.alpha().clinician().get(answer.header("location")).expect(200);
    assert_eq!(stored.body["answers"], json!({"nrs_average": 5}), "the number is no answer");
    importer.delivers(&open("01818012338")).kept("/answers/fnr", "invalid_checksum");
    importer.delivers(&open(&world.person().national_id)).kept("/answers/fnr", "unknown_reference");
    // Two different persons in one document are refused.
    let both = delivery(&patient.person.national_id, 2, &json!({"nrs_average": 5, "fnr": other.person.national_id}));
    importer.delivers(&both).kept("/answers/fnr", "contradiction");
    // No person at all.
    let mut none = open("");
    none["answers"] = json!({"nrs_average": 5});
    importer.delivers(&none).kept("/metadata/respondent/personal_identifier", "required");
}

#[test]
fn redelivery_changes_nothing_and_a_change_is_a_revision() {
    let world = World::new();
    let (importer, clinician) = (world.alpha().importer(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    let number = patient.person.national_id.as_str();
    let first = delivery(number, 27_685_292, &json!({"nrs_average": 5}));
    let made = importer.delivers(&first).expect(201);
    let before = traces(&world);
    let again = importer.delivers(&first).expect(200);
    assert_eq!((&again.body["delivered"], &again.body["id"]), (&json!("unchanged"), &made.body["id"]));
    assert_eq!((&again.body["version"], scores(&again)), (&json!(1), scores(&made)));
    assert_eq!(again.header("location"), made.header("location"));
    let after = traces(&world);
    assert_eq!(after[..2], before[..2], "no row more, but for the answer to this key");
    assert_eq!(after[2], before[2] + 1);

    let revised = importer.delivers(&delivery(number, 27_685_292, &json!({"nrs_average": 7}))).expect(201);
    assert_eq!((&revised.body["delivered"], &revised.body["version"]), (&json!("revised"), &json!(2)));
    assert_eq!(revised.header("etag"), "\"v2\"");
    let stored = clinician.get(revised.header("location")).expect(200);
    assert_eq!((&stored.body["supersedes"], &stored.body["version"]), (&made.body["id"], &json!(2)));
    assert_eq!(
        stored.body["source"],
        json!({"system": "nettskjema", "form_id": "1000001", "submission_id": "27685292"})
    );
    // The previous revision is unchanged.
    let old = clinician.get(made.header("location")).expect(200);
    assert_eq!((&old.body["answers"], &old.body["supersedes"]), (&json!({"nrs_average": 5}), &Value::Null));
    assert_eq!(clinician.reads_answers_of(&patient).expect(200).items().len(), 2);
    // Counted once.
    let summary = clinician.get(&clinician.at("summary")).expect(200).body;
    assert_eq!((&summary["patients"], &summary["submissions"]), (&json!(1), &json!(1)));
    // The first again is known: it does not become current once more.
    let again = importer.delivers(&first).expect(200).body;
    assert_eq!((&again["version"], &again["id"]), (&json!(2), &revised.body["id"]));
}

#[test]
fn submit_answers_binds_a_source_to_one_patient() {
    let world = World::new();
    let importer = world.alpha().importer();
    let secretary = world.alpha().secretary();
    let (one, other) = (secretary.registers(&world.person()), secretary.registers(&world.person()));
    importer.delivers(&delivery(&one.person.national_id, 1, &json!({"nrs_average": 5}))).expect(201);
    let before = traces(&world);
    let answer = importer.delivers(&delivery(&other.person.national_id, 1, &json!({"nrs_average": 5})));
    let answer = answer.kept("/patient", "contradiction");
    assert!(!answer.text().contains(&one.id) && !answer.text().contains(&one.person.national_id));
    assert_eq!(traces(&world)[..2], before[..2]);
    // The same number of another form, or from another system, is another source.
    let clinician = world.alpha().clinician();
    clinician.submits(&other, "1", &json!({"nrs_average": 5})).expect(201);
    clinician.submits(&one, "1", &json!({"nrs_average": 5})).problem(409, "already_exists");
}

#[test]
fn concurrent_deliveries_of_one_submission_store_one() {
    let world = World::new();
    let importer = world.alpha().importer();
    let patient = world.alpha().secretary().registers(&world.person());
    let document = delivery(&patient.person.national_id, 1, &json!({"nrs_average": 5}));
    // Each with a separate key: the source's number identifies the submission.
    let answers: Vec<Answer> = std::thread::scope(|threads| {
        let sent: Vec<_> = (0..12).map(|_| threads.spawn(|| importer.delivers(&document))).collect();
        sent.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for answer in answers {
        assert!(matches!((answer.status, answer.code()), (200 | 201, _) | (409, "in_progress")), "{}", answer.text());
    }
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.submission"), 1);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.score"), 1);
}
