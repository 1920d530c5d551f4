//! Answers as the items of a `QuestionnaireResponse` and back; who answered when is for those who hold the envelope.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::super::{Answers, Form, ItemKind, Shape};
use super::{OF_INSTRUMENT, PAGE};
use crate::fault::{Fault, FaultCode, escape};

impl Form {
    /// The answers as items, nested as the questionnaire nests them; what was hidden or left open is absent.
    pub fn to_response_items(&self, answers: &Answers) -> Vec<Value> {
        let Value::Object(values) = answers.to_json() else { return Vec::new() };
        let group =
            |link: String, items: Vec<Value>| (!items.is_empty()).then(|| json!({"linkId": link, "item": items}));
        let part = |code: &String| match self.0.instruments.iter().find(|known| known.instrument.code() == code) {
            Some(embedded) => {
                let answered = embedded.instrument.items().iter().filter_map(|item| {
                    Some(json!({"linkId": item.code(), "answer": [{"valueInteger": values.get(item.code())?}]}))
                });
                group(format!("{OF_INSTRUMENT}{code}"), answered.collect())
            }
            None => self.own_item(code, values.get(code)?),
        };
        let definition = self.definition();
        if definition.pages.is_empty() {
            return definition.sequence().map(str::to_owned).filter_map(|code| part(&code)).collect();
        }
        let page = |page: &super::super::Page| {
            group(format!("{PAGE}{}", page.code), page.holds.iter().filter_map(&part).collect())
        };
        definition.pages.iter().filter_map(page).collect()
    }

    fn own_item(&self, code: &str, value: &Value) -> Option<Value> {
        let Some(Shape::Own(kind)) = self.shape(code) else { return None };
        let answer = match kind {
            ItemKind::Multiple { .. } => {
                let boxes = value.as_object()?.iter().map(|(option, ticked)| {
                    json!({"linkId": format!("{code}.{option}"), "answer": [{"valueBoolean": ticked}]})
                });
                return Some(json!({"linkId": code, "item": boxes.collect::<Vec<_>>()}));
            }
            ItemKind::Choice { .. } => json!({"valueCoding": {"code": value}}),
            _ => Value::Object(Map::from_iter([(member(kind).to_owned(), value.clone())])),
        };
        Some(json!({"linkId": code, "answer": [answer]}))
    }

    /// The valid answers that the items of a response hold, however they are nested, in items or in answers. Every fault is
    /// reported, with a pointer into the response (`/item/0/item/3/answer/0`). Only links and answers are looked at;
    /// [`super::ignored_of_response`] is about the other members.
    pub fn parse_response_items(&self, items: &[Value]) -> Result<Answers, Vec<Fault>> {
        let mut reading = Reading { form: self, raw: Map::new(), places: HashMap::new(), faults: Vec::new() };
        reading.items(items, "/item");
        let Reading { raw, places, mut faults, .. } = reading;
        match self.parse(&raw) {
            Ok(answers) if faults.is_empty() => return Ok(answers),
            Ok(_) => {}
            Err(refused) => faults.extend(refused.into_iter().map(|fault| {
                let path = fault.pointer.trim_start_matches('/').replacen('/', ".", 1);
                let path = path.replace("~1", "/").replace("~0", "~");
                let place = places.get(&path).or_else(|| places.get(path.split('.').next()?));
                Fault { pointer: place.cloned().unwrap_or_else(|| "/item".to_owned()), ..fault }
            })),
        }
        faults.sort();
        faults.dedup();
        Err(faults)
    }
}

/// The member that holds a value of that kind.
fn member(kind: &ItemKind) -> &'static str {
    match kind {
        ItemKind::Integer { .. } => "valueInteger",
        ItemKind::Decimal { .. } => "valueDecimal",
        ItemKind::Choice { .. } => "valueCoding",
        ItemKind::Date => "valueDate",
        ItemKind::Boolean | ItemKind::Multiple { .. } => "valueBoolean",
        ItemKind::Text { .. } => "valueString",
    }
}

struct Reading<'f> {
    form: &'f Form,
    raw: Map<String, Value>,
    /// Pointer of each answer, by item code or `code.option`.
    places: HashMap<String, String>,
    faults: Vec<Fault>,
}

impl Reading<'_> {
    fn items(&mut self, items: &[Value], pointer: &str) {
        for (at, item) in items.iter().enumerate() {
            let pointer = format!("{pointer}/{at}");
            let Value::Object(members) = item else {
                self.fault(pointer, FaultCode::WrongType);
                continue;
            };
            for (name, value) in members {
                let pointer = format!("{pointer}/{}", escape(name));
                match (name.as_str(), value) {
                    ("linkId", Value::String(_)) => {}
                    ("item", Value::Array(inner)) => self.items(inner, &pointer),
                    ("answer", Value::Array(answers)) => self.answer(item, answers, &pointer),
                    ("linkId" | "item" | "answer", _) => self.fault(pointer, FaultCode::WrongType),
                    _ => {}
                }
            }
        }
    }

    fn fault(&mut self, pointer: String, code: FaultCode) {
        self.faults.push(Fault::new(pointer, code));
    }

    fn answer(&mut self, item: &Value, answers: &[Value], pointer: &str) {
        for (at, inner) in answers.iter().enumerate().filter_map(|(at, answer)| Some((at, answer.get("item")?))) {
            let pointer = format!("{pointer}/{at}/item");
            match inner {
                Value::Array(inner) => self.items(inner, &pointer),
                _ => self.fault(pointer, FaultCode::WrongType),
            }
        }
        let link = item.get("linkId").and_then(Value::as_str).unwrap_or_default();
        let code = link.split_once('.').map_or(link, |(code, _)| code);
        let shape = match (self.form.shape(code), link.split_once('.')) {
            (Some(shape @ Shape::Own(ItemKind::Multiple { .. })), Some(_)) => shape,
            (Some(Shape::Own(ItemKind::Multiple { .. })) | None, None) | (_, Some(_)) => {
                return self.fault(pointer.to_owned(), FaultCode::UnknownItem);
            }
            (Some(shape), None) => shape,
        };
        let member = match shape {
            Shape::Instrument { .. } => "valueInteger",
            Shape::Own(kind) => member(kind),
        };
        let [Value::Object(answer)] = answers else {
            return self.fault(pointer.to_owned(), FaultCode::WrongType);
        };
        for other in answer.keys().filter(|name| name.starts_with("value") && *name != member) {
            self.faults.push(Fault::new(format!("{pointer}/0/{}", escape(other)), FaultCode::WrongType));
        }
        let Some(value) = answer.get(member) else { return };
        let value = if member == "valueCoding" { value.get("code").unwrap_or(&Value::Null) } else { value };
        if self.places.insert(link.to_owned(), format!("{pointer}/0")).is_some() {
            return self.fault(pointer.to_owned(), FaultCode::DuplicateKey);
        }
        match link.split_once('.') {
            Some((code, option)) => {
                if let Value::Object(boxes) = self.raw.entry(code).or_insert_with(|| json!({})) {
                    boxes.insert(option.to_owned(), value.clone());
                }
            }
            None => {
                self.raw.insert(link.to_owned(), value.clone());
            }
        }
    }
}
