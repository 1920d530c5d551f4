//! Conditions, and answers to hidden items.

use super::*;

pub(super) const CHAIN: &str = r#"
    code = "chain"
    version = "1"
    title = { nb = "Kjede", en = "Chain" }
    wave = "project"
    instruments = ["pgic", "isi"]

    [[pages]]
    code = "before"
    title = { nb = "Før", en = "Before" }
    holds = ["treated", "kinds", "other", "pgic"]

    [[pages]]
    code = "sleep"
    title = { nb = "Søvn", en = "Sleep" }
    visible_if.at_least = { item = "pgic", value = 5 }
    holds = ["isi", "since"]

    [[items]]
    code = "treated"
    kind = "boolean"
    label = { nb = "Behandlet", en = "Treated" }

    [[items]]
    code = "kinds"
    kind.multiple.options = ["drugs", "other"]
    visible_if.equals = { item = "treated", value = true }
    required = true
    label = { nb = "Slag", en = "Kinds" }

    [[items]]
    code = "other"
    kind.text.max_length = 20
    visible_if.ticked = { item = "kinds", option = "other" }
    required = true
    label = { nb = "Annet", en = "Other" }

    [[items]]
    code = "since"
    kind = "date"
    visible_if.all = [{ answered = { item = "isi_01" } }, { one_of = { item = "isi_02", values = [3, 4] } }]
    label = { nb = "Siden", en = "Since" }
"#;

fn chain() -> Form {
    form(CHAIN)
}

fn hidden(raw: Value) -> Vec<String> {
    chain().parse(&object(raw)).expect("valid").hidden().map(str::to_owned).collect()
}

#[test]
fn parse_distinguishes_unanswered_hidden_and_unticked() {
    let form = chain();
    let answers = form
        .parse(&object(json!({"treated": true, "kinds": {"drugs": true, "other": false}, "pgic": 5})))
        .expect("valid");
    assert_eq!(answers.hidden().collect::<Vec<_>>(), ["other", "since"]);
    let unanswered: Vec<&str> = answers.unanswered().collect();
    assert_eq!(unanswered, ["isi_01", "isi_02", "isi_03", "isi_04", "isi_05", "isi_06", "isi_07"]);
    assert_eq!(answers.to_json()["kinds"], json!({"drugs": true, "other": false}));
    assert_eq!(answers.answered() + unanswered.len() + answers.hidden().count(), form.item_codes().count());
}

#[test]
fn parse_hides_dependent_items_too() {
    let page = ["isi_01", "isi_02", "isi_03", "isi_04", "isi_05", "isi_06", "isi_07"];
    let with = |own: &[&'static str]| [&page[..], own].concat();
    assert_eq!(hidden(json!({})), with(&["kinds", "other", "since"]));
    assert_eq!(hidden(json!({"treated": false, "pgic": 4})), with(&["kinds", "other", "since"]));
    assert_eq!(hidden(json!({"treated": true, "kinds": {"other": true}, "other": "x"})), with(&["since"]));
    let shown = json!({"treated": false, "pgic": 7, "isi_01": 0, "isi_02": 3, "since": "2024-01-01"});
    assert_eq!(hidden(shown), ["kinds", "other"]);
    assert_eq!(hidden(json!({"treated": false, "pgic": 7, "isi_02": 3})), ["kinds", "other", "since"]);
}

#[test]
fn parse_refuses_answers_to_hidden_items() {
    use FaultCode::{HiddenItem, OutOfRange, Required};
    let refused = |raw: Value, expected: &[(&str, FaultCode)]| {
        let expected: Vec<_> = expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), *code)).collect();
        assert_eq!(faults(&chain(), raw), expected);
    };
    refused(json!({"treated": true}), &[("/kinds", Required)]);
    refused(json!({"treated": true, "kinds": {"other": true}}), &[("/other", Required)]);
    refused(json!({"kinds": {"other": true}, "other": "x"}), &[("/kinds", HiddenItem), ("/other", HiddenItem)]);
    refused(json!({"pgic": 1, "isi_03": 2}), &[("/isi_03", HiddenItem)]);
    // Whether it should be there hangs on an answer that is refused itself: one fault, not two.
    refused(json!({"pgic": 8, "isi_03": 2, "since": "2024-01-01"}), &[("/pgic", OutOfRange)]);
    refused(json!({"treated": true, "kinds": {"other": 1}}), &[("/kinds/other", FaultCode::WrongType)]);
    assert_eq!(hidden(json!({"kinds": null, "other": ""})).len(), 10, "null and empty text are no answers");
}

#[test]
fn faults_name_the_place_of_a_faulty_condition() {
    use FaultCode::{
        AlreadyExists, NotEarlier, NotPlaced, OutOfRange, Required, TooLong, UnknownOption, UnknownReference, WrongType,
    };
    let place = |place: &str| format!("/items/3/visible_if/{place}");
    let refused = |condition: Value| {
        let mut definition = chain().definition().clone();
        definition.items[3].visible_if = Some(serde_json::from_value(condition).expect("readable"));
        let faults = Form::new(definition).expect_err("must be refused");
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect::<Vec<_>>()
    };
    for (condition, pointer, code) in [
        (json!({"answered": {"item": "nothing"}}), "answered/item", UnknownReference),
        (json!({"answered": {"item": "since"}}), "answered/item", NotEarlier),
        (json!({"equals": {"item": "treated", "value": "yes"}}), "equals/value", WrongType),
        (json!({"equals": {"item": "other", "value": "x"}}), "equals/value", WrongType),
        (json!({"equals": {"item": "isi_01", "value": 5}}), "equals/value", OutOfRange),
        (json!({"one_of": {"item": "isi_01", "values": []}}), "one_of/values", Required),
        (json!({"one_of": {"item": "isi_01", "values": [1, 5]}}), "one_of/values/1", OutOfRange),
        (json!({"at_least": {"item": "treated", "value": true}}), "at_least/item", WrongType),
        (json!({"at_most": {"item": "isi_01", "value": 1.5}}), "at_most/value", WrongType),
        (json!({"ticked": {"item": "treated", "option": "other"}}), "ticked/item", WrongType),
        (json!({"ticked": {"item": "kinds", "option": "none"}}), "ticked/option", UnknownOption),
        (json!({"all": []}), "all", Required),
        (json!({"any": vec![json!({"answered": {"item": "isi_01"}}); 51]}), "any", TooLong),
        (json!({"any": [{"all": [{"answered": {"item": "isi_9"}}]}]}), "any/0/all/0/answered/item", UnknownReference),
    ] {
        assert_eq!(refused(condition), [(place(pointer), code)]);
    }

    let changed = |change: &dyn Fn(&mut Definition)| {
        let mut definition = chain().definition().clone();
        change(&mut definition);
        let faults = Form::new(definition).expect_err("must be refused");
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect::<Vec<_>>()
    };
    let one = |pointer: &str, code| vec![(pointer.to_owned(), code)];
    // A page asks about earlier pages, not about itself.
    let moved = changed(&|d| d.pages.swap(0, 1));
    assert_eq!(moved, one("/pages/0/visible_if/at_least/item", NotEarlier));
    assert_eq!(
        changed(&|d| d.pages[1].holds[0] = "pgic".to_owned()),
        [
            ("/instruments/1".to_owned(), NotPlaced),
            ("/items/3/visible_if/all/0/answered/item".to_owned(), NotEarlier),
            ("/items/3/visible_if/all/1/one_of/item".to_owned(), NotEarlier),
            ("/pages/1/holds/0".to_owned(), AlreadyExists),
        ]
    );
    assert_eq!(changed(&|d| d.pages[1].holds.push("odi".to_owned())), one("/pages/1/holds/2", UnknownReference));
    assert_eq!(changed(&|d| d.pages[1].code = "before".to_owned()), one("/pages/1/code", AlreadyExists));
}

#[test]
fn condition_has_one_spelling() {
    let mut definition = chain().definition().clone();
    definition.items.reverse();
    definition.instruments.reverse();
    assert_eq!(Form::new(definition).expect("sound"), chain());
}

/// The same, written down again without a thought for speed.
fn naive(condition: &Condition, answers: &Map<String, Value>) -> bool {
    let number = |item: &str| answers.get(item).and_then(Value::as_f64);
    match condition {
        Condition::All(inner) => inner.iter().all(|one| naive(one, answers)),
        Condition::Any(inner) => inner.iter().any(|one| naive(one, answers)),
        Condition::Answered { item } => answers.contains_key(item),
        Condition::Equals { item, value } => answers.get(item) == Some(value),
        Condition::OneOf { item, values } => values.iter().any(|value| answers.get(item) == Some(value)),
        Condition::AtLeast { item, value } => number(item) >= value.as_f64() && number(item).is_some(),
        Condition::AtMost { item, value } => number(item) <= value.as_f64() && number(item).is_some(),
        Condition::Ticked { item, option } => answers.get(item).is_some_and(|ticks| ticks[option] == json!(true)),
    }
}

/// A condition over the items before the `at`th of [`random_form`]: a number, a choice and boxes in turn.
pub(super) fn any_condition(at: usize) -> impl Strategy<Value = Condition> {
    let leaf = (0..at, 0..=2_usize, 0..5_i64, "[abc]").prop_map(|(item, how, number, option)| {
        let (kind, item) = (item % 3, format!("q{item}"));
        match (kind, how) {
            (0, 0) => Condition::Equals { item, value: number.into() },
            (0, 1) => Condition::AtLeast { item, value: number.into() },
            (0, _) => Condition::AtMost { item, value: number.into() },
            (1, 0) => Condition::Equals { item, value: option.into() },
            (1, 1) => Condition::OneOf { item, values: vec!["a".into(), option.into()] },
            (2, 0) => Condition::Ticked { item, option },
            _ => Condition::Answered { item },
        }
    });
    leaf.prop_recursive(3, 12, 3, |inner| {
        let some = prop::collection::vec(inner, 1..4);
        (some, any::<bool>()).prop_map(|(inner, all)| if all { Condition::All(inner) } else { Condition::Any(inner) })
    })
}

/// A form of twelve items, all but the first under any condition.
pub(super) fn random_form() -> impl Strategy<Value = Form> {
    let item = |at: usize| {
        let condition = if at == 0 { Just(None).boxed() } else { prop::option::of(any_condition(at)).boxed() };
        (condition, any::<bool>()).prop_map(move |(visible_if, required)| {
            let options = ["a", "b", "c"].map(str::to_owned).to_vec();
            let kind = match at % 3 {
                0 => ItemKind::Integer { min: 0, max: 4 },
                1 => ItemKind::Choice { options },
                _ => ItemKind::Multiple { options },
            };
            let words = Words { nb: format!("Spørsmål {at}"), en: format!("Question {at}"), ..Words::default() };
            let (help, option_labels) = (None, std::collections::BTreeMap::new());
            Item { code: format!("q{at}"), kind, required, visible_if, label: words, help, option_labels }
        })
    };
    let items: Vec<_> = (0..12).map(item).collect();
    items.prop_map(|items| {
        let mut definition = every_kind().definition().clone();
        definition.instruments.clear();
        definition.items = items;
        Form::new(definition).unwrap_or_else(|faults| panic!("{faults:?}"))
    })
}

/// Answers to every item of [`random_form`], shown or hidden; some unanswered.
pub(super) fn random_answers() -> impl Strategy<Value = Vec<Option<Value>>> {
    let answer = |at: usize| match at % 3 {
        0 => (0..5).prop_map(Value::from).boxed(),
        1 => "[abc]".prop_map(Value::from).boxed(),
        _ => [any::<bool>(), any::<bool>()].prop_map(|[a, b]| json!({"a": a, "b": b})).boxed(),
    };
    (0..12).map(|at| prop::option::weighted(0.8, answer(at))).collect::<Vec<_>>()
}

/// The answers to shown items, item by item, and the codes of the hidden items.
pub(super) fn shown(form: &Form, answers: Vec<Option<Value>>) -> (Map<String, Value>, Vec<String>) {
    let (mut raw, mut hidden) = (Map::new(), Vec::new());
    for (item, answer) in form.definition().items.iter().zip(answers) {
        if item.visible_if.as_ref().is_some_and(|condition| !naive(condition, &raw)) {
            hidden.push(item.code.clone());
        } else if let Some(answer) = answer.or_else(|| {
            let first = |kind: &ItemKind| match kind {
                ItemKind::Integer { .. } => json!(0),
                ItemKind::Choice { .. } => json!("a"),
                _ => json!({"a": false}),
            };
            item.required.then(|| first(&item.kind))
        }) {
            raw.insert(item.code.clone(), answer);
        }
    }
    hidden.sort();
    (raw, hidden)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn parse_hides_items_where_their_condition_fails(form in random_form(), answers in random_answers()) {
        let (raw, hidden) = shown(&form, answers);
        let parsed = form.parse(&raw).expect("what is shown is accepted");
        prop_assert_eq!(parsed.hidden().collect::<Vec<_>>(), hidden.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(parsed.unanswered().count() + raw.len() + hidden.len(), 12);
        for code in hidden {
            let mut more = raw.clone();
            let value = match form.shape(&code) {
                Some(Shape::Own(ItemKind::Integer { .. })) => json!(0),
                Some(Shape::Own(ItemKind::Choice { .. })) => json!("a"),
                _ => json!({"a": true}),
            };
            more.insert(code.clone(), value);
            prop_assert_eq!(form.parse(&more).expect_err("hidden"), vec![Fault::at(&code, FaultCode::HiddenItem)]);
        }
    }

    #[test]
    fn condition_round_trips_through_json(form in random_form()) {
        let stored = serde_json::to_value(&form).expect("serializes");
        prop_assert_eq!(Form::from_json(&stored).expect("reads"), form);
    }
}
