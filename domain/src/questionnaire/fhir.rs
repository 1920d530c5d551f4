//! Forms and answers as FHIR R4 resources (Questionnaire, `QuestionnaireResponse`) and back; structure only, no endpoints.
//!
//! | here | there |
//! |---|---|
//! | own item | item with its code as `linkId`; `integer`, `decimal`, `choice`, `date`, `boolean`, `text` |
//! | group of boxes | group with a `boolean` for every option (`sites.neck`): ticked, not ticked and not shown stay three |
//! | instrument | group with the instrument's code; our own labels only, the holder's notice as `copyright` |
//! | page | group (`page:sleep`) |
//! | help | `display` item with the item control `help` |
//! | condition | `enableWhen`, or a `FHIRPath` expression where that cannot say it; our own words beside what is ambiguous |
//! | further languages | the translation extension |
//!
//! Reading is verified by writing: the result is written again, and every part of the original that is missing in it
//! is a fault at its place, unless the table of elements says that it is harmless: then it is listed. No part is dropped
//! silently.
//!
//! Texts for people that are no help to an item (`display`) are among the harmless parts. A language is the one that
//! forms have a place for: `no`, `nb-NO` are `nb`, `nn-NO` is `nn`, `en-GB` is `en`.

mod canonical;
mod conditions;
mod elements;
mod read;
mod response;
mod write;

pub use elements::{IgnoredElement, ignored_of_response};

/// The system of the tokens of invitations.
pub const INVITATION: &str = "urn:painreg:invitation-token";
/// The system of instrument codes.
const INSTRUMENT: &str = "urn:painreg:instrument";
/// The system of the uses of forms.
const WAVE: &str = "urn:painreg:wave";
/// The condition as written in the definition.
const VISIBLE_IF: &str = "urn:painreg:visible-if";
const TRANSLATION: &str = "http://hl7.org/fhir/StructureDefinition/translation";
const MIN_VALUE: &str = "http://hl7.org/fhir/StructureDefinition/minValue";
const MAX_VALUE: &str = "http://hl7.org/fhir/StructureDefinition/maxValue";
const MAX_DECIMAL_PLACES: &str = "http://hl7.org/fhir/StructureDefinition/maxDecimalPlaces";
const ITEM_CONTROL: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-itemControl";
const ITEM_CONTROLS: &str = "http://hl7.org/fhir/questionnaire-item-control";
const ENABLE_WHEN_EXPRESSION: &str =
    "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression";

const PAGE: &str = "page:";
const HELP: &str = "help:";
const OF_INSTRUMENT: &str = "instrument:";

/// The choices for writing a questionnaire.
#[derive(Clone, Copy, Debug)]
pub struct Style<'s> {
    /// The prefix of the form's code in the canonical address.
    pub base: &'s str,
    /// `draft`, `active` or `retired`.
    pub status: &'s str,
    /// The language of the words; the others are translations.
    pub language: &'s str,
}
