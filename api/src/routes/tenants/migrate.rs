//! Migrates one registry to the server's version.

use actix_web::web::Bytes;
use actix_web::{HttpResponse, post, web};
use painreg_tenants::migrate::Outcome;
use painreg_tenants::provision;
use serde::Serialize;

use crate::caller::Caller;
use crate::problem::{Code, Problem, Problems};
use crate::wire::{IdempotencyKey, reply};

/// The result of a migration.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Migration)]
pub struct MigrationView {
    /// The version before the migration.
    #[schema(max_length = 40)]
    from: String,
    /// The version after the migration.
    #[schema(max_length = 40)]
    to: String,
    /// The outcome: `migrated` or `current`.
    #[schema(max_length = 20, example = "current")]
    outcome: String,
}

/// Migrate a registry's schema to the server's version.
///
/// Other registries are served during the migration. A failure changes nothing and is reported as a problem; its cause
/// is in the server's log.
#[utoipa::path(tag = "Tenants", extensions(("x-action" = json!("MigrateTenant"))),
    params(IdempotencyKey),
    responses((status = 200, description = "The registry is at the server's version.", body = MigrationView), Problems))]
#[post("/migrations")]
pub async fn migrate_tenant(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let place = format!("/v1/tenants/{path}/migrations");
    caller
        .run_platform_once(key, Bytes::new(), &place, move |tx| {
            let done = provision::migrate(tx, &path)?;
            if let Outcome::Failed(why) = done.outcome {
                return Err(Problem { source: Some(why.into()), ..Code::Internal.into() });
            }
            let view = MigrationView { from: done.from, to: done.to, outcome: done.outcome.word().to_owned() };
            Ok(reply(200, None, None, &view))
        })
        .await
}
