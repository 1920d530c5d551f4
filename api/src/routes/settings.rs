//! What a registry decides for itself (innstillinger).

pub mod change;
pub mod read;

use jiff::Timestamp;
use painreg_domain::settings::Settings;
use painreg_tenants::store::settings::KeptSettings;
use serde::Serialize;

/// The registry's settings.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StoredSettings)]
pub struct SettingsView {
    /// The settings.
    settings: Settings,
    /// When they last changed.
    updated_at: Timestamp,
    /// Counts changes; also the ETag.
    #[schema(minimum = 1)]
    pub version: i64,
}

impl From<KeptSettings> for SettingsView {
    fn from(it: KeptSettings) -> Self {
        Self { settings: it.settings, updated_at: it.updated_at, version: it.version }
    }
}
