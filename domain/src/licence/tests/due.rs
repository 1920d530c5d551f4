//! Deadlines of licences.

use super::*;

const TODAY: Date = date(2026, 11, 23);

fn told(licences: &[Held], forms: &[Form], horizon: Date) -> Vec<String> {
    let one = |due: &Due| {
        let code: &str = due.code.into();
        let about = due
            .instrument
            .map_or_else(|| due.licence_id.map_or(0, |id| id.uuid().as_u128()).to_string(), str::to_owned);
        format!("{} {code} {about}", due.due_on)
    };
    due(licences, forms, TODAY, horizon).iter().map(one).collect()
}

#[test]
fn due_lists_an_ending_licence_its_lead_time_before() {
    // It ends on 31 December; ninety days before that is 2 October.
    let held = [held(1, &json!({}))];
    assert_eq!(told(&held, &[], date(2026, 10, 1)), [""; 0]);
    assert_eq!(told(&held, &[], date(2026, 10, 2)), ["2026-10-02 licence_expires 1"]);
    let ended =
        [super::held(1, &json!({"valid_to": "2026-11-22"})), super::held(2, &json!({"valid_to": "2026-11-23"}))];
    assert_eq!(told(&ended, &[], date(2027, 11, 23)), ["2026-08-25 licence_expires 2"]);
    let open = [super::held(1, &json!({"valid_to": null}))];
    assert_eq!(told(&open, &[], date(2100, 1, 1)), [""; 0]);
}

#[test]
fn due_omits_a_licence_with_a_successor() {
    let next = |change: Value| {
        let mut members = json!({"valid_from": "2027-01-01", "valid_to": "2199-12-31"});
        for (name, value) in change.as_object().expect("an object") {
            members[name] = value.clone();
        }
        told(&[held(1, &json!({})), held(2, &members)], &[], TODAY)
    };
    let due = ["2026-10-02 licence_expires 1"];
    assert_eq!(next(json!({})), [""; 0]);
    assert_eq!(next(json!({"valid_from": "2027-01-02"})), due);
    assert_eq!(next(json!({"instruments": ["isi"]})), due);
    assert_eq!(next(json!({"languages": ["en"]})), due);
}

#[test]
fn due_lists_renewals_of_licence_years() {
    let yearly = |change: Value| {
        let mut members =
            json!({"renewed_yearly": true, "lead_days": 30, "valid_from": "2020-02-29", "valid_to": null});
        for (name, value) in change.as_object().expect("an object") {
            members[name] = value.clone();
        }
        told(&[held(1, &members)], &[], date(2028, 12, 31))
    };
    assert_eq!(yearly(json!({})), ["2027-01-29 licence_renewal 1", "2028-01-30 licence_renewal 1"]);
    assert_eq!(
        yearly(json!({"valid_to": "2028-02-28"})),
        ["2027-01-29 licence_renewal 1", "2028-01-29 licence_expires 1"]
    );
    assert_eq!(yearly(json!({"valid_from": "2027-12-01", "lead_days": 0})), ["2028-12-01 licence_renewal 1"]);
    assert_eq!(yearly(json!({"renewed_yearly": false})), [""; 0]);
}

#[test]
fn due_lists_invoices_until_paid() {
    let invoice = |due_on: &str, paid_on: Value| json!({"issued_on": "2026-01-01", "amount": "1250.00", "currency": "EUR", "due_on": due_on, "paid_on": paid_on});
    let held = held(
        1,
        &json!({"valid_to": null, "invoices": [invoice("2026-11-01", Value::Null),
        invoice("2026-12-01", Value::Null), invoice("2026-12-02", Value::Null), invoice("2026-11-02", json!("2026-11-01"))]}),
    );
    let found = due(&[held], &[], TODAY, date(2026, 12, 1));
    let days: Vec<_> = found.iter().map(|due| (due.due_on, due.code)).collect();
    assert_eq!(days, [date(2026, 11, 1), date(2026, 12, 1)].map(|day| (day, DueCode::InvoiceUnpaid)));
    assert_eq!(
        found[0].nb,
        "A holder A-1 (isi, eq5d5l): fakturaen på 1250.00 EUR forfaller 2026-11-01 og er ikke betalt."
    );
    assert_eq!(
        found[0].en,
        "A holder A-1 (isi, eq5d5l): the invoice of 1250.00 EUR falls due on 2026-11-01 and is not paid."
    );
}

#[test]
fn due_lists_volume_from_80_per_cent() {
    let answered = |answered: u32, cap: u32| {
        let held = Held { answered, ..held(1, &json!({"valid_to": null, "volume_cap": cap})) };
        told(&[held], &[], TODAY)
    };
    assert_eq!(answered(79, 100), [""; 0]);
    assert_eq!(answered(80, 100), ["2026-11-23 volume_near 1"]);
    assert_eq!(answered(99, 100), ["2026-11-23 volume_near 1"]);
    assert_eq!(answered(100, 100), ["2026-11-23 volume_reached 1"]);
    assert_eq!(answered(u32::MAX, u32::MAX), ["2026-11-23 volume_reached 1"]);
    assert_eq!(answered(0, 1), [""; 0]);
    let found =
        due(&[Held { answered: 80, ..held(1, &json!({"valid_to": null, "volume_cap": 100})) }], &[], TODAY, TODAY);
    assert!(
        found[0].en.ends_with("80 of 100 answered questionnaires are used in the year to 2026-12-31."),
        "{}",
        found[0].en
    );
}

#[test]
fn due_lists_unlicensed_use_once_and_first() {
    let forms = [form(&["isi", "pcs", "pgic"], &[]), form(&["pcs", "odi"], &[])];
    let odi = held(1, &json!({"instruments": ["odi"], "valid_to": "2026-11-22"}));
    assert_eq!(
        told(std::slice::from_ref(&odi), &forms, TODAY),
        [
            "2026-11-23 instrument_unlicensed isi",
            "2026-11-23 instrument_unlicensed odi",
            "2026-11-23 instrument_unlicensed pcs"
        ]
    );
    let found = due(&[odi], &forms, TODAY, TODAY);
    assert!(found[1].nb.ends_with("men lisensen er utløpt, fra og med 2026-11-23."), "{}", found[1].nb);
    assert!(found[2].nb.ends_with("men det er ikke registrert noen lisens."), "{}", found[2].nb);
    let all = held(1, &json!({"instruments": ["isi", "pcs", "odi"], "valid_to": null}));
    assert_eq!(told(&[all], &forms, TODAY), [""; 0]);
}

proptest! {
    /// A farther horizon shows more, never less; nothing is beyond it; and the order is by day.
    #[test]
    fn due_grows_with_the_horizon(
        licences in proptest::collection::vec(any_held(), 0..5), near in any_day(), far in any_day(),
    ) {
        let (near, far) = (near.min(far), near.max(far));
        let (less, more) = (due(&licences, &[], TODAY, near), due(&licences, &[], TODAY, far));
        prop_assert!(less.iter().all(|due| due.due_on <= near && more.contains(due)));
        prop_assert!(more.is_sorted_by_key(|due| due.due_on));
    }
}
