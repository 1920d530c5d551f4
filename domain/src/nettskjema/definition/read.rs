//! Reading the definition of a Nettskjema form in three shapes: API v3, TSD's survey metadata, and the older one with
//! pages. Unknown members are ignored, because these documents grow.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Element, ElementKind, NettskjemaDefinition, Part, Picked};
use crate::fault::{Fault, FaultCode};
use crate::nettskjema::reading::{Node, Reader, count, id};
use crate::nettskjema::scalar::instant;

/// The maximum length of a stored text, in characters.
const LABEL: usize = 120;
/// The maximum length of a key.
const KEY: usize = 64;
/// The maximum number of elements of a form, and of options or rows of an element.
const ELEMENTS: usize = 2000;
const PARTS: usize = 500;

impl NettskjemaDefinition {
    /// Reads every version in a document, oldest first: API v3's definition or its list of elements, TSD's metadata
    /// (one version or a list of them), or the older definition with pages of questions. Faults have pointers into the
    /// document.
    ///
    /// A question of an older matrix is a separate element: there it has a key, and its matrix has none.
    pub fn read(document: &Value) -> Result<Vec<Self>, Vec<Fault>> {
        let mut reader = Reader::default();
        let root = Node { object: &serde_json::Map::new(), pointer: String::new() };
        let mut versions = match document {
            Value::Array(list) if list.iter().any(|member| member.get("elementType").is_some()) => {
                let elements = reader.nodes_of(list, "");
                vec![reader.version(&root, &elements)]
            }
            Value::Array(list) => reader.nodes_of(list, "").iter().map(|node| reader.whole(node)).collect(),
            Value::Object(object) => vec![reader.whole(&Node { object, ..root })],
            _ => {
                reader.faults.push(Fault::new("", FaultCode::WrongType));
                Vec::new()
            }
        };
        if versions.is_empty() && reader.faults.is_empty() {
            reader.faults.push(Fault::new("", FaultCode::Required));
        }
        versions.sort_by_key(NettskjemaDefinition::generated_at);
        reader.finish(Some(versions))
    }
}

impl Reader {
    fn whole(&mut self, node: &Node<'_>) -> NettskjemaDefinition {
        let pages = self.nodes(node, "pages");
        let mut elements = self.nodes(node, "elements");
        elements.extend(pages.iter().flat_map(|page| self.nodes(page, "elements")));
        if !node.object.contains_key("elements") && pages.is_empty() {
            self.fault(node, "elements", FaultCode::Required);
        }
        self.version(node, &elements)
    }

    fn version(&mut self, node: &Node<'_>, nodes: &[Node<'_>]) -> NettskjemaDefinition {
        if nodes.len() > ELEMENTS {
            self.fault(node, "elements", FaultCode::TooLong);
            return NettskjemaDefinition::default();
        }
        let mut definition = NettskjemaDefinition {
            title: label(node, &["title"]),
            language: self.optional(node, "languageCode", Value::as_str).map(|code| code.chars().take(12).collect()),
            generated: self.instant(node, "generatedDate"),
            modified: self.instant(node, "modifiedDate"),
            elements: Vec::with_capacity(nodes.len()),
        };
        let mut filters = Vec::new();
        for node in nodes {
            let questions = self.nodes(node, "questions");
            let read = |reader: &mut Self, part: &Node<'_>| reader.element(node, part);
            let elements: Vec<_> = match questions.as_slice() {
                [] => read(self, node).into_iter().collect(),
                questions => questions.iter().filter_map(|question| read(self, question)).collect(),
            };
            for element in elements {
                filters.push(self.filter(node));
                definition.elements.push(element);
            }
        }
        resolve(&mut definition.elements, filters);
        let mut seen = HashSet::new();
        let twice = definition.elements.iter().find(|element| !seen.insert(element.key.as_str()));
        if twice.is_some() {
            self.fault(node, "elements", FaultCode::AlreadyExists);
        }
        definition
    }

    /// One element; `part` is the element itself, or in the older shape one of its questions.
    fn element(&mut self, node: &Node<'_>, part: &Node<'_>) -> Option<Element> {
        let word = self.required(node, "elementType", Value::as_str)?;
        let questioned = node.pointer != part.pointer;
        let kind = match (ElementKind::of(word)?, word) {
            (ElementKind::MatrixRadio, _) if questioned => ElementKind::Radio,
            (ElementKind::MatrixCheckbox, _) if questioned => ElementKind::Checkbox,
            (_, "MATRIX") if questioned => match self.optional(node, "maxSelectedAnswerOptions", count) {
                None | Some(1) => ElementKind::Radio,
                Some(_) => ElementKind::Checkbox,
            },
            (kind, _) => kind,
        };
        let names = if questioned { ("questionId", "externalQuestionId") } else { ("elementId", "externalElementId") };
        let Part { id, key, label } = self.part(part, names)?;
        let mut options = self.parts(part, "answerOptions", ("answerOptionId", "externalAnswerOptionId"));
        if questioned && options.is_empty() {
            options = self.parts(node, "answerOptions", ("answerOptionId", "externalAnswerOptionId"));
        }
        let mut flag =
            |names: [&str; 2]| names.iter().any(|name| self.optional(part, name, Value::as_bool).unwrap_or(false));
        let (mandatory, hashed) = (flag(["isMandatory", "mandatory"]), flag(["isAnswerHashed", "answerHashed"]));
        Some(Element {
            id,
            label,
            options,
            rows: self.parts(part, "subElements", ("subElementId", "externalElementId")),
            mandatory,
            hashed,
            decimals: self.optional(part, "numberOfDecimals", count).and_then(|decimals| u8::try_from(decimals).ok()),
            min: self.optional(part, "minimumValue", Value::as_f64),
            max: self.optional(part, "maximumValue", Value::as_f64),
            ..Element::new(key, kind)
        })
    }

    fn parts(&mut self, node: &Node<'_>, member: &str, names: (&str, &str)) -> Vec<Part> {
        let nodes = self.nodes(node, member);
        if nodes.len() > PARTS {
            self.fault(node, member, FaultCode::TooLong);
            return Vec::new();
        }
        let parts: Vec<_> = nodes.iter().filter_map(|node| self.part(node, names)).collect();
        let mut seen = HashSet::new();
        if parts.iter().any(|part| !seen.insert(&part.key)) {
            self.fault(node, member, FaultCode::AlreadyExists);
        }
        parts
    }

    /// A number and a key, of which one must be there.
    fn part(&mut self, node: &Node<'_>, (number, name): (&str, &str)) -> Option<Part> {
        let id = self.optional(node, number, id);
        let named = self.optional(node, name, Value::as_str).filter(|key| !key.is_empty());
        let code = match named {
            Some(key) if key.chars().count() > KEY => Some(FaultCode::TooLong),
            Some(key) if key.contains('\0') => Some(FaultCode::ForbiddenCharacter),
            None if id.is_none() => Some(FaultCode::Required),
            _ => None,
        };
        if let Some(code) = code {
            self.fault(node, name, code);
            return None;
        }
        let key = named.map(str::to_owned).or_else(|| id.map(|id| id.to_string()))?;
        Some(Part { id, key, label: label(node, &["text", "title", "altText"]) })
    }

    fn instant(&mut self, node: &Node<'_>, member: &str) -> Option<jiff::Timestamp> {
        self.optional_as(node, member, FaultCode::InvalidDate, |value| instant(value.as_str()?))
    }

    /// The options that show an element: numbers, or objects that name them. Empty where the element is always shown.
    fn filter(&mut self, node: &Node<'_>) -> Option<Vec<Filter>> {
        let lists = ["answerOptionsVisibilityFilter", "visibilityAnswerOptionIds"];
        let list: Vec<&Value> =
            lists.iter().filter_map(|member| self.optional(node, member, Value::as_array)).flatten().collect();
        let one = |value: &&Value| {
            let text = |member: &str| value.get(member)?.as_str().map(str::to_owned);
            match id(value).or_else(|| id(value.get("answerOptionId")?)) {
                Some(id) => Filter::Number(id),
                None => match (text("externalElementId"), text("externalAnswerOptionId")) {
                    (Some(element), Some(option)) => Filter::Keys(Picked { element, option }),
                    _ => Filter::Unknown,
                },
            }
        };
        (!list.is_empty()).then(|| list.iter().map(one).collect())
    }
}

/// An option that shows an element, as in the document.
enum Filter {
    Number(u64),
    Keys(Picked),
    /// In words that are not known here: nothing can be said to fulfil it.
    Unknown,
}

/// Replaces numbers of options by keys. An element that only unknown options show is shown where answered.
fn resolve(elements: &mut [Element], filters: Vec<Option<Vec<Filter>>>) {
    let options = elements.iter().flat_map(|element| {
        let picked =
            |option: &Part| Some((option.id?, Picked { element: element.key.clone(), option: option.key.clone() }));
        element.options.iter().filter_map(picked).collect::<Vec<_>>()
    });
    let options: HashMap<u64, Picked> = options.collect();
    for (element, filter) in elements.iter_mut().zip(filters) {
        let resolved = |filter: Filter| match filter {
            Filter::Number(id) => options.get(&id).cloned(),
            Filter::Keys(picked) => Some(picked),
            Filter::Unknown => None,
        };
        element.shown_if = filter.map(|filter| filter.into_iter().filter_map(resolved).collect());
    }
}

/// The first text that is there. A text in several languages is an object: none of them is preferred to the keys.
fn label(node: &Node<'_>, members: &[&str]) -> String {
    let text = members.iter().find_map(|member| node.object.get(*member)?.as_str().filter(|text| !text.is_empty()));
    plain(text.unwrap_or_default())
}

/// The beginning of a text without its mark-up and with single blanks.
fn plain(html: &str) -> String {
    // Only the beginning is read, mark-up included.
    let mut rest: String = html.chars().take(20 * LABEL).collect();
    let mut text = String::new();
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        rest = tag.split_once('>').map_or(String::new(), |(_, after)| after.to_owned());
    }
    text.push_str(&rest);
    for (entity, letter) in [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&aelig;", "æ"),
        ("&oslash;", "ø"),
        ("&aring;", "å"),
        ("&AElig;", "Æ"),
        ("&Oslash;", "Ø"),
        ("&Aring;", "Å"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, letter);
    }
    let words: Vec<_> = text.split(|letter: char| letter.is_whitespace() || letter.is_control()).collect();
    let text = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    text.chars().take(LABEL).collect()
}
