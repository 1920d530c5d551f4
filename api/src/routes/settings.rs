//! The registry's settings (innstillinger).

pub mod change;
pub mod read;

use jiff::Timestamp;
use painreg_domain::settings::Settings;
use painreg_tenants::store::settings::KeptSettings;
use serde::Serialize;

/// The settings of the registry, with their version.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StoredSettings)]
pub struct SettingsView {
    /// The values of the settings.
    settings: Settings,
    /// The time of the last change.
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
