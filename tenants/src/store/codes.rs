//! The platform's code systems, imported by operators and cached by every server. Registries' roles have no rights to these
//! tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date as SqlDate, Nullable, Text};
use jiff_diesel::ToDiesel as _;
use painreg_domain::code::{CodeBook, CodeBooks, Coded, Edition, Import, Issue, ListedCodes, Shipped, System};
use sha2::{Digest as _, Sha256};
use strum::IntoEnumIterator as _;

use crate::error::StoreError;
use crate::schema::platform::{code, code_import};
use crate::statement::statement;
use crate::store::parse_stored;
use crate::store::tenants::bump_generation;
use crate::tx::PlatformTx;

/// The advisory lock of imports: the changes of an import depend on the codes that it found.
const LOCK: i64 = 0x7061_696e_7265_6702;
/// The number of rows that one statement stores.
const BATCH: usize = 2000;

/// An edition to be imported, with its origin.
pub struct EditionSource<'a> {
    /// The code system that the edition belongs to.
    pub system: System,
    /// The name and the first day of the edition.
    pub issue: &'a Issue,
    /// The codes that the edition lists.
    pub listed: &'a ListedCodes,
    /// The name of the file, without its folder.
    pub name: &'a str,
    /// The content of the file.
    pub bytes: &'a [u8],
}

/// The result of an import.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The changes, made or, in a dry run, found.
    pub import: Import,
    /// Whether the changes were stored: not in a dry run, and not where a system already has another edition than the shipped one.
    pub done: bool,
}

/// The number of imports of each system; a cached code book is out of date when its system has another number.
pub(crate) type Versions = BTreeMap<System, i64>;

#[derive(QueryableByName)]
#[diesel(table_name = code)]
struct CodeRow {
    #[diesel(column_name = code_)]
    code: String,
    title: String,
    title_en: Option<String>,
    valid_from: jiff_diesel::Date,
    valid_to: Option<jiff_diesel::Date>,
    edition: String,
}

impl From<CodeRow> for Coded {
    fn from(row: CodeRow) -> Self {
        Self {
            code: row.code,
            title: row.title,
            title_en: row.title_en,
            valid_from: row.valid_from.to_jiff(),
            valid_to: row.valid_to.map(jiff_diesel::Date::to_jiff),
            edition: row.edition,
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = code_import)]
struct EditionRow {
    edition: String,
    valid_from: jiff_diesel::Date,
    imported_at: jiff_diesel::Timestamp,
    codes: i64,
}

impl From<EditionRow> for Edition {
    fn from(row: EditionRow) -> Self {
        Self {
            edition: row.edition,
            valid_from: row.valid_from.to_jiff(),
            imported_at: row.imported_at.to_jiff(),
            codes: u64::try_from(row.codes).unwrap_or_default(),
        }
    }
}

/// Returns the number of imports of each system.
pub(crate) fn versions(conn: &mut PgConnection) -> Result<Versions, StoreError> {
    let rows: Vec<(String, i64)> = code_import::table
        .group_by(code_import::system)
        .select((code_import::system, diesel::dsl::count_star()))
        .load(conn)?;
    rows.into_iter().map(|(system, imports)| Ok((parse_stored(&system)?, imports))).collect()
}

/// Returns every code book. Books of systems without a new import are taken from `before`.
pub(crate) fn load_all(
    conn: &mut PgConnection,
    before: (&CodeBooks, &Versions),
    versions: &Versions,
) -> Result<CodeBooks, StoreError> {
    let (books, known) = before;
    if known == versions {
        return Ok(books.clone());
    }
    let mut fresh = Vec::new();
    for system in System::iter() {
        match books.book(system).filter(|_| known.get(&system) == versions.get(&system)) {
            Some(same) => fresh.push(Arc::clone(same)),
            None => fresh.push(Arc::new(load(conn, system)?)),
        }
    }
    Ok(CodeBooks::new(fresh))
}

fn load(conn: &mut PgConnection, system: System) -> Result<CodeBook, StoreError> {
    let editions: Vec<EditionRow> = code_import::table
        .filter(code_import::system.eq(system.name()))
        .distinct_on((code_import::valid_from, code_import::edition))
        .order((code_import::valid_from, code_import::edition, code_import::imported_at.desc(), code_import::id.desc()))
        .select(EditionRow::as_select())
        .load(conn)?;
    let mut codes = Vec::new();
    statement(
        "SELECT code AS code_, title, title_en, valid_from, valid_to, edition FROM platform.code WHERE system = ? \
         ORDER BY code COLLATE \"C\", valid_from",
    )
    .bind::<Text, _>(system.name())
    .stream(conn, |row: CodeRow| {
        codes.push(Coded::from(row));
        Ok(())
    })?;
    Ok(CodeBook::new(system, codes, editions.into_iter().map(Edition::from).collect()))
}

/// Imports an edition; a dry run finds the changes and stores nothing. Calls `seen` with the number of stored code periods and
/// their total.
pub fn import(
    tx: &mut PlatformTx<'_>,
    source: &EditionSource<'_>,
    dry: bool,
    seen: &mut dyn FnMut(usize, usize),
) -> Result<Imported, StoreError> {
    lock(tx)?;
    let book = load(tx.conn, source.system)?;
    let import = Import::plan(&book, source.listed, source.issue);
    let what = format!("{} {}{}", source.system.name(), source.issue.edition, if dry { ", dry run" } else { "" });
    if !dry {
        store(tx, source.system, &import, seen)?;
        journal(tx, source, &import)?;
        bump_generation(tx.conn)?;
    }
    tx.trace.write(tx.conn, None, Some(what), "ok")?;
    Ok(Imported { import, done: !dry })
}

/// Imports an edition shipped with the program, unless it is stored already or the system has another edition.
pub fn import_shipped(tx: &mut PlatformTx<'_>, shipped: &Shipped) -> Result<Imported, StoreError> {
    lock(tx)?;
    let book = load(tx.conn, shipped.system)?;
    let (listed, issue) = (shipped.listed(), shipped.issue());
    let import = Import::plan(&book, &listed, &issue);
    let elsewhere = book.editions().iter().any(|known| known.edition != shipped.edition);
    let known = !book.editions().is_empty() && import.changed.is_empty();
    if elsewhere || known {
        return Ok(Imported { import, done: false });
    }
    let name = format!("{}.csv", shipped.system.name());
    let bytes = shipped.text.as_bytes();
    let source = EditionSource { system: shipped.system, issue: &issue, listed: &listed, name: &name, bytes };
    self::import(tx, &source, false, &mut |_, _| ())
}

fn lock(tx: &mut PlatformTx<'_>) -> Result<(), StoreError> {
    statement("SELECT pg_advisory_xact_lock(?)").bind::<BigInt, _>(LOCK).execute(tx.conn)?;
    Ok(())
}

/// Replaces the validity periods of every changed code.
fn store(
    tx: &mut PlatformTx<'_>,
    system: System,
    import: &Import,
    seen: &mut dyn FnMut(usize, usize),
) -> Result<(), StoreError> {
    let codes: Vec<&String> = import.changed.keys().collect();
    for batch in codes.chunks(BATCH) {
        let changed = code::table.filter(code::system.eq(system.name())).filter(code::code_.eq_any(batch));
        diesel::delete(changed).execute(tx.conn)?;
    }
    let periods: Vec<&Coded> = import.changed.values().flatten().collect();
    let mut stored = 0;
    for batch in periods.chunks(BATCH) {
        let texts = |text: fn(&Coded) -> &String| batch.iter().map(|it| text(it)).collect::<Vec<_>>();
        statement(
            "INSERT INTO platform.code (system, code, title, title_en, valid_from, valid_to, edition) \
             SELECT ?, added.code, added.title, added.title_en, added.valid_from, added.valid_to, added.edition \
             FROM unnest(?, ?, ?, ?, ?, ?) AS added (code, title, title_en, valid_from, valid_to, edition)",
        )
        .bind::<Text, _>(system.name())
        .bind::<Array<Text>, _>(texts(|it| &it.code))
        .bind::<Array<Text>, _>(texts(|it| &it.title))
        .bind::<Array<Nullable<Text>>, _>(batch.iter().map(|it| it.title_en.as_ref()).collect::<Vec<_>>())
        .bind::<Array<SqlDate>, _>(batch.iter().map(|it| it.valid_from.to_diesel()).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlDate>>, _>(
            batch.iter().map(|it| it.valid_to.map(jiff_diesel::ToDiesel::to_diesel)).collect::<Vec<_>>(),
        )
        .bind::<Array<Text>, _>(texts(|it| &it.edition))
        .execute(tx.conn)?;
        stored += batch.len();
        seen(stored, periods.len());
    }
    Ok(())
}

fn journal(tx: &mut PlatformTx<'_>, source: &EditionSource<'_>, import: &Import) -> Result<(), StoreError> {
    let count = |of: usize| i64::try_from(of).unwrap_or(i64::MAX);
    let hash: [u8; 32] = Sha256::digest(source.bytes).into();
    diesel::insert_into(code_import::table)
        .values((
            code_import::id.eq(tx.trace.clock.ordered_id()),
            code_import::system.eq(source.system.name()),
            code_import::edition.eq(&source.issue.edition),
            code_import::valid_from.eq(source.issue.valid_from.to_diesel()),
            code_import::complete.eq(source.issue.complete),
            code_import::source.eq(source.name),
            code_import::source_hash.eq(hash.as_slice()),
            code_import::codes.eq(count(source.listed.codes.len())),
            code_import::added.eq(count(import.new)),
            code_import::retitled.eq(count(import.retitled)),
            code_import::ended.eq(count(import.ended)),
            code_import::redated.eq(count(import.redated)),
            code_import::unchanged.eq(count(import.unchanged)),
            code_import::refused.eq(count(source.listed.refused.len() + import.refused.len())),
            code_import::imported_at.eq(tx.now().to_diesel()),
            code_import::imported_by.eq(&tx.trace.principal.actor),
        ))
        .execute(tx.conn)?;
    Ok(())
}
