//! Properties of parsing any answers.

use super::*;
use crate::text::composed;

/// Any JSON value, mostly near what a form takes.
pub(super) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-5..30_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        "[ab]|20[0-9]{2}-[0-9]{2}-[0-9]{2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("neck|back|knee|.{0,4}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Raw answers that fit [`EVERY_KIND`].
pub(super) fn valid_answers() -> impl Strategy<Value = Map<String, Value>> {
    let tick = prop::option::of(any::<bool>()).prop_map(|tick| json!(tick));
    (
        prop::collection::vec(prop::option::of(0..=4), 7),
        prop::option::of(0..=18),
        prop::option::of(-500..=30_025_i32),
        "[ab]",
        [tick.clone(), tick.clone(), tick],
        prop::option::of((1..9999, 1..=12, 1..=28)),
        prop::option::of(any::<bool>()),
        // Some characters are longer when composed.
        "[^\0]{1,5}"
            .prop_map(|note| composed(&note).into_owned())
            .prop_filter("within the limit", |note| note.chars().count() <= 5),
    )
        .prop_map(|(isi, count, weight, reason, [neck, back, knee], since, agreed, note)| {
            let mut raw = object(json!({
                "count": count, "weight": weight.map(|cents| f64::from(cents) / 100.0), "reason": reason,
                "sites": {"neck": neck, "back": back, "knee": knee},
                "since": since.map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}")), "agreed": agreed, "note": note,
            }));
            raw.extend((1..).zip(isi).map(|(n, value)| (format!("isi_{n:02}"), json!(value))));
            raw
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn parse_never_panics_on_any_answers(
        raw in prop::collection::vec(
            ("isi_0[1-7]|count|weight|reason|sites|since|agreed|note|.{0,5}", any_value()), 0..10)
    ) {
        let form = every_kind();
        let raw: Map<String, Value> = raw.into_iter().collect();
        match form.parse(&raw) {
            Ok(answers) => { form.score(&answers); }
            Err(faults) => prop_assert!(!faults.is_empty() && faults.is_sorted()),
        }
    }

    #[test]
    fn parse_reads_canonical_answers_back(raw in valid_answers()) {
        let form = every_kind();
        let answers = form.parse(&raw).expect("valid");
        let canonical = answers.to_json();
        let again = form.parse(canonical.as_object().expect("object")).expect("valid");
        prop_assert_eq!(&again, &answers);
        prop_assert_eq!(again.to_json(), canonical);
        prop_assert_eq!(answers.integer("count"), raw["count"].as_i64().and_then(|n| i32::try_from(n).ok()));
    }

    #[test]
    fn form_never_panics_on_any_text(text in ".{0,200}", at in 0..EVERY_KIND.len()) {
        let _ = Form::from_toml(&text);
        let cut: String = EVERY_KIND.chars().take(at).chain(text.chars().take(3)).collect();
        let _ = Form::from_toml(&cut);
    }
}
