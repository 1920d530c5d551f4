//! Nettskjema forms: every delivered version of their definitions, and every saved version of the mappings from their codebooks
//! to the registry's forms.

use std::sync::Arc;

use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Text, Timestamptz};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::nettskjema::{Codebook, NettskjemaDefinition};
use painreg_domain::questionnaire::Mapping;
use serde_json::Value;

use crate::crypt::digest;
use crate::error::StoreError;
use crate::error::unreadable;
use crate::schema::tenant::{nettskjema_definition, nettskjema_form};
use crate::statement::statement;
use crate::store::{Listing, forms, plans, version};
use crate::tx::Tx;

/// The stored definitions and the mapping of one Nettskjema form.
#[derive(Clone, Debug)]
pub struct KnownForm {
    /// The newest mapping to a form; `None` where none was saved.
    pub codebook: Option<Codebook>,
    /// Every version of the definition, newest first.
    pub definitions: Arc<[DefinitionVersion]>,
}

/// One version of the definition of a Nettskjema form.
#[derive(Clone, Debug)]
pub struct DefinitionVersion {
    /// The number of the version, from 1.
    pub version: i64,
    /// The definition as delivered.
    pub definition: NettskjemaDefinition,
    /// The instant Nettskjema generated it; `None` where the definition does not contain one.
    pub generated_at: Option<Timestamp>,
    /// The instant of delivery.
    pub received_at: Timestamp,
}

impl KnownForm {
    /// Returns the definition in force at this instant: the newest version that is not younger, else the oldest.
    pub fn definition_at(&self, at: Timestamp) -> Option<&NettskjemaDefinition> {
        let since = |described: &&DefinitionVersion| described.generated_at.unwrap_or(described.received_at) <= at;
        self.definitions.iter().find(since).or_else(|| self.definitions.last()).map(|described| &described.definition)
    }

    /// Returns the newest definition.
    pub fn newest(&self) -> Option<&NettskjemaDefinition> {
        self.definitions.first().map(|described| &described.definition)
    }
}

/// Returns the stored definitions and the mapping of a Nettskjema form, cached. One round trip reads the newest versions.
pub fn known(tx: &mut Tx<'_>, id: &str) -> Result<KnownForm, StoreError> {
    let mapping = nettskjema_form::table
        .filter(nettskjema_form::nettskjema_id.eq(id))
        .select(max(nettskjema_form::version))
        .single_value();
    let definition = nettskjema_definition::table
        .filter(nettskjema_definition::nettskjema_id.eq(id))
        .select(max(nettskjema_definition::version))
        .single_value();
    let versions: (Option<i64>, Option<i64>) = diesel::select((mapping, definition)).get_result(tx.conn)?;
    tx.place().cache.get_or_load(id, versions, || {
        let codebook = self::mapping(tx, id)?.map(|saved| saved.codebook);
        let definitions = definitions(tx, id)?.into();
        Ok(KnownForm { codebook, definitions })
    })
}

/// One version of a mapping.
#[derive(Clone, Debug)]
pub struct SavedMapping {
    /// The mapping and its form.
    pub codebook: Codebook,
    /// The version, from 1; every change adds 1.
    pub version: i64,
    /// The instant of saving.
    pub updated_at: Timestamp,
}

/// Returns the newest mapping of a Nettskjema form.
pub fn mapping(tx: &mut Tx<'_>, id: &str) -> Result<Option<SavedMapping>, StoreError> {
    let found: Option<(String, String, i64, Value, jiff_diesel::Timestamp)> = nettskjema_form::table
        .filter(nettskjema_form::nettskjema_id.eq(id))
        .order(nettskjema_form::version.desc())
        .select((
            nettskjema_form::form,
            nettskjema_form::form_version,
            nettskjema_form::version,
            nettskjema_form::keys,
            nettskjema_form::updated_at,
        ))
        .first(tx.conn)
        .optional()?;
    let Some((code, form_version, version, keys, updated_at)) = found else { return Ok(None) };
    let form = forms::version(tx, &code, &form_version)?;
    let keys = serde_json::from_value(keys).map_err(unreadable)?;
    let codebook = Codebook::new(&form, Mapping { form_id: id.to_owned(), keys }).map_err(|faults| {
        tracing::error!(nettskjema_id = id, ?faults, "stored Nettskjema mapping does not fit its form");
        StoreError::Unavailable("a stored mapping does not fit its form".to_owned())
    })?;
    Ok(Some(SavedMapping { codebook, version, updated_at: updated_at.to_jiff() }))
}

/// Stores a mapping as the version after `read`, which is 0 where there is none. Leading a Nettskjema form away from the
/// form for which the plan in force links to it is [`StoreError::Invalid`]: answers by those links could not be placed.
pub fn save_mapping(tx: &mut Tx<'_>, codebook: &Codebook, read: i64) -> Result<SavedMapping, StoreError> {
    tx.about(format!("nettskjema_form/{}", codebook.form_id()));
    let generation = tx.generation()?;
    if let Some(plan) = plans::in_force(tx, generation)? {
        let mut links = plan.definition().links.forms.iter();
        if links.any(|(form, number)| number == codebook.form_id() && form != codebook.form().code()) {
            return Err(StoreError::Invalid(vec![Fault::at("form", FaultCode::InUse)]));
        }
    }
    let now = tx.now();
    let new = statement(
        "INSERT INTO nettskjema_form (nettskjema_id, form, form_version, version, keys, updated_at, updated_by) \
         SELECT ?, ?, ?, ?, ?, ?, ?",
    )
    .bind::<Text, _>(codebook.form_id())
    .bind::<Text, _>(codebook.form().code())
    .bind::<Text, _>(codebook.form().version())
    .bind::<BigInt, _>(read + 1)
    .bind::<Jsonb, _>(serde_json::to_value(&codebook.mapping().keys).map_err(unreadable)?)
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Text, _>(tx.trace.action());
    let new =
        version::newest_of(new, "nettskjema_form").then(" WHERE nettskjema_id = ?").bind::<Text, _>(codebook.form_id());
    version::append(tx.conn, new, read)?;
    Ok(SavedMapping { codebook: codebook.clone(), version: read + 1, updated_at: now })
}

/// Returns the newest mapping of every Nettskjema form by id, after `after`.
pub fn mappings(tx: &mut Tx<'_>, after: Option<&str>, limit: i64) -> Result<Listing<SavedMapping>, StoreError> {
    let mut query = nettskjema_form::table
        .select(nettskjema_form::nettskjema_id)
        .distinct()
        .order(nettskjema_form::nettskjema_id)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(nettskjema_form::nettskjema_id.gt(after));
    }
    let found: Listing<String> = Listing::load(tx.conn, query, limit)?;
    found.try_map(|id| mapping(tx, &id)?.ok_or(StoreError::NotFound))
}

/// Returns every version of the definition of a Nettskjema form, newest first.
pub fn definitions(tx: &mut Tx<'_>, id: &str) -> Result<Vec<DefinitionVersion>, StoreError> {
    type Row = (i64, Value, Option<jiff_diesel::Timestamp>, jiff_diesel::Timestamp);
    let rows: Vec<Row> = nettskjema_definition::table
        .filter(nettskjema_definition::nettskjema_id.eq(id))
        .order(nettskjema_definition::version.desc())
        .select((
            nettskjema_definition::version,
            nettskjema_definition::document,
            nettskjema_definition::generated_at,
            nettskjema_definition::received_at,
        ))
        .load(tx.conn)?;
    rows.into_iter()
        .map(|(version, document, generated_at, received_at)| {
            Ok(DefinitionVersion {
                version,
                definition: serde_json::from_value(document).map_err(unreadable)?,
                generated_at: generated_at.map(jiff_diesel::Timestamp::to_jiff),
                received_at: received_at.to_jiff(),
            })
        })
        .collect()
}

/// Stores the definition of a Nettskjema form. Returns its version and whether it is new.
pub fn describe(
    tx: &mut Tx<'_>,
    id: &str,
    definition: &NettskjemaDefinition,
) -> Result<(DefinitionVersion, bool), StoreError> {
    tx.about(format!("nettskjema_definition/{id}"));
    let document = serde_json::to_value(definition).map_err(unreadable)?;
    let says = definition.canonical();
    let digest = digest(&says);
    let same = |described: &DefinitionVersion| described.definition.canonical() == says;
    let known = definitions(tx, id)?;
    if let Some(described) = known.iter().find(|described| same(described)) {
        return Ok((described.clone(), false));
    }
    let version = known.first().map_or(0, |newest| newest.version) + 1;
    let (now, generated_at) = (tx.now(), definition.generated_at());
    let stored = diesel::insert_into(nettskjema_definition::table)
        .values((
            nettskjema_definition::nettskjema_id.eq(id),
            nettskjema_definition::version.eq(version),
            nettskjema_definition::digest.eq(digest.as_slice()),
            nettskjema_definition::document.eq(&document),
            nettskjema_definition::generated_at.eq(generated_at.map(jiff_diesel::ToDiesel::to_diesel)),
            nettskjema_definition::received_at.eq(now.to_diesel()),
            nettskjema_definition::received_by.eq(tx.trace.action()),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn)?;
    if stored == 0 {
        return Err(StoreError::InProgress);
    }
    Ok((DefinitionVersion { version, definition: definition.clone(), generated_at, received_at: now }, true))
}
