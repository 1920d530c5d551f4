//! Licences of instruments (lisensregister).

pub mod change;
pub mod due;
pub mod list;
pub mod read;
pub mod register;
pub mod versions;
pub mod withdraw;

use jiff::Timestamp;
use painreg_domain::ids::LicenceId;
use painreg_domain::licence::Licence;
use painreg_tenants::store::licences::KeptLicence;
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use crate::wire::Patch;

/// A licence in a request body.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(as = NewLicence)]
pub struct LicenceBody(pub Licence);

/// The name of the merge patch of a licence in the specification.
pub struct LicenceChange;

impl utoipa::PartialSchema for LicenceChange {
    fn schema() -> RefOr<Schema> {
        Patch::<Licence>::schema()
    }
}

impl utoipa::ToSchema for LicenceChange {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Licence::schemas(schemas);
    }
}

/// A licence of the registry.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = RegisteredLicence)]
pub struct LicenceView {
    /// The id of the licence.
    id: LicenceId,
    /// The terms of the licence; invoices and note are shown to callers who manage licences.
    licence: Option<Licence>,
    /// The time of registration.
    created_at: Timestamp,
    /// The time of the last change.
    updated_at: Timestamp,
    /// The action that last changed it.
    #[schema(max_length = 64)]
    updated_by: String,
    /// Counts changes; also the ETag.
    #[schema(minimum = 1)]
    pub version: i64,
}

impl From<KeptLicence> for LicenceView {
    fn from(it: KeptLicence) -> Self {
        Self {
            id: it.id,
            licence: it.licence,
            created_at: it.created_at,
            updated_at: it.changed_at,
            updated_by: it.changed_by,
            version: it.version,
        }
    }
}
