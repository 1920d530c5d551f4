//! The specification, rendered from the route list, and the documents rendered from it and from tables of the program.

mod instruments;
mod workflows;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use actix_web::dev::HttpServiceFactory;
use painreg_domain::fault::FaultCode;
use painreg_domain::policy::{self, Action, Reach, Role};
use strum::IntoEnumIterator as _;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem, Paths};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, RefOr, Required, Schema, SecurityRequirement};
use utoipa::{Modify, OpenApi};
use utoipa_actix_web::OpenApiFactory;

use crate::operations::{self, Operations};
use crate::problem::{Code, FaultView, ProblemView, SuggestionView};
use crate::routes::Takes;
use crate::survivor;
use crate::wire::{Documented, path_parameter};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "painreg",
        version = "1.0.0",
        description = "Pain registries (smerteregistre) of Norwegian hospitals: each hospital's registry is a separate tenant.\n\nEvery error response is `application/problem+json` (RFC 9457); match on `code`. Times are RFC 3339 UTC, dates `YYYY-MM-DD`; other spellings are refused. Texts are stored in Unicode form C. Unknown members and query parameters are refused, except harmless elements of FHIR resources; HEAD is answered wherever GET is; enumerations in responses may grow.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        contact(name = "The painreg authors", url = "https://painreg.example/")
    ),
    servers((url = "/", description = "This server.")),
    tags(
        (name = "Tenants", description = "Registries, for operators."),
        (name = "Patients", description = "Patients: identity, contact details and access log."),
        (name = "Course", description = "The course through the clinic: referrals, episodes, consultations."),
        (name = "Treatment", description = "Findings and treatment: diagnoses, procedures, pain drawings, goals, medication."),
        (name = "Implants", description = "Implants: indication and trial, components, programmes, checks, events, recalls."),
        (name = "Legal basis", description = "The legal basis of patients' presence in the registry, and what it permits."),
        (name = "Research", description = "Projects and samples."),
        (name = "Lists", description = "The registry's own code lists, official code systems and the body map."),
        (name = "Questionnaires", description = "Instruments, forms, answered questionnaires and their scores."),
        (name = "Follow-up", description = "Follow-up: the plan, the decisions with their reasons, the invitations sent and their outcomes."),
        (name = "Events", description = "Events in order, and the webhook subscriptions that receive them."),
        (name = "Operations", description = "Long operations: work that outlasts a request, its state and progress."),
        (name = "Licences", description = "Licences of instruments, the wording that they cover, and what falls due."),
        (name = "Oversight", description = "The audit log of the registry, for those who supervise it."),
        (name = "Service", description = "The state of the service: liveness, readiness, metrics, specification.")
    ),
    components(schemas(ProblemView, FaultView, SuggestionView, FaultCode)),
    modifiers(&Bearer)
)]
struct Head;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("An access token of an issuer that the registry trusts."))
            .build();
        document.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(scheme));
        document.security = Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new())]);
    }
}

/// The specification with the table of operations.
pub struct Specification {
    /// The OpenAPI document.
    pub document: Document,
    /// The OpenAPI document as JSON.
    pub json: String,
    /// The table of operations.
    pub operations: Operations,
}

/// The specification of the routes in [`crate::routes::all`], rendered once per process.
pub static SPECIFICATION: LazyLock<Specification> = LazyLock::new(|| {
    let document = document();
    let json = document.to_json().unwrap_or_default();
    Specification { json, operations: operations(&document), document }
});

/// The routes as the specification describes them.
#[derive(Default)]
struct Described {
    /// The path of the scope whose routes are taken.
    prefix: String,
    paths: Paths,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl Takes for Described {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
        for (path, item) in route.paths().paths {
            let one = Paths::builder().path(format!("{}{path}", self.prefix), item).build();
            self.paths.merge(one);
        }
        route.schemas(&mut self.schemas);
        self
    }

    fn scope(&mut self, prefix: &str, part: impl FnOnce(&mut Self)) -> &mut Self {
        let length = self.prefix.len();
        self.prefix.push_str(prefix);
        part(self);
        self.prefix.truncate(length);
        self
    }
}

fn document() -> Document {
    let mut described = Described::default();
    crate::routes::all(&mut described);
    let mut document = Head::openapi();
    document.paths.merge(described.paths);
    document.components.get_or_insert_default().schemas.extend(described.schemas);
    close_alternatives(&mut document);
    derive(&mut document);
    document
}

/// Closes the variants of `oneOf` schemas to other members, which utoipa does not do.
fn close_alternatives(document: &mut Document) {
    let schemas = document.components.iter_mut().flat_map(|components| components.schemas.values_mut());
    for schema in schemas {
        let RefOr::T(Schema::OneOf(choice)) = schema else { continue };
        for alternative in &mut choice.items {
            if let RefOr::T(Schema::Object(object)) = alternative
                && !object.properties.is_empty()
                && object.properties.len() == object.required.len()
            {
                object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
        }
    }
}

/// Completes every operation: its id is the handler's name in camel case, and path parameters that it does not document
/// itself are documented by [`path_parameter`].
fn derive(document: &mut Document) {
    let read =
        |(path, item): (&String, &PathItem)| Some((path.clone(), camel(item.get.as_ref()?.operation_id.as_deref()?)));
    let reads: BTreeMap<String, String> = document.paths.paths.iter().filter_map(read).collect();
    for (path, item) in &mut document.paths.paths {
        let methods = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in methods.into_iter().flatten() {
            operation.operation_id = operation.operation_id.as_deref().map(camel);
            let parameters = operation.parameters.get_or_insert_default();
            let mut derived = Vec::new();
            for name in names_in(path) {
                let known = parameters.iter().position(
                    |it| matches!(it, RefOr::T(it) if it.name == name && it.parameter_in == ParameterIn::Path),
                );
                let own = known.map(|at| parameters.remove(at));
                if matches!(&own, Some(RefOr::T(own)) if own.description.is_some()) {
                    derived.extend(own);
                } else {
                    derived.extend(path_parameter(name).map(RefOr::T));
                }
            }
            parameters.splice(..0, derived);
            describe_if_match(parameters, operation.operation_id.as_deref().unwrap_or_default(), path, &reads);
            if parameters.is_empty() {
                operation.parameters = None;
            }
        }
        if names_in(path).any(|name| name == survivor::PARAMETER) {
            item.get.iter_mut().for_each(name_survivor);
        }
    }
}

/// Operations whose `If-Match` is about another resource than that of their path: publishing is of the draft.
const TAGS: &[(&str, &str)] = &[("publishFollowUpPlan", "readFollowUpPlanDraft"), ("publishForm", "readFormDraft")];

/// Names the operation that shows the tag in the description of `If-Match`: the one that reads the resource of the path, or the
/// resource that the path belongs to.
fn describe_if_match(
    parameters: &mut [RefOr<Parameter>],
    operation: &str,
    path: &str,
    reads: &BTreeMap<String, String>,
) {
    let of_path = || {
        let owner = path.rsplit_once('/').map_or(path, |(owner, _)| owner);
        reads.get(path).or_else(|| reads.get(owner)).map(String::as_str)
    };
    let shown_by = TAGS.iter().find(|(id, _)| *id == operation).map(|(_, read)| *read).or_else(of_path);
    for parameter in parameters {
        if let RefOr::T(parameter) = parameter
            && parameter.name == "If-Match"
        {
            let read = shown_by.unwrap_or_default();
            parameter.description =
                Some(format!("The `ETag` that `{read}` shows, several of its tags, or `*` for any version."));
        }
    }
}

/// The names between braces of a path's pattern.
fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// Documents the header of a read through the id of a merged patient.
fn name_survivor(operation: &mut Operation) {
    const DESCRIPTION: &str = "Where the patient in the path was merged into another: the address of what was read, with \
                               the survivor's id. Absent otherwise.";
    let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(2000));
    let header = HeaderBuilder::new().schema(Some(text)).description(Some(DESCRIPTION)).build();
    if let Some(RefOr::T(response)) = operation.responses.responses.get_mut("200") {
        response.headers.insert("Content-Location".to_owned(), header.into());
    }
}

/// Converts snake case to camel case: `list_alerts` to `listAlerts`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| {
        let mut letters = word.chars();
        text + &letters
            .next()
            .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
            .unwrap_or_default()
    })
}

fn operations_of(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    [("GET", &item.get), ("POST", &item.post), ("PUT", &item.put), ("PATCH", &item.patch), ("DELETE", &item.delete)]
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

/// Reads the table of operations from a specification.
fn operations(document: &Document) -> Operations {
    let mut all = Vec::new();
    for (path, item) in &document.paths.paths {
        for (method, operation) in operations_of(item) {
            let extension = |name: &str| operation.extensions.as_ref().and_then(|extensions| extensions.get(name));
            all.push(operations::Operation {
                id: operation.operation_id.clone().unwrap_or_default(),
                method,
                path: path.clone(),
                action: extension("x-action").and_then(|value| value.as_str()?.parse().ok()),
                public: extension("x-public").is_some(),
                query: query_of(document, operation),
                headers: parameters_in(operation, &ParameterIn::Header).map(|it| it.name.clone()).collect(),
            });
        }
    }
    Operations::new(all)
}

/// Returns the documented parameters in one place of an operation's requests.
fn parameters_in<'a>(operation: &'a Operation, place: &'a ParameterIn) -> impl Iterator<Item = &'a Parameter> {
    operation.parameters.iter().flatten().filter_map(move |it| match it {
        RefOr::T(it) if it.parameter_in == *place => Some(it),
        _ => None,
    })
}

/// Reads the query parameters of an operation.
fn query_of(document: &Document, operation: &Operation) -> Vec<Documented> {
    let read = |it: &Parameter| {
        let schema = match it.schema.as_ref()? {
            RefOr::T(schema) => schema,
            RefOr::Ref(named) => component(document, named.ref_location.rsplit('/').next()?)?,
        };
        Documented::of(&it.name, it.required == Required::True, &serde_json::to_value(schema).ok()?)
    };
    parameters_in(operation, &ParameterIn::Query).filter_map(read).collect()
}

/// Returns a schema of the components.
fn component<'a>(document: &'a Document, name: &str) -> Option<&'a Schema> {
    match document.components.as_ref()?.schemas.get(name)? {
        RefOr::T(schema) => Some(schema),
        RefOr::Ref(_) => None,
    }
}

/// Renders the policy table: the reach of each role, and the operations of each action.
pub fn permissions(operations: &Operations) -> String {
    let mut text = "<!-- Rendered by `painreg openapi write`; do not edit. -->\n# Permissions\n\nThe whole policy. `own`: the caller's own record. `unit`: the records of the caller's unit. `all`: everything in the registry (operators: every registry, and no patient). Empty: 403.\n\n".to_owned();
    let roles: Vec<&'static str> = Role::iter().map(Into::into).collect();
    let _ = writeln!(text, "| action | operations | {} |", roles.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(roles.len()));
    for action in Action::iter() {
        let name: &'static str = action.into();
        let found = operations.of(action);
        let done_by = match found.as_slice() {
            [] if policy::reach(Role::System, action) != Reach::No => "`painreg worker`".to_owned(),
            [] => "`painreg codes import`".to_owned(),
            found => found.join(", "),
        };
        let cells: Vec<&'static str> = Role::iter()
            .map(|role| match policy::reach(role, action) {
                Reach::No => "",
                reach => reach.into(),
            })
            .collect();
        let _ = writeln!(text, "| {name} | {done_by} | {} |", cells.join(" | "));
    }
    text
}

/// Renders the table of problems.
pub fn problems() -> String {
    let mut text = "<!-- Rendered by `painreg openapi write`; do not edit. -->\n# Problems\n\nEvery error response is `application/problem+json` (RFC 9457). `code` is stable: match on it. `errors` names the refused parts of the request; submitted values are never repeated.\n\n| code | status | title (en) | title (nb) | advice |\n|---|---|---|---|---|\n".to_owned();
    for code in Code::iter() {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            code.name(),
            code.status(),
            code.en(),
            code.nb(),
            code.help()
        );
    }
    text.push_str("\n## Codes in `errors`\n\n| code | en | nb |\n|---|---|---|\n");
    for code in FaultCode::iter() {
        let name: &'static str = code.into();
        let _ = writeln!(text, "| `{name}` | {} | {} |", code.en(), code.nb());
    }
    text
}

/// Renders every document; returns its file name in `openapi/` and its content.
pub fn rendered() -> Vec<(&'static str, String)> {
    let Specification { document, operations, .. } = &*SPECIFICATION;
    let mut json = document.to_pretty_json().unwrap_or_default();
    json.push('\n');
    vec![
        ("openapi.json", json),
        ("instruments.md", instruments::catalogue()),
        ("permissions.md", permissions(operations)),
        ("problems.md", problems()),
        ("workflows.md", workflows::tables()),
    ]
}

#[cfg(test)]
mod tests;
