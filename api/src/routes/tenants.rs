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

/// One registry (register), as its operator sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Tenant)]
pub struct TenantView {
    /// The name in paths.
    #[schema(max_length = 40, example = "ous")]
    pub slug: String,
    /// The name for people.
    #[schema(max_length = 200)]
    pub name: String,
    /// The hospital trust's organisation number.
    #[schema(max_length = 9, min_length = 9)]
    pub organisation_number: Option<String>,
    /// `login`: in this database; `dsn`: in one of its own.
    #[schema(max_length = 20, example = "login")]
    pub placement: String,
    /// `active` or `suspended`.
    #[schema(max_length = 20, example = "active")]
    pub state: String,
    /// The template it was made from.
    #[schema(max_length = 40, example = "opr")]
    pub template: String,
    /// The newest migration it has.
    #[schema(max_length = 40)]
    pub schema_version: String,
    /// Whom it trusts to identify callers.
    #[schema(value_type = Vec<Object>, max_items = 20)]
    pub issuers: Vec<IssuerSettings>,
    /// When it was created.
    pub created_at: jiff::Timestamp,
    /// When it last changed.
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
