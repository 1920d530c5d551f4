//! Changes the registry's settings; the previous values stay among their versions.

use actix_web::http::header;
use actix_web::{HttpResponse, patch, web};
use painreg_domain::followup::Channel;
use painreg_domain::licence::Term;
use painreg_domain::settings::UseOutsideLicence;
use painreg_tenants::StoreError;
use painreg_tenants::store::settings;
use serde::Deserialize;
use validator::Validate;

use super::SettingsView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IfMatch, etag, non_null};

/// The merge patch of the settings (RFC 7396): absent members stay as they are.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSettings {
    /// The treatment of answers to a form that contains an instrument without a valid licence.
    #[serde(default, deserialize_with = "non_null")]
    #[schema(nullable = false)]
    use_outside_licence: Option<UseOutsideLicence>,
    /// The EQ-5D value sets to compute for every stored answer, the primary one first.
    #[serde(default, deserialize_with = "non_null")]
    #[schema(value_type = Option<Vec<Term>>, min_items = 1, max_items = 20, nullable = false)]
    value_sets: Option<Vec<String>>,
    /// The channels with a sender at the hospital.
    #[serde(default, deserialize_with = "non_null")]
    #[schema(max_items = 4, nullable = false)]
    channels: Option<Vec<Channel>>,
}

/// Update the registry's settings. A change takes effect with the next request.
#[utoipa::path(tag = "Lists", extensions(("x-action" = json!("ChangeSettings"))),
    params(IfMatch),
    request_body(content = ChangeSettings, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The settings after the change.", body = SettingsView), Problems))]
#[patch("/v1/tenants/{tenant}/settings")]
pub async fn change_settings(
    caller: Caller,
    _path: web::Path<String>,
    version: IfMatch,
    body: Body<ChangeSettings>,
) -> Result<HttpResponse, Problem> {
    let ChangeSettings { use_outside_licence, value_sets, channels } = body.value;
    let view = caller
        .run(move |tx| {
            let before = settings::read(tx)?;
            if before.version != version.0 {
                return Err(StoreError::Stale.into());
            }
            let mut settings = before.settings;
            settings.use_outside_licence = use_outside_licence.unwrap_or(settings.use_outside_licence);
            settings.value_sets = value_sets.unwrap_or(settings.value_sets);
            settings.channels = channels.unwrap_or(settings.channels);
            let faults = settings.faults();
            if !faults.is_empty() {
                return Err(Problem::invalid(faults));
            }
            Ok(SettingsView::from(settings::change(tx, version.0, &settings)?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
