use jiff::civil::date;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

mod due;
mod wording;

fn id(number: u128) -> LicenceId {
    LicenceId::existing(Uuid::from_u128(number))
}

/// A licence for the ISI and EQ-5D in Norwegian through 2026, with these members changed.
fn licence(change: &Value) -> Licence {
    let mut members = json!({"instruments": ["isi", "eq5d5l"], "languages": ["nb"], "valid_from": "2026-01-01",
        "valid_to": "2026-12-31", "licensor": "A holder", "agreement": "A-1"});
    for (name, value) in change.as_object().expect("an object") {
        members[name] = value.clone();
    }
    serde_json::from_value(members).expect("a licence")
}

fn held(number: u128, change: &Value) -> Held {
    Held { id: id(number), licence: licence(change), answered: 0 }
}

fn instrument(code: &str) -> &'static Instrument {
    Catalogue::shipped().find(code).expect("an instrument")
}

fn form(instruments: &[&str], languages: &[&str]) -> Form {
    let mut words = json!({"nb": "Skjema", "en": "Form"});
    for language in languages {
        words[*language] = json!("?");
    }
    Form::from_json(&json!({"code": "form", "version": "1", "title": words, "wave": "project",
        "instruments": instruments, "languages": languages}))
    .expect("a form")
}

#[test]
fn licence_status_is_licensed_from_first_to_last_day() {
    let held = [held(1, &json!({}))];
    let on = |day| licence_status(instrument("isi"), "nb", day, &held);
    let licensed = LicenceStatus::Licensed { licence: id(1), until: Some(date(2026, 12, 31)) };
    assert_eq!(on(date(2025, 12, 31)), LicenceStatus::NotYet { from: date(2026, 1, 1) });
    assert_eq!(on(date(2026, 1, 1)), licensed);
    assert_eq!(on(date(2026, 12, 31)), licensed);
    assert_eq!(on(date(2027, 1, 1)), LicenceStatus::Expired { since: date(2027, 1, 1) });
}

#[test]
fn licence_status_without_licence_is_free_or_no_licence() {
    let held = [held(1, &json!({}))];
    let on = |code: &str, held: &[Held]| licence_status(instrument(code), "nb", date(2026, 6, 1), held);
    assert_eq!(on("pcs", &held), LicenceStatus::NoLicence);
    assert_eq!(on("isi", &[]), LicenceStatus::NoLicence);
    assert_eq!(on("gse10", &held), LicenceStatus::NoLicence);
    for code in ["pgic", "nrs", "hscl25", "fm2016"] {
        assert_eq!(on(code, &[]), LicenceStatus::Free, "{code}");
    }
}

#[test]
fn covers_accepts_the_tag_and_more_precise_tags() {
    let stands = |languages: &[&str], language: &str| {
        let held = [held(1, &json!({"languages": languages}))];
        licence_status(instrument("isi"), language, date(2026, 6, 1), &held).refusal()
    };
    let other = Some(FaultCode::LicenceOfAnotherLanguage);
    assert_eq!(stands(&["nb"], "nb"), None);
    assert_eq!(stands(&["nb"], "nb-NO"), None);
    assert_eq!(stands(&["NB"], "nb-no"), None);
    assert_eq!(stands(&["en", "nb"], "nb"), None);
    assert_eq!(stands(&["nb-NO"], "nb"), other);
    assert_eq!(stands(&["nb"], "nbx"), other);
    assert_eq!(stands(&["en"], "nb"), other);
    assert_eq!(stands(&["en"], ""), other);
}

#[test]
fn licence_status_is_the_best_of_several() {
    let short = held(1, &json!({"valid_to": "2026-06-30"}));
    let long = held(2, &json!({"valid_from": "2026-06-01"}));
    let english = held(3, &json!({"languages": ["en"], "valid_to": null}));
    let next = held(4, &json!({"valid_from": "2028-01-01", "valid_to": null}));
    let full = Held { answered: 10, ..held(5, &json!({"volume_cap": 10, "valid_to": "2029-12-31"})) };
    let on = |day, held: &[&Held]| {
        let held: Vec<Held> = held.iter().map(|one| (*one).clone()).collect();
        let there = licence_status(instrument("isi"), "nb", day, &held);
        let back: Vec<Held> = held.into_iter().rev().collect();
        assert_eq!(there, licence_status(instrument("isi"), "nb", day, &back), "their order does not matter");
        there
    };
    let june = date(2026, 6, 15);
    let of = |licence: u128, until| LicenceStatus::Licensed { licence: id(licence), until };
    assert_eq!(on(june, &[&short, &long, &english]), of(2, Some(date(2026, 12, 31))));
    assert_eq!(on(date(2028, 1, 1), &[&short, &long, &next]), of(4, None));
    assert_eq!(on(date(2027, 6, 1), &[&short, &long, &next]), LicenceStatus::Expired { since: date(2027, 1, 1) });
    assert_eq!(on(date(2025, 6, 1), &[&long, &next, &short]), LicenceStatus::NotYet { from: date(2026, 1, 1) });
    assert_eq!(on(june, &[&english]), LicenceStatus::LanguageNotCovered);
    // An exceeded volume counts only where no other licence is in force, and does not refuse.
    assert_eq!(on(june, &[&full, &short]), of(1, Some(date(2026, 6, 30))));
    assert_eq!(on(date(2027, 6, 1), &[&full, &short]), LicenceStatus::VolumeReached { licence: id(5) });
    assert_eq!(on(date(2027, 6, 1), &[&full, &short]).refusal(), None);
}

#[test]
fn of_form_uses_the_best_language() {
    let day = date(2026, 6, 1);
    let told = |form: &Form, held: &[Held]| -> Vec<(&str, FaultCode)> {
        warnings(form, day, held).iter().map(|warning| (warning.instrument, warning.code)).collect()
    };
    let all = form(&["isi", "pcs", "pgic", "eq5d5l"], &["pl"]);
    assert_eq!(told(&all, &[held(1, &json!({}))]), [("pcs", FaultCode::LicenceMissing)]);
    let polish = [held(1, &json!({"languages": ["pl"], "instruments": ["isi", "pcs", "eq5d5l"]}))];
    assert_eq!(told(&all, &polish), []);
    let plain = form(&["isi", "eq5d5l"], &[]);
    assert_eq!(told(&plain, &polish), ["isi", "eq5d5l"].map(|code| (code, FaultCode::LicenceOfAnotherLanguage)));
    let ended = [held(1, &json!({"valid_to": "2026-05-31"})), held(2, &json!({"instruments": ["isi"]}))];
    assert_eq!(told(&plain, &ended), [("eq5d5l", FaultCode::LicenceExpired)]);
}

#[test]
fn licence_year_begins_with_the_licence() {
    let from = |day: &str, to: Value| licence(&json!({"valid_from": day, "valid_to": to}));
    let whole = from("2026-03-15", Value::Null);
    assert_eq!(whole.year_of(date(2026, 3, 14)), None);
    assert_eq!(whole.year_of(date(2026, 3, 15)), Some((date(2026, 3, 15), date(2027, 3, 14))));
    assert_eq!(whole.year_of(date(2027, 3, 14)), Some((date(2026, 3, 15), date(2027, 3, 14))));
    assert_eq!(whole.year_of(date(2027, 3, 15)), Some((date(2027, 3, 15), date(2028, 3, 14))));
    let ended = from("2026-03-15", json!("2027-06-30"));
    assert_eq!(ended.year_of(date(2027, 6, 30)), Some((date(2027, 3, 15), date(2027, 6, 30))));
    assert_eq!(ended.year_of(date(2027, 7, 1)), None);
    // A licence that begins on 29 February has its day back in the next leap year.
    let leap = from("2024-02-29", Value::Null);
    assert_eq!(leap.year_of(date(2025, 2, 27)), Some((date(2024, 2, 29), date(2025, 2, 27))));
    assert_eq!(leap.year_of(date(2025, 2, 28)), Some((date(2025, 2, 28), date(2026, 2, 27))));
    assert_eq!(leap.year_of(date(2028, 2, 28)), Some((date(2027, 2, 28), date(2028, 2, 28))));
    assert_eq!(leap.year_of(date(2028, 2, 29)), Some((date(2028, 2, 29), date(2029, 2, 27))));
}

#[test]
fn faults_name_every_fault_of_a_licence() {
    let invoice = |change: Value| {
        let mut one = json!({"issued_on": "2026-01-10", "amount": "100.50", "currency": "EUR", "due_on": "2026-02-10"});
        for (name, value) in change.as_object().expect("an object") {
            one[name] = value.clone();
        }
        json!({"invoices": [one]})
    };
    let one = FaultCode::InvalidFormat;
    for (change, expected) in [
        (json!({}), vec![]),
        (json!({"valid_to": null, "note": "x", "volume_cap": 1, "lead_days": 730}), vec![]),
        (json!({"valid_to": "2026-01-01"}), vec![]),
        (json!({"valid_to": "2025-12-31"}), vec![("/valid_to", FaultCode::WrongOrder)]),
        (
            json!({"instruments": [], "languages": []}),
            vec![("/instruments", FaultCode::Required), ("/languages", FaultCode::Required)],
        ),
        (
            json!({"instruments": ["isi", "none", "isi"]}),
            vec![("/instruments/1", FaultCode::UnknownReference), ("/instruments/2", FaultCode::AlreadyExists)],
        ),
        (
            json!({"languages": ["nb", "Norsk", "nb"]}),
            vec![("/languages/1", one), ("/languages/2", FaultCode::AlreadyExists)],
        ),
        (
            json!({"languages": ('a'..='u').map(|letter| format!("x{letter}")).collect::<Vec<_>>()}),
            vec![("/languages", FaultCode::TooLong)],
        ),
        (json!({"licensor": " "}), vec![("/licensor", one)]),
        (json!({"licensor": "x".repeat(201)}), vec![("/licensor", FaultCode::TooLong)]),
        // Wording under a paid or registered licence has a licence number.
        (json!({"agreement": null}), vec![("/agreement", FaultCode::Required)]),
        (json!({"agreement": null, "instruments": ["gse10", "cfq11"]}), vec![]),
        (json!({"agreement": ""}), vec![("/agreement", one)]),
        (json!({"volume_cap": 0}), vec![("/volume_cap", FaultCode::OutOfRange)]),
        (json!({"lead_days": 731}), vec![("/lead_days", FaultCode::OutOfRange)]),
        (json!({"valid_from": "1989-12-31"}), vec![("/valid_from", FaultCode::InvalidDate)]),
        (json!({"valid_to": "2200-01-01"}), vec![("/valid_to", FaultCode::InvalidDate)]),
        (json!({"rendering_approved_on": "0001-01-01"}), vec![("/rendering_approved_on", FaultCode::InvalidDate)]),
        (json!({"note": "x".repeat(2001)}), vec![("/note", FaultCode::TooLong)]),
        (invoice(json!({})), vec![]),
        (invoice(json!({"amount": "999999999999.99", "paid_on": "2026-01-11"})), vec![]),
        (invoice(json!({"due_on": "2026-01-09"})), vec![("/invoices/0/due_on", FaultCode::WrongOrder)]),
        (invoice(json!({"currency": "eur"})), vec![("/invoices/0/currency", one)]),
        (invoice(json!({"currency": "EURO"})), vec![("/invoices/0/currency", one)]),
        (invoice(json!({"paid_on": "1066-10-14"})), vec![("/invoices/0/paid_on", FaultCode::InvalidDate)]),
    ] {
        let faults = licence(&change).faults();
        let told: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        assert_eq!(told, expected, "{change}");
    }
    for amount in ["", "1,50", "-1", "1.", ".5", "1.505", "1e3", "1234567890123", " 1", "١"] {
        let faults = licence(&invoice(json!({"amount": amount}))).faults();
        assert_eq!(faults, [Fault::new("/invoices/0/amount", one)], "{amount}");
    }
}

prop_compose! {
    /// A day from 2023 to 2030: two leap days are among them.
    fn any_day()(days in 0..2922_i32) -> Date {
        date(2023, 1, 1).saturating_add(days.days())
    }
}

prop_compose! {
    fn any_held()(
        from in any_day(), to in proptest::option::of(any_day()), nb in any::<bool>(), number in 1..9_u128,
    ) -> Held {
        let to = to.map(|to| to.max(from));
        held(number, &json!({"valid_from": from, "valid_to": to, "languages": [if nb { "nb" } else { "en" }]}))
    }
}

proptest! {
    /// Some licence covers the day and the language, or there is a refusal: nothing between.
    #[test]
    fn refusal_is_none_exactly_when_a_licence_covers_the_day(
        licences in proptest::collection::vec(any_held(), 0..5), day in any_day(), nb in any::<bool>(),
    ) {
        let language = if nb { "nb" } else { "en" };
        let covering = |held: &&Held| {
            let licence = &held.licence;
            licence.languages == [language] && licence.valid_from <= day && licence.valid_to.is_none_or(|to| day <= to)
        };
        let found = licence_status(instrument("isi"), language, day, &licences);
        prop_assert_eq!(found.refusal().is_none(), licences.iter().any(|held| covering(&held)));
        match found {
            LicenceStatus::Licensed { until, .. } => {
                let longest = licences.iter().filter(covering).map(|held| held.licence.valid_to.unwrap_or(Date::MAX));
                prop_assert_eq!(Some(until.unwrap_or(Date::MAX)), longest.max());
            }
            LicenceStatus::Expired { since } => prop_assert!(since <= day),
            LicenceStatus::NotYet { from } => prop_assert!(day < from),
            _ => {}
        }
        prop_assert_eq!(licence_status(instrument("pgic"), language, day, &licences), LicenceStatus::Free);
    }

    /// Licence years follow each other without a gap and without an overlap, whatever February does.
    #[test]
    fn licence_years_contain_every_day_once(held in any_held(), day in any_day()) {
        let licence = held.licence;
        let covered = licence.valid_from <= day && licence.valid_to.is_none_or(|to| day <= to);
        prop_assert_eq!(licence.year_of(day).is_some(), covered);
        if let Some((first, last)) = licence.year_of(day) {
            prop_assert!(first <= day && day <= last);
            let days = last.duration_since(first).as_hours() / 24 + 1;
            prop_assert!(days <= 366);
            let next = last.tomorrow().expect("a day");
            if let Some((after, _)) = licence.year_of(next) {
                prop_assert!(after == next && days >= 365);
            } else {
                prop_assert_eq!(licence.valid_to, Some(last));
            }
        }
    }

    /// A licence that is sound is read back as it was written.
    #[test]
    fn licence_round_trips_through_json(held in any_held()) {
        let written = serde_json::to_value(&held.licence).expect("JSON");
        prop_assert_eq!(serde_json::from_value::<Licence>(written).expect("a licence"), held.licence);
    }
}
