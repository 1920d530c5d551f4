//! Brings a foreign Questionnaire into the registry's own spelling, where FHIR says the same in several: languages, help,
//! a code that is in the name, and options that are listed in a contained value set. Nothing changes its place.

use serde_json::{Map, Value, json};

use super::super::definition::is_code;
use super::elements::{is_boxes, is_help};
use super::{HELP, ITEM_CONTROL, ITEM_CONTROLS, OF_INSTRUMENT, PAGE, TRANSLATION};

/// Returns the resource in the registry's spelling, and whether its code is from its name: form builders end addresses
/// with a UUID, and `name` is the name for programs.
pub(super) fn canonical(resource: &Map<String, Value>) -> (Map<String, Value>, bool) {
    let mut own = resource.clone();
    let url = own.get("url").and_then(Value::as_str).unwrap_or_default();
    let addressed = url.rsplit_once('/').is_some_and(|(_, code)| is_code(code, '-'));
    let name = own.get("name").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase().replace('_', "-");
    let named = !addressed && is_code(&name, '-');
    if named {
        own.insert("url".to_owned(), format!("{url}/{name}").into());
    }
    let mut own_language = "nb".to_owned();
    if let Some(Value::String(tag)) = own.get_mut("language") {
        *tag = language(tag);
        own_language.clone_from(tag);
    }
    own.values_mut().for_each(translations);
    let mut sets: Vec<Value> = match own.remove("contained") {
        Some(Value::Array(contained)) => contained,
        Some(other) => vec![other],
        None => Vec::new(),
    };
    let mut used = vec![false; sets.len()];
    let options: Vec<Option<Value>> = sets.iter().map(|set| options(set, &own_language)).collect();
    for item in items(&mut own) {
        page(item);
        spell(item, None, &mut |item| {
            let at = value_set(item, &sets)?;
            let options = options.get(at)?.clone()?;
            *used.get_mut(at)? = true;
            Some(options)
        });
    }
    let mut used = used.into_iter();
    sets.retain(|_| used.next() != Some(true));
    if !sets.is_empty() {
        own.insert("contained".to_owned(), sets.into());
    }
    (own, named)
}

/// Returns the language of the registry's forms for a BCP 47 tag: Norwegian and English without a region, and `no`, which
/// names no written form, as bokmål.
fn language(tag: &str) -> String {
    let (primary, rest) = tag.split_once('-').map_or((tag, None), |(primary, rest)| (primary, Some(rest)));
    match (primary.to_ascii_lowercase().as_str(), rest) {
        ("no" | "nb", _) => "nb".to_owned(),
        (primary @ ("nn" | "en"), _) | (primary, None) => primary.to_owned(),
        (primary, Some(rest)) => format!("{primary}-{rest}"),
    }
}

fn translations(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(translations),
        Value::Object(object) => {
            if object.get("url").is_some_and(|url| url == TRANSLATION)
                && let Some(Value::Array(parts)) = object.get_mut("extension")
            {
                for part in parts.iter_mut().filter(|part| part.get("url").is_some_and(|url| url == "lang")) {
                    if let Some(Value::String(tag)) = part.get_mut("valueCode") {
                        *tag = language(tag);
                    }
                }
            }
            object.values_mut().for_each(translations);
        }
        _ => {}
    }
}

fn items(of: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let list = of.get_mut("item").and_then(Value::as_array_mut).into_iter().flatten();
    list.filter_map(Value::as_object_mut)
}

/// A group at the top is a page, whatever its link.
fn page(group: &mut Map<String, Value>) {
    let link = group.get("linkId").and_then(Value::as_str).unwrap_or_default();
    let foreign = !link.starts_with(PAGE) && !link.starts_with(OF_INSTRUMENT);
    if foreign && group.get("type").is_some_and(|kind| kind == "group") && !is_boxes(group) {
        let link = format!("{PAGE}{link}");
        group.insert("linkId".to_owned(), link.into());
    }
}

/// `question` is the link of the item that holds this one, unless it is a page.
fn spell(
    item: &mut Map<String, Value>,
    question: Option<&str>,
    listed: &mut impl FnMut(&Map<String, Value>) -> Option<Value>,
) {
    let extensions = item.get("extension").and_then(Value::as_array).into_iter().flatten();
    if extensions.into_iter().any(is_help) {
        help(item, question);
    }
    if let Some(options) = listed(item) {
        item.remove("answerValueSet");
        item.insert("answerOption".to_owned(), options);
    }
    let link = item.get("linkId").and_then(Value::as_str).unwrap_or_default().to_owned();
    // How several conditions are joined says nothing about one.
    if item.get("enableWhen").and_then(Value::as_array).is_some_and(|conditions| conditions.len() < 2) {
        item.remove("enableBehavior");
    }
    let page = item.get("type").is_some_and(|kind| kind == "group") && !is_boxes(item);
    for inner in items(item) {
        spell(inner, (!page).then_some(&link), listed);
    }
}

/// Help is a `display` here; Norwegian form builders write it as a text that cannot be answered.
fn help(item: &mut Map<String, Value>, question: Option<&str>) {
    if !item.get("type").is_some_and(|kind| kind == "display" || kind == "text" || kind == "string") {
        return;
    }
    item.insert("type".to_owned(), "display".into());
    for unanswerable in ["readOnly", "required", "repeats", "maxLength"] {
        item.remove(unanswerable);
    }
    let Some(question) = question else { return };
    item.insert("linkId".to_owned(), format!("{HELP}{question}").into());
    for extension in item.get_mut("extension").and_then(Value::as_array_mut).into_iter().flatten() {
        if is_help(extension) {
            *extension = json!({"url": ITEM_CONTROL,
                "valueCodeableConcept": {"coding": [{"system": ITEM_CONTROLS, "code": "help"}]}});
        }
    }
}

/// The place of the contained value set that lists the item's options.
fn value_set(item: &Map<String, Value>, sets: &[Value]) -> Option<usize> {
    let id = item.get("answerValueSet")?.as_str()?.strip_prefix('#')?;
    sets.iter().position(|set| {
        set.get("resourceType").is_some_and(|kind| kind == "ValueSet") && set.get("id").is_some_and(|known| known == id)
    })
}

/// Returns the options that a value set lists; none if it names them by rules or by other value sets.
fn options(set: &Value, own_language: &str) -> Option<Value> {
    let includes = set.pointer("/compose/include")?.as_array()?;
    let plain = |include: &&Value| include.get("filter").is_none() && include.get("valueSet").is_none();
    if set.pointer("/compose/exclude").is_some() || !includes.iter().all(|include| plain(&include)) {
        return None;
    }
    let concepts = includes.iter().map(|include| include.get("concept")?.as_array());
    let concepts: Vec<&Vec<Value>> = concepts.collect::<Option<_>>()?;
    let options: Vec<Value> = concepts.into_iter().flatten().map(|concept| option(concept, own_language)).collect();
    (!options.is_empty()).then(|| options.into())
}

/// The display in the resource's language, and the first designation in each other one.
fn option(concept: &Value, own_language: &str) -> Value {
    let mut coding = Map::new();
    for member in ["code", "display"] {
        if let Some(value) = concept.get(member) {
            coding.insert(member.to_owned(), value.clone());
        }
    }
    let mut seen = vec![own_language.to_owned()];
    let mut translations = Vec::new();
    for designation in concept.get("designation").and_then(Value::as_array).into_iter().flatten() {
        let tag = designation.get("language").and_then(Value::as_str).map(language);
        if let (Some(language), Some(content)) = (tag, designation.get("value"))
            && !seen.contains(&language)
        {
            translations.push(json!({"url": TRANSLATION, "extension": [
                {"url": "lang", "valueCode": language}, {"url": "content", "valueString": content}]}));
            seen.push(language);
        }
    }
    if !translations.is_empty() {
        coding.insert("_display".to_owned(), json!({"extension": translations}));
    }
    json!({"valueCoding": coding})
}
