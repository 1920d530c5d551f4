//! A Questionnaire as a form's definition; whether the definition is sound is for the form, not decided here.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::super::definition::{MOST_ITEMS, is_code};
use super::super::{Condition, Definition, Item, ItemKind, Page, Wave, Words};
use super::canonical::canonical;
use super::elements::{Ignored, IgnoredElement, examine, is_boxes, is_display};
use super::{
    HELP, MAX_DECIMAL_PLACES, MAX_VALUE, MIN_VALUE, OF_INSTRUMENT, PAGE, Style, TRANSLATION, VISIBLE_IF, WAVE,
    conditions,
};
use crate::fault::{Fault, FaultCode, escape};

impl Definition {
    /// Reads a FHIR R4 Questionnaire. Every part that a form cannot hold is a fault with its pointer into the resource,
    /// unless it is harmless: then it is among the ignored elements. What a form must have and the resource lacks, such
    /// as the words of a language, is left empty.
    pub fn from_questionnaire(resource: &Map<String, Value>) -> Result<(Self, Vec<IgnoredElement>), Vec<Fault>> {
        let wrong = |pointer: &str, code| Err(vec![Fault::new(pointer, code)]);
        let (root, named) = canonical(resource);
        let root = &root;
        if root.get("resourceType").and_then(Value::as_str) != Some("Questionnaire") {
            return wrong("/resourceType", FaultCode::InvalidFormat);
        }
        let Some((base, code)) = text(root, "url").rsplit_once('/').filter(|(_, code)| is_code(code, '-')) else {
            return wrong("/url", FaultCode::InvalidFormat);
        };
        let status = text(root, "status");
        if !matches!(status, "draft" | "active" | "retired" | "unknown") {
            return wrong("/status", FaultCode::UnknownOption);
        }
        let language = root.get("language").and_then(Value::as_str).unwrap_or("nb");
        let (mut ignored, faults) = examine(root);
        let mut reading = Reading { language, faults, languages: Vec::new() };
        let mut definition = Self {
            code: code.to_owned(),
            version: text(root, "version").to_owned(),
            title: reading.words(root, "title"),
            wave: reading.wave(root),
            languages: Vec::new(),
            instruments: Vec::new(),
            items: Vec::new(),
            pages: Vec::new(),
            nettskjema: Vec::new(),
        };
        for (pointer, part) in children(root, "") {
            reading.part(&mut definition, part, &pointer, true);
        }
        if definition.items.len() > MOST_ITEMS {
            return wrong("/item", FaultCode::TooLong);
        }
        let Reading { mut languages, mut faults, .. } = reading;
        languages.sort();
        languages.dedup();
        definition.languages = languages;
        let written = definition.to_questionnaire(&Style { base, status, language });
        if let Value::Object(written) = written {
            Comparison { ignored: &mut ignored, faults: &mut faults }.members("", root, &written);
        }
        if named {
            ignored.is_read("/name");
            if resource.contains_key("url") {
                ignored.push("/url".to_owned(), "Questionnaire.url".to_owned());
            }
        }
        if faults.is_empty() {
            return Ok((definition, ignored.elements()));
        }
        // An unreadable part is not reported as lost too.
        faults.sort_by(|one, other| one.pointer.cmp(&other.pointer));
        faults.dedup_by(|one, other| one.pointer == other.pointer);
        Err(faults)
    }
}

fn text<'v>(object: &'v Map<String, Value>, member: &str) -> &'v str {
    object.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn children<'v>(object: &'v Map<String, Value>, pointer: &str) -> Vec<(String, &'v Map<String, Value>)> {
    let items = object.get("item").and_then(Value::as_array).into_iter().flatten().enumerate();
    let items = items.filter_map(|(at, item)| Some((format!("{pointer}/item/{at}"), item.as_object()?)));
    items.filter(|(_, item)| !is_display(item)).collect()
}

fn extension<'v>(object: &'v Map<String, Value>, url: &str) -> Option<&'v Map<String, Value>> {
    let extensions = object.get("extension")?.as_array()?.iter().filter_map(Value::as_object);
    extensions.into_iter().find(|extension| text(extension, "url") == url)
}

/// The value of an extension, whatever its type.
fn extended<'v>(object: &'v Map<String, Value>, url: &str) -> Option<&'v Value> {
    extension(object, url)?.iter().find(|(name, _)| name.starts_with("value")).map(|(_, value)| value)
}

struct Reading<'r> {
    language: &'r str,
    languages: Vec<String>,
    faults: Vec<Fault>,
}

impl Reading<'_> {
    /// The use of the form; codes of other systems say nothing about it.
    fn wave(&mut self, root: &Map<String, Value>) -> Wave {
        let codes = root.get("code").and_then(Value::as_array).into_iter().flatten().enumerate();
        let mut ours = codes.filter(|(_, coding)| coding.get("system").is_some_and(|system| system == WAVE));
        let Some((at, coding)) = ours.next() else { return Wave::Project };
        let wave = coding.get("code").and_then(Value::as_str).and_then(|wave| wave.parse().ok());
        wave.unwrap_or_else(|| {
            self.faults.push(Fault::new(format!("/code/{at}/code"), FaultCode::UnknownOption));
            Wave::Project
        })
    }

    fn words(&mut self, object: &Map<String, Value>, member: &str) -> Words {
        let mut words = Words::default();
        self.put(&mut words, self.language, text(object, member));
        let beside = object.get(&format!("_{member}")).and_then(Value::as_object);
        let extensions = beside.and_then(|beside| beside.get("extension")).and_then(Value::as_array);
        for translation in extensions.into_iter().flatten().filter_map(Value::as_object) {
            if text(translation, "url") == TRANSLATION
                && let (Some(language), Some(content)) =
                    (extended(translation, "lang"), extended(translation, "content"))
            {
                self.put(&mut words, language.as_str().unwrap_or_default(), content.as_str().unwrap_or_default());
            }
        }
        words
    }

    fn put(&mut self, words: &mut Words, language: &str, text: &str) {
        match language {
            _ if text.is_empty() => {}
            "nb" => text.clone_into(&mut words.nb),
            "en" => text.clone_into(&mut words.en),
            other => {
                self.languages.push(other.to_owned());
                words.other.insert(other.to_owned(), text.to_owned());
            }
        }
    }

    /// Reads a page, an instrument or an own item.
    fn part(&mut self, definition: &mut Definition, part: &Map<String, Value>, pointer: &str, top: bool) {
        let link = text(part, "linkId");
        if let Some(code) = link.strip_prefix(OF_INSTRUMENT) {
            definition.instruments.push(code.to_owned());
            return;
        }
        let inner = children(part, pointer);
        if text(part, "type") != "group" || is_boxes(part) {
            let item = self.item(part, &inner, pointer);
            definition.items.extend(item);
            return;
        }
        if !top {
            self.faults.push(Fault::new(pointer, FaultCode::UnknownItem));
            return;
        }
        let codes = inner.iter().map(|(_, inner)| text(inner, "linkId"));
        definition.pages.push(Page {
            code: link.strip_prefix(PAGE).unwrap_or(link).to_owned(),
            title: self.words(part, "text"),
            visible_if: self.condition(part, pointer),
            holds: codes.map(|link| link.strip_prefix(OF_INSTRUMENT).unwrap_or(link).to_owned()).collect(),
        });
        for (pointer, inner) in inner {
            self.part(definition, inner, &pointer, false);
        }
    }

    fn item(
        &mut self,
        part: &Map<String, Value>,
        inner: &[(String, &Map<String, Value>)],
        pointer: &str,
    ) -> Option<Item> {
        let code = text(part, "linkId");
        let whole = |url: &str| extended(part, url).and_then(Value::as_i64).and_then(|bound| i32::try_from(bound).ok());
        let number = |url: &str| extended(part, url).and_then(Value::as_f64);
        let mut option_labels = BTreeMap::new();
        let mut label = |reading: &mut Self, option: &str, object: &Map<String, Value>, member: &str| {
            let words = reading.words(object, member);
            if words != Words::default() {
                option_labels.insert(option.to_owned(), words);
            }
        };
        let kind = match text(part, "type") {
            "integer" => ItemKind::Integer {
                min: whole(MIN_VALUE).unwrap_or(i32::MIN),
                max: whole(MAX_VALUE).unwrap_or(i32::MAX),
            },
            "decimal" => {
                // As wide as fifteen digits are exact.
                let decimals = whole(MAX_DECIMAL_PLACES).and_then(|places| u8::try_from(places).ok()).unwrap_or(2);
                let widest = 999_999_999.0;
                let (min, max) = (number(MIN_VALUE).unwrap_or(-widest), number(MAX_VALUE).unwrap_or(widest));
                ItemKind::Decimal { min, max, decimals }
            }
            "choice" => {
                let options = part.get("answerOption").and_then(Value::as_array);
                let codings = options.into_iter().flatten().filter_map(|option| option.get("valueCoding")?.as_object());
                let codings = codings.map(|coding| {
                    label(self, text(coding, "code"), coding, "display");
                    text(coding, "code").to_owned()
                });
                ItemKind::Choice { options: codings.collect() }
            }
            "group" => {
                let boxes = inner.iter().filter_map(|(_, inner)| {
                    let option = text(inner, "linkId").strip_prefix(code)?.strip_prefix('.')?;
                    label(self, option, inner, "text");
                    Some(option.to_owned())
                });
                ItemKind::Multiple { options: boxes.collect() }
            }
            "date" => ItemKind::Date,
            "boolean" => ItemKind::Boolean,
            "text" | "string" => ItemKind::Text {
                max_length: part
                    .get("maxLength")
                    .and_then(Value::as_u64)
                    .map_or(20_000, |length| u16::try_from(length).unwrap_or(u16::MAX)),
            },
            _ => {
                self.faults.push(Fault::new(format!("{pointer}/type"), FaultCode::UnknownOption));
                return None;
            }
        };
        let help = inner.iter().find(|(_, inner)| text(inner, "linkId").strip_prefix(HELP) == Some(code));
        Some(Item {
            code: code.to_owned(),
            kind,
            required: part.get("required") == Some(&Value::Bool(true)),
            visible_if: self.condition(part, pointer),
            label: self.words(part, "text"),
            help: help.map(|(_, help)| self.words(help, "text")),
            option_labels,
        })
    }

    fn condition(&mut self, part: &Map<String, Value>, pointer: &str) -> Option<Condition> {
        let read = match extended(part, VISIBLE_IF).and_then(Value::as_str) {
            Some(exact) => serde_json::from_str(exact).map_err(|_| "extension"),
            None if part.contains_key("enableWhen") => conditions::read(part).ok_or("enableWhen"),
            None => return None,
        };
        read.map_err(|member| self.faults.push(Fault::new(format!("{pointer}/{member}"), FaultCode::InvalidFormat)))
            .ok()
    }
}

/// Finds every part of what was given that is neither in what was kept nor ignored. A default that is spelt out is not
/// lost, and neither is what only the kept one says.
struct Comparison<'c> {
    ignored: &'c mut Ignored,
    faults: &'c mut Vec<Fault>,
}

impl Comparison<'_> {
    fn members(&mut self, pointer: &str, given: &Map<String, Value>, kept: &Map<String, Value>) {
        for (name, value) in given {
            let pointer = format!("{pointer}/{}", escape(name));
            match kept.get(name) {
                Some(kept) => self.value(&pointer, value, kept),
                None if *value == Value::Bool(false) => {}
                None => self.lost(&pointer, value, FaultCode::UnknownItem),
            }
        }
    }

    fn value(&mut self, pointer: &str, given: &Value, kept: &Value) {
        self.ignored.is_read(pointer);
        match (given, kept) {
            (Value::Object(given), Value::Object(kept)) => self.members(pointer, given, kept),
            (Value::Array(given), Value::Array(kept)) => self.elements(pointer, given, kept),
            (Value::Number(given), Value::Number(kept)) if given.as_f64() == kept.as_f64() => {}
            (given, kept) if given == kept => {}
            // One line is a text too.
            (Value::String(given), _) if given == "string" && pointer.ends_with("/type") => {}
            (_, kept) => {
                let same = std::mem::discriminant(given) == std::mem::discriminant(kept);
                self.faults
                    .push(Fault::new(pointer, if same { FaultCode::Contradiction } else { FaultCode::WrongType }));
            }
        }
    }

    fn elements(&mut self, pointer: &str, given: &[Value], kept: &[Value]) {
        let mut places = HashMap::new();
        for (at, value) in kept.iter().enumerate() {
            places.entry(identity(value)).or_insert(at);
        }
        let mut earlier = 0;
        for (at, value) in given.iter().enumerate() {
            let pointer = format!("{pointer}/{at}");
            let found = match identity(value) {
                None => Some(at),
                some => places.get(&some).copied(),
            };
            match found.and_then(|found| Some((found, kept.get(found)?))) {
                // Extensions have no order; items do.
                Some((found, _)) if value.get("linkId").is_some() && found < earlier => {
                    self.lost(&pointer, value, FaultCode::Contradiction);
                }
                Some((found, kept)) => {
                    earlier = found;
                    self.value(&pointer, value, kept);
                }
                None => self.lost(&pointer, value, FaultCode::UnknownItem),
            }
        }
    }

    fn lost(&mut self, pointer: &str, given: &Value, code: FaultCode) {
        match given {
            _ if self.ignored.whole(pointer, given) => {}
            // The elements that are not ignored have the fault.
            Value::Array(list) if (0..list.len()).any(|at| self.ignored.has(&format!("{pointer}/{at}"))) => {
                for (at, one) in list.iter().enumerate() {
                    self.lost(&format!("{pointer}/{at}"), one, code);
                }
            }
            _ => self.faults.push(Fault::new(pointer, code)),
        }
    }
}

/// Returns what identifies an element of a list: its link, an extension's address and language, or a coding's system.
fn identity(value: &Value) -> Option<(&str, &str)> {
    let member = |name: &str| value.get(name)?.as_str();
    let parts = || value.get("extension").and_then(Value::as_array).into_iter().flatten();
    let language = || parts().find(|part| part.get("url").is_some_and(|url| url == "lang"))?.get("valueCode")?.as_str();
    let link = member("linkId").map(|link| (link, ""));
    let extension = || member("url").map(|url| (url, language().unwrap_or_default()));
    link.or_else(extension).or_else(|| member("system").map(|system| (system, "")))
}
