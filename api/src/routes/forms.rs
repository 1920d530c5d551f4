//! Forms: the registry's published versions, and the drafts that they come from.

pub mod begin;
pub mod differences;
pub mod discard;
pub mod draft;
pub mod export;
pub mod import;
pub mod import_questionnaire;
pub mod list;
pub mod publish;
pub mod questionnaire;
pub mod read;
pub mod replace;
pub mod version;
pub mod versions;

use jiff::Timestamp;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::questionnaire::fhir::IgnoredElement;
use painreg_domain::questionnaire::{Definition, Form, Wave};
use painreg_tenants::store::forms::{self, StoredFormDraft};
use painreg_tenants::{Reply, StoreError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::problem::Problem;
use crate::views::draft::DraftFault;
use crate::wire::{ListedCode, reply};

/// A published version of a form (skjema).
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Form)]
pub struct FormView {
    /// The code of the form.
    #[schema(max_length = 64, example = "opr-baseline")]
    code: String,
    /// The version of the form.
    #[schema(max_length = 32, example = "1")]
    version: String,
    /// The wave of the course in which the form is asked for.
    wave: Wave,
    /// The codes of all items, those of instruments included.
    #[schema(value_type = Vec<ListedCode>, max_items = 2000)]
    item_codes: Vec<String>,
    /// The whole definition: title, own items, instruments, Nettskjema mapping.
    #[schema(value_type = Object)]
    definition: Value,
}

impl From<Form> for FormView {
    fn from(form: Form) -> Self {
        Self {
            code: form.code().to_owned(),
            version: form.version().to_owned(),
            wave: form.wave(),
            item_codes: form.item_codes().map(str::to_owned).collect(),
            definition: serde_json::to_value(form.definition()).unwrap_or_default(),
        }
    }
}

/// The content of a draft.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormDraft {
    /// The whole definition: code, version, title, wave, own items, instruments, pages, languages.
    #[schema(value_type = Object)]
    definition: Definition,
}

/// The draft of a form.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StoredFormDraft)]
pub struct DraftView {
    /// The whole definition of the draft.
    #[schema(value_type = Object)]
    definition: Definition,
    /// The faults to correct before publication; pointers refer to the definition.
    #[schema(max_items = 1000)]
    faults: Vec<DraftFault>,
    /// The time of creation.
    created_at: Timestamp,
    /// The time of the last change.
    updated_at: Timestamp,
    /// Counts changes; also the ETag.
    #[schema(minimum = 1)]
    version: i64,
}

impl From<StoredFormDraft> for DraftView {
    fn from(it: StoredFormDraft) -> Self {
        let faults = Form::new(it.definition.clone()).err().unwrap_or_default().into_iter().take(1000);
        Self {
            definition: it.definition,
            faults: faults.map(DraftFault::from).collect(),
            created_at: it.created_at,
            updated_at: it.updated_at,
            version: it.version,
        }
    }
}

/// The result of the import of a form.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ImportedForm {
    /// The code of the form.
    #[schema(max_length = 64, example = "opr-baseline")]
    code: String,
    /// The version of the form.
    #[schema(max_length = 32, example = "1")]
    version: String,
    /// Whether the version is already published in this registry; false: a draft.
    published: bool,
    /// The faults to correct before the draft can be published; pointers refer to the definition.
    #[schema(max_items = 1000)]
    faults: Vec<DraftFault>,
    /// The elements of a FHIR resource that were accepted and not read; empty for a form's own file.
    #[schema(max_items = 200)]
    ignored: Vec<IgnoredElement>,
}

/// Creates a draft from an imported form, unless the same version exists: published, or as a draft.
fn take_in(
    tx: &mut Tx<'_>,
    tenant: &str,
    definition: Definition,
    ignored: Vec<IgnoredElement>,
) -> Result<Reply, Problem> {
    let place = format!("/v1/tenants/{tenant}/forms/{}", definition.code);
    let known = match forms::version(tx, &definition.code, &definition.version) {
        Err(StoreError::NotFound) => None,
        known => Some(known?),
    };
    let (status, location, draft) = match known {
        Some(form) if *form.definition() == definition => (200, format!("{place}/versions/{}", form.version()), None),
        Some(_) => {
            let taken = Fault::new("/definition/version", FaultCode::AlreadyExists);
            return Err(StoreError::Conflict(vec![taken]).into());
        }
        None => match forms::draft(tx, &definition.code) {
            Ok(draft) if draft.definition == definition => (200, format!("{place}/draft"), Some(draft)),
            Ok(_) | Err(StoreError::NotFound) => (201, format!("{place}/draft"), Some(forms::begin(tx, &definition)?)),
            Err(other) => return Err(other.into()),
        },
    };
    let version = draft.as_ref().map(|draft| draft.version);
    let faults = draft.map(|draft| DraftView::from(draft).faults);
    let published = faults.is_none();
    let Definition { code, version: named, .. } = definition;
    let view = ImportedForm { code, version: named, published, faults: faults.unwrap_or_default(), ignored };
    Ok(reply(status, Some(location), version, &view))
}
