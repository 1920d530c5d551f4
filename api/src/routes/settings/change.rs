//! Changes the registry's settings; the previous values stay among their versions.

use actix_web::http::header;
use actix_web::{HttpResponse, patch, web};
use painreg_domain::settings::Settings;
use painreg_tenants::store::settings;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::SettingsView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Document, IfMatch, Patch, etag};

/// The name of the merge patch of the settings in the specification.
pub struct ChangeSettings;

impl PartialSchema for ChangeSettings {
    fn schema() -> RefOr<Schema> {
        Patch::<Settings>::schema()
    }
}

impl ToSchema for ChangeSettings {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Settings::schemas(schemas);
    }
}

/// Update the registry's settings. A change takes effect with the next request.
#[utoipa::path(tag = "Lists", extensions(("x-action" = json!("ChangeSettings"))),
    params(IfMatch),
    request_body(content = ChangeSettings, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The settings after the change.", body = SettingsView), Problems))]
#[patch("/settings")]
pub async fn change_settings(
    caller: Caller,
    _path: web::Path<String>,
    version: IfMatch,
    body: Document<Patch<Settings>>,
) -> Result<HttpResponse, Problem> {
    let changes = body.value;
    let view = caller
        .run(move |tx| {
            let before = settings::read(tx)?;
            let version = version.against(before.version)?;
            let settings = changes.apply(&before.settings)?;
            let faults = settings.faults();
            if !faults.is_empty() {
                return Err(Problem::invalid(faults));
            }
            Ok(SettingsView::from(settings::change(tx, version, &settings)?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
