//! Published examples, edges and properties of every instrument.

mod eq5d;
mod fibromyalgia;
mod pain;
mod properties;
mod published;
mod trauma;

use serde_json::{Map, Value, json};

use super::definition::{Inputs, Kind, Term};
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

fn text(scores: &Scores, scale: &str) -> Option<String> {
    scores.scales.iter().find(|found| found.code == scale).and_then(|found| match &found.value {
        ScaleValue::Text(text) => Some(text.to_string()),
        _ => None,
    })
}

/// Returns answers with the given sum to items without points.
fn summing_to(code: &str, sum: i32) -> Value {
    let mut left = sum - instrument(code).items().iter().map(InstrumentItem::min).sum::<i32>();
    let answers = instrument(code).items().iter().map(|item| {
        let more = left.clamp(0, item.max() - item.min());
        left -= more;
        (item.code().to_owned(), json!(item.min() + more))
    });
    Value::Object(answers.collect())
}

/// The result members of every instrument: code, scales, cut-offs.
const NAMES: &[(&str, &str, &str)] = &[
    ("bds25", "total cardiopulmonary gastrointestinal musculoskeletal general classification", ""),
    ("bpi_sf", "severity interference interference_activity interference_affective worst", ""),
    ("cfq11", "total physical mental bimodal", "case_ge4"),
    ("comm", "total", "ge9"),
    ("dn4", "total interview examination", "neuropathic_ge4"),
    ("dn4i", "total", "neuropathic_ge3"),
    ("eq5d3l", "state lss index vas", ""),
    ("eq5d5l", "state lss lfs index vas", ""),
    ("fm2016", "wpi sss fs regions", "criteria_2016"),
    ("gse10", "total", ""),
    ("gse5", "total", ""),
    ("gse6", "total", ""),
    ("hscl10", "total", "ge_1_85"),
    ("hscl25", "total anxiety depression", "total_ge_1_75 total_ge_1_70 depression_ge_1_75"),
    ("ieq", "total severity blame", "ge19 ge30"),
    ("iesr", "total intrusion avoidance hyperarousal", "ge33"),
    ("isi", "total", "community_case_ge10 clinical_insomnia_ge15"),
    ("lec", "count", ""),
    ("nrs", "worst least average now mean", ""),
    ("odi", "total", ""),
    ("odi_opr_mod", "total", ""),
    ("ort", "total", ""),
    ("paindetect", "total", ""),
    ("pcl5", "total b c d e", "ge31 ge33 dsm5_pattern"),
    ("pcptsd5", "total", "ge3 ge4"),
    ("pcs", "total rumination magnification helplessness", "ge30"),
    ("pgic", "value", "responder improved worse"),
    ("promis29", "pf anx dep fat slp soc pi pain_nrs", ""),
    ("pseq", "total", ""),
    ("scl5", "total", "ge_2_0 gt_2_0"),
    ("slesq", "count", ""),
    ("tsk11", "total somatic_focus activity_avoidance", ""),
    ("tsk13", "total somatic_focus activity_avoidance", ""),
    ("tsk17", "total", "gt37 ge37"),
];

#[test]
fn catalogue_has_every_instrument_with_scales_and_cut_offs() {
    let shipped: Vec<(&str, String, String)> = Catalogue::shipped()
        .iter()
        .map(|it| {
            let scales: Vec<&str> = it.scales().map(Scale::code).collect();
            let flags: Vec<&str> = it.flags().iter().map(Flag::name).collect();
            (it.code(), scales.join(" "), flags.join(" "))
        })
        .collect();
    let named: Vec<_> = NAMES.iter().map(|(code, scales, flags)| (*code, (*scales).into(), (*flags).into())).collect();
    assert_eq!(shipped, named);
}

#[test]
fn score_returns_the_declared_scales() {
    for it in Catalogue::shipped().iter() {
        let slots: Vec<Option<i32>> = it.items().iter().map(|item| Some(item.max())).collect();
        let scores = it.score(&slots, &Options::default());
        assert_eq!(scores.status, Status::Scored, "{}", it.code());
        assert!(scores.scales.iter().map(|scale| scale.code).eq(it.scales().map(Scale::code)), "{}", it.code());
        assert!(it.flags().iter().all(|flag| scores.flags.get(flag.name()).is_some()), "{}", it.code());
    }
}

#[test]
fn catalogue_names_the_source_of_every_instrument() {
    for it in Catalogue::shipped().iter() {
        let About { name, version, recall, direction, missing, licensor, source, .. } = it.about();
        assert_eq!(it.algorithm(), format!("{}/1", it.code()));
        assert!(
            ![name, version, recall, missing, licensor, source].iter().any(|text| text.is_empty()),
            "{}",
            it.code()
        );
        for scale in it.scales() {
            let numeric = !scale.is_text();
            assert_eq!(scale.direction().is_some(), numeric && *direction == Direction::Mixed, "{}", it.code());
            assert_eq!(scale.range().is_some(), numeric && scale.levels().is_none(), "{} {}", it.code(), scale.code());
        }
    }
}

/// Smallest and largest sum of what the answers are worth.
fn reach(terms: &[Term]) -> (i64, i64) {
    let sum = |pick: fn(&[i32]) -> i32| terms.iter().map(|term| i64::from(pick(term.worth))).sum();
    (sum(|worth| *worth.iter().min().expect("an answer")), sum(|worth| *worth.iter().max().expect("an answer")))
}

#[test]
fn range_equals_the_reachable_values() {
    for it in Catalogue::shipped().iter() {
        for scale in &it.scales {
            let Some([low, high]) = scale.range else { continue };
            let reached = match &scale.inputs {
                Inputs::Items(terms) => reach(terms),
                Inputs::Cases(_, cases) => {
                    let all: Vec<_> = cases.iter().map(|(_, terms)| reach(terms)).collect();
                    (all.iter().map(|it| it.0).min().expect("a case"), all.iter().map(|it| it.1).max().expect("a case"))
                }
                Inputs::Scales(..) => continue,
            };
            let items = match &scale.inputs {
                Inputs::Items(terms) => i64::try_from(terms.len()).expect("small"),
                _ => 1,
            };
            let (lowest, highest) = match &scale.kind {
                Kind::Sum => (reached.0 * 100, reached.1 * 100),
                Kind::Mean => (reached.0 * 100 / items, reached.1 * 100 / items),
                Kind::Percent(largest) => {
                    (reached.0 * 10_000 / (largest * items), reached.1 * 10_000 / (largest * items))
                }
                Kind::Table(first, table) => {
                    assert_eq!(
                        (*first, i64::try_from(table.len()).expect("small")),
                        (reached.0, reached.1 - first + 1)
                    );
                    (table[0], table[table.len() - 1])
                }
                _ => panic!("{} has no range", scale.code),
            };
            assert_eq!((lowest, highest), (low, high), "{} {}", it.code(), scale.code);
        }
    }
}

#[test]
fn bands_cover_the_range_without_gaps() {
    for it in Catalogue::shipped().iter() {
        for scale in it.scales().filter(|scale| !scale.bands.is_empty()) {
            let bounds: Vec<i64> = scale.bands.iter().map(|band| band.begins.bound).collect();
            assert!(bounds.is_sorted_by(|before, after| before < after), "{} {}", it.code(), scale.code());
            if let Some([low, high]) = scale.range {
                assert_eq!((scale.bands[0].begins(), bounds[0]), (format!(">= {}", low / 100).as_str(), low));
                assert!(bounds.iter().all(|bound| *bound < high), "{} {}", it.code(), scale.code());
            }
        }
    }
}

#[test]
fn alerts_are_raised_by_the_item_on_suicidal_thoughts_only() {
    let rules: Vec<_> = Catalogue::shipped()
        .iter()
        .flat_map(|it| it.alert_rules().iter().map(|alert| (it.code(), alert.code(), alert.item(), alert.at_least())))
        .collect();
    assert_eq!(rules, [("hscl25", "suicidal_thoughts", "hscl_20", 2)]);
    let raised = |answer: Option<i32>| {
        let hscl = instrument("hscl25");
        let slots: Vec<_> =
            hscl.items().iter().map(|it| if it.code() == "hscl_20" { answer } else { Some(4) }).collect();
        hscl.alerts(&slots).count()
    };
    assert_eq!([None, Some(1), Some(2), Some(4)].map(raised), [0, 0, 1, 1]);
}

#[test]
fn catalogue_refuses_a_faulty_file() {
    let good = include_str!("catalogue/isi.toml");
    assert!(definition::read(good).is_ok());
    for (from, to) in [
        ("total >= 15", "totals >= 15"),
        ("total >= 15", "total = 15"),
        ("total >= 15", "total >= 15.001"),
        ("total >= 15", "total >= 15 points"),
        ("none >= 0", "none"),
        ("max = 4", "max = -1"),
        ("kind = \"sum\"", "kind = \"product\""),
        ("kind = \"sum\"", "kind = \"sum\"\nitems = [0]"),
        ("kind = \"sum\"", "kind = \"sum\"\nitems = [8]"),
        ("kind = \"sum\"", "kind = \"sum\"\nof = [\"later\"]"),
        ("kind = \"sum\"", "kind = \"sum\"\npoints.isi_01 = [1]"),
        ("kind = \"sum\"", "kind = \"sum\"\nunknown = 1"),
    ] {
        assert!(good.contains(from), "{from}");
        assert!(definition::read(&good.replacen(from, to, 1)).is_err(), "{to}");
    }
}
