//! Published examples, edges and properties of every instrument.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::definition::Kind;
use super::*;

fn instrument(code: &str) -> &'static Instrument {
    Catalogue::shipped().find(code).expect("it ships")
}

fn answers(value: &Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn score(code: &str, value: &Value) -> Scores {
    let instrument = instrument(code);
    instrument.score(&instrument.parse(&answers(value)).expect("legal"), &Options::default())
}

/// Every item answered by `answer(number from 1)`.
fn whole(code: &str, answer: impl Fn(usize) -> i32) -> Value {
    let items = instrument(code).items().iter().enumerate();
    Value::Object(items.map(|(at, item)| (item.code().to_owned(), json!(answer(at + 1)))).collect())
}

fn without(mut value: Value, codes: &[&str]) -> Value {
    for code in codes {
        value.as_object_mut().expect("an object").remove(*code).expect("it was there");
    }
    value
}

fn number(scores: &Scores, scale: &str) -> Option<f64> {
    scores.scales.iter().find(|found| found.code == scale).map(|found| match &found.value {
        ScaleValue::Integer(whole) => f64::from(i32::try_from(*whole).expect("small")),
        ScaleValue::Decimal(decimal) => *decimal,
        ScaleValue::Text(text) => panic!("{text} is text"),
    })
}

fn band(scores: &Scores, scale: &str) -> Option<&'static str> {
    scores.scales.iter().find(|found| found.code == scale).and_then(|found| found.band)
}

fn index(state: &str, set: &str) -> f64 {
    let levels: Vec<i32> =
        state.chars().map(|digit| i32::try_from(digit.to_digit(10).expect("a digit")).expect("small")).collect();
    let value = json!({"eq5d_mo": levels[0], "eq5d_sc": levels[1], "eq5d_ua": levels[2], "eq5d_pd": levels[3], "eq5d_ad": levels[4]});
    let eq5d = instrument("eq5d5l");
    let options = Options::parse(&[set.to_owned()]).expect("a known set");
    let scores = eq5d.score(&eq5d.parse(&answers(&value)).expect("legal"), &options);
    let found = scores.scales.iter().find(|scale| scale.code == "index").expect("an index");
    assert_eq!(found.value_set, Some(set));
    number(&scores, "index").expect("an index")
}

#[test]
fn the_whole_catalogue_is_read() {
    let codes: Vec<&str> = Catalogue::shipped().iter().map(Instrument::code).collect();
    assert_eq!(codes, ["cfq11", "eq5d5l", "gse10", "hscl25", "isi", "nrs", "odi", "odi_opr_mod", "pcs", "pgic"]);
    let sizes: Vec<usize> = Catalogue::shipped().iter().map(|it| it.items().len()).collect();
    assert_eq!(sizes, [11, 6, 10, 25, 7, 4, 10, 10, 13, 1]);
    assert_eq!(value_set_codes(), ["NO_5L_2024", "DK_5L_2021", "SE_5L_2022", "UK_5L_2026", "UK_XW_2012"]);
    for instrument in Catalogue::shipped().iter() {
        assert_eq!(instrument.algorithm(), format!("{}/1", instrument.code()));
        assert!(!instrument.source().is_empty() && !instrument.name().is_empty());
    }
}

#[test]
fn the_norwegian_value_set_gives_the_published_indices() {
    for (state, published) in [
        ("11111", 1.0),
        ("15432", 0.460),
        ("22222", 0.779),
        ("33333", 0.539),
        ("44444", -0.126),
        ("55555", -0.453),
        ("21231", 0.818),
        ("32342", 0.472),
    ] {
        let found = index(state, "NO_5L_2024");
        assert!((found - published).abs() <= 0.000_5, "{state}: {found}");
    }
    assert_eq!(serde_json::to_string(&index("31342", "NO_5L_2024")).ok().as_deref(), Some("0.503503"));
}

#[test]
fn norways_coefficients_follow_from_its_eight_numbers() {
    let weights = [205, 206, 179, 391, 472];
    for (level, factor) in [(2, 152), (3, 317), (4, 775), (5, 1000)] {
        for (dimension, weight) in weights.iter().enumerate() {
            let state: String = (0..5).map(|at| if at == dimension { char::from(b'0' + level) } else { '1' }).collect();
            let expected = 1.0 - f64::from(weight * factor) / 1_000_000.0;
            assert!((index(&state, "NO_5L_2024") - expected).abs() < 1e-12, "{state}");
        }
    }
}

#[test]
fn the_other_additive_sets_add_up() {
    for (set, worst, mixed) in [
        ("DK_5L_2021", -0.758, 1.0 - 0.041 - 0.033 - 0.094 - 0.072),
        ("SE_5L_2022", -0.314, 1.0 - 0.022 - 0.022 - 0.047 - 0.031),
        ("UK_5L_2026", -0.567, 1.0 - 0.032 - 0.049 - 0.066 - 0.041),
    ] {
        assert!((index("11111", set) - 1.0).abs() < 1e-12, "{set}");
        assert!((index("55555", set) - worst).abs() < 1e-9, "{set}: {}", index("55555", set));
        assert!((index("21232", set) - mixed).abs() < 1e-9, "{set}: {}", index("21232", set));
    }
}

#[test]
fn every_coefficient_counts_once() {
    // Five states that use each level of each dimension exactly once: their indices add up to five times full health plus
    // every coefficient of the published table.
    for (set, sum_of_coefficients) in [
        ("NO_5L_2024", -(0.205 + 0.206 + 0.179 + 0.391 + 0.472) * (0.152 + 0.317 + 0.775 + 1.0)),
        ("DK_5L_2021", -(0.472 + 0.438 + 0.386 + 1.06 + 1.311)),
        ("SE_5L_2022", -(0.267 + 0.347 + 0.388 + 0.818 + 0.824)),
        ("UK_5L_2026", -(0.548 + 0.466 + 0.531 + 0.972 + 0.871)),
    ] {
        let sum: f64 = ["12345", "23451", "34512", "45123", "51234"].iter().map(|state| index(state, set)).sum();
        assert!((sum - 5.0 - sum_of_coefficients).abs() < 1e-9, "{set}: {}", sum - 5.0);
    }
}

#[test]
fn the_crosswalk_is_van_houts() {
    // Level 3 of five is level 2 of three with certainty, so 33333 is the three-level 22222.
    for (state, published) in [("11111", 1.0), ("55555", -0.594), ("33333", 0.516), ("11112", 0.879), ("21111", 0.877)]
    {
        let found = index(state, "UK_XW_2012");
        assert!((found - published).abs() <= 0.000_6, "{state}: {found}");
    }
}

#[test]
fn eq5d_says_what_it_can_with_a_gap() {
    let full = score("eq5d5l", &json!({"eq5d_mo":3,"eq5d_sc":1,"eq5d_ua":3,"eq5d_pd":4,"eq5d_ad":2,"eq5d_vas":45}));
    assert_eq!(
        serde_json::to_value(&full).ok(),
        Some(json!({"instrument":"eq5d5l","algorithm":"eq5d5l/1","status":"scored","scales":[
            {"code":"state","value":"31342","n_answered":5,"n_items":5},
            {"code":"lss","value":13,"n_answered":5,"n_items":5},
            {"code":"lfs","value":"11210","n_answered":5,"n_items":5},
            {"code":"index","value":0.503_503,"value_set":"NO_5L_2024","n_answered":5,"n_items":5},
            {"code":"vas","value":45,"n_answered":1,"n_items":1}],"flags":{}}))
    );
    let gap = score("eq5d5l", &json!({"eq5d_mo":3,"eq5d_sc":null,"eq5d_ua":3,"eq5d_pd":4,"eq5d_ad":2}));
    assert_eq!(gap.status, Status::Partial);
    assert_eq!(
        gap.scales.iter().map(|scale| (scale.code, scale.value.clone())).collect::<Vec<_>>(),
        [("state", ScaleValue::Text("39342".into()))]
    );
    let no_vas = score("eq5d5l", &json!({"eq5d_mo":1,"eq5d_sc":1,"eq5d_ua":1,"eq5d_pd":1,"eq5d_ad":1}));
    assert_eq!((no_vas.status, number(&no_vas, "index")), (Status::Partial, Some(1.0)));
    assert_eq!(score("eq5d5l", &json!({})).status, Status::Incomplete);
}

#[test]
fn an_unknown_value_set_is_named() {
    let faults = Options::parse(&["NO_5L_2024".into(), "XX".into()]).err();
    assert_eq!(faults, Some(vec![Fault::new("/value_sets/1", FaultCode::UnknownOption)]));
    let faults = Options::parse(&["NO_5L_2024".into(), "NO_5L_2024".into()]).err();
    assert_eq!(faults, Some(vec![Fault::new("/value_sets/1", FaultCode::AlreadyExists)]));
}

#[test]
fn isi_bands_and_cases() {
    let total = |sum: i32| {
        let value = whole("isi", |number| (sum - i32::try_from(number - 1).expect("small") * 4).clamp(0, 4));
        let scores = score("isi", &value);
        assert_eq!(number(&scores, "total"), Some(f64::from(sum)));
        (band(&scores, "total"), scores.flags.get("community_case_ge10"), scores.flags.get("clinical_insomnia_ge15"))
    };
    assert_eq!(total(7), (Some("none"), Some(false), Some(false)));
    assert_eq!(total(8), (Some("subthreshold"), Some(false), Some(false)));
    assert_eq!(total(10), (Some("subthreshold"), Some(true), Some(false)));
    assert_eq!(total(15), (Some("moderate"), Some(true), Some(true)));
    assert_eq!(total(22), (Some("severe"), Some(true), Some(true)));
    assert_eq!(total(28), (Some("severe"), Some(true), Some(true)));
    let gap = score("isi", &without(whole("isi", |_| 4), &["isi_03"]));
    assert_eq!((gap.status, gap.scales.len(), gap.flags.get("community_case_ge10")), (Status::Incomplete, 0, None));
}

#[test]
fn pcs_subscales_are_the_published_items() {
    for (scale, items) in
        [("rumination", &[8, 9, 10, 11][..]), ("magnification", &[6, 7, 13]), ("helplessness", &[1, 2, 3, 4, 5, 12])]
    {
        let scores = score("pcs", &whole("pcs", |number| if items.contains(&number) { 4 } else { 0 }));
        let expected = 4.0 * f64::from(u8::try_from(items.len()).expect("small"));
        assert_eq!((number(&scores, scale), number(&scores, "total")), (Some(expected), Some(expected)), "{scale}");
    }
    let scores = score("pcs", &whole("pcs", |number| if number <= 10 { 3 } else { 0 }));
    assert_eq!(
        (number(&scores, "total"), band(&scores, "total"), scores.flags.get("ge30")),
        (Some(30.0), Some("severe"), Some(true))
    );
    let scores = score("pcs", &without(whole("pcs", |_| 2), &["pcs_13"]));
    assert_eq!(scores.status, Status::Partial, "rumination and helplessness stand");
    assert_eq!((number(&scores, "total"), number(&scores, "rumination")), (None, Some(8.0)));
}

#[test]
fn hscl_means_and_cut_offs_are_exact() {
    // 25 items: 19 at 2 and 6 at 1 is 44/25 = 1.76; 18 and 7 is 43/25 = 1.72.
    let scores = score("hscl25", &whole("hscl25", |number| if number <= 19 { 2 } else { 1 }));
    assert_eq!(number(&scores, "total"), Some(1.76));
    assert_eq!((scores.flags.get("total_ge_1_75"), scores.flags.get("total_ge_1_70")), (Some(true), Some(true)));
    let scores = score("hscl25", &whole("hscl25", |number| if number <= 18 { 2 } else { 1 }));
    assert_eq!((scores.flags.get("total_ge_1_75"), scores.flags.get("total_ge_1_70")), (Some(false), Some(true)));
    // Twenty answered, 15 at 2 and 5 at 1: exactly 1.75.
    let gaps = ["hscl_01", "hscl_02", "hscl_23", "hscl_24", "hscl_25"];
    let scores = score("hscl25", &without(whole("hscl25", |number| if number <= 17 { 2 } else { 1 }), &gaps));
    assert_eq!(
        (number(&scores, "total"), scores.flags.get("total_ge_1_75"), scores.status),
        (Some(1.75), Some(true), Status::Prorated)
    );
    let scores = score("hscl25", &whole("hscl25", |number| if number <= 10 { 4 } else { 1 }));
    assert_eq!((number(&scores, "anxiety"), number(&scores, "depression")), (Some(4.0), Some(1.0)));
    let scores = score("hscl25", &without(whole("hscl25", |_| 2), &["hscl_01", "hscl_02", "hscl_03"]));
    assert_eq!(
        (number(&scores, "anxiety"), number(&scores, "depression"), scores.status),
        (None, Some(2.0), Status::Partial)
    );
}

#[test]
fn odi_adapts_to_what_was_answered_down_to_eight() {
    for code in ["odi", "odi_opr_mod"] {
        let scores = score(code, &without(whole(code, |_| 1), &["odi_08"]));
        assert_eq!(
            (number(&scores, "total"), band(&scores, "total"), scores.status),
            (Some(20.0), Some("minimal"), Status::Prorated)
        );
        // 10 of 45 is 22.2 %.
        let scores = score(code, &without(whole(code, |number| if number == 1 { 2 } else { 1 }), &["odi_08"]));
        assert_eq!(band(&scores, "total"), Some("moderate"));
        assert_eq!(score(code, &without(whole(code, |_| 5), &["odi_08", "odi_09"])).status, Status::Prorated);
        assert_eq!(
            score(code, &without(whole(code, |_| 5), &["odi_08", "odi_09", "odi_10"])).status,
            Status::Incomplete
        );
        for (sum, name) in [
            (0, "minimal"),
            (10, "minimal"),
            (11, "moderate"),
            (20, "moderate"),
            (21, "severe"),
            (30, "severe"),
            (31, "crippled"),
            (40, "crippled"),
            (41, "bed_bound"),
            (50, "bed_bound"),
        ] {
            let scores =
                score(code, &whole(code, |number| (sum - i32::try_from(number - 1).expect("small") * 5).clamp(0, 5)));
            assert_eq!((number(&scores, "total"), band(&scores, "total")), (Some(f64::from(sum) * 2.0), Some(name)));
        }
    }
}

#[test]
fn gse_prorates_up_to_three() {
    let scores = score("gse10", &without(whole("gse10", |_| 3), &["gse_01", "gse_02", "gse_03"]));
    assert_eq!((number(&scores, "total"), scores.status), (Some(30.0), Status::Prorated));
    assert_eq!(
        score("gse10", &without(whole("gse10", |_| 3), &["gse_01", "gse_02", "gse_03", "gse_04"])).status,
        Status::Incomplete
    );
    assert_eq!(
        score("gse10", &whole("gse10", |_| 4)).scales.first().map(|scale| scale.value.clone()),
        Some(ScaleValue::Integer(40))
    );
}

#[test]
fn chalder_scores_both_ways() {
    let scores = score("cfq11", &whole("cfq11", |_| 1));
    assert_eq!(
        (number(&scores, "total"), number(&scores, "bimodal"), scores.flags.get("case_ge4")),
        (Some(11.0), Some(0.0), Some(false))
    );
    let scores = score("cfq11", &whole("cfq11", |number| if number <= 7 { 3 } else { 0 }));
    assert_eq!(
        (number(&scores, "physical"), number(&scores, "mental"), number(&scores, "bimodal")),
        (Some(21.0), Some(0.0), Some(7.0))
    );
    let scores = score("cfq11", &whole("cfq11", |number| if number <= 4 { 2 } else { 1 }));
    assert_eq!((number(&scores, "bimodal"), scores.flags.get("case_ge4")), (Some(4.0), Some(true)));
}

#[test]
fn pgic_and_pain_scales() {
    for (answer, responder, improved, worse) in [
        (1, true, true, false),
        (2, true, true, false),
        (3, false, true, false),
        (4, false, false, false),
        (5, false, false, true),
        (7, false, false, true),
    ] {
        let flags = score("pgic", &json!({ "pgic": answer })).flags;
        assert_eq!(
            (flags.get("responder"), flags.get("improved"), flags.get("worse")),
            (Some(responder), Some(improved), Some(worse)),
            "{answer}"
        );
    }
    for (answer, name) in
        [(0, "none"), (1, "mild"), (3, "mild"), (4, "moderate"), (6, "moderate"), (7, "severe"), (10, "severe")]
    {
        let scores = score("nrs", &json!({ "nrs_average": answer }));
        assert_eq!((band(&scores, "average"), scores.status), (Some(name), Status::Partial));
    }
    let scores = score("nrs", &json!({"nrs_worst": 9, "nrs_least": 2, "nrs_average": 6, "nrs_now": 5}));
    assert_eq!((number(&scores, "mean"), scores.status), (Some(5.5), Status::Scored));
}

#[test]
fn what_is_no_answer_is_refused_by_name() {
    let isi = instrument("isi");
    for (value, code) in [
        (json!("2"), FaultCode::WrongType),
        (json!(true), FaultCode::WrongType),
        (json!(2.5), FaultCode::WrongType),
        (json!(2.0), FaultCode::WrongType),
        (json!([2]), FaultCode::WrongType),
        (json!(5), FaultCode::OutOfRange),
        (json!(-1), FaultCode::OutOfRange),
        (json!(u64::MAX), FaultCode::OutOfRange),
        (json!(i64::MIN), FaultCode::OutOfRange),
    ] {
        assert_eq!(isi.parse(&answers(&json!({ "isi_03": value }))), Err(vec![Fault::new("/isi_03", code)]), "{value}");
    }
    let faults = isi.parse(&answers(&json!({"isi_03": 9, "isi_08": 1, "a/b": 1})));
    let expected = vec![
        Fault::new("/a~1b", FaultCode::UnknownItem),
        Fault::new("/isi_03", FaultCode::OutOfRange),
        Fault::new("/isi_08", FaultCode::UnknownItem),
    ];
    assert_eq!(faults, Err(expected));
}

/// Any instrument with legal answers, some of them missing.
fn any_answers() -> impl Strategy<Value = (&'static Instrument, Vec<Option<i32>>)> {
    let all: Vec<&'static Instrument> = Catalogue::shipped().iter().collect();
    proptest::sample::select(all).prop_flat_map(|instrument| {
        let slots: Vec<_> =
            instrument.items().iter().map(|item| proptest::option::weighted(0.9, item.min()..=item.max())).collect();
        (Just(instrument), slots)
    })
}

proptest! {
    #[test]
    fn legal_answers_score_within_range((instrument, slots) in any_answers()) {
        let scores = instrument.score(&slots, &Options::default());
        for scale in &instrument.scales {
            let Some([low, high]) = scale.range else { continue };
            let low = f64::from(i32::try_from(low).expect("small"));
            let high = f64::from(i32::try_from(high).expect("small"));
            if let Some(value) = number(&scores, scale.code) {
                prop_assert!((low..=high).contains(&value), "{} {}: {value}", instrument.code(), scale.code);
            }
        }
    }

    #[test]
    fn a_scale_is_scored_exactly_when_its_rule_allows((instrument, slots) in any_answers()) {
        let scores = instrument.score(&slots, &Options::default());
        for scale in instrument.scales.iter().filter(|scale| matches!(scale.kind, Kind::Sum | Kind::Mean | Kind::Percent | Kind::Count)) {
            let answered = scale.items.iter().filter(|at| slots[**at].is_some()).count();
            let shown = scores.scales.iter().any(|found| found.code == scale.code);
            prop_assert_eq!(shown, answered >= scale.minimum);
        }
        prop_assert_eq!(scores.status == Status::Scored, slots.iter().all(Option::is_some));
    }

    #[test]
    fn the_order_of_members_never_matters((instrument, slots) in any_answers(), seed in any::<u64>()) {
        let mut members: Vec<(String, Value)> = instrument.items().iter().zip(&slots)
            .map(|(item, slot)| (item.code().to_owned(), json!(slot))).collect();
        let straight: Map<String, Value> = members.clone().into_iter().collect();
        let turn = usize::try_from(seed % u64::try_from(members.len()).expect("small")).expect("small");
        members.rotate_left(turn);
        let turned: Map<String, Value> = members.into_iter().collect();
        prop_assert_eq!(instrument.parse(&straight), instrument.parse(&turned));
        prop_assert_eq!(instrument.parse(&straight), Ok(slots));
    }

    #[test]
    fn answers_outside_the_range_are_always_refused((instrument, slots) in any_answers(), at in any::<prop::sample::Index>(), by in 1..1000) {
        let at = at.index(slots.len());
        let item = &instrument.items()[at];
        for wrong in [item.min() - by, item.max() + by] {
            let value = json!({ item.code(): wrong });
            prop_assert_eq!(instrument.parse(&answers(&value)), Err(vec![Fault::at(item.code(), FaultCode::OutOfRange)]));
        }
    }
}

#[test]
fn every_value_set_names_its_publication() {
    for code in value_set_codes() {
        let options = Options::parse(&[code.to_owned()]).expect("a known set");
        assert!(options.sets().all(|set| set.publication().len() > 20));
    }
}
