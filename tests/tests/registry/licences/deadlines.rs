//! Deadlines of licences, over HTTP.

use painreg_tests::{Actor, World, submission};
use serde_json::{Value, json};

use super::{day, one, registers};
use crate::kit::AnswerAssertions as _;

fn due(manager: &Actor<'_>, within: &str) -> Vec<Value> {
    manager.get(&manager.at(&format!("licence-deadlines{within}"))).expect(200).items().to_vec()
}

fn codes(items: &[Value]) -> Vec<&str> {
    items.iter().filter_map(|item| item["code"].as_str()).collect()
}

#[test]
fn licence_deadlines_list_unlicensed_instruments_in_use() {
    let world = World::new();
    let manager = world.alpha().manager();
    let found = due(&manager, "");
    assert!(found.iter().all(|item| item["code"] == "instrument_unlicensed" && item["licence_id"] == Value::Null));
    let result: Vec<&str> = found.iter().filter_map(|item| item["instrument"].as_str()).collect();
    assert!(result.contains(&"eq5d5l") && result.contains(&"isi") && !result.contains(&"pgic"), "{result:?}");
    assert!(found[0]["nb"].as_str().is_some_and(|text| text.ends_with("det er ikke registrert noen lisens.")));
    let made = registers(&manager, &json!({"instruments": result, "valid_from": "2020-01-01", "invoices": []}));
    assert_eq!(due(&manager, ""), [] as [Value; 0]);
    manager.patch(&one(&manager, &made), 1, &json!({"languages": ["pl"]})).expect(200);
    assert_eq!(due(&manager, "").len(), result.len());
    assert!(
        due(&manager, "")[0]["en"].as_str().is_some_and(|text| text.contains("does not cover the form's languages"))
    );
}

#[test]
fn licence_deadlines_list_renewals_and_payments_within_the_period() {
    let world = World::new();
    let manager = world.alpha().manager();
    let all: Vec<Value> = due(&manager, "").iter().map(|item| item["instrument"].clone()).collect();
    let ends = day(&world, 60);
    let invoice = |due_on, paid_on: Value| json!({"issued_on": "2020-01-01", "amount": "99.90", "currency": "NOK", "due_on": due_on, "paid_on": paid_on});
    let made = registers(
        &manager,
        &json!({"instruments": all, "valid_from": "2020-01-01", "valid_to": ends, "lead_days": 30, "invoices": [
            invoice(day(&world, -5), Value::Null), invoice(day(&world, 10), Value::Null),
            invoice(day(&world, 11), json!(day(&world, 0)))]}),
    );
    assert_eq!(codes(&due(&manager, "?within=P0D")), ["invoice_unpaid"]);
    assert_eq!(codes(&due(&manager, "?within=P9D")), ["invoice_unpaid"]);
    assert_eq!(codes(&due(&manager, "?within=P10D")), ["invoice_unpaid"; 2]);
    assert_eq!(codes(&due(&manager, "?within=P29D")), ["invoice_unpaid"; 2]);
    let found = due(&manager, "?within=P30D");
    assert_eq!(codes(&found), ["invoice_unpaid", "invoice_unpaid", "licence_expires"]);
    assert_eq!(found[2]["due_on"], json!(day(&world, 30)));
    assert_eq!(found[2]["licence_id"], made["id"]);
    assert!(found[2]["en"].as_str().is_some_and(|text| text.ends_with(&format!("ends on {ends}."))));
    assert_eq!(due(&manager, ""), found);
    assert_eq!(due(&manager, "?within=P1Y2M3W4D"), found);

    let next =
        registers(&manager, &json!({"instruments": all, "valid_from": ends, "renewed_yearly": true, "invoices": []}));
    assert_eq!(codes(&due(&manager, "?within=P90D")), ["invoice_unpaid"; 2]);
    assert_eq!(codes(&due(&manager, "?within=P1Y")), ["invoice_unpaid", "invoice_unpaid", "licence_renewal"]);
    manager.delete(&one(&manager, &next), 1).expect(204);
    let paid = json!({"invoices": [invoice(day(&world, 10), json!(day(&world, 0)))]});
    manager.patch(&one(&manager, &made), 1, &paid).expect(200);
    assert_eq!(codes(&due(&manager, "")), ["licence_expires"]);
    assert_eq!(codes(&due(&world.beta().manager(), "")), vec!["instrument_unlicensed"; all.len()]);
}

#[test]
fn licence_deadlines_accept_durations_of_days_only() {
    let world = World::new();
    let manager = world.alpha().manager();
    for within in
        ["", "90", "P", "PT1H", "P1DT1H", "-P1D", "P-1D", "P6Y", "P5Y1D", "90%20days", "1d", "P1000000D", "P1D1D"]
    {
        let path = manager.at(&format!("licence-deadlines?within={within}"));
        manager.get(&path).fault(400, "/query/within", "invalid_format");
    }
    for within in ["P0D", "P5Y", "P90D", "P12W", "P3M"] {
        manager.get(&manager.at(&format!("licence-deadlines?within={within}"))).expect(200);
    }
}

#[test]
fn licence_usage_counts_a_submission_once_a_year() {
    let world = World::new();
    let (manager, clinician) = (world.alpha().manager(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    registers(&manager, &json!({"valid_from": day(&world, -30), "volume_cap": 5, "invoices": []}));
    let answers = |id: &str, days: i64, given: Value| {
        let mut body = submission(&patient.id, id, &given);
        body["submitted_at"] = json!(format!("{}T12:00:00Z", day(&world, days)));
        clinician.post(&clinician.at("submissions"), &body)
    };
    let volumes = || {
        let found = due(&manager, "?within=P0D");
        let result = found.iter().filter(|item| item["code"] != "instrument_unlicensed");
        result.map(|item| format!("{} {}", item["code"], item["en"])).collect::<Vec<_>>().join("\n")
    };
    for (id, days) in [("1", -30), ("2", -1), ("3", -1)] {
        answers(id, days, json!({"isi_01": 1})).expect(201);
    }
    // Before the licence; without the instrument; the same again, changed.
    answers("4", -31, json!({"isi_01": 1})).expect(201);
    answers("5", -1, json!({"nrs_average": 1})).expect(201);
    answers("3", -1, json!({"isi_01": 2})).expect(201);
    assert_eq!(volumes(), "");
    answers("6", -1, json!({"isi_01": 1})).expect(201);
    assert!(volumes().starts_with("\"volume_near\"") && volumes().contains(" 4 of 5 answered"), "{}", volumes());
    answers("7", -1, json!({"isi_01": 1})).expect(201);
    assert!(volumes().starts_with("\"volume_reached\"") && volumes().contains(" 5 of 5 answered"), "{}", volumes());
    // Missing licences stop no delivery.
    answers("8", -1, json!({"isi_01": 1})).expect(201);
}
