//! Device identifiers (UDI), current implants and recalls.

use painreg_domain::clinical::EntryKind;
use painreg_tests::{Actor, Patient, World};
use serde_json::{Value, json};

use super::super::{alone, id, ids, treated};
use super::{component, implant, in_place, surgery};
use crate::examples::DEVICE;
use crate::kit::{AnswerAssertions as _, pages, with};

#[test]
fn record_implant_component_parses_and_checks_the_udi() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let implant = implant(&clinician, &patient);
    let whole = with(&alone(EntryKind::ImplantComponent), &json!({"implant_id": implant["id"]}));
    let kept = clinician.records(&patient, EntryKind::ImplantComponent, &whole);
    for (member, value) in [
        ("udi_di", json!(DEVICE)),
        ("udi_lot", json!("LOT42")),
        ("udi_serial", json!("SER42")),
        ("expires_on", json!("2029-12-31")),
        ("lot", Value::Null),
        ("remarks", json!([])),
    ] {
        assert_eq!(kept[member], value, "{member}");
    }
    for (change, pointer, code) in [
        (json!({"udi": "(01)07350000000008(10)LOT42"}), "/udi", "invalid_checksum"),
        (json!({"udi": format!("(01){DEVICE}(17)291331")}), "/udi", "invalid_date"),
        (json!({"udi": format!("(01){DEVICE}(10)A(10)B")}), "/udi", "duplicate_key"),
        (json!({"udi": "LOT42"}), "/udi", "invalid_format"),
        (json!({"udi": ""}), "/udi", "invalid_format"),
        (json!({"udi": format!("(01){DEVICE}(10){}", "x".repeat(300))}), "/udi", "too_long"),
        (json!({"lot": "LOT43"}), "/lot", "contradiction"),
        (json!({"serial": "SER43"}), "/serial", "contradiction"),
        (json!({"lot": "", "udi": null}), "/lot", "invalid_format"),
        (json!({"tip_level": "T13"}), "/tip_level", "invalid_format"),
        (json!({"tip_level": "ø1"}), "/tip_level", "invalid_format"),
        (json!({"component": "ipg_rechargeable", "contacts": null}), "/tip_level", "contradiction"),
        (json!({"contacts": 65}), "/contacts", "out_of_range"),
        (json!({"ipg_site": "flank"}), "/ipg_site", "contradiction"),
        (json!({"midline_offset_mm": 51}), "/midline_offset_mm", "out_of_range"),
        (json!({"midline_offset_mm": -1}), "/midline_offset_mm", "out_of_range"),
        (json!({"removed_on": "2025-03-31"}), "/removed_on", "wrong_order"),
        (json!({"removed_on": "2999-01-01"}), "/removed_on", "in_future"),
        (json!({"udi": format!("(01){DEVICE}(11)250402")}), "/implanted_on", "wrong_order"),
        (json!({"manufacturer": " "}), "/manufacturer", "invalid_format"),
        (json!({"model": "x".repeat(101)}), "/model", "too_long"),
    ] {
        let refused = clinician.tries_to_record(&patient, EntryKind::ImplantComponent, &with(&whole, &change));
        refused.fault(422, pointer, code);
    }
    let old = with(&whole, &json!({"udi": format!("(01){DEVICE}(17)250331")}));
    assert_eq!(
        clinician.records(&patient, EntryKind::ImplantComponent, &old)["remarks"],
        json!(["expired_when_implanted"])
    );
    let bare = component(&clinician, &patient, &implant, &json!({"lot": "TYPED", "midline_offset_mm": 1.5}));
    assert_eq!(
        (&bare["remarks"], &bare["udi_di"], &bare["midline_offset_mm"]),
        (&json!(["udi_missing"]), &Value::Null, &json!(1.5))
    );
    // Members that the UDI determines change with the UDI.
    let other =
        clinician.changes_entry(&patient, EntryKind::ImplantComponent, &kept, &json!({"udi": null})).expect(200).body;
    assert_eq!((&other["udi_di"], &other["udi_lot"], &other["expires_on"]), (&Value::Null, &Value::Null, &Value::Null));
    let scanned = format!("01{DEVICE}10LOT9\u{1d}21S9");
    let read = clinician
        .changes_entry(&patient, EntryKind::ImplantComponent, &other, &json!({ "udi": scanned }))
        .expect(200)
        .body;
    assert_eq!((&read["udi_lot"], &read["udi_serial"]), (&json!("LOT9"), &json!("S9")));
}

#[test]
fn read_current_implants_shows_all_components_in_place() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let empty = clinician.get(&clinician.at(&format!("patients/{}/current-implants", patient.id))).expect(200);
    assert_eq!(empty.items().len(), 0);
    let implant = implant(&clinician, &patient);
    assert_eq!(in_place(&clinician, &patient, "").len(), 0, "nothing is in place yet");
    let safe = component(&clinician, &patient, &implant, &json!({"model": "A", "mri": "full_body3t"}));
    let mri = || {
        clinician.get(&clinician.at(&format!("patients/{}/current-implants", patient.id))).expect(200).body["items"][0]
            ["mri"]
            .clone()
    };
    assert_eq!(mri(), "full_body3t");
    component(&clinician, &patient, &implant, &json!({"model": "B", "mri": "head_only"}));
    assert_eq!(mri(), "head_only");
    let unknown = component(&clinician, &patient, &implant, &json!({"model": "C"}));
    assert_eq!(mri(), "unknown");
    component(&clinician, &patient, &implant, &json!({"model": "D", "mri": "unsafe"}));
    assert_eq!(mri(), "unsafe");
    let of_implant = |kind, change: Value| {
        clinician.records(&patient, kind, &with(&with(&alone(kind), &json!({"implant_id": implant["id"]})), &change))
    };
    let used = of_implant(EntryKind::ImplantProgramme, json!({"number": 2}));
    of_implant(EntryKind::ImplantProgramme, json!({"number": 1, "ended_on": "2025-04-20"}));
    of_implant(EntryKind::ImplantCheck, json!({"checked_on": "2025-04-20", "battery_percent": 99}));
    let check = of_implant(EntryKind::ImplantCheck, json!({"checked_on": "2025-05-02"}));
    let mut events: Vec<String> = (1..=21)
        .map(|day| {
            id(&of_implant(EntryKind::ImplantEvent, json!({"happened_on": format!("2025-05-{day:02}")}))).to_owned()
        })
        .collect();
    let now = clinician.get(&clinician.at(&format!("patients/{}/current-implants", patient.id))).expect(200);
    let item = &now.body["items"][0];
    assert_eq!(item["implant"], implant);
    assert_eq!(item["programmes"], json!([used]));
    assert_eq!(item["latest_check"], check);
    events.reverse();
    assert_eq!(ids(item["events"].as_array().expect("events")), events[..20]);
    assert_eq!(item["components"].as_array().map(Vec::len), Some(4));
    assert!(
        item["components"].as_array().expect("components").contains(&safe)
            && item["components"].as_array().expect("components").contains(&unknown)
    );
    // Of a merged record: the components of both patients.
    let other = clinician.registers(&world.person());
    world.alpha().manager().merges(&other, &patient).expect(201);
    let merged = clinician.get(&clinician.at(&format!("patients/{}/current-implants", other.id))).expect(200);
    assert_eq!(merged.body, now.body);
}

#[test]
fn list_recalled_finds_every_carrier() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let manager = world.alpha().manager();
    let carries = |actor: &Actor<'_>, change: Value| {
        let patient = actor.registers(&world.person());
        let implant = implant(actor, &patient);
        let lead = component(actor, &patient, &implant, &change);
        (patient, implant, lead)
    };
    let udi = |lot: &str, serial: &str| json!({"udi": format!("(01){DEVICE}(10){lot}(21){serial}"), "model": "R-1"});
    let scanned = carries(&clinician, udi("BAD", "S1"));
    let typed = carries(&clinician, json!({"lot": "BAD", "serial": "S2", "model": "R-2", "manufacturer": "Other"}));
    let elsewhere = carries(&clinician.clone().of_unit("ward"), udi("BAD", "S3"));
    let good = carries(&clinician, udi("GOOD", "S4"));
    let removed = carries(&clinician, udi("BAD", "S5"));
    let twice = component(&clinician, &scanned.0, &scanned.1, &udi("BAD", "S6"));
    clinician.records(
        &removed.0,
        EntryKind::ImplantEvent,
        &surgery(&removed.1, "explant", "2025-06-01", &[&removed.2]),
    );
    let found = |actor: &Actor<'_>, query: &str| {
        let answer = actor.get(&actor.at(&format!("device-recalls?{query}"))).expect(200);
        answer.items().iter().map(|it| it["patient_id"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let expected =
        |patients: &[&(Patient, Value, Value)]| patients.iter().map(|it| it.0.id.clone()).collect::<Vec<_>>();
    for (query, all, within) in [
        ("lot=BAD", vec![&scanned, &typed, &elsewhere], vec![&scanned, &typed]),
        (&format!("udi_di={DEVICE}"), vec![&scanned, &elsewhere, &good], vec![&scanned, &good]),
        (&format!("udi_di={DEVICE}&lot=BAD"), vec![&scanned, &elsewhere], vec![&scanned]),
        ("model=R-2", vec![&typed], vec![&typed]),
        ("manufacturer=Other", vec![&typed], vec![&typed]),
        ("serial=S2", vec![&typed], vec![&typed]),
        ("serial=S6", vec![&scanned], vec![&scanned]),
        ("serial=S5", vec![], vec![]),
        ("serial=S5&in_place=false", vec![&removed], vec![&removed]),
        ("serial=S5&in_place=true", vec![], vec![]),
        ("lot=BAD&in_place=false", vec![&scanned, &typed, &elsewhere, &removed], vec![&scanned, &typed, &removed]),
        ("lot=bad", vec![], vec![]),
        ("lot=%25", vec![], vec![]),
        ("lot=BAD&model=R-2&serial=S1", vec![], vec![]),
    ] {
        assert_eq!(found(&manager, query), expected(&all), "{query}");
        assert_eq!(found(&clinician, query), expected(&within), "{query}");
    }
    let carrier = manager.get(&manager.at("device-recalls?lot=BAD")).expect(200).items()[0].clone();
    assert_eq!((&carrier["unit"], &carrier["deceased_on"]), (&json!("clinic"), &Value::Null));
    assert_eq!(carrier["registry_number"], scanned.0.body["registry_number"]);
    let mut result = ids(carrier["components"].as_array().expect("components"));
    let mut both = [id(&scanned.2).to_owned(), id(&twice).to_owned()];
    result.sort();
    both.sort();
    assert_eq!(result, both);
    let paged = pages(&manager, &manager.at("device-recalls?lot=BAD&in_place=false&limit=1"));
    assert_eq!(paged.len(), 4);
    let cursor =
        manager.get(&manager.at("device-recalls?lot=BAD&limit=1")).expect(200).text_at("/next_cursor").to_owned();
    manager.get(&manager.at(&format!("device-recalls?lot=GOOD&cursor={cursor}"))).problem(400, "invalid_cursor");
    manager
        .get(&manager.at(&format!("device-recalls?lot=BAD&in_place=false&cursor={cursor}")))
        .problem(400, "invalid_cursor");
    for bad in [
        "",
        "in_place=true",
        "lot=",
        "lot=%00",
        &format!("lot={}", "x".repeat(51)),
        "in_place=maybe&lot=BAD",
        "lot=BAD&lot=GOOD",
    ] {
        manager.get(&manager.at(&format!("device-recalls?{bad}"))).problem(400, "invalid_parameter");
    }
    for actor in [world.alpha().secretary(), world.alpha().pas_feed(), world.alpha().patient(&scanned.0.id)] {
        actor.get(&actor.at("device-recalls?lot=BAD")).problem(403, "forbidden");
    }
    assert_eq!(found(&world.beta().manager(), "lot=BAD"), [] as [String; 0]);
    // A merged patient is listed as the survivor, and both logs name the access.
    manager.merges(&good.0, &typed.0).expect(201);
    assert_eq!(found(&manager, "model=R-2"), expected(&[&good]));
    let log = manager.reads_access_log_of(&good.0).expect(200);
    assert!(
        log.items().iter().any(|it| it["action"] == "FindRecalled" && it["object"] == "device_recall"),
        "{}",
        log.text()
    );
}
