//! Licences of instruments and the wording of instruments. Every version is a row; the highest is current. The licences in force
//! are cached until the registry's cache generation changes.

use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date as SqlDate, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff_diesel::ToDiesel as _;
use painreg_domain::fault::Fault;
use painreg_domain::ids::LicenceId;
use painreg_domain::instrument::{Instrument, Options};
use painreg_domain::licence::{self, Held, Licence, LicenceStatus, LicenceWarning, Wording};
use painreg_domain::policy::Action;
use painreg_domain::questionnaire::Form;
use painreg_domain::settings::{Settings, UseOutsideLicence};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::{StoreError, unreadable};
use crate::schema::tenant::item_text;
use crate::statement::{Statement, statement};
use crate::store::{Listing, code_lists, settings, submissions, version};
use crate::tx::Tx;

/// The licences and settings that answers are checked and scored by.
pub struct Licensing {
    /// Every licence that was not withdrawn, with no answers counted.
    pub licences: Vec<Held>,
    /// The settings of the registry.
    pub settings: Settings,
    /// The options of scoring, from the value sets in the settings.
    pub options: Options,
}

/// A version of a licence.
#[derive(Clone, Debug)]
pub struct KeptLicence {
    /// The id of the licence, the same in every version.
    pub id: LicenceId,
    /// The content; `None` where this version withdraws the licence. Only callers who may manage licences see invoices and note.
    pub licence: Option<Licence>,
    /// The instant of the first version.
    pub created_at: Timestamp,
    /// The instant of this version.
    pub changed_at: Timestamp,
    /// The action that made this version.
    pub changed_by: String,
    /// The version, from 1; every change adds 1.
    pub version: i64,
}

/// The wording of an instrument in one language.
#[derive(Clone, Debug)]
pub struct KeptWording {
    /// The language tag, as it was loaded.
    pub language: String,
    /// The texts of the items.
    pub wording: Wording,
    /// The instant of loading.
    pub loaded_at: Timestamp,
    /// The actor who loaded it, as shown in the access log.
    pub loaded_by: String,
    /// The version, from 1; every change adds 1.
    pub version: i64,
}

#[derive(QueryableByName)]
#[diesel(table_name = crate::schema::tenant::licence)]
struct LicenceRow {
    id: Uuid,
    version: i64,
    content: Option<Value>,
    accounts: Option<Value>,
    #[diesel(sql_type = Timestamptz)]
    created_at: jiff_diesel::Timestamp,
    changed_at: jiff_diesel::Timestamp,
    changed_by: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = item_text)]
struct WordingRow {
    language: String,
    wording: Value,
    loaded_at: jiff_diesel::Timestamp,
    loaded_by: String,
    version: i64,
}

#[derive(QueryableByName)]
struct VolumeRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    answered: i64,
}

impl LicenceRow {
    fn kept(self) -> Result<KeptLicence, StoreError> {
        let whole = self.content.map(|content| with_accounts(content, self.accounts)).transpose()?;
        Ok(KeptLicence {
            id: LicenceId::existing(self.id),
            licence: whole,
            created_at: self.created_at.to_jiff(),
            changed_at: self.changed_at.to_jiff(),
            changed_by: self.changed_by,
            version: self.version,
        })
    }
}

/// The members that only callers who may manage licences see.
const ACCOUNTS: [&str; 2] = ["invoices", "note"];

fn split_accounts(licence: &Licence) -> Result<(Value, Value), StoreError> {
    let Value::Object(mut content) = serde_json::to_value(licence).map_err(unreadable)? else {
        return Err(StoreError::NotFound);
    };
    let accounts: Map<String, Value> = ACCOUNTS.iter().filter_map(|name| content.remove_entry(*name)).collect();
    Ok((content.into(), accounts.into()))
}

fn with_accounts(content: Value, accounts: Option<Value>) -> Result<Licence, StoreError> {
    let mut whole = content;
    if let (Value::Object(members), Some(Value::Object(accounts))) = (&mut whole, accounts) {
        members.extend(accounts);
    }
    serde_json::from_value(whole).map_err(unreadable)
}

/// Starts a query of every version of every licence, with the columns that the caller may see.
fn seen<'a>(tx: &Tx<'_>, select: &'static str) -> Statement<'a> {
    let accounts = if tx.may(Action::ManageLicences) { "accounts" } else { "NULL::jsonb AS accounts" };
    statement(select).then(" id, version, content, ").then(accounts).then(
        ", changed_at, changed_by, (SELECT first.changed_at FROM licence first WHERE first.id = licence.id AND \
         first.version = 1) AS created_at FROM licence",
    )
}

/// Returns the licences that were not withdrawn, in the order of registration, after `after`.
pub fn list(tx: &mut Tx<'_>, after: Option<LicenceId>, limit: i64) -> Result<Listing<KeptLicence>, StoreError> {
    let query = seen(tx, "SELECT * FROM (SELECT DISTINCT ON (id)")
        .then(" WHERE id > ? ORDER BY id, version DESC) newest WHERE content IS NOT NULL ORDER BY id")
        .bind::<SqlUuid, _>(after.map_or(Uuid::nil(), LicenceId::uuid));
    Listing::load(tx.conn, query, limit)?.try_map(LicenceRow::kept)
}

/// Returns the newest version of a licence that was not withdrawn, and its content.
pub fn find(tx: &mut Tx<'_>, id: LicenceId) -> Result<(KeptLicence, Licence), StoreError> {
    let row: LicenceRow = seen(tx, "SELECT")
        .then(" WHERE id = ? ORDER BY version DESC LIMIT 1")
        .bind::<SqlUuid, _>(id.uuid())
        .get_result(tx.conn)?;
    let kept = row.kept()?;
    let licence = kept.licence.clone().ok_or(StoreError::NotFound)?;
    Ok((kept, licence))
}

/// Returns every version of a licence, newest first.
pub fn versions(tx: &mut Tx<'_>, id: LicenceId) -> Result<Vec<KeptLicence>, StoreError> {
    let rows: Vec<LicenceRow> = seen(tx, "SELECT")
        .then(" WHERE id = ? ORDER BY version DESC LIMIT 1000")
        .bind::<SqlUuid, _>(id.uuid())
        .load(tx.conn)?;
    if rows.is_empty() { Err(StoreError::NotFound) } else { rows.into_iter().map(LicenceRow::kept).collect() }
}

/// Registers a licence as version 1.
pub fn register(tx: &mut Tx<'_>, licence: &Licence) -> Result<KeptLicence, StoreError> {
    let id = LicenceId::existing(tx.ordered_id());
    add(tx, id, 0, Some(licence))?;
    Ok(find(tx, id)?.0)
}

/// Changes a licence; [`StoreError::Stale`] if the licence changed since `version` was read.
pub fn change(tx: &mut Tx<'_>, id: LicenceId, version: i64, licence: &Licence) -> Result<KeptLicence, StoreError> {
    add(tx, id, version, Some(licence))?;
    Ok(find(tx, id)?.0)
}

/// Withdraws a licence and keeps its versions; [`StoreError::Stale`] if the licence changed since `version` was read.
pub fn withdraw(tx: &mut Tx<'_>, id: LicenceId, version: i64) -> Result<(), StoreError> {
    add(tx, id, version, None)
}

/// Stores the version after `read`.
fn add(tx: &mut Tx<'_>, id: LicenceId, read: i64, licence: Option<&Licence>) -> Result<(), StoreError> {
    tx.about(format!("licence/{id}"));
    let (content, accounts) = licence.map(split_accounts).transpose()?.unzip();
    let new = statement(
        "INSERT INTO licence (id, version, content, accounts, changed_at, changed_by) SELECT ?, ?, ?, ?, ?, ?",
    )
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<BigInt, _>(read + 1)
    .bind::<Nullable<Jsonb>, _>(content)
    .bind::<Nullable<Jsonb>, _>(accounts)
    .bind::<Timestamptz, _>(tx.now().to_diesel())
    .bind::<Text, _>(tx.trace.action());
    let new = version::newest_of(new, "licence").then(" WHERE id = ?").bind::<SqlUuid, _>(id.uuid());
    version::append(tx.conn, new, read)?;
    code_lists::bump_generation(tx)
}

/// Returns the current licences and settings, cached until they change. A transaction that changes them must not call this: other
/// transactions would see what is not committed.
pub fn current(tx: &mut Tx<'_>) -> Result<Arc<Licensing>, StoreError> {
    let generation = tx.generation()?;
    // The generation was read before the rest: if it is out of date, the rest is read once more.
    tx.place().cache.get_or_load("", generation, || {
        let licences = held(tx)?;
        let settings = settings::read(tx)?.settings;
        let options = Options::parse(&settings.value_sets).unwrap_or_default();
        Ok(Arc::new(Licensing { licences, settings, options }))
    })
}

/// Returns every licence that was not withdrawn, with no answers counted.
fn held(tx: &mut Tx<'_>) -> Result<Vec<Held>, StoreError> {
    let all = list(tx, None, i64::from(i32::MAX))?.items;
    let held = all.into_iter().filter_map(|kept| Some(Held { id: kept.id, licence: kept.licence?, answered: 0 }));
    Ok(held.collect())
}

/// Returns every licence that was not withdrawn; those with a volume cap with the number of answers in the licence year of
/// `today`. An answer counts once for each instrument, in its newest revision, on the Norwegian day of submission.
pub fn counted(tx: &mut Tx<'_>, today: Date) -> Result<Vec<Held>, StoreError> {
    let mut licences = held(tx)?;
    let capped = licences.iter().filter(|held| held.licence.volume_cap.is_some());
    let asked: Vec<(Uuid, &str, Date, Date)> = capped
        .filter_map(|held| Some((held, held.licence.year_of(today)?)))
        .flat_map(|(held, (first, last))| {
            held.licence.instruments.iter().map(move |code| (held.id.uuid(), code.as_str(), first, last))
        })
        .collect();
    if asked.is_empty() {
        return Ok(licences);
    }
    let rows: Vec<VolumeRow> = statement(
        "SELECT asked.id, count(DISTINCT (score.submission_id, score.instrument)) AS answered \
         FROM unnest(?, ?, ?, ?) AS asked (id, instrument, first, last) \
         JOIN score ON score.instrument = asked.instrument JOIN submission ON submission.id = score.submission_id \
         AND (submission.submitted_at AT TIME ZONE 'Europe/Oslo')::date BETWEEN asked.first AND asked.last \
         WHERE ",
    )
    .then(submissions::IS_CURRENT)
    .then(" GROUP BY asked.id")
    .bind::<Array<SqlUuid>, _>(asked.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(asked.iter().map(|(_, code, ..)| *code).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(asked.iter().map(|(.., first, _)| first.to_diesel()).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(asked.iter().map(|(.., last)| last.to_diesel()).collect::<Vec<_>>())
    .load(tx.conn)?;
    for row in rows {
        if let Some(held) = licences.iter_mut().find(|held| held.id.uuid() == row.id) {
            held.answered = u32::try_from(row.answered).unwrap_or(u32::MAX);
        }
    }
    Ok(licences)
}

impl WordingRow {
    fn kept(self) -> Result<KeptWording, StoreError> {
        Ok(KeptWording {
            language: self.language,
            wording: serde_json::from_value(self.wording).map_err(unreadable)?,
            loaded_at: self.loaded_at.to_jiff(),
            loaded_by: self.loaded_by,
            version: self.version,
        })
    }
}

/// Returns the newest wording of an instrument in a language, and whether it may be shown today.
pub fn wording(
    tx: &mut Tx<'_>,
    instrument: &Instrument,
    language: &str,
) -> Result<(KeptWording, LicenceStatus), StoreError> {
    let row: WordingRow = item_text::table
        .filter(item_text::instrument.eq(instrument.code()))
        .filter(item_text::language.eq(language))
        .order(item_text::version.desc())
        .select(WordingRow::as_select())
        .first(tx.conn)?;
    let today = tx.today();
    let status = licence::licence_status(instrument, language, today, &current(tx)?.licences);
    Ok((row.kept()?, status))
}

/// Returns the newest wording of an instrument in every loaded language, by language, and whether it may be shown today.
pub fn wordings(tx: &mut Tx<'_>, instrument: &Instrument) -> Result<Vec<(KeptWording, LicenceStatus)>, StoreError> {
    let rows: Vec<WordingRow> = item_text::table
        .filter(item_text::instrument.eq(instrument.code()))
        .distinct_on(item_text::language)
        .order((item_text::language, item_text::version.desc()))
        .select(WordingRow::as_select())
        .load(tx.conn)?;
    let (today, current) = (tx.today(), current(tx)?);
    let status = |language: &str| licence::licence_status(instrument, language, today, &current.licences);
    rows.into_iter().map(|row| row.kept().map(|kept| (kept.clone(), status(&kept.language)))).collect()
}

/// Stores the wording of an instrument as the version after `read`, which is 0 where there is none.
pub fn load_wording(
    tx: &mut Tx<'_>,
    instrument: &Instrument,
    language: &str,
    read: i64,
    wording: &Wording,
) -> Result<KeptWording, StoreError> {
    tx.about(format!("item_text/{}/{language}", instrument.code()));
    let (now, by) = (tx.now(), tx.principal().actor.clone());
    let new = statement(
        "INSERT INTO item_text (instrument, language, version, wording, loaded_at, loaded_by) SELECT ?, ?, ?, ?, ?, ?",
    )
    .bind::<Text, _>(instrument.code())
    .bind::<Text, _>(language)
    .bind::<BigInt, _>(read + 1)
    .bind::<Jsonb, _>(serde_json::to_value(wording).map_err(unreadable)?)
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Text, _>(&by);
    let new = version::newest_of(new, "item_text")
        .then(" WHERE instrument = ? AND language = ?")
        .bind::<Text, _>(instrument.code())
        .bind::<Text, _>(language);
    version::append(tx.conn, new, read)?;
    let (language, wording) = (language.to_owned(), wording.clone());
    Ok(KeptWording { language, wording, loaded_at: now, loaded_by: by, version: read + 1 })
}

impl Tx<'_> {
    /// Returns a warning for each instrument of a form that is used outside a licence on that day; [`StoreError::LicenceBlocked`]
    /// where the settings forbid that. No round trip after a record was opened to collect, unless the cache is out of date.
    pub fn licensing(&mut self, form: &Form, day: Date) -> Result<Vec<LicenceWarning>, StoreError> {
        let current = current(self)?;
        let warnings = licence::warnings(form, day, &current.licences);
        match current.settings.use_outside_licence {
            UseOutsideLicence::Block if !warnings.is_empty() => {
                let mut faults: Vec<Fault> = warnings.iter().map(|warning| Fault::new("", warning.code)).collect();
                faults.sort();
                faults.dedup();
                Err(StoreError::LicenceBlocked(faults))
            }
            _ => Ok(warnings),
        }
    }
}
