//! The registry's own code lists and projects: small, read with every entry, changed seldom; kept in memory until the
//! registry's own counter says that they are old.

use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date as SqlDate, Integer, Jsonb, Nullable, Text, Timestamptz};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::code_list::{CodeListFlags, CodeLists, List, Listed, Project};
use painreg_domain::fault::{Fault, FaultCode};
use serde_json::Value;

use crate::access::RecordingContext;
use crate::error::{StoreError, unreadable};
use crate::statement::statement;
use crate::store::{Listing, parse_stored, version};
use crate::tx::Tx;

/// A code list as people change it: as a whole.
#[derive(Clone, Debug)]
pub struct KeptList {
    /// Which list.
    pub list: List,
    /// Its codes, in order.
    pub codes: Vec<Listed>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts changes.
    pub version: i64,
}

/// A project as it is stored.
#[derive(Clone, Debug)]
pub struct KeptProject {
    /// The project.
    pub project: Project,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts changes.
    pub version: i64,
}

#[derive(QueryableByName)]
struct CodeRow {
    #[diesel(sql_type = Text)]
    list: String,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    nb: String,
    #[diesel(sql_type = Text)]
    en: String,
    #[diesel(sql_type = Jsonb)]
    flags: Value,
    #[diesel(sql_type = Nullable<SqlDate>)]
    valid_from: Option<jiff_diesel::Date>,
    #[diesel(sql_type = Nullable<SqlDate>)]
    valid_to: Option<jiff_diesel::Date>,
}

#[derive(QueryableByName)]
struct VersionRow {
    #[diesel(sql_type = Text)]
    list: String,
    #[diesel(sql_type = Timestamptz)]
    updated_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

#[derive(QueryableByName)]
struct ProjectRow {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    approval: Option<String>,
    #[diesel(sql_type = SqlDate)]
    starts_on: jiff_diesel::Date,
    #[diesel(sql_type = Nullable<SqlDate>)]
    ends_on: Option<jiff_diesel::Date>,
    #[diesel(sql_type = Bool)]
    excludes_from_follow_up: bool,
    #[diesel(sql_type = Jsonb)]
    fields: Value,
    #[diesel(sql_type = Timestamptz)]
    created_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

impl CodeRow {
    fn listed(self) -> Result<(List, Listed), StoreError> {
        let list = parse_stored(&self.list)?;
        let flags: CodeListFlags = serde_json::from_value(self.flags).map_err(unreadable)?;
        let day = |day: Option<jiff_diesel::Date>| day.map(jiff_diesel::Date::to_jiff);
        let (valid_from, valid_to) = (day(self.valid_from), day(self.valid_to));
        Ok((list, Listed { code: self.code, nb: self.nb, en: self.en, flags, valid_from, valid_to }))
    }
}

impl ProjectRow {
    fn kept(self) -> Result<KeptProject, StoreError> {
        Ok(KeptProject {
            project: Project {
                code: self.code,
                title: self.title,
                kind: parse_stored(&self.kind)?,
                approval: self.approval,
                starts_on: self.starts_on.to_jiff(),
                ends_on: self.ends_on.map(jiff_diesel::Date::to_jiff),
                excludes_from_follow_up: self.excludes_from_follow_up,
                fields: serde_json::from_value(self.fields).map_err(unreadable)?,
            },
            created_at: self.created_at.to_jiff(),
            updated_at: self.updated_at.to_jiff(),
            version: self.version,
        })
    }
}

const CODES: &str = "SELECT list, code, nb, en, flags, valid_from, valid_to FROM code_list";
const PROJECTS: &str = "SELECT code, title, kind, approval, starts_on, ends_on, excludes_from_follow_up, fields, \
     created_at, updated_at, version FROM project";

/// The lists and projects of now: from memory unless they have changed since.
pub fn current(tx: &mut Tx<'_>, standing: &RecordingContext) -> Result<Arc<CodeLists>, StoreError> {
    at_generation(tx, standing.lists)
}

/// The lists and projects of now, where nobody's record is open: one round trip more.
pub(super) fn of_now(tx: &mut Tx<'_>) -> Result<Arc<CodeLists>, StoreError> {
    let generation = tx.generation()?;
    at_generation(tx, generation)
}

fn at_generation(tx: &mut Tx<'_>, generation: i64) -> Result<Arc<CodeLists>, StoreError> {
    // A generation that was read before the lists is at worst too old: then they are read once more.
    tx.place().cache.get_or_load("", generation, || {
        let codes: Vec<CodeRow> = statement(CODES).then(" ORDER BY list, position").load(tx.conn)?;
        let projects: Vec<ProjectRow> = statement(PROJECTS).load(tx.conn)?;
        let codes = codes.into_iter().map(CodeRow::listed).collect::<Result<Vec<_>, _>>()?;
        let projects = projects.into_iter().map(|row| Ok(row.kept()?.project)).collect::<Result<_, StoreError>>()?;
        Ok(Arc::new(CodeLists::new(codes, projects)))
    })
}

/// Every list with its codes in order, in force or not.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<KeptList>, StoreError> {
    let versions: Vec<VersionRow> =
        statement("SELECT list, updated_at, version FROM code_list_version ORDER BY list").load(tx.conn)?;
    let codes: Vec<CodeRow> = statement(CODES).then(" ORDER BY list, position").load(tx.conn)?;
    let codes = codes.into_iter().map(CodeRow::listed).collect::<Result<Vec<_>, _>>()?;
    versions
        .into_iter()
        .map(|row| {
            let list = parse_stored(&row.list)?;
            let codes = codes.iter().filter(|(of, _)| *of == list).map(|(_, code)| code.clone()).collect();
            Ok(KeptList { list, codes, updated_at: row.updated_at.to_jiff(), version: row.version })
        })
        .collect()
}

/// One list.
pub fn find(tx: &mut Tx<'_>, list: List) -> Result<KeptList, StoreError> {
    all(tx)?.into_iter().find(|kept| kept.list == list).ok_or(StoreError::NotFound)
}

/// Gives a list other codes, unless somebody changed it since `version` was read. A code that is left out is not
/// removed, because entries hold it: leaving one out is [`StoreError::Invalid`]; end it instead.
pub fn replace(tx: &mut Tx<'_>, list: List, version: i64, codes: &[Listed]) -> Result<(), StoreError> {
    let now = tx.now();
    let name: &'static str = list.into();
    let before = find(tx, list)?;
    version::expect(before.version, version)?;
    if before.codes.iter().any(|old| !codes.iter().any(|new| new.code == old.code)) {
        return Err(StoreError::Invalid(vec![Fault::at("codes", FaultCode::Required)]));
    }
    let changed = statement(
        "UPDATE code_list_version SET updated_at = ?, updated_by = ?, version = version + 1 WHERE list = ? AND version = ?",
    )
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Text, _>(tx.trace.action())
    .bind::<Text, _>(name)
    .bind::<BigInt, _>(version)
    .execute(tx.conn)?;
    version::one_changed(changed)?;
    write(tx.conn, list, codes)?;
    bump_generation(tx)
}

fn write(conn: &mut PgConnection, list: List, codes: &[Listed]) -> Result<(), StoreError> {
    let name: &'static str = list.into();
    for (position, code) in codes.iter().enumerate() {
        statement(
            "INSERT INTO code_list (list, code, position, nb, en, flags, valid_from, valid_to) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (list, code) DO UPDATE SET position = EXCLUDED.position, \
             nb = EXCLUDED.nb, en = EXCLUDED.en, flags = EXCLUDED.flags, valid_from = EXCLUDED.valid_from, \
             valid_to = EXCLUDED.valid_to",
        )
        .bind::<Text, _>(name)
        .bind::<Text, _>(&code.code)
        .bind::<Integer, _>(i32::try_from(position).unwrap_or(i32::MAX))
        .bind::<Text, _>(&code.nb)
        .bind::<Text, _>(&code.en)
        .bind::<Jsonb, _>(serde_json::to_value(&code.flags).map_err(unreadable)?)
        .bind::<Nullable<SqlDate>, _>(code.valid_from.map(jiff_diesel::ToDiesel::to_diesel))
        .bind::<Nullable<SqlDate>, _>(code.valid_to.map(jiff_diesel::ToDiesel::to_diesel))
        .execute(conn)?;
    }
    Ok(())
}

/// Puts a template's lists into a registry that has none of them; the owner's connection stands in its schema.
pub(crate) fn seed(conn: &mut PgConnection, lists: &CodeLists, now: Timestamp) -> Result<(), StoreError> {
    for (list, codes) in lists.all() {
        let name: &'static str = (*list).into();
        let new = statement(
            "INSERT INTO code_list_version (list, created_at, updated_at, updated_by, version) \
             VALUES (?, ?, ?, 'CreateTenant', 1) ON CONFLICT (list) DO NOTHING",
        )
        .bind::<Text, _>(name)
        .bind::<Timestamptz, _>(now.to_diesel())
        .bind::<Timestamptz, _>(now.to_diesel())
        .execute(conn)?;
        if new == 1 {
            write(conn, *list, codes)?;
        }
    }
    Ok(())
}

/// What servers keep in memory is old from now on.
pub(super) fn bump_generation(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    statement("UPDATE config_generation SET value = value + 1").execute(tx.conn)?;
    Ok(())
}

/// Projects by code, after `after`.
pub fn projects(tx: &mut Tx<'_>, after: Option<&str>, limit: i64) -> Result<Listing<KeptProject>, StoreError> {
    let query =
        statement(PROJECTS).then(" WHERE code > ? ORDER BY code").bind::<Text, _>(after.unwrap_or_default().to_owned());
    Listing::load(tx.conn, query, limit)?.try_map(ProjectRow::kept)
}

/// One project.
pub fn project(tx: &mut Tx<'_>, code: &str) -> Result<KeptProject, StoreError> {
    let row: ProjectRow =
        statement(PROJECTS).then(" WHERE code = ?").bind::<Text, _>(code.to_owned()).get_result(tx.conn)?;
    row.kept()
}

/// Registers a project.
pub fn register_project(tx: &mut Tx<'_>, project: &Project) -> Result<KeptProject, StoreError> {
    let now = tx.now().to_diesel();
    let kind: &'static str = project.kind.into();
    statement(
        "INSERT INTO project (code, title, kind, approval, starts_on, ends_on, excludes_from_follow_up, fields, \
         created_at, updated_at, updated_by, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
    )
    .bind::<Text, _>(&project.code)
    .bind::<Text, _>(&project.title)
    .bind::<Text, _>(kind)
    .bind::<Nullable<Text>, _>(&project.approval)
    .bind::<SqlDate, _>(project.starts_on.to_diesel())
    .bind::<Nullable<SqlDate>, _>(project.ends_on.map(jiff_diesel::ToDiesel::to_diesel))
    .bind::<Bool, _>(project.excludes_from_follow_up)
    .bind::<Jsonb, _>(serde_json::to_value(&project.fields).map_err(unreadable)?)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(tx.trace.action())
    .execute(tx.conn)?;
    bump_generation(tx)?;
    self::project(tx, &project.code)
}

/// Changes a project, unless somebody changed it since `version` was read. Its code stays.
pub fn change_project(tx: &mut Tx<'_>, version: i64, project: &Project) -> Result<KeptProject, StoreError> {
    let kind: &'static str = project.kind.into();
    let changed = statement(
        "UPDATE project SET title = ?, kind = ?, approval = ?, starts_on = ?, ends_on = ?, excludes_from_follow_up = ?, \
         fields = ?, updated_at = ?, updated_by = ?, version = version + 1 WHERE code = ? AND version = ?",
    )
    .bind::<Text, _>(&project.title)
    .bind::<Text, _>(kind)
    .bind::<Nullable<Text>, _>(&project.approval)
    .bind::<SqlDate, _>(project.starts_on.to_diesel())
    .bind::<Nullable<SqlDate>, _>(project.ends_on.map(jiff_diesel::ToDiesel::to_diesel))
    .bind::<Bool, _>(project.excludes_from_follow_up)
    .bind::<Jsonb, _>(serde_json::to_value(&project.fields).map_err(unreadable)?)
    .bind::<Timestamptz, _>(tx.now().to_diesel())
    .bind::<Text, _>(tx.trace.action())
    .bind::<Text, _>(&project.code)
    .bind::<BigInt, _>(version)
    .execute(tx.conn)?;
    version::one_changed(changed)?;
    bump_generation(tx)?;
    self::project(tx, &project.code)
}
