//! The specification of a kind's operations, made from the same table as the operations themselves.

use painreg_domain::clinical::{Entry, EntryGroup, EntryKind, Remark};
use painreg_domain::policy::Action;
use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{HttpMethod, Operation, ParameterIn, Paths};
use utoipa::openapi::schema::Schema;
use utoipa::{IntoParams, IntoResponses as _, PartialSchema as _, ToSchema};

use super::list::sorts;
use super::versions::VersionView;
use super::{ONE, VERSIONS, path};
use crate::problem::Problems;
use crate::wire::{AsOf, IdempotencyKey, IfMatch, PageParams, Patch};

/// Converts `pain-sites` or `pain_site` to `PainSites` or `PainSite`.
fn pascal(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    name.split(['-', '_']).map(capital).collect()
}

fn tag(kind: EntryKind) -> &'static str {
    match kind.row().group {
        EntryGroup::Course => "Course",
        EntryGroup::Treatment => "Treatment",
        EntryGroup::Implants => "Implants",
        EntryGroup::LegalBasis => "Legal basis",
        EntryGroup::Research => "Research",
    }
}

fn parameter(name: &str, place: &str, required: bool, description: &str, schema: &Value) -> Value {
    json!({"name": name, "in": place, "required": required, "description": description, "schema": schema})
}

/// Returns the documentation of parameters that other operations have too.
fn shared<P: IntoParams>() -> Vec<Value> {
    P::into_params(|| Some(ParameterIn::Query)).iter().filter_map(|it| serde_json::to_value(it).ok()).collect()
}

fn reason(usual: &str) -> Value {
    let schema = json!({"type": "string", "enum": ["update", "correction", "registered_in_error"], "default": usual});
    let help = "The reason of the change: `update` for a new state, `correction` for an error in the entry, \
                `registered_in_error` for an entry that should not have been recorded.";
    parameter("reason", "query", false, help, &schema)
}

fn list_parameters<T: Entry>(whole: bool) -> Vec<Value> {
    let row = T::KIND.row();
    let date = json!({"type": "string", "format": "date"});
    let mut parameters = vec![
        parameter("from", "query", false, &format!("Only entries with a `{}` on or after this day.", row.day), &date),
        parameter("to", "query", false, &format!("Only entries with a `{}` on or before this day.", row.day), &date),
        parameter(
            "sort",
            "query",
            false,
            "The order; `-` is descending.",
            &json!({"type": "string", "enum": sorts(), "default": "-day"}),
        ),
    ];
    parameters.extend(shared::<AsOf>());
    parameters.extend(shared::<PageParams>());
    if let Some(until) = row.until {
        let help = format!("true: only what goes on (`{until}` is null); false: only what has ended.");
        parameters.push(parameter("ongoing", "query", false, &help, &json!({"type": "boolean"})));
    }
    if whole {
        let schema = json!({"type": "string", "minLength": 1, "maxLength": 100});
        parameters.push(parameter("patient_unit", "query", false, "Only patients of this unit.", &schema));
    }
    let members = members::<T>();
    for member in row.filters {
        let schema = filter_schema(members.get(*member).unwrap_or(&Value::Null));
        parameters.push(parameter(member, "query", false, &format!("Only entries with this `{member}`."), &schema));
    }
    parameters
}

/// Returns the schema of a filter by a member: that of the member, without null.
fn filter_schema(member: &Value) -> Value {
    let alternatives = member.get("oneOf").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let chosen = alternatives.iter().find(|it| it.get("type") != Some(&json!("null"))).unwrap_or(member);
    if let Some(reference) = chosen.get("$ref") {
        return json!({"$ref": reference});
    }
    if chosen.get("enum").is_some() {
        return chosen.clone();
    }
    let most = chosen.get("maxLength").cloned().unwrap_or(json!(200));
    json!({"type": "string", "minLength": 1, "maxLength": most})
}

struct Told {
    id: String,
    summary: String,
    description: &'static str,
    action: Action,
    parameters: Vec<Value>,
    body: Option<Value>,
    success: Value,
}

fn operation(kind: EntryKind, told: Told) -> Operation {
    let action: &'static str = told.action.into();
    let mut responses: Map<String, Value> = Problems::responses()
        .into_iter()
        .filter_map(|(status, response)| Some((status, serde_json::to_value(response).ok()?)))
        .collect();
    if let Value::Object(success) = told.success {
        responses.extend(success);
    }
    let mut whole = json!({
        "operationId": told.id,
        "tags": [tag(kind)],
        "summary": told.summary,
        "description": told.description,
        "parameters": told.parameters,
        "responses": responses,
        "x-action": action,
    });
    if let (Some(body), Value::Object(members)) = (told.body, &mut whole) {
        members.insert("requestBody".to_owned(), body);
    }
    // An operation that cannot be deserialised is missing from the document; a test checks for each of them.
    serde_json::from_value(whole).unwrap_or_default()
}

fn content(media: &str, schema: &Value) -> Value {
    json!({media: {"schema": schema}})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn page_of(items: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": {"type": "array", "maxItems": 1000, "description": "The items of the page.", "items": items},
            "next_cursor": {"type": ["string", "null"], "maxLength": 1000,
                "description": "The `cursor` of the next page; null on the last page."},
        },
    })
}

/// The names of a kind in the specification.
struct Words {
    kind: EntryKind,
    name: String,
    plural: String,
    /// The name with its article: `a referral (henvisning)`.
    one: String,
    /// The name without its article: `referral (henvisning)`.
    bare: String,
}

impl Words {
    fn of(kind: EntryKind) -> Self {
        let row = kind.row();
        let article = if row.en.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        let bare = format!("{} ({})", row.en, row.nb);
        let (name, plural) = (pascal(&kind.to_string()), pascal(row.path));
        Self { kind, name, plural, one: format!("{article} {bare}"), bare }
    }

    fn view(&self) -> Value {
        reference(&self.name)
    }

    fn answered(&self, status: &str, what: &str) -> Value {
        json!({status: {"description": what, "content": content("application/json", &self.view())}})
    }

    fn list_all<T: Entry>(&self) -> Told {
        Told {
            id: format!("listAll{}", self.plural),
            summary: format!("List entries of the whole registry: {}.", self.bare),
            description: "Only entries within the caller's reach. Every patient in the list finds the access in their access log.",
            action: Action::ListClinical,
            parameters: list_parameters::<T>(true),
            body: None,
            success: page("A page of the list.", &self.view()),
        }
    }

    fn list<T: Entry>(&self) -> Told {
        Told {
            id: format!("list{}", self.plural),
            summary: format!("List a patient's entries: {}.", self.bare),
            description: "The current entries; with `as_of` the entries that the registry stored at that instant.",
            action: self.kind.row().group.rights().read,
            parameters: list_parameters::<T>(false),
            body: None,
            success: page("A page of the list.", &self.view()),
        }
    }

    fn record(&self) -> Told {
        let body = content("application/json", &reference(&format!("New{}", self.name)));
        Told {
            id: format!("record{}", self.name),
            summary: format!("Record {}.", self.one),
            description: "Checked against the code systems, the code lists and the patient's dates. `remarks` lists values \
                          that were accepted although they are unusual.",
            action: self.kind.row().group.rights().record,
            parameters: shared::<IdempotencyKey>(),
            body: Some(json!({"required": true, "content": body})),
            success: self.answered("201", "The entry was recorded."),
        }
    }

    fn read(&self) -> Told {
        Told {
            id: format!("read{}", self.name),
            summary: format!("Read {}.", self.one),
            description: "The current entry; with `as_of` the entry that the registry stored at that instant.",
            action: self.kind.row().group.rights().read,
            parameters: shared::<AsOf>(),
            body: None,
            success: self.answered("200", "The entry."),
        }
    }

    fn change(&self) -> Told {
        let body = content("application/merge-patch+json", &reference(&format!("{}Change", self.name)));
        Told {
            id: format!("change{}", self.name),
            summary: format!("Change {}.", self.one),
            description: "A merge patch (RFC 7396): absent members stay as they are, null clears. The previous state \
                          stays in the history.",
            action: self.kind.row().group.rights().change,
            parameters: [shared::<IfMatch>(), vec![reason("update")]].concat(),
            body: Some(json!({"required": true, "content": body})),
            success: self.answered("200", "The entry after the change."),
        }
    }

    fn withdraw(&self) -> Told {
        Told {
            id: format!("withdraw{}", self.name),
            summary: format!("Withdraw {} that should not have been recorded.", self.one),
            description: "The entry is removed from every list and stays in the history. An entry that others belong to \
                          cannot be withdrawn before them.",
            action: self.kind.row().group.rights().withdraw,
            parameters: [shared::<IfMatch>(), vec![reason("registered_in_error")]].concat(),
            body: None,
            success: json!({"204": {"description": "The entry was withdrawn."}}),
        }
    }

    fn versions(&self) -> Told {
        Told {
            id: format!("list{}Versions", self.name),
            summary: format!("List the versions of {}.", self.one),
            description: "The latest first, with the action and the reason that ended each version; also for a withdrawn entry.",
            action: self.kind.row().group.rights().read,
            parameters: Vec::new(),
            body: None,
            success: page("The versions.", &reference("VersionView")),
        }
    }
}

fn page(what: &str, items: &Value) -> Value {
    json!({"200": {"description": what, "content": content("application/json", &page_of(items))}})
}

pub(super) fn paths_of_registry<T: Entry>() -> Paths {
    let told = Words::of(T::KIND).list_all::<T>();
    let mut paths = Paths::new();
    paths.add_path_operation(path(T::KIND), vec![HttpMethod::Get], operation(T::KIND, told));
    paths
}

pub(super) fn paths_of_patient<T: Entry>() -> Paths {
    let words = Words::of(T::KIND);
    let mut paths = Paths::new();
    for (path, method, told) in [
        ("", HttpMethod::Get, words.list::<T>()),
        ("", HttpMethod::Post, words.record()),
        (ONE, HttpMethod::Get, words.read()),
        (ONE, HttpMethod::Patch, words.change()),
        (ONE, HttpMethod::Delete, words.withdraw()),
        (VERSIONS, HttpMethod::Get, words.versions()),
    ] {
        paths.add_path_operation(path, vec![method], operation(T::KIND, told));
    }
    paths
}

/// Returns the members that every entry has besides those of its kind.
fn frame() -> Map<String, Value> {
    let id =
        |what: &str| json!({"type": "string", "format": "uuid", "minLength": 36, "maxLength": 36, "description": what});
    let at = |what: &str| json!({"type": "string", "format": "date-time", "description": what});
    let members = json!({
        "id": id("The entry's id."),
        "patient_id": id("The patient id used for the recording; after a merge possibly that of the duplicate."),
        "remarks": {"type": "array", "maxItems": 20, "description": "Plausibility remarks: values that were accepted although they are unusual.",
            "items": reference("Remark")},
        "created_at": at("The time of recording."),
        "updated_at": at("The time of the last change."),
        "updated_by": {"type": "string", "maxLength": 64, "description": "The action that last changed it."},
        "version": {"type": "integer", "format": "int64", "minimum": 1, "description": "Counts changes; also the ETag."},
    });
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn members_of(schema: &Value) -> Map<String, Value> {
    schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Returns the schemas of a kind's own members, the derived ones included.
fn members<T: Entry>() -> Map<String, Value> {
    let mut members = members_of(&serde_json::to_value(T::schema()).unwrap_or_default());
    members.extend(members_of(&serde_json::to_value(T::Derived::schema()).unwrap_or_default()));
    members
}

pub(super) fn schemas<T: Entry>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    let name = pascal(&T::KIND.to_string());
    let given = serde_json::to_value(T::schema()).unwrap_or_default();
    let mut properties = members::<T>();
    properties.extend(frame());
    let required: Vec<&String> = properties.keys().collect();
    let view = json!({"type": "object", "description": given.get("description"), "required": required, "properties": properties});
    let change = serde_json::to_value(Patch::<T>::schema()).unwrap_or_default();
    for (name, schema) in [(name.clone(), view), (format!("New{name}"), given), (format!("{name}Change"), change)] {
        if let Ok(schema) = serde_json::from_value(schema) {
            schemas.push((name, schema));
        }
    }
    T::schemas(schemas);
    T::Derived::schemas(schemas);
    schemas.push((Remark::name().into_owned(), Remark::schema()));
    schemas.push((VersionView::name().into_owned(), VersionView::schema()));
}
