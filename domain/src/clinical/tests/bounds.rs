//! The bounds that the specification states are the bounds that are kept.

use serde_json::json;
use utoipa::PartialSchema;

use super::*;

/// The properties of the structure, as the specification states them.
fn properties<T: Entry + PartialSchema>() -> serde_json::Map<String, Value> {
    let schema = serde_json::to_value(T::schema()).expect("JSON");
    schema["properties"].as_object().expect("members").clone()
}

/// The codes of the faults at that member alone.
fn codes(kind: EntryKind, member: &str, value: &Value) -> Vec<String> {
    let said = say(kind, &json!({ member: value }));
    let of_member = |fault: &str| fault.strip_prefix(&format!("/{member} ")).map(str::to_owned);
    said.faults.split(", ").filter_map(of_member).collect()
}

#[test]
fn examine_accepts_numbers_up_to_their_bounds() {
    let mut bounds = 0;
    for kind in EntryKind::iter() {
        for (member, schema) in of_kind!(kind, properties()) {
            let step = if schema["type"].to_string().contains("integer") { 1.0 } else { 0.001 };
            for (bound, sign) in
                [("minimum", -1.0), ("maximum", 1.0), ("exclusiveMinimum", -1.0), ("exclusiveMaximum", 1.0)]
            {
                let Some(number) = schema[bound].as_f64() else { continue };
                let refused = |number: f64| {
                    let value: Value = number.to_string().parse().expect("a number");
                    codes(kind, &member, &value).contains(&"out_of_range".to_owned())
                };
                assert_eq!(refused(number), bound.starts_with("exclusive"), "{kind}: {member} {bound}");
                assert!(refused(number + sign * step), "{kind}: {member} {bound}");
                assert!(!refused(number - sign * step), "{kind}: {member} {bound}");
                bounds += 1;
            }
        }
    }
    assert!(bounds > 40, "{bounds}");
}

#[test]
fn examine_accepts_texts_and_lists_up_to_their_length() {
    let mut bounds = 0;
    for kind in EntryKind::iter() {
        for (member, schema) in of_kind!(kind, properties()) {
            if let Some(most) = schema["maxLength"].as_u64() {
                let most = usize::try_from(most).expect("few");
                let faults = |length: usize| codes(kind, &member, &"x".repeat(length).into());
                assert!(!faults(most).contains(&"too_long".to_owned()), "{kind}: {member}");
                assert!(!faults(most + 1).is_empty(), "{kind}: {member}");
                bounds += 1;
            }
            if schema["minLength"].as_u64() == Some(1) {
                assert!(!codes(kind, &member, &"".into()).is_empty(), "{kind}: {member}");
            }
            if let Some(most) = schema["maxItems"].as_u64() {
                let most = usize::try_from(most).expect("few");
                let item = good(kind)[&member][0].clone();
                assert!(!item.is_null(), "{kind}: {member}");
                let is_too_long = |many: usize| codes(kind, &member, &vec![item.clone(); many].into()) == ["too_long"];
                assert!(!is_too_long(most) && is_too_long(most + 1), "{kind}: {member}");
                bounds += 1;
            }
            if schema["minItems"].as_u64() == Some(1) {
                assert_eq!(codes(kind, &member, &json!([])), ["required"], "{kind}: {member}");
            }
        }
    }
    assert!(bounds > 30, "{bounds}");
}

#[test]
fn schema_bounds_every_text_and_list() {
    for kind in EntryKind::iter() {
        for (member, schema) in of_kind!(kind, properties()) {
            let types = schema["type"].to_string();
            let is_bounded = schema.get("format").is_some() || schema.get("maxLength").is_some();
            assert!(!types.contains("\"string\"") || is_bounded, "{kind}: {member}");
            assert!(!types.contains("\"array\"") || schema.get("maxItems").is_some(), "{kind}: {member}");
            let ranged = ["minimum", "exclusiveMinimum"].iter().any(|bound| schema.get(*bound).is_some());
            let is_number = types.contains("\"integer\"") || types.contains("\"number\"");
            assert!(!is_number || (ranged && schema.get("maximum").is_some()), "{kind}: {member}");
        }
    }
}
