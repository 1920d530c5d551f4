//! Forms. Published versions are immutable and cached; drafts are not.

use diesel::prelude::*;
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::event;
use painreg_domain::questionnaire::{Definition, Form};
use serde_json::Value;

use crate::cursor::Keyset;
use crate::error::StoreError;
use crate::schema::tenant::{form_draft, form_version, nettskjema_form};
use crate::store::{Listing, version};
use crate::tx::Tx;

/// The draft of a form.
#[derive(Clone, Debug)]
pub struct StoredFormDraft {
    /// The definition, which may have faults.
    pub definition: Definition,
    /// The instant of creation.
    pub created_at: Timestamp,
    /// The instant of the last change.
    pub updated_at: Timestamp,
    /// The version, from 1; every change adds 1. The ETag.
    pub version: i64,
}

/// A published version of a form.
#[derive(Clone, Debug)]
pub struct PublishedForm {
    /// The form in this version.
    pub form: Form,
    /// The instant of publication.
    pub published_at: Timestamp,
}

/// Returns one published version of a form.
pub fn version(tx: &mut Tx<'_>, code: &str, version: &str) -> Result<Form, StoreError> {
    tx.place().cache.get_or_load(&format!("{code}\0{version}"), (), || {
        let definition: Value =
            form_version::table.find((code, version)).select(form_version::definition).first(tx.conn)?;
        read(&definition)
    })
}

/// Returns the newest published version of a form.
pub fn newest(tx: &mut Tx<'_>, code: &str) -> Result<Form, StoreError> {
    let found: String = form_version::table
        .filter(form_version::code.eq(code))
        .order((form_version::published_at.desc(), form_version::version.desc()))
        .select(form_version::version)
        .first(tx.conn)?;
    version(tx, code, &found)
}

/// Returns the codes of the forms with a published version that is not a baseline.
pub(super) fn that_follow_up(tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
    Ok(form_version::table
        .filter(form_version::wave.ne_all(["baseline", "baseline_short"]))
        .select(form_version::code)
        .distinct()
        .order(form_version::code)
        .load(tx.conn)?)
}

/// Returns the version published before this one; `None` for the first.
pub fn before(tx: &mut Tx<'_>, form: &Form) -> Result<Option<Form>, StoreError> {
    let at: jiff_diesel::Timestamp =
        form_version::table.find((form.code(), form.version())).select(form_version::published_at).first(tx.conn)?;
    let found: Option<String> = form_version::table
        .filter(form_version::code.eq(form.code()))
        .filter(
            form_version::published_at
                .lt(at)
                .or(form_version::published_at.eq(at).and(form_version::version.lt(form.version()))),
        )
        .order((form_version::published_at.desc(), form_version::version.desc()))
        .select(form_version::version)
        .first(tx.conn)
        .optional()?;
    found.map(|found| version(tx, form.code(), &found)).transpose()
}

/// Returns the published versions of one form, newest first, before `before`.
pub fn versions(
    tx: &mut Tx<'_>,
    code: &str,
    before: Option<Keyset<Timestamp, String>>,
    limit: i64,
) -> Result<Listing<PublishedForm>, StoreError> {
    let mut query = form_version::table
        .filter(form_version::code.eq(code))
        .order((form_version::published_at.desc(), form_version::version.desc()))
        .select((form_version::version, form_version::published_at))
        .into_boxed();
    let is_first = before.is_none();
    if let Some(Keyset(at, version)) = before {
        let at = super::comparable(at);
        query = query.filter(
            form_version::published_at
                .lt(at)
                .or(form_version::published_at.eq(at).and(form_version::version.lt(version))),
        );
    }
    let found: Listing<(String, jiff_diesel::Timestamp)> = Listing::load(tx.conn, query, limit)?;
    if found.items.is_empty() && is_first {
        return Err(StoreError::NotFound);
    }
    found.try_map(|(found, at)| Ok(PublishedForm { form: version(tx, code, &found)?, published_at: at.to_jiff() }))
}

/// Returns the draft of a form.
pub fn draft(tx: &mut Tx<'_>, code: &str) -> Result<StoredFormDraft, StoreError> {
    let (definition, created_at, updated_at, version): (Value, jiff_diesel::Timestamp, jiff_diesel::Timestamp, i64) =
        form_draft::table
            .find(code)
            .select((form_draft::definition, form_draft::created_at, form_draft::updated_at, form_draft::version))
            .first(tx.conn)?;
    let definition = serde_json::from_value(definition).map_err(unreadable)?;
    Ok(StoredFormDraft { definition, created_at: created_at.to_jiff(), updated_at: updated_at.to_jiff(), version })
}

/// Creates a draft of a form that has none.
pub fn begin(tx: &mut Tx<'_>, definition: &Definition) -> Result<StoredFormDraft, StoreError> {
    tx.about(format!("form_draft/{}", definition.code));
    let now = tx.now().to_diesel();
    diesel::insert_into(form_draft::table)
        .values((
            form_draft::code.eq(&definition.code),
            form_draft::definition.eq(serde_json::to_value(definition).map_err(unreadable)?),
            form_draft::created_at.eq(now),
            form_draft::updated_at.eq(now),
            form_draft::updated_by.eq(tx.trace.action()),
        ))
        .execute(tx.conn)?;
    draft(tx, &definition.code)
}

/// Replaces the definition of a draft; [`StoreError::Stale`] if the draft changed since `version` was read.
pub fn replace(tx: &mut Tx<'_>, version: i64, definition: &Definition) -> Result<StoredFormDraft, StoreError> {
    tx.about(format!("form_draft/{}", definition.code));
    let changed = diesel::update(form_draft::table.find(&definition.code).filter(form_draft::version.eq(version)))
        .set((
            form_draft::definition.eq(serde_json::to_value(definition).map_err(unreadable)?),
            form_draft::updated_at.eq(tx.now().to_diesel()),
            form_draft::updated_by.eq(tx.trace.action()),
            form_draft::version.eq(form_draft::version + 1),
        ))
        .execute(tx.conn)?;
    let draft = draft(tx, &definition.code)?;
    version::one_changed(changed).map(|()| draft)
}

/// Deletes a draft; [`StoreError::Stale`] if the draft changed since `version` was read.
pub fn discard(tx: &mut Tx<'_>, code: &str, version: i64) -> Result<(), StoreError> {
    tx.about(format!("form_draft/{code}"));
    let read = form_draft::table.find(code).filter(form_draft::version.eq(version));
    let deleted = diesel::delete(read).execute(tx.conn)?;
    version::one_changed(deleted).or_else(|stale| draft(tx, code).and(Err(stale)))
}

/// Publishes a form as an immutable version and deletes the draft that it was read from, in the version `draft`.
pub fn publish(tx: &mut Tx<'_>, draft: i64, form: &Form) -> Result<(), StoreError> {
    discard(tx, form.code(), draft)?;
    let now = tx.now();
    insert(tx.conn, form, now)?;
    let object = format!("form/{}/{}", form.code(), form.version());
    tx.about(object.clone());
    tx.emit(event::EventType::FormPublished, None, object, None);
    Ok(())
}

/// Returns every published version by code and version, after `after`.
pub fn list(tx: &mut Tx<'_>, after: Option<Keyset<String, String>>, limit: i64) -> Result<Listing<Form>, StoreError> {
    let mut query = form_version::table
        .order((form_version::code, form_version::version))
        .select((form_version::code, form_version::version))
        .into_boxed();
    if let Some(Keyset(code, version)) = after {
        query = query.filter(
            form_version::code.gt(code.clone()).or(form_version::code.eq(code).and(form_version::version.gt(version))),
        );
    }
    let found: Listing<(String, String)> = Listing::load(tx.conn, query, limit)?;
    found.try_map(|(code, of)| version(tx, &code, &of))
}

/// Returns the newest published version of every form by code.
pub fn in_use(tx: &mut Tx<'_>) -> Result<Vec<Form>, StoreError> {
    let found: Vec<(String, String)> = form_version::table
        .distinct_on(form_version::code)
        .order((form_version::code, form_version::published_at.desc(), form_version::version.desc()))
        .select((form_version::code, form_version::version))
        .load(tx.conn)?;
    found.iter().map(|(code, of)| version(tx, code, of)).collect()
}

/// Stores a template's forms in a new registry. The connection is the owner's, with the registry's schema as search path.
pub(crate) fn seed(conn: &mut PgConnection, forms: &[Form], now: Timestamp) -> Result<(), StoreError> {
    for form in forms {
        insert(conn, form, now)?;
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

fn insert(conn: &mut PgConnection, form: &Form, now: Timestamp) -> Result<(), StoreError> {
    let wave: &'static str = form.wave().into();
    diesel::insert_into(form_version::table)
        .values((
            form_version::code.eq(form.code()),
            form_version::version.eq(form.version()),
            form_version::wave.eq(wave),
            form_version::definition.eq(serde_json::to_value(form.definition()).map_err(unreadable)?),
            form_version::published_at.eq(now.to_diesel()),
        ))
        .execute(conn)?;
    Ok(())
}

fn read(definition: &Value) -> Result<Form, StoreError> {
    Form::from_json(definition).map_err(unreadable)
}

fn unreadable(error: impl std::fmt::Display) -> StoreError {
    tracing::error!(%error, "stored form cannot be read");
    StoreError::Unavailable("a stored form cannot be read".to_owned())
}
