//! Published forms: immutable, so each is read from the database once and kept.

use std::sync::PoisonError;

use diesel::prelude::*;
use painreg_domain::questionnaire::Form;
use serde_json::Value;

use crate::error::StoreError;
use crate::schema::tenant::{form_version, nettskjema_form};
use crate::scope::Tx;
use crate::store::Listing;

/// The published version of a form.
pub fn version(tx: &mut Tx<'_>, code: &str, version: &str) -> Result<Form, StoreError> {
    let place = tx.place();
    let key = (code.to_owned(), version.to_owned());
    let known = place.forms.read().unwrap_or_else(PoisonError::into_inner).by_version.get(&key).cloned();
    if let Some(form) = known {
        return Ok(form);
    }
    let definition: Value =
        form_version::table.find((code, version)).select(form_version::definition).first(tx.conn)?;
    let form = read(&definition)?;
    place.forms.write().unwrap_or_else(PoisonError::into_inner).by_version.insert(key, form.clone());
    Ok(form)
}

/// The newest published version of a form.
pub fn newest(tx: &mut Tx<'_>, code: &str) -> Result<Form, StoreError> {
    let found: String = form_version::table
        .filter(form_version::code.eq(code))
        .order((form_version::published_at.desc(), form_version::version.desc()))
        .select(form_version::version)
        .first(tx.conn)?;
    version(tx, code, &found)
}

/// Every published version, by code and version, after `after`.
pub fn list(tx: &mut Tx<'_>, after: Option<(&str, &str)>, limit: i64) -> Result<Listing<Form>, StoreError> {
    let mut query = form_version::table
        .order((form_version::code, form_version::version))
        .limit(limit + 1)
        .select((form_version::code, form_version::version))
        .into_boxed();
    if let Some((code, version)) = after {
        query = query
            .filter(form_version::code.gt(code).or(form_version::code.eq(code).and(form_version::version.gt(version))));
    }
    let found: Vec<(String, String)> = query.load(tx.conn)?;
    let Listing { items, more } = Listing::cut(found, limit);
    let items = items.iter().map(|(code, of)| version(tx, code, of)).collect::<Result<_, _>>()?;
    Ok(Listing { items, more })
}

/// Puts a template's forms into a new registry; the owner's connection stands in the registry's schema.
pub(crate) fn publish(conn: &mut PgConnection, forms: &[Form], now: jiff::Timestamp) -> Result<(), StoreError> {
    use jiff_diesel::ToDiesel as _;
    for form in forms {
        let wave: &'static str = form.wave().into();
        diesel::insert_into(form_version::table)
            .values((
                form_version::code.eq(form.code()),
                form_version::version.eq(form.version()),
                form_version::wave.eq(wave),
                form_version::definition.eq(serde_json::to_value(form.definition()).unwrap_or_default()),
                form_version::published_at.eq(now.to_diesel()),
            ))
            .execute(conn)?;
        for mapping in &form.definition().nettskjema {
            diesel::insert_into(nettskjema_form::table)
                .values((
                    nettskjema_form::nettskjema_id.eq(&mapping.form_id),
                    nettskjema_form::form.eq(form.code()),
                    nettskjema_form::form_version.eq(form.version()),
                    nettskjema_form::version.eq(1),
                    nettskjema_form::keys.eq(serde_json::to_value(&mapping.keys).unwrap_or_default()),
                    nettskjema_form::updated_at.eq(now.to_diesel()),
                    nettskjema_form::updated_by.eq("CreateTenant"),
                ))
                .execute(conn)?;
        }
    }
    Ok(())
}

fn read(definition: &Value) -> Result<Form, StoreError> {
    Form::from_json(definition).map_err(|error| {
        tracing::error!(%error, "a stored form cannot be read");
        StoreError::Unavailable("a stored form cannot be read".to_owned())
    })
}
