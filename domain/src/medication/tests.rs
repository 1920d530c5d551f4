mod omeq;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use strum::IntoEnumIterator;

use super::omeq::Table;
use super::*;

fn decimal(text: &str) -> Decimal {
    text.parse().expect(text)
}

/// Oxycodone tablets, 20 mg twice a day.
fn medication() -> Medication {
    Medication {
        atc: "N02AA05".into(),
        product: Some("OxyContin".into()),
        route: Route::Oral,
        dose: Some(decimal("20")),
        unit: Some(DoseUnit::Mg),
        strength_mg: None,
        doses_per_day: Some(decimal("2")),
        as_needed: false,
        started_on: date(2026, 1, 1),
        ended_on: None,
        stop_reason: None,
    }
}

fn with(change: impl FnOnce(&mut Medication)) -> Medication {
    let mut medication = medication();
    change(&mut medication);
    medication
}

fn of(atc: &str, route: Route, mg: Decimal) -> Medication {
    with(|it| (it.atc, it.route, it.dose, it.doses_per_day) = (atc.into(), route, Some(mg), Some(Decimal::ONE)))
}

fn patch(atc: &str, ug_per_hour: &str) -> Medication {
    with(|it| {
        (it.atc, it.route, it.doses_per_day) = (atc.into(), Route::Transdermal, None);
        (it.dose, it.unit) = (Some(decimal(ug_per_hour)), Some(DoseUnit::UgPerHour));
    })
}

fn faults(change: impl FnOnce(&mut Medication)) -> Vec<(String, FaultCode)> {
    with(change).faults().into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

fn known(medication: &Medication) -> Option<Decimal> {
    match medication.daily_omeq() {
        Omeq::Known { mg, .. } => Some(mg),
        _ => None,
    }
}

fn unknown(medication: &Medication) -> Option<OmeqUnknown> {
    match medication.daily_omeq() {
        Omeq::Unknown { reason } => Some(reason),
        _ => None,
    }
}

#[test]
fn examine_accepts_usual_medications() {
    assert_eq!(faults(|_| {}), []);
    assert_eq!(patch("N02AB03", "12").faults(), []);
    assert_eq!(faults(|it| (it.dose, it.unit, it.doses_per_day) = (None, None, None)), []);
    assert_eq!(faults(|it| (it.unit, it.strength_mg) = (Some(DoseUnit::Tablet), Some(decimal("5")))), []);
    assert_eq!(faults(|it| (it.unit, it.strength_mg) = (Some(DoseUnit::Tablet), None)), []);
    assert_eq!(faults(|it| it.ended_on = Some(it.started_on)), []);
    assert_eq!(faults(|it| (it.atc, it.route) = ("N01BB02".into(), Route::Transdermal)), []);
    assert_eq!(faults(|it| it.product = Some("Ø".repeat(100))), []);
}

#[test]
fn faults_name_every_wrong_member() {
    use FaultCode::{Contradiction, ForbiddenCharacter, InvalidFormat, OutOfRange, Required, TooLong, WrongOrder};
    type Change = fn(&mut Medication);
    let cases: [(Change, &str, FaultCode); 23] = [
        (|it| it.atc = "N02AA".into(), "/atc", InvalidFormat),
        (|it| it.atc = "n02aa05".into(), "/atc", InvalidFormat),
        (|it| it.atc = "N02AA055".into(), "/atc", InvalidFormat),
        (|it| it.atc = "N0ØAA5".into(), "/atc", InvalidFormat),
        (|it| it.product = Some(String::new()), "/product", InvalidFormat),
        (|it| it.product = Some(" OxyContin".into()), "/product", InvalidFormat),
        (|it| it.product = Some("x".repeat(101)), "/product", TooLong),
        (|it| it.product = Some("Oxy\0Contin".into()), "/product", ForbiddenCharacter),
        (|it| it.dose = None, "/dose", Required),
        (|it| it.dose = Some(Decimal::ZERO), "/dose", OutOfRange),
        (|it| it.dose = Some(-Decimal::ONE), "/dose", OutOfRange),
        (|it| it.dose = Some(decimal("100000.1")), "/dose", OutOfRange),
        (|it| it.dose = Some(decimal("0.0000001")), "/dose", InvalidFormat),
        (|it| it.unit = None, "/unit", Required),
        (|it| (it.unit, it.doses_per_day) = (Some(DoseUnit::UgPerHour), None), "/unit", Contradiction),
        (|it| it.route = Route::Transdermal, "/unit", Contradiction),
        (|it| it.strength_mg = Some(Decimal::ONE), "/strength_mg", Contradiction),
        (|it| (it.unit, it.strength_mg) = (Some(DoseUnit::Ml), Some(Decimal::ZERO)), "/strength_mg", OutOfRange),
        (|it| it.doses_per_day = Some(Decimal::ZERO), "/doses_per_day", OutOfRange),
        (|it| it.doses_per_day = Some(decimal("48.5")), "/doses_per_day", OutOfRange),
        (|it| (it.route, it.unit) = (Route::Transdermal, Some(DoseUnit::UgPerHour)), "/doses_per_day", Contradiction),
        (|it| it.ended_on = Some(date(2025, 12, 31)), "/ended_on", WrongOrder),
        (|it| it.stop_reason = Some(StopReason::Tapered), "/stop_reason", Contradiction),
    ];
    for (change, pointer, code) in cases {
        assert_eq!(faults(change), [(pointer.into(), code)]);
    }
}

#[test]
fn daily_mg_multiplies_dose_and_frequency() {
    let mg = |unit, dose: &str, strength: Option<&str>, doses: Option<&str>| {
        let medication = with(|it| {
            (it.unit, it.dose) = (Some(unit), Some(decimal(dose)));
            (it.strength_mg, it.doses_per_day) = (strength.map(decimal), doses.map(decimal));
        });
        medication.daily_mg()
    };
    assert_eq!(mg(DoseUnit::G, "1.5", None, Some("4")), Some(decimal("6000")));
    assert_eq!(mg(DoseUnit::Mg, "20", None, Some("0.5")), Some(decimal("10")));
    assert_eq!(mg(DoseUnit::Ug, "100", None, Some("3")), Some(decimal("0.3")));
    assert_eq!(mg(DoseUnit::UgPerHour, "12.5", None, None), Some(decimal("0.3")));
    assert_eq!(mg(DoseUnit::Tablet, "2", Some("37.5"), Some("4")), Some(decimal("300")));
    assert_eq!(mg(DoseUnit::Drop, "20", Some("2.5"), Some("2")), Some(decimal("100")));
    assert_eq!(mg(DoseUnit::Ml, "5", None, Some("1")), None);
    assert_eq!(mg(DoseUnit::Iu, "5", None, Some("1")), None);
    assert_eq!(mg(DoseUnit::Mg, "5", None, None), None);
    assert_eq!(mg(DoseUnit::Mg, "-5", None, Some("1")), None);
    assert_eq!(mg(DoseUnit::Mg, &Decimal::MAX.to_string(), None, Some("48")), None);
    assert_eq!(with(|it| it.dose = None).daily_mg(), None);
}

#[test]
fn medication_serialises_all_members_and_refuses_others() {
    let full = json!({
        "atc": "N02AA05", "product": "OxyContin", "route": "oral", "dose": 20, "unit": "mg", "strength_mg": null,
        "doses_per_day": 2, "as_needed": false, "started_on": "2026-01-01", "ended_on": null, "stop_reason": null
    });
    assert_eq!(serde_json::to_value(medication()).expect("JSON"), full);
    assert_eq!(serde_json::from_value::<Medication>(full.clone()).expect("a medication"), medication());
    let least = json!({ "atc": "N02AA05", "route": "oral", "started_on": "2026-01-01" });
    let read = serde_json::from_value::<Medication>(least.clone()).expect("a medication");
    assert_eq!(serde_json::to_value(read).expect("JSON").as_object().map(serde_json::Map::len), Some(11));
    for (member, value) in [
        ("dose", json!("20")),
        ("dose", json!(true)),
        ("dose", json!(1e300)),
        ("unit", json!("MG")),
        ("route", Value::Null),
        ("started_on", json!("2026-02-30")),
        ("colour", json!("red")),
    ] {
        let mut wrong = least.clone();
        wrong[member] = value;
        assert!(serde_json::from_value::<Medication>(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn enumerations_have_one_name_in_serde_and_strum() {
    fn check<T: Copy + Serialize + ToString + std::str::FromStr + PartialEq + std::fmt::Debug>(value: T, name: &str) {
        assert_eq!(value.to_string(), name);
        assert_eq!(serde_json::to_value(value).expect("a text"), name);
        assert_eq!(name.parse().ok(), Some(value));
    }
    let units = ["g", "mg", "ug", "ug_per_hour", "ml", "iu", "tablet", "drop", "other"];
    DoseUnit::iter().zip(units).for_each(|(unit, name)| check(unit, name));
    let levels = ["none", "up_to_100", "over_100", "over_300"];
    OmeqLevel::iter().zip(levels).for_each(|(level, name)| check(level, name));
    let reasons = ["no_effect", "side_effects", "tapered", "completed", "replaced", "other"];
    StopReason::iter().zip(reasons).for_each(|(reason, name)| check(reason, name));
    Route::iter().for_each(|route| check(route, <&str>::from(route)));
    OmeqUnknown::iter().for_each(|reason| check(reason, <&str>::from(reason)));
    assert_eq!((DoseUnit::iter().count(), Route::iter().count()), (9, 14));
    assert_eq!(
        serde_json::to_value(medication().daily_omeq()).expect("JSON"),
        json!({ "status": "known", "mg": 60, "factor_version": "hdir-konvertering-av-opioiddoser/1" })
    );
    assert_eq!(
        serde_json::to_value(with(|it| it.dose = None).daily_omeq()).expect("JSON"),
        json!({ "status": "unknown", "reason": "dose_missing" })
    );
}

#[test]
fn level_at_a_threshold_is_the_lower_one() {
    for (total, level) in [
        ("0", OmeqLevel::None),
        ("0.000001", OmeqLevel::UpTo100),
        ("100", OmeqLevel::UpTo100),
        ("100.000001", OmeqLevel::Over100),
        ("300", OmeqLevel::Over100),
        ("300.000001", OmeqLevel::Over300),
    ] {
        assert_eq!(OmeqLevel::of(decimal(total)), level, "{total}");
    }
}

#[test]
fn series_has_a_point_at_every_change() {
    let period = |mut it: Medication, from, to| {
        (it.started_on, it.ended_on) = (from, to);
        it
    };
    let medications = [
        period(medication(), date(2026, 1, 1), Some(date(2026, 1, 31))),
        period(of("N02AA01", Route::Oral, decimal("60")), date(2026, 2, 1), Some(date(2026, 2, 28))),
        period(patch("N02AB03", "100"), date(2026, 2, 15), None),
        period(of("N02AA01", Route::Epidural, decimal("5")), date(2026, 2, 20), Some(date(2026, 2, 20))),
        period(of("N02BE01", Route::Oral, decimal("4000")), date(2025, 1, 1), None),
        period(medication(), date(2026, 5, 2), Some(date(2026, 5, 1))),
    ];
    let point = |from, total: &str, opioids, unknown, level| OmeqPoint {
        from,
        total_mg: decimal(total),
        opioids,
        unknown,
        level,
    };
    assert_eq!(
        series(&medications),
        [
            point(date(2026, 1, 1), "60", 1, 0, OmeqLevel::UpTo100),
            point(date(2026, 2, 15), "300", 2, 0, OmeqLevel::Over100),
            point(date(2026, 2, 20), "300", 3, 1, OmeqLevel::Over100),
            point(date(2026, 2, 21), "300", 2, 0, OmeqLevel::Over100),
            point(date(2026, 3, 1), "240", 1, 0, OmeqLevel::Over100),
        ]
    );
    let over = period(medication(), date(2026, 1, 1), Some(date(2026, 1, 1)));
    assert_eq!(series(&[over]).last(), Some(&point(date(2026, 1, 2), "0", 0, 0, OmeqLevel::None)));
    assert_eq!(series(&[period(medication(), Date::MIN, Some(Date::MAX))]).len(), 1);
    assert_eq!(series(&[]), []);
}

fn any_amount(most: i64) -> impl Strategy<Value = Option<Decimal>> {
    proptest::option::weighted(0.9, (1..=most * 1000).prop_map(|thousandths| Decimal::new(thousandths, 3)))
}

const DAYS: i64 = 40;

fn day(number: i64) -> Date {
    date(2026, 1, 1).saturating_add(number.days())
}

prop_compose! {
    fn any_medication()(
        atc in proptest::sample::select(vec!["N02AA01", "N02AA05", "N07BC02", "N02AB03", "N02AE01", "N02AA08", "N02BE01"]),
        route in proptest::sample::select(Route::iter().collect::<Vec<_>>()),
        oral in any::<bool>(),
        dose in any_amount(200),
        unit in proptest::option::weighted(0.9, proptest::sample::select(DoseUnit::iter().collect::<Vec<_>>())),
        strength_mg in any_amount(50),
        doses_per_day in any_amount(6),
        from in 0..DAYS,
        length in proptest::option::of(-2..DAYS),
    ) -> Medication {
        Medication {
            atc: atc.into(),
            product: None,
            route: if oral { Route::Oral } else { route },
            dose,
            unit: if oral && unit.is_some() { Some(DoseUnit::Mg) } else { unit },
            strength_mg,
            doses_per_day,
            as_needed: false,
            started_on: day(from),
            ended_on: length.map(|length| day(from + length)),
            stop_reason: None,
        }
    }
}

proptest! {
    #[test]
    fn series_equals_the_sum_of_every_day(medications in proptest::collection::vec(any_medication(), 0..8)) {
        let points = series(&medications);
        for number in -1..=2 * DAYS {
            let today = day(number);
            let used = medications.iter().filter(|it| it.started_on <= today && it.ended_on.is_none_or(|last| last >= today));
            let opioids: Vec<Omeq> = used.map(Medication::daily_omeq).filter(|omeq| *omeq != Omeq::NotOpioid).collect();
            let total: Decimal = opioids.iter().filter_map(|omeq| match omeq { Omeq::Known { mg, .. } => Some(*mg), _ => None }).sum();
            let unknown = opioids.iter().filter(|omeq| matches!(omeq, Omeq::Unknown { .. })).count();
            let shown = points.iter().rfind(|point| point.from <= today);
            let (shown_total, shown_opioids, shown_unknown) =
                shown.map_or((Decimal::ZERO, 0, 0), |point| (point.total_mg, point.opioids, point.unknown));
            prop_assert_eq!(shown_total, total);
            prop_assert_eq!((shown_opioids, shown_unknown), (u32::try_from(opioids.len())?, u32::try_from(unknown)?));
            prop_assert!(shown_total >= Decimal::ZERO);
            prop_assert_eq!(shown.map_or(OmeqLevel::None, |point| point.level), OmeqLevel::of(total));
        }
        for (last, next) in points.iter().zip(points.iter().skip(1)) {
            prop_assert!(last.from < next.from);
            prop_assert!(OmeqPoint { from: last.from, ..*next } != *last, "a point without a change");
        }
    }

    #[test]
    fn series_ignores_the_order_of_medications(
        (medications, shuffled) in proptest::collection::vec(any_medication(), 0..8)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        prop_assert_eq!(series(&medications), series(&shuffled));
    }

    #[test]
    fn omeq_increases_with_methadone(tenths in 1..5000_i64, more in 1..50_i64) {
        let omeq = |tenths| known(&of("N07BC02", Route::Oral, Decimal::new(tenths, 1)));
        prop_assert!(omeq(tenths).is_some() && omeq(tenths) < omeq(tenths + more));
    }

    #[test]
    fn amount_round_trips_through_json_exactly(millionths in 1..100_000_000_000_i64) {
        let medication = with(|it| it.dose = Some(Decimal::new(millionths, 6)));
        prop_assert_eq!(medication.faults(), []);
        let text = serde_json::to_string(&medication).expect("JSON");
        prop_assert_eq!(&serde_json::from_str::<Medication>(&text).expect("a medication"), &medication);
        let value = serde_json::to_value(&medication).expect("JSON");
        prop_assert_eq!(serde_json::from_value::<Medication>(value).expect("a medication"), medication);
    }

    #[test]
    fn omeq_never_panics(dose in any::<(u32, u32, u32, bool, u8)>(), doses in any::<i64>(), mg in any::<bool>()) {
        let (low, middle, high, negative, scale) = dose;
        let medication = with(|it| {
            it.dose = Some(Decimal::from_parts(low, middle, high, negative, u32::from(scale % 29)));
            it.strength_mg = it.dose;
            it.doses_per_day = Some(Decimal::from(doses));
            it.unit = Some(if mg { DoseUnit::Mg } else { DoseUnit::Tablet });
        });
        let _ = (medication.faults(), medication.daily_mg());
        prop_assert!(series(&[medication]).iter().all(|point| point.total_mg >= Decimal::ZERO));
    }
}
