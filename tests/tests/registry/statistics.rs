//! Response rates: counted from sent and answered invitations, each figure with its decisions.

use painreg_domain::calendar::{days_before, norwegian_day};
use painreg_tests::{Actor, Patient, World};
use serde_json::{Value, json};

use crate::invitations::{claims, due, hands_over, morning, reports_delivery};

/// Sends all due invitations; each is delivered.
fn sends(world: &World) {
    let sender = world.alpha().sender();
    let claim = claims(&sender, "sms");
    for invitation in claim["invitations"].as_array().expect("invitations") {
        hands_over(&sender, invitation).expect(200);
        reports_delivery(&sender, invitation, &json!({"outcome": "delivered"})).expect(200);
    }
}

fn answers(world: &World, patient: &Patient) {
    let body = json!({"source": {"system": "test", "form_id": "9", "submission_id": patient.id}, "patient": {"id": patient.id},
        "form": "opr-rf", "submitted_at": world.clock.now(), "answers": {"pgic": 2}});
    let clinician = world.alpha().clinician();
    clinician.post(&clinician.at("submissions"), &body).expect(201);
}

#[track_caller]
fn read(actor: &Actor<'_>, query: &str) -> Value {
    actor.get(&actor.at(&format!("follow-up-statistics{query}"))).expect(200).body
}

#[test]
fn follow_up_statistics_list_the_decisions_counted() {
    let world = morning();
    let manager = world.alpha().manager();
    let patients: Vec<Patient> = (0..8).map(|_| due(&world)).collect();
    let nothing = read(&manager, "");
    assert_eq!(
        (&nothing["cells"], &nothing["total"]["sent"], &nothing["total"]["percent"]),
        (&json!([]), &json!(0), &Value::Null)
    );
    assert!(
        nothing["not_sent"]
            .as_array()
            .expect("reasons")
            .iter()
            .any(|it| it["reason"]["code"] == "due_now" && it["occurrences"] == 8)
    );
    sends(&world);
    for patient in patients.iter().take(6) {
        answers(&world, patient);
    }
    let result = read(&manager, "");
    let cell = &result["cells"][0];
    assert_eq!(cell["group"], json!(["rf_3"]));
    assert_eq!(
        [&cell["sent"], &cell["delivered"], &cell["answered"], &cell["percent"]],
        [&json!(8), &json!(8), &json!(6), &json!(75.0)]
    );
    assert_eq!(result["time_to_answer"], json!({"quartiles": [0, 0, 0], "by_day": [{"day": 0, "answered": 6}]}));
    let link = cell["decisions"].as_str().expect("a link");
    for (figure, count) in [("", 8), ("&figure=answered", 6), ("&figure=delivered", 8)] {
        let listed = manager.get(&format!("{link}{figure}&limit=200")).expect(200);
        assert_eq!(listed.items().len(), count, "{link}{figure}");
        assert!(listed.items().iter().all(|it| it["rule"] == "rf_3"));
    }
    let first = manager.get(&format!("{link}&limit=3")).expect(200);
    let rest = manager.get(&format!("{link}&limit=200&cursor={}", first.text_at("/next_cursor"))).expect(200);
    assert_eq!((first.items().len(), rest.items().len()), (3, 5));
    // By every other grouping: the same people.
    for by in ["track", "wave", "channel", "reminder", "month", "age_band", "sex", "diagnosis_group", "unit"] {
        let result = read(&manager, &format!("?by={by}&and=rule"));
        let cells = result["cells"].as_array().expect("cells");
        assert_eq!(cells.iter().filter_map(|it| it["sent"].as_i64()).sum::<i64>(), 8, "{by}");
        for cell in cells {
            let listed = manager.get(&format!("{}&limit=200", cell["decisions"].as_str().expect("a link"))).expect(200);
            assert_eq!(json!(listed.items().len()), cell["sent"], "{by} {cell}");
        }
    }
    let today = norwegian_day(world.clock.now());
    let before = read(&manager, &format!("?to={}", days_before(today, 1)));
    assert_eq!(before["total"]["sent"], 0);
    assert_eq!(read(&manager, &format!("?from={today}&to={today}&rule=rf_3"))["total"]["sent"], 8);
    assert_eq!(read(&manager, "?rule=rf_6")["total"]["sent"], 0);
    let path = manager.at("follow-up-statistics");
    for wrong in ["?by=colour", "?by=sex&and=sex", "?from=2026-02-01&to=2026-01-01"] {
        manager.get(&format!("{path}{wrong}")).problem(400, "invalid_parameter");
    }
    // A clinician of another unit gets no counts.
    let elsewhere = world.alpha().clinician().of_unit("elsewhere");
    assert_eq!(read(&elsewhere, "")["total"]["sent"], 0);
    world.alpha().sender().get(&path).problem(403, "forbidden");
}

#[test]
fn follow_up_statistics_suppress_small_counts() {
    let world = morning();
    let manager = world.alpha().manager();
    let patients: Vec<Patient> = (0..9).map(|_| due(&world)).collect();
    sends(&world);
    for patient in patients.iter().take(4) {
        answers(&world, patient);
    }
    let result = read(&manager, "?disclosure=publishable&by=sex");
    assert_eq!((&result["cells"], &result["total"]), (&json!([]), &Value::Null), "four answered: too few to be shown");
    assert_eq!(result["not_sent"], json!([]));
    answers(&world, &patients[4]);
    let result = read(&manager, "?disclosure=publishable&by=sex");
    assert_eq!(result["cells"], json!([]), "four did not answer: too few either");
    let tenth = due(&world);
    sends(&world);
    let result = read(&manager, "?disclosure=publishable&by=sex");
    let cells = result["cells"].as_array().expect("cells");
    assert_eq!(cells.iter().filter_map(|it| it["sent"].as_i64()).sum::<i64>(), 10, "{result}");
    assert!(cells.iter().all(|it| it["decisions"] == Value::Null));
    answers(&world, &tenth);
    assert_eq!(read(&manager, "?disclosure=publishable&by=sex")["cells"], json!([]));
}

#[test]
fn non_responder_profile_compares_with_responders() {
    let world = morning();
    let manager = world.alpha().manager();
    let patients: Vec<Patient> = (0..6).map(|_| due(&world)).collect();
    sends(&world);
    for patient in patients.iter().take(3) {
        answers(&world, patient);
    }
    let profile = manager.get(&manager.at("non-responder-profile")).expect(200).body;
    assert_eq!((&profile["asked"], &profile["answered"]), (&json!(6), &json!(3)));
    let groups = profile["groups"].as_array().expect("groups");
    for by in ["age_band", "sex", "diagnosis_group", "unit", "channel", "track"] {
        let of =
            |member: &str| groups.iter().filter(|it| it["by"] == by).filter_map(|it| it[member].as_i64()).sum::<i64>();
        assert_eq!((of("answered"), of("not_answered")), (3, 3), "{by}");
    }
    let channel = groups.iter().find(|it| it["by"] == "channel").expect("a group");
    assert_eq!((&channel["group"], &channel["difference"]), (&json!("sms"), &json!(0.0)));
}
