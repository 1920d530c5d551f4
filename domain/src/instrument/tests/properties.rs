//! Properties of every instrument for any answers.

use proptest::prelude::*;

use super::*;

/// The scales that are scored with an answer less; every other one is absent then.
const LENIENT: &[(&str, &str)] = &[
    ("bpi_sf", "interference"),
    ("gse10", "total"),
    ("hscl10", "total"),
    ("hscl25", "anxiety"),
    ("hscl25", "depression"),
    ("hscl25", "total"),
    ("odi", "total"),
    ("odi_opr_mod", "total"),
    ("pseq", "total"),
    ("scl5", "total"),
];

/// The value by the published rule: the mean of what was answered, times the number of items or in per cent.
fn prorated(scale: &Scale, terms: &[Term], slots: &[Option<i32>]) -> f64 {
    let answers: Vec<i32> = terms.iter().filter_map(|term| slots[term.at]).collect();
    let size = |count: usize| f64::from(u8::try_from(count).expect("small"));
    let (sum, answered) = (f64::from(answers.iter().sum::<i32>()), size(answers.len()));
    match scale.kind {
        Kind::Sum => sum * size(terms.len()) / answered,
        Kind::Mean => sum / answered,
        _ => 100.0 * sum / (5.0 * answered),
    }
}

/// Whether a value meets `>= 8`, `> 20` or `<= 3`.
fn holds(value: f64, rule: &str) -> bool {
    let (compare, bound) = rule.split_once(' ').expect("a rule");
    let bound: f64 = bound.parse().expect("a bound");
    match compare {
        ">=" => value >= bound,
        ">" => value > bound,
        _ => value <= bound,
    }
}

/// Any instrument with every item answered.
fn all_answers() -> impl Strategy<Value = (&'static Instrument, Vec<Option<i32>>)> {
    let all: Vec<&'static Instrument> = Catalogue::shipped().iter().collect();
    proptest::sample::select(all).prop_flat_map(|instrument| {
        let slots: Vec<_> = instrument.items().iter().map(|item| (item.min()..=item.max()).prop_map(Some)).collect();
        (Just(instrument), slots)
    })
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
    fn score_stays_within_the_published_range((instrument, slots) in any_answers()) {
        let scores = instrument.score(&slots, &Options::default());
        for scale in instrument.scales().filter(|scale| !scale.is_text()) {
            let Some([low, high]) = scale.range() else { continue };
            if let Some(value) = number(&scores, scale.code()) {
                prop_assert!((low..=high).contains(&value), "{} {}: {value}", instrument.code(), scale.code());
            }
        }
    }

    #[test]
    fn bands_contain_their_values((instrument, slots) in any_answers()) {
        let scores = instrument.score(&slots, &Options::default());
        for scale in instrument.scales().filter(|scale| !scale.is_text()) {
            let Some(value) = number(&scores, scale.code()) else { continue };
            let begun = |band: &&Band| holds(value, band.begins());
            let expected = scale.bands().iter().rfind(begun).map(Band::name);
            prop_assert_eq!(band(&scores, scale.code()), expected, "{} {}: {}", instrument.code(), scale.code(), value);
            prop_assert_eq!(expected.is_some(), !scale.bands().is_empty());
        }
    }

    #[test]
    fn cut_offs_agree_with_the_returned_values((instrument, slots) in any_answers()) {
        let scores = instrument.score(&slots, &Options::default());
        for flag in instrument.flags() {
            let Some((scale, rule)) = flag.when().split_once(' ').filter(|(_, rule)| !rule.contains(" and ")) else { continue };
            let expected = number(&scores, scale).map(|value| holds(value, rule));
            prop_assert_eq!(scores.flags.get(flag.name()), expected, "{} {}", instrument.code(), flag.name());
        }
    }

    #[test]
    fn score_with_one_missing_answer_follows_the_rule_of_each_scale((instrument, slots) in all_answers(), gone in any::<prop::sample::Index>()) {
        let gone = gone.index(slots.len());
        let mut fewer = slots.clone();
        fewer[gone] = None;
        let (before, after) = (instrument.score(&slots, &Options::default()), instrument.score(&fewer, &Options::default()));
        for scale in instrument.scales() {
            let Inputs::Items(terms) = &scale.inputs else { continue };
            if !scale.is_text() && scale.levels().is_none() && scale.blank_given.is_none() {
                let lenient = LENIENT.contains(&(instrument.code(), scale.code()));
                let part = terms.iter().any(|term| term.at == gone);
                let expected = match (part, lenient) {
                    (false, _) => number(&before, scale.code()),
                    (true, false) => None,
                    (true, true) => Some(prorated(scale, terms, &fewer)),
                };
                let found = number(&after, scale.code());
                prop_assert!(found == expected, "{} {}: {found:?}, not {expected:?}", instrument.code(), scale.code());
            }
        }
    }

    #[test]
    fn score_needs_answers_and_scores_complete_ones((instrument, slots) in all_answers()) {
        let none = instrument.score(&vec![None; slots.len()], &Options::default());
        prop_assert_eq!((none.status, none.scales.len()), (Status::Incomplete, 0));
        prop_assert!(instrument.flags().iter().all(|flag| none.flags.get(flag.name()).is_none()));
        let all = instrument.score(&slots, &Options::default());
        prop_assert_eq!((all.status, all.scales.len()), (Status::Scored, instrument.scales().count()));
    }

    #[test]
    fn parse_ignores_the_order_of_members((instrument, slots) in any_answers(), seed in any::<u64>()) {
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
    fn parse_refuses_answers_outside_the_range((instrument, slots) in any_answers(), at in any::<prop::sample::Index>(), by in 1..1000) {
        let at = at.index(slots.len());
        let item = &instrument.items()[at];
        for wrong in [item.min() - by, item.max() + by] {
            let value = json!({ item.code(): wrong });
            prop_assert_eq!(instrument.parse(&answers(&value)), Err(vec![Fault::at(item.code(), FaultCode::OutOfRange)]));
        }
    }
}
