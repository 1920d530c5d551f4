//! The settings of a registry. Every version is a row; the highest is current.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Text, Timestamptz};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::settings::Settings;
use serde_json::Value;

use crate::error::{StoreError, unreadable};
use crate::schema::tenant::registry_setting;
use crate::statement::statement;
use crate::store::{code_lists, plans, version};
use crate::tx::Tx;

/// The current settings with their version.
#[derive(Clone, Debug)]
pub struct KeptSettings {
    /// The content of the settings.
    pub settings: Settings,
    /// The instant of the last change.
    pub updated_at: Timestamp,
    /// The version, from 1; every change adds 1.
    pub version: i64,
}

/// Returns the current settings.
pub fn read(tx: &mut Tx<'_>) -> Result<KeptSettings, StoreError> {
    let (version, content, changed_at): (i64, Value, jiff_diesel::Timestamp) = registry_setting::table
        .order(registry_setting::version.desc())
        .select((registry_setting::version, registry_setting::content, registry_setting::changed_at))
        .first(tx.conn)?;
    let settings = serde_json::from_value(content).map_err(unreadable)?;
    Ok(KeptSettings { settings, updated_at: changed_at.to_jiff(), version })
}

/// Stores settings as the version after `read`. Removing a channel that the plan in force uses is [`StoreError::Invalid`]: its
/// invitations could not be sent.
pub fn change(tx: &mut Tx<'_>, read: i64, settings: &Settings) -> Result<KeptSettings, StoreError> {
    tx.about(format!("registry_setting/{}", read + 1));
    let generation = tx.generation()?;
    if let Some(plan) = plans::in_force(tx, generation)? {
        let mut sends = plan.definition().tracks.iter().flat_map(|track| &track.channels);
        if sends.any(|channel| !settings.channels.contains(channel)) {
            return Err(StoreError::Invalid(vec![Fault::at("channels", FaultCode::InUse)]));
        }
    }
    let new = statement("INSERT INTO registry_setting (version, content, changed_at, changed_by) SELECT ?, ?, ?, ?")
        .bind::<BigInt, _>(read + 1)
        .bind::<Jsonb, _>(serde_json::to_value(settings).map_err(unreadable)?)
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<Text, _>(tx.trace.action());
    version::append(tx.conn, version::newest_of(new, "registry_setting"), read)?;
    code_lists::bump_generation(tx)?;
    self::read(tx)
}
