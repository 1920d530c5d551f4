//! Creates one registry from a template.

use actix_web::{HttpResponse, post};
use painreg_domain::fault::Fault;
use painreg_domain::organisation_number::OrganisationNumber;
use painreg_tenants::IssuerSettings;
use painreg_tenants::provision::{self, NewTenant, Placement};
use serde::Deserialize;

use super::TenantView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IdempotencyKey, reply};

/// A new registry.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTenant {
    /// The name in paths: lower-case letters, digits and dashes, a letter first.
    #[schema(min_length = 3, max_length = 40, pattern = "^[a-z][a-z0-9-]{1,38}[a-z0-9]$", example = "ous")]
    slug: String,
    /// The display name of the registry.
    #[schema(min_length = 1, max_length = 200, example = "Oslo universitetssykehus")]
    name: String,
    /// The organisation number (organisasjonsnummer) of the hospital trust.
    #[serde(default)]
    #[schema(min_length = 9, max_length = 9, example = "993467049")]
    organisation_number: Option<String>,
    /// The template of the registry's initial content.
    #[serde(default = "opr")]
    #[schema(max_length = 40, default = "opr")]
    template: String,
    /// The connection string of a separate database, with a login that may create roles. Absent: in this database.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 1000, write_only)]
    dsn: Option<String>,
    /// The issuers that the registry trusts to identify callers.
    #[serde(default)]
    #[schema(value_type = Vec<Object>, max_items = 20)]
    issuers: Vec<IssuerSettings>,
}

fn opr() -> String {
    "opr".to_owned()
}

impl CreateTenant {
    fn into_domain(self) -> Result<NewTenant, Vec<Fault>> {
        let organisation_number = self
            .organisation_number
            .as_deref()
            .map(OrganisationNumber::parse)
            .transpose()
            .map_err(|code| vec![Fault::at("organisation_number", code)])?;
        Ok(NewTenant {
            slug: self.slug,
            name: self.name,
            organisation_number,
            placement: self.dsn.map_or(Placement::Login, |dsn| Placement::Dsn(dsn.into())),
            template: self.template,
            issuers: self.issuers,
        })
    }
}

/// Create a registry from a template.
///
/// Roles, schema, grants, forms and keys are created in one transaction; the registry is available at once.
#[utoipa::path(tag = "Tenants", extensions(("x-action" = json!("CreateTenant"))),
    request_body = CreateTenant,
    params(IdempotencyKey),
    responses((status = 201, description = "The registry was created.", body = TenantView), Problems))]
#[post("/v1/tenants")]
pub async fn create_tenant(
    caller: Caller,
    key: IdempotencyKey,
    body: Body<CreateTenant>,
) -> Result<HttpResponse, Problem> {
    let meaning = body.value.into_domain();
    caller
        .run_platform_once(key, body.bytes, "/v1/tenants", move |tx| {
            let tenant = TenantView::from(provision::create(tx, &meaning?)?);
            Ok(reply(201, Some(format!("/v1/tenants/{}", tenant.slug)), Some(tenant.version), &tenant))
        })
        .await
}
