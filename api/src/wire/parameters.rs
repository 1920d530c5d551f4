//! Parameters of requests: the table of path parameters, and their documentation.

use painreg_domain::fault::{Fault, FaultCode};

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr, Required};

use crate::problem::{Code, Problem};

/// Returns the problem of an invalid query parameter or header (status 400).
pub fn parameter(kind: &str, name: &str) -> Problem {
    Problem::with(Code::InvalidParameter, vec![Fault::new(format!("/{kind}/{name}"), FaultCode::InvalidFormat)])
}

/// The schema of a path parameter.
enum Shape {
    /// Text of at most so many characters.
    Text(usize),
    /// A schema of the specification's components.
    Component(&'static str),
}

/// Every path parameter: name, schema, description. The specification documents each `{name}` of a path from here.
const PATH: &[(&str, Shape, &str)] = &[
    ("alert", Shape::Component("AlertId"), "The alert's id."),
    ("code", Shape::Text(16), "The code, with or without its dot, in either case."),
    ("entry", Shape::Component("EntryId"), "The entry's id."),
    ("form", Shape::Text(64), "The form's code."),
    ("form_id", Shape::Text(12), "The form's number in Nettskjema."),
    ("instrument", Shape::Text(40), "The instrument's code."),
    ("invitation", Shape::Component("InvitationId"), "The invitation's id."),
    ("language", Shape::Text(12), "The language (BCP 47)."),
    ("licence", Shape::Component("LicenceId"), "The licence's id."),
    ("list", Shape::Text(40), "The list's name: `treatment_right`, `unit`, .."),
    ("merge", Shape::Component("MergeId"), "The merge's id."),
    ("operation", Shape::Component("OperationId"), "The long operation's id."),
    (
        "patient",
        Shape::Component("PatientId"),
        "The patient's id. That of a patient who was merged into another leads to the other's record.",
    ),
    ("project", Shape::Text(40), "The project's code."),
    ("quarantined", Shape::Component("QuarantineId"), "The delivery's id in quarantine."),
    ("submission", Shape::Component("SubmissionId"), "The submission's id."),
    ("system", Shape::Component("System"), "The code system."),
    ("tenant", Shape::Text(40), "The registry's slug."),
    ("version", Shape::Text(32), "The version."),
    ("webhook", Shape::Component("WebhookId"), "The webhook's id."),
];

/// Returns the documentation of a path parameter; `None` for a name that is not in the table.
pub fn path_parameter(name: &str) -> Option<Parameter> {
    let (name, shape, description) = PATH.iter().find(|(known, ..)| *known == name)?;
    Some(documented(name, ParameterIn::Path, true, shape, description))
}

/// Returns the documentation of a request header of at most so many characters.
pub(super) fn header_parameter(name: &str, required: bool, most: usize, description: &str) -> Parameter {
    documented(name, ParameterIn::Header, required, &Shape::Text(most), description)
}

/// Returns the documentation of an optional query parameter.
pub(super) fn query_parameter(name: &str, description: &str, schema: RefOr<Schema>) -> Parameter {
    with_schema(name, ParameterIn::Query, false, schema, description)
}

fn documented(name: &str, place: ParameterIn, required: bool, shape: &Shape, description: &str) -> Parameter {
    let schema = match shape {
        Shape::Text(most) => ObjectBuilder::new().schema_type(Type::String).max_length(Some(*most)).into(),
        Shape::Component(component) => Ref::from_schema_name(*component).into(),
    };
    with_schema(name, place, required, schema, description)
}

fn with_schema(name: &str, place: ParameterIn, required: bool, schema: RefOr<Schema>, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(if required { Required::True } else { Required::False })
        .description(Some(description))
        .schema(Some(schema))
        .build()
}
