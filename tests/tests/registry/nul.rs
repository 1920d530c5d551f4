//! NUL in any text and any name of any body: a fault with its place, never an internal error. PostgreSQL cannot store it.

use painreg_tests::Answer;
use serde_json::{Value, json};

use crate::scene::Scene;

/// The most places that are tried at one operation.
const MOST: usize = 40;

/// Returns the document with NUL in each of its texts and in a name of each of its objects, with the place of the NUL.
fn with_nul(document: &Value) -> Vec<(String, Value)> {
    let mut places = Vec::new();
    walk(document, String::new(), &mut |pointer, value| {
        let mut changed = document.clone();
        let place = match (changed.pointer_mut(&pointer), value) {
            (Some(Value::String(text)), _) => {
                text.push('\0');
                pointer
            }
            (Some(Value::Object(members)), _) => {
                members.insert("a\0".to_owned(), json!(1));
                format!("{pointer}/a\u{fffd}")
            }
            _ => return,
        };
        places.push((place, changed));
    });
    places
}

fn walk(value: &Value, pointer: String, see: &mut dyn FnMut(String, &Value)) {
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, inner)| walk(inner, format!("{pointer}/{}", escaped(name)), see));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, inner)| walk(inner, format!("{pointer}/{at}"), see));
        }
        _ => {}
    }
    see(pointer, value);
}

fn is_fault_at(answer: &Answer, lines: bool, place: &str) -> bool {
    let fault = json!({"pointer": place, "code": "forbidden_character"});
    if lines {
        let result = answer.lines().into_iter().next().unwrap_or_default();
        let (reasons, errors) = (&result["reasons"], &result["problem"]["errors"]);
        return answer.status == 200
            && [reasons, errors]
                .iter()
                .any(|it| it[0]["code"] == fault["code"] && it[0]["pointer"] == fault["pointer"]);
    }
    (answer.status, answer.code()) == (422, "invalid")
        && answer.body["errors"][0]["pointer"] == fault["pointer"]
        && answer.body["errors"][0]["code"] == fault["code"]
}

#[test]
fn nul_in_any_text_of_any_body_is_a_fault_with_its_place() {
    let scene = Scene::new();
    let (mut tried, mut complaints) = (0, Vec::new());
    for operation in scene.document.protected() {
        let actor = scene.permitted_actor(operation);
        let good = scene.prepare(operation, &actor, &scene.alpha);
        let first = good.body.as_ref().and_then(|(_, bytes)| bytes.split(|byte| *byte == b'\n').next());
        let whole = good.body.as_ref().and_then(|(_, bytes)| serde_json::from_slice(bytes).ok());
        let document: Option<Value> = whole.or_else(|| serde_json::from_slice(first?).ok());
        let Some(document) = document else { continue };
        let lines = operation.media() == Some("application/x-ndjson");
        let places = with_nul(&document);
        for (place, changed) in places.iter().step_by(1 + places.len() / MOST) {
            let answer = good.clone().with_body(changed.to_string()).send(&actor);
            tried += 1;
            if !is_fault_at(&answer, lines, place) {
                complaints.push(format!("{} {place}: {} {}", operation.id, answer.status, answer.text()));
            }
        }
    }
    complaints.iter_mut().for_each(|complaint| complaint.truncate(500));
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
    assert!(tried > 300, "{tried}");
}
