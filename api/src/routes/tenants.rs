//! Registries, for operators.

pub mod create;
pub mod drop;
pub mod list;
pub mod migrate;
pub mod read;
pub mod resume;
pub mod suspend;
pub mod update;

use painreg_tenants::IssuerSettings;
use painreg_tenants::store::tenants::TenantRecord;
use serde::Serialize;

/// One registry (register), in the operator's view.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Tenant)]
pub struct TenantView {
    /// The name in paths.
    #[schema(max_length = 40, example = "ous")]
    pub slug: String,
    /// The display name of the registry.
    #[schema(max_length = 200)]
    pub name: String,
    /// The organisation number (organisasjonsnummer) of the hospital trust.
    #[schema(max_length = 9, min_length = 9)]
    pub organisation_number: Option<String>,
    /// The place of the registry's data: `login`, in this database; `dsn`, in a separate database.
    #[schema(max_length = 20, example = "login")]
    pub placement: String,
    /// The state of the registry: `active` or `suspended`.
    #[schema(max_length = 20, example = "active")]
    pub state: String,
    /// The template that the registry was created from.
    #[schema(max_length = 40, example = "opr")]
    pub template: String,
    /// The version of the latest applied migration.
    #[schema(max_length = 40)]
    pub schema_version: String,
    /// The issuers that the registry trusts to identify callers.
    #[schema(value_type = Vec<Object>, max_items = 20)]
    pub issuers: Vec<IssuerSettings>,
    /// The time of creation.
    pub created_at: jiff::Timestamp,
    /// The time of the last change.
    pub updated_at: jiff::Timestamp,
    /// Counts changes; also the ETag.
    #[schema(minimum = 1)]
    pub version: i64,
}

impl From<TenantRecord> for TenantView {
    fn from(it: TenantRecord) -> Self {
        Self {
            slug: it.slug,
            name: it.name,
            organisation_number: it.organisation_number.map(|number| number.to_string()),
            placement: it.placement,
            state: it.state,
            template: it.template,
            schema_version: it.schema_version,
            issuers: it.issuers,
            created_at: it.created_at,
            updated_at: it.updated_at,
            version: it.version,
        }
    }
}
