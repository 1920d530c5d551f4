//! Detection of a document's wire shape, by members that only one shape has.

use jiff::Timestamp;
use serde_json::Value;
use strum::{EnumIter, IntoStaticStr};

use super::reading::id;
use super::scalar::instant;
use super::{Delivery, NettskjemaDefinition, api_v3, csv_v1, tsd, v1};
use crate::fault::{Fault, FaultCode};

/// The wire shapes of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Shape {
    /// TSD's survey API.
    Tsd,
    /// One document of API v3.
    ApiV3,
    /// One line of API v3's lines: a part of a submission, for [`api_v3::Lines`].
    ApiV3Line,
    /// A row of CSV v1 by column name, as [`csv_v1::CsvRow::document`] keeps it.
    CsvV1Row,
    /// The older JSON with questions.
    V1,
}

impl Shape {
    /// Returns the shape of a document, if it is a known one.
    pub fn detect(document: &Value) -> Option<Self> {
        let object = document.as_object()?;
        let has = |member: &str| object.contains_key(member);
        Some(match () {
            () if has("submissionMetadata") => Self::ApiV3,
            () if has("metadata") || has("version") => Self::Tsd,
            () if has(csv_v1::SUBMISSION) => Self::CsvV1Row,
            () if has("elementType") && has("submissionId") => Self::ApiV3Line,
            () if has("answersAsMap") || has("answers") => Self::V1,
            () => return None,
        })
    }
}

/// Reads one submission in whichever shape it has. A document of no shape is of an `unknown_version`; one line of a
/// submission is not the whole (`required`, at `/submissionMetadata`).
pub fn parse(
    form_id: &str,
    document: &Value,
    definition: Option<&NettskjemaDefinition>,
) -> Result<Delivery, Vec<Fault>> {
    match Shape::detect(document) {
        Some(Shape::Tsd) => tsd::parse(form_id, document),
        Some(Shape::ApiV3) => api_v3::parse(form_id, document, definition),
        Some(Shape::ApiV3Line) => Err(vec![Fault::at("submissionMetadata", FaultCode::Required)]),
        Some(Shape::CsvV1Row) => csv_v1::parse(form_id, document, definition),
        Some(Shape::V1) => v1::parse(form_id, document, definition),
        None => Err(vec![Fault::new("", FaultCode::UnknownVersion)]),
    }
}

/// Returns the number of a submission of any shape, or of one of its lines, even if the rest cannot be read.
pub fn submission_of(document: &Value) -> Option<String> {
    let places = ["/metadata/submission_id", "/submissionMetadata/submissionId", "/submissionId", "/$submission_id"];
    places.iter().find_map(|place| id(document.pointer(place)?)).map(|number| number.to_string())
}

/// Returns the time of submission likewise; it determines the version of the form.
pub fn created_of(document: &Value) -> Option<Timestamp> {
    let places = ["/metadata/created", "/submissionMetadata/createdDate", "/createdDate", "/$created"];
    places.iter().find_map(|place| document.pointer(place)?.as_str()).and_then(instant)
}
