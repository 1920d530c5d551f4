//! Forms: what can be answered, in the registry's own published versions.

pub mod list;
pub mod read;

use painreg_domain::questionnaire::{Form, Wave};
use serde::Serialize;
use serde_json::Value;

use crate::wire::ListedCode;

/// A published version of a form (skjema).
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Form)]
pub struct FormView {
    /// Its code.
    #[schema(max_length = 64, example = "opr-baseline")]
    code: String,
    /// Its version.
    #[schema(max_length = 32, example = "1")]
    version: String,
    /// When in the course it is asked for.
    wave: Wave,
    /// Codes of every item, its instruments' included.
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
