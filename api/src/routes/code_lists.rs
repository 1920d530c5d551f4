//! The registry's own code lists (kodelister).

pub mod list;
pub mod read;
pub mod replace;

use jiff::Timestamp;
use painreg_domain::code_list::{List, Listed};
use painreg_tenants::store::code_lists::KeptList;
use serde::Serialize;

use crate::problem::{Code, Problem};

/// A code list of the registry.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CodeList)]
pub struct CodeListView {
    /// The name of the list.
    list: List,
    /// The codes, in order, including those not in force.
    #[schema(max_items = 500)]
    codes: Vec<Listed>,
    /// The time of the last change.
    updated_at: Timestamp,
    /// Counts changes; also the ETag.
    #[schema(minimum = 1)]
    version: i64,
}

/// Returns the list with this name.
fn list_of(name: &str) -> Result<List, Problem> {
    name.parse().map_err(|_| Code::NotFound.into())
}

impl From<KeptList> for CodeListView {
    fn from(it: KeptList) -> Self {
        Self { list: it.list, codes: it.codes, updated_at: it.updated_at, version: it.version }
    }
}
