//! Writing a form's definition as a Questionnaire, with the registry's labels; an instrument's wording is never
//! written.

use serde_json::{Map, Value, json};

use super::super::{Condition, Definition, Item, ItemKind, Words};
use super::{
    HELP, INSTRUMENT, ITEM_CONTROL, ITEM_CONTROLS, MAX_DECIMAL_PLACES, MAX_VALUE, MIN_VALUE, OF_INSTRUMENT, PAGE,
    Style, TRANSLATION, WAVE, conditions,
};
use crate::instrument::{Catalogue, Instrument};

impl Definition {
    /// The definition as a FHIR R4 Questionnaire. Nettskjema's keys have no place there.
    pub fn to_questionnaire(&self, style: &Style<'_>) -> Value {
        let wave: &str = self.wave.into();
        let mut resource = object(json!({
            "resourceType": "Questionnaire",
            "language": style.language,
            "url": format!("{}/{}", style.base, self.code),
            "version": self.version,
            "status": style.status,
            "subjectType": ["Patient"],
            "code": [{"system": WAVE, "code": wave}],
        }));
        self.title.put(&mut resource, "title", style);
        let instruments = self.instruments.iter().filter_map(|code| Catalogue::shipped().find(code));
        let notes: Vec<String> =
            instruments.map(|instrument| format!("{}: {}", instrument.name(), instrument.about().licensor)).collect();
        if !notes.is_empty() {
            resource.insert("copyright".to_owned(), notes.join("\n").into());
        }
        let items: Vec<Value> = if self.pages.is_empty() {
            self.sequence().map(|code| self.part(code, style)).collect()
        } else {
            let page = |page: &super::super::Page| {
                let held: Vec<_> = page.holds.iter().map(|code| self.part(code, style)).collect();
                let mut group =
                    object(json!({"linkId": format!("{PAGE}{}", page.code), "type": "group", "item": held}));
                page.title.put(&mut group, "text", style);
                self.put_condition(page.visible_if.as_ref(), &mut group);
                Value::Object(group)
            };
            self.pages.iter().map(page).collect()
        };
        resource.insert("item".to_owned(), items.into());
        Value::Object(resource)
    }

    /// An own item or an instrument.
    fn part(&self, code: &str, style: &Style<'_>) -> Value {
        match (self.items.iter().find(|item| item.code == code), Catalogue::shipped().find(code)) {
            (Some(item), _) => self.own(item, style),
            (None, Some(instrument)) => embedded(instrument),
            (None, None) => json!({"linkId": code, "type": "display"}),
        }
    }

    fn own(&self, item: &Item, style: &Style<'_>) -> Value {
        let coding = |option: &String| {
            let mut coding = object(json!({"code": option}));
            if let Some(label) = item.option_labels.get(option) {
                label.put(&mut coding, "display", style);
            }
            Value::Object(coding)
        };
        let mut children = Vec::new();
        let shape = match &item.kind {
            ItemKind::Integer { min, max } => json!({"type": "integer", "extension": [
                {"url": MIN_VALUE, "valueInteger": min}, {"url": MAX_VALUE, "valueInteger": max}]}),
            ItemKind::Decimal { min, max, decimals } => json!({"type": "decimal", "extension": [
                {"url": MIN_VALUE, "valueDecimal": min}, {"url": MAX_VALUE, "valueDecimal": max},
                {"url": MAX_DECIMAL_PLACES, "valueInteger": decimals}]}),
            ItemKind::Choice { options } => {
                let options: Vec<_> = options.iter().map(|option| json!({"valueCoding": coding(option)})).collect();
                json!({"type": "choice", "answerOption": options})
            }
            ItemKind::Multiple { options } => {
                children.extend(options.iter().map(|option| {
                    let mut ticked = object(json!({"linkId": format!("{}.{option}", item.code), "type": "boolean"}));
                    if let Some(label) = item.option_labels.get(option) {
                        label.put(&mut ticked, "text", style);
                    }
                    Value::Object(ticked)
                }));
                json!({"type": "group"})
            }
            ItemKind::Date => json!({"type": "date"}),
            ItemKind::Boolean => json!({"type": "boolean"}),
            ItemKind::Text { max_length } => json!({"type": "text", "maxLength": max_length}),
        };
        let mut written = object(shape);
        written.insert("linkId".to_owned(), item.code.as_str().into());
        item.label.put(&mut written, "text", style);
        if item.required {
            written.insert("required".to_owned(), true.into());
        }
        self.put_condition(item.visible_if.as_ref(), &mut written);
        if let Some(help) = &item.help {
            let control = json!({"coding": [{"system": ITEM_CONTROLS, "code": "help"}]});
            let mut display = object(json!({"linkId": format!("{HELP}{}", item.code), "type": "display",
                "extension": [{"url": ITEM_CONTROL, "valueCodeableConcept": control}]}));
            help.put(&mut display, "text", style);
            children.push(Value::Object(display));
        }
        if !children.is_empty() {
            written.insert("item".to_owned(), children.into());
        }
        Value::Object(written)
    }

    fn put_condition(&self, condition: Option<&Condition>, written: &mut Map<String, Value>) {
        let Some(condition) = condition else { return };
        let (members, extensions) = conditions::write(self, condition);
        written.extend(members);
        if !extensions.is_empty()
            && let Value::Array(known) = written.entry("extension").or_insert_with(|| json!([]))
        {
            known.extend(extensions);
        }
    }
}

/// An instrument as the catalogue has it.
fn embedded(instrument: &Instrument) -> Value {
    let items: Vec<_> = instrument
        .items()
        .iter()
        .map(|item| {
            json!({"linkId": item.code(), "type": "integer", "text": item.label(), "extension": [
                {"url": MIN_VALUE, "valueInteger": item.min()}, {"url": MAX_VALUE, "valueInteger": item.max()}]})
        })
        .collect();
    json!({
        "linkId": format!("{OF_INSTRUMENT}{}", instrument.code()),
        "type": "group",
        "code": [{"system": INSTRUMENT, "version": instrument.about().version, "code": instrument.code()}],
        "text": instrument.name(),
        "item": items,
    })
}

impl Words {
    /// Writes the text of the resource's language as a member, and translations beside it. An empty text is omitted.
    fn put(&self, object: &mut Map<String, Value>, member: &str, style: &Style<'_>) {
        let other = self.other.iter().map(|(language, words)| (language.as_str(), words));
        let (mut own, mut translations) = (None, Vec::new());
        for (language, words) in [("nb", &self.nb), ("en", &self.en)].into_iter().chain(other) {
            if words.is_empty() {
                continue;
            }
            if language == style.language {
                own = Some(words);
                continue;
            }
            translations.push(json!({"url": TRANSLATION, "extension": [
                {"url": "lang", "valueCode": language}, {"url": "content", "valueString": words}]}));
        }
        if let Some(words) = own {
            object.insert(member.to_owned(), words.as_str().into());
        }
        if !translations.is_empty() {
            object.insert(format!("_{member}"), json!({"extension": translations}));
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
