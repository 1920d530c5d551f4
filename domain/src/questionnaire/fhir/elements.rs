//! The elements of the FHIR R4 resources, and the use that painreg makes of each. The registry reads what a form or its
//! answers have a place for. Everything else that R4 has is harmless and ignored, except modifiers: they change the
//! meaning of what they stand on, so a receiver that does not know them must refuse (R4, "Extensibility"). A member that
//! R4 does not have is refused. What is ignored is listed to the sender.

mod r4;

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use serde_json::{Map, Value};

use self::r4::TYPES;
use super::{
    ENABLE_WHEN_EXPRESSION, HELP, INSTRUMENT, INVITATION, ITEM_CONTROL, MAX_DECIMAL_PLACES, MAX_VALUE, MIN_VALUE,
    TRANSLATION, VISIBLE_IF, WAVE,
};
use crate::fault::{Fault, FaultCode, escape};

/// Elements that change the meaning of the whole, wherever they are.
const MODIFIERS: [&str; 2] = ["modifierExtension", "implicitRules"];

/// Systems and extensions that the registry knows in a form; in answers it knows [`INVITATION`].
const OURS: [&str; 9] = [
    INSTRUMENT,
    WAVE,
    VISIBLE_IF,
    TRANSLATION,
    MIN_VALUE,
    MAX_VALUE,
    MAX_DECIMAL_PLACES,
    ITEM_CONTROL,
    ENABLE_WHEN_EXPRESSION,
];

/// An element of a resource that the registry did not read, at one or several places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct IgnoredElement {
    /// The element, by its path in FHIR R4.
    #[schema(max_length = 120, example = "QuestionnaireResponse.item.text")]
    pub element: String,
    /// The first place, as a JSON pointer into the resource.
    #[schema(max_length = 1000, example = "/item/0/text")]
    pub pointer: String,
    /// The number of places.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub count: usize,
}

/// The places of a resource that the registry does not read, in the order of the resource.
#[derive(Default)]
pub(super) struct Ignored {
    places: Vec<(String, String)>,
    pointers: HashSet<String>,
}

impl Ignored {
    pub(super) fn has(&self, pointer: &str) -> bool {
        self.pointers.contains(pointer)
    }

    /// Notes that the place is read after all.
    pub(super) fn is_read(&mut self, pointer: &str) {
        self.pointers.remove(pointer);
    }

    /// Whether nothing at or below the place is read.
    pub(super) fn whole(&self, pointer: &str, value: &Value) -> bool {
        self.has(pointer)
            || match value {
                Value::Array(list) => {
                    !list.is_empty()
                        && list.iter().enumerate().all(|(at, one)| self.whole(&format!("{pointer}/{at}"), one))
                }
                Value::Object(object) => {
                    !object.is_empty()
                        && object.iter().all(|(name, one)| self.whole(&format!("{pointer}/{}", escape(name)), one))
                }
                _ => false,
            }
    }

    pub(super) fn push(&mut self, pointer: String, element: String) {
        self.pointers.insert(pointer.clone());
        self.places.push((pointer, element));
    }

    /// The ignored elements, each once, by element.
    pub(super) fn elements(self) -> Vec<IgnoredElement> {
        let mut found: BTreeMap<String, IgnoredElement> = BTreeMap::new();
        for (pointer, element) in self.places {
            if self.pointers.contains(&pointer) {
                let known = found.entry(element.clone()).or_insert(IgnoredElement { element, pointer, count: 0 });
                known.count += 1;
            }
        }
        found.into_values().collect()
    }
}

/// Returns the elements of a Questionnaire that the registry does not read, and a fault for each modifier and each member
/// that R4 does not have.
pub(super) fn examine(questionnaire: &Map<String, Value>) -> (Ignored, Vec<Fault>) {
    walk("Questionnaire", &OURS, questionnaire)
}

/// The elements of a `QuestionnaireResponse` that the registry does not read.
///
/// # Errors
///
/// [`FaultCode::UnknownModifier`] at each modifier, [`FaultCode::UnknownItem`] at each member that R4 does not have.
pub fn ignored_of_response(resource: &Map<String, Value>) -> Result<Vec<IgnoredElement>, Vec<Fault>> {
    let (ignored, faults) = walk("QuestionnaireResponse", &[INVITATION], resource);
    if faults.is_empty() { Ok(ignored.elements()) } else { Err(faults) }
}

fn walk(kind: &str, known: &'static [&'static str], resource: &Map<String, Value>) -> (Ignored, Vec<Fault>) {
    let mut walk = Walk { known, ignored: Ignored::default(), faults: Vec::new() };
    walk.modifiers(resource, "");
    walk.object(kind, kind, resource, "");
    (walk.ignored, walk.faults)
}

fn text<'v>(item: &'v Map<String, Value>, member: &str) -> &'v str {
    item.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// Whether an item is a text for people only that the registry has no place for: anything but help. FHIR permits no items
/// in it.
pub(super) fn is_display(item: &Map<String, Value>) -> bool {
    text(item, "type") == "display" && !text(item, "linkId").starts_with(HELP) && !item.contains_key("item")
}

/// Whether a group is one item of the registry: boxes to tick, each with the link of the group, a dot and its option.
pub(super) fn is_boxes(group: &Map<String, Value>) -> bool {
    let inner = group.get("item").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    let mut questions = inner.filter(|inner| text(inner, "type") != "display").peekable();
    let boxes = format!("{}.", text(group, "linkId"));
    text(group, "type") == "group"
        && questions.peek().is_some()
        && questions.all(|inner| text(inner, "type") == "boolean" && text(inner, "linkId").starts_with(&boxes))
}

/// Whether an item or an extension asks for the item control `help`.
pub(super) fn is_help(extension: &Value) -> bool {
    let codings = extension.pointer("/valueCodeableConcept/coding").and_then(Value::as_array).into_iter().flatten();
    extension.get("url").is_some_and(|url| url == ITEM_CONTROL)
        && codings.filter_map(|coding| coding.get("code")).any(|code| code == "help")
}

struct Walk {
    known: &'static [&'static str],
    ignored: Ignored,
    faults: Vec<Fault>,
}

impl Walk {
    fn is_ours(&self, value: &Value) -> bool {
        let name =
            ["/url", "/system", "/identifier/system"].into_iter().find_map(|place| value.pointer(place)?.as_str());
        name.is_some_and(|name| self.known.contains(&name) && (name != ITEM_CONTROL || is_help(value)))
    }

    fn modifiers(&mut self, object: &Map<String, Value>, pointer: &str) {
        for (name, value) in object {
            let pointer = format!("{pointer}/{}", escape(name));
            if MODIFIERS.contains(&name.trim_start_matches('_')) {
                self.faults.push(Fault::new(pointer, FaultCode::UnknownModifier));
                continue;
            }
            match value {
                Value::Object(inner) => self.modifiers(inner, &pointer),
                Value::Array(list) => {
                    for (at, inner) in list.iter().enumerate().filter_map(|(at, one)| Some((at, one.as_object()?))) {
                        self.modifiers(inner, &format!("{pointer}/{at}"));
                    }
                }
                _ => {}
            }
        }
    }

    /// `kind` is the type's name, `path` the element's.
    fn object(&mut self, kind: &str, path: &str, object: &Map<String, Value>, pointer: &str) {
        let Some(kind) = TYPES.iter().find(|known| known.name == kind) else { return };
        let find = |list: &[(&'static str, &'static str)], name: &str| {
            list.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
        };
        for (name, value) in object.iter().filter(|(name, _)| !MODIFIERS.contains(&name.trim_start_matches('_'))) {
            let pointer = format!("{pointer}/{}", escape(name));
            let bare = name.strip_prefix('_').unwrap_or(name);
            let ours = if bare == "extension" { Some("Extension") } else { find(kind.ours, bare) };
            if bare == "id" || kind.ignored.contains(&bare) && !(bare == "display" && name != bare) {
                self.ignored.push(pointer, format!("{path}.{name}"));
            } else if name != bare && (bare == "display" || kind.read.contains(&bare)) {
                match value {
                    Value::Object(beside) => self.object("Element", &format!("{path}.{name}"), beside, &pointer),
                    _ => self.ignored.push(pointer, format!("{path}.{name}")),
                }
            } else if name != bare {
                self.faults.push(Fault::new(pointer, FaultCode::UnknownItem));
            } else if let Some(kind) = ours {
                self.ours(kind, &format!("{path}.{name}"), value, &pointer);
            } else if let Some(kind) = find(kind.parts, bare) {
                // Types of their own are named by the element that holds them, the others by themselves.
                let path = if kind.starts_with("Questionnaire") { kind.to_owned() } else { format!("{path}.{name}") };
                self.parts(kind, &path, value, &pointer);
            } else if !kind.read.contains(&bare) {
                self.faults.push(Fault::new(pointer, FaultCode::UnknownItem));
            }
        }
    }

    fn ours(&mut self, kind: &str, path: &str, value: &Value, pointer: &str) {
        let Value::Array(list) = value else {
            return self.faults.push(Fault::new(pointer, FaultCode::WrongType));
        };
        for (at, one) in list.iter().enumerate() {
            let pointer = format!("{pointer}/{at}");
            match one.as_object() {
                None => self.faults.push(Fault::new(pointer, FaultCode::WrongType)),
                Some(one_of_ours) if self.is_ours(one) => self.object(kind, path, one_of_ours, &pointer),
                Some(_) => self.ignored.push(pointer, path.to_owned()),
            }
        }
    }

    /// Looks into what is there; other JSON types are for the reader to refuse.
    fn parts(&mut self, kind: &str, path: &str, value: &Value, pointer: &str) {
        match value {
            Value::Array(list) => {
                for (at, one) in list.iter().enumerate() {
                    self.parts(kind, path, one, &format!("{pointer}/{at}"));
                }
            }
            Value::Object(item) if kind == "Questionnaire.item" && is_display(item) => {
                self.ignored.push(pointer.to_owned(), format!("{path} (display)"));
            }
            Value::Object(object) => self.object(kind, path, object, pointer),
            _ => {}
        }
    }
}
