//! Conditions as `enableWhen` and back. FHIR joins its conditions by one `all` or one `any`; what needs more is written as
//! a `FHIRPath` expression, and what would be read back differently carries the condition itself along.

use serde_json::{Map, Value, json};

use super::super::{Condition, Definition, ItemKind};
use super::{ENABLE_WHEN_EXPRESSION, VISIBLE_IF};

/// Members of the item, and its extensions.
pub(super) fn write(definition: &Definition, condition: &Condition) -> (Map<String, Value>, Vec<Value>) {
    let (mut members, mut extensions) = (Map::new(), Vec::new());
    if let Some((behavior, tests)) = flat(definition, condition) {
        if tests.len() > 1 {
            members.insert("enableBehavior".to_owned(), behavior.into());
        }
        members.insert("enableWhen".to_owned(), tests.into());
    } else {
        let expression = json!({"language": "text/fhirpath", "expression": fhirpath(definition, condition)});
        extensions.push(json!({"url": ENABLE_WHEN_EXPRESSION, "valueExpression": expression}));
    }
    if read(&members).as_ref() != Some(condition) {
        let exact = serde_json::to_value(condition).unwrap_or_default().to_string();
        extensions.push(json!({"url": VISIBLE_IF, "valueString": exact}));
    }
    (members, extensions)
}

/// The condition that an item's `enableWhen` says, as far as it can be one of ours.
pub(super) fn read(item: &Map<String, Value>) -> Option<Condition> {
    let tests = item.get("enableWhen")?.as_array()?;
    let mut conditions = tests.iter().map(one).collect::<Option<Vec<_>>>()?;
    if conditions.len() < 2 {
        return conditions.pop();
    }
    if item.get("enableBehavior")? == "all" {
        return Some(Condition::All(conditions));
    }
    let equal = |condition: &Condition| match condition {
        Condition::Equals { item, value } => Some((item.clone(), value.clone())),
        _ => None,
    };
    if let Some(pairs) = conditions.iter().map(equal).collect::<Option<Vec<_>>>()
        && let Some((first, _)) = pairs.first().cloned()
        && pairs.iter().all(|(item, _)| *item == first)
    {
        return Some(Condition::OneOf { item: first, values: pairs.into_iter().map(|(_, value)| value).collect() });
    }
    Some(Condition::Any(conditions))
}

fn one(test: &Value) -> Option<Condition> {
    let item = test.get("question")?.as_str()?.to_owned();
    let (name, answer) = test.as_object()?.iter().find(|(name, _)| name.starts_with("answer"))?;
    let value = if name == "answerCoding" { answer.get("code")? } else { answer }.clone();
    Some(match (test.get("operator")?.as_str()?, item.split_once('.')) {
        ("exists", None) if value == true => Condition::Answered { item },
        ("=", Some((item, option))) if value == true => {
            Condition::Ticked { item: item.to_owned(), option: option.to_owned() }
        }
        ("=", None) => Condition::Equals { item, value },
        (">=", None) => Condition::AtLeast { item, value },
        ("<=", None) => Condition::AtMost { item, value },
        _ => return None,
    })
}

/// Returns one list of tests with one operator, if the condition can be written so.
fn flat(definition: &Definition, condition: &Condition) -> Option<(&'static str, Vec<Value>)> {
    let test = |item: &str, operator, value: &Value| {
        let mut test = Map::from_iter([("question".to_owned(), item.into()), ("operator".to_owned(), operator)]);
        test.extend([answer(definition, item, value)]);
        Value::Object(test)
    };
    let exists = |item: &str| json!({"question": item, "operator": "exists", "answerBoolean": true});
    Some(match condition {
        Condition::All(inner) => {
            let tests = inner.iter().map(|one| match flat(definition, one)? {
                (behavior, tests) if behavior == "all" || tests.len() == 1 => Some(tests),
                _ => None,
            });
            ("all", tests.collect::<Option<Vec<_>>>()?.concat())
        }
        Condition::Any(inner) => {
            let tests = inner.iter().map(|one| match flat(definition, one)? {
                (behavior, tests) if behavior == "any" || tests.len() == 1 => Some(tests),
                _ => None,
            });
            ("any", tests.collect::<Option<Vec<_>>>()?.concat())
        }
        Condition::Answered { item } => match kind(definition, item) {
            Some(ItemKind::Multiple { options }) => {
                ("any", options.iter().map(|option| exists(&format!("{item}.{option}"))).collect())
            }
            _ => ("any", vec![exists(item)]),
        },
        Condition::Equals { item, value } => ("any", vec![test(item, "=".into(), value)]),
        Condition::OneOf { item, values } => {
            ("any", values.iter().map(|value| test(item, "=".into(), value)).collect())
        }
        Condition::AtLeast { item, value } => ("any", vec![test(item, ">=".into(), value)]),
        Condition::AtMost { item, value } => ("any", vec![test(item, "<=".into(), value)]),
        Condition::Ticked { item, option } => {
            ("any", vec![json!({"question": format!("{item}.{option}"), "operator": "=", "answerBoolean": true})])
        }
    })
}

fn kind<'d>(definition: &'d Definition, code: &str) -> Option<&'d ItemKind> {
    definition.items.iter().find(|item| item.code == code).map(|item| &item.kind)
}

/// The member that holds a value of that item.
fn answer(definition: &Definition, code: &str, value: &Value) -> (String, Value) {
    let (name, value) = match kind(definition, code) {
        Some(ItemKind::Decimal { .. }) => ("answerDecimal", value.clone()),
        Some(ItemKind::Choice { .. }) => ("answerCoding", json!({"code": value})),
        Some(ItemKind::Date) => ("answerDate", value.clone()),
        Some(ItemKind::Boolean) => ("answerBoolean", value.clone()),
        Some(ItemKind::Text { .. } | ItemKind::Multiple { .. }) => ("answerString", value.clone()),
        Some(ItemKind::Integer { .. }) | None => ("answerInteger", value.clone()),
    };
    (name.to_owned(), value)
}

/// The same condition over the response, for those who evaluate expressions.
fn fhirpath(definition: &Definition, condition: &Condition) -> String {
    let joined = |inner: &[Condition], word: &str| {
        let parts: Vec<_> = inner.iter().map(|one| fhirpath(definition, one)).collect();
        format!("({})", parts.join(word))
    };
    let answers = |link: &str| format!("%resource.descendants().where(linkId = {}).answer.value", quoted(link));
    let that = |item: &str, operator: &str, value: &Value| {
        let (path, literal) = match (kind(definition, item), value) {
            (Some(ItemKind::Choice { .. }), Value::String(option)) => (".code", quoted(option)),
            (Some(ItemKind::Date), Value::String(day)) => ("", format!("@{day}")),
            (_, value) => ("", value.to_string()),
        };
        format!("{}{path}.where($this {operator} {literal}).exists()", answers(item))
    };
    match condition {
        Condition::All(inner) => joined(inner, " and "),
        Condition::Any(inner) => joined(inner, " or "),
        Condition::Answered { item } => match kind(definition, item) {
            Some(ItemKind::Multiple { .. }) => {
                format!("%resource.descendants().where(linkId = '{item}').item.answer.exists()")
            }
            _ => format!("{}.exists()", answers(item)),
        },
        Condition::Equals { item, value } => that(item, "=", value),
        Condition::OneOf { item, values } => {
            let parts: Vec<_> = values.iter().map(|value| that(item, "=", value)).collect();
            format!("({})", parts.join(" or "))
        }
        Condition::AtLeast { item, value } => that(item, ">=", value),
        Condition::AtMost { item, value } => that(item, "<=", value),
        Condition::Ticked { item, option } => that(&format!("{item}.{option}"), "=", &true.into()),
    }
}

/// A text as a literal of `FHIRPath`.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}
