//! Forms, instruments, their texts and licences.

use painreg_domain::questionnaire::{Form, FormFile};
use serde_json::{Value, json};

use super::example::{Example, ROW, Request};
use super::isi;
use super::parameters::{DRAFTED_FORM, FORM, FORM_VERSION, INSTRUMENT, LANGUAGE, LICENCE, PUBLISHED_FORM};
use crate::examples;

pub const ROWS: &[Example] = &[
    Example { operation: "listForms", ..ROW },
    Example {
        operation: "beginForm",
        body: Some(|request| json!({"definition": form(request, &request.fresh("form"))})),
        ..ROW
    },
    Example { operation: "readForm", path: &[FORM], ..ROW },
    Example { operation: "readFormDifferences", path: &[FORM], ..ROW },
    Example { operation: "readFormDraft", path: &[DRAFTED_FORM], ..ROW },
    Example {
        operation: "replaceFormDraft",
        path: &[DRAFTED_FORM],
        body: Some(|request| json!({"definition": form(request, examples::DRAFT)})),
        version: Some("form_draft WHERE code = '{form}'"),
        ..ROW
    },
    Example {
        operation: "discardFormDraft",
        path: &[DRAFTED_FORM],
        version: Some("form_draft WHERE code = '{form}'"),
        ..ROW
    },
    Example { operation: "listFormVersions", path: &[FORM], ..ROW },
    Example {
        operation: "publishForm",
        path: &[DRAFTED_FORM],
        version: Some("form_draft WHERE code = '{form}'"),
        ..ROW
    },
    Example { operation: "readFormVersion", path: &[PUBLISHED_FORM, FORM_VERSION], ..ROW },
    Example { operation: "readFhirQuestionnaire", path: &[PUBLISHED_FORM, FORM_VERSION], ..ROW },
    Example { operation: "exportForm", path: &[PUBLISHED_FORM, FORM_VERSION], ..ROW },
    Example {
        operation: "importForm",
        body: Some(|request| {
            let form = Form::from_json(&form(request, &request.fresh("form"))).expect("a form");
            serde_json::to_value(FormFile::from(&form)).expect("serializes")
        }),
        ..ROW
    },
    Example {
        operation: "importFhirQuestionnaire",
        body: Some(|request| examples::questionnaire(&request.fresh("form"))),
        ..ROW
    },
    Example { operation: "listInstruments", ..ROW },
    Example { operation: "readInstrument", path: &[INSTRUMENT], ..ROW },
    Example { operation: "scoreAnswers", path: &[INSTRUMENT], body: Some(|_| json!({"answers": isi()})), ..ROW },
    Example { operation: "listItemTexts", path: &[INSTRUMENT], ..ROW },
    Example { operation: "readItemTexts", path: &[INSTRUMENT, LANGUAGE], ..ROW },
    Example {
        operation: "loadItemTexts",
        path: &[INSTRUMENT, LANGUAGE],
        body: Some(|_| examples::wording()),
        version: Some("item_text WHERE instrument = '{instrument}' AND language = '{language}'"),
        ..ROW
    },
    Example { operation: "listLicences", ..ROW },
    Example { operation: "listLicenceDeadlines", ..ROW },
    Example { operation: "registerLicence", body: Some(|_| examples::licence()), ..ROW },
    Example { operation: "readLicence", path: &[LICENCE], ..ROW },
    Example {
        operation: "changeLicence",
        path: &[LICENCE],
        body: Some(|_| json!({})),
        version: Some("licence WHERE id::text = '{licence}'"),
        ..ROW
    },
    Example {
        operation: "withdrawLicence",
        path: &[LICENCE],
        version: Some("licence WHERE id::text = '{licence}'"),
        ..ROW
    },
    Example { operation: "listLicenceVersions", path: &[LICENCE], ..ROW },
];

/// Returns a form of one item, in an unused version.
fn form(request: &Request<'_>, code: &str) -> Value {
    examples::form(code, &request.fresh("v"))
}
