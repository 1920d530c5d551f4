//! Updates a registry's name and issuers.

use actix_web::http::header;
use actix_web::{HttpResponse, patch, web};
use painreg_tenants::store::tenants;
use painreg_tenants::{IssuerSettings, StoreError, provision};
use serde::{Deserialize, Serialize};

use super::TenantView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IfMatch, Patch, etag};

/// The merge patch of a registry (RFC 7396): absent members stay as they are.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateTenant {
    /// The display name of the registry.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The trusted issuers: the whole list, which replaces the previous one.
    #[schema(value_type = Vec<Object>, max_items = 20)]
    issuers: Vec<IssuerSettings>,
}

type TenantPatch = Patch<UpdateTenant>;

/// Update a registry's name or its trusted issuers.
#[utoipa::path(tag = "Tenants", extensions(("x-action" = json!("UpdateTenant"))),
    params(IfMatch),
    request_body(content = TenantPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The registry after the change.", body = TenantView), Problems))]
#[patch("")]
pub async fn update_tenant(
    caller: Caller,
    path: web::Path<String>,
    version: IfMatch,
    body: Body<TenantPatch>,
) -> Result<HttpResponse, Problem> {
    let changes = body.value;
    let tenant = caller
        .run_platform(move |tx| {
            let before = tenants::find(tx, &path)?;
            let version = version.against(before.version)?;
            let UpdateTenant { name, issuers } =
                changes.apply(&UpdateTenant { name: before.name, issuers: before.issuers })?;
            let faults = provision::issuer_faults(&issuers);
            if !faults.is_empty() {
                return Err(StoreError::Invalid(faults).into());
            }
            Ok(TenantView::from(tenants::update(tx, &path, version, &name, &issuers)?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(tenant.version))).json(tenant))
}
