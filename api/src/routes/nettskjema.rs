//! Nettskjema (the University of Oslo's survey service): the definitions of its forms, the mappings of their codebooks
//! to forms of the registry, and the deliveries in their original formats.

pub mod definitions;
pub mod deliver;
pub mod deliver_many;
pub mod describe;
pub mod map;
pub mod mapping;
pub mod mappings;

use painreg_domain::questionnaire::Mapping;
use painreg_tenants::store::nettskjema::SavedMapping;
use serde::Serialize;
use std::collections::BTreeMap;

use crate::problem::{Code, Problem};
use crate::wire::etag;

/// The mapping of the codebook of a Nettskjema form to the items of a form.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = NettskjemaMapping)]
pub struct MappingView {
    /// The number of the form in Nettskjema.
    #[schema(max_length = 20, example = "1000001")]
    form_id: String,
    /// The code of the form in the registry.
    #[schema(max_length = 64, example = "opr-baseline")]
    form: String,
    /// The version of the form.
    #[schema(max_length = 32, example = "1")]
    form_version: String,
    /// Codebook path (`key` or `matrix.row`) -> item, or `@national_id`, or `@invitation`: the token of the link that
    /// was followed. A path that is not listed refers to the item with the same name.
    #[schema(value_type = Object, example = json!({"fnr": "@national_id", "isi.1": "isi_01"}))]
    keys: BTreeMap<String, String>,
    /// The version of the mapping; also the ETag.
    #[schema(minimum = 1)]
    version: i64,
    /// The time of the last save.
    updated_at: jiff::Timestamp,
}

impl From<SavedMapping> for MappingView {
    fn from(it: SavedMapping) -> Self {
        let Mapping { form_id, keys } = it.codebook.mapping().clone();
        let form = it.codebook.form();
        Self {
            form_id,
            form: form.code().to_owned(),
            form_version: form.version().to_owned(),
            keys,
            version: it.version,
            updated_at: it.updated_at,
        }
    }
}

impl MappingView {
    fn etag(&self) -> String {
        etag(self.version)
    }
}

/// Checks the form's number in the path: a number of Nettskjema.
fn check_form_id(form_id: &str) -> Result<(), Problem> {
    let digits = (1..=12).contains(&form_id.len()) && form_id.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(()) } else { Err(Code::NotFound.into()) }
}
