//! The registry's code lists and projects: small, read with every entry, rarely changed. They are cached until the registry's
//! cache generation changes.

use std::sync::Arc;

use diesel::prelude::*;
use diesel::upsert::excluded;
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::code_list::{CodeListFlags, CodeLists, List, Listed, Project};
use painreg_domain::fault::{Fault, FaultCode};
use serde_json::Value;

use crate::access::RecordingContext;
use crate::error::{StoreError, unreadable};
use crate::schema::tenant::{code_list, code_list_version, config_generation, project};
use crate::store::{Listing, parse_stored, version};
use crate::tx::Tx;

/// A stored code list, which is changed as a whole.
#[derive(Clone, Debug)]
pub struct KeptList {
    /// The name of the list.
    pub list: List,
    /// The codes, in their order, in force or not.
    pub codes: Vec<Listed>,
    /// The instant of the last change.
    pub updated_at: Timestamp,
    /// The version, from 1; every change adds 1.
    pub version: i64,
}

/// A stored project.
#[derive(Clone, Debug)]
pub struct KeptProject {
    /// The content of the project.
    pub project: Project,
    /// The instant of registration.
    pub created_at: Timestamp,
    /// The instant of the last change.
    pub updated_at: Timestamp,
    /// The version, from 1; every change adds 1.
    pub version: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = code_list)]
struct CodeRow {
    list: String,
    code: String,
    nb: String,
    en: String,
    flags: Value,
    valid_from: Option<jiff_diesel::Date>,
    valid_to: Option<jiff_diesel::Date>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = project)]
struct ProjectRow {
    code: String,
    title: String,
    kind: String,
    approval: Option<String>,
    starts_on: jiff_diesel::Date,
    ends_on: Option<jiff_diesel::Date>,
    excludes_from_follow_up: bool,
    fields: Value,
    created_at: jiff_diesel::Timestamp,
    updated_at: jiff_diesel::Timestamp,
    version: i64,
}

/// The columns of a project that registering and changing set.
#[derive(AsChangeset, Insertable)]
#[diesel(table_name = project, treat_none_as_null = true)]
struct ProjectContent<'a> {
    title: &'a str,
    kind: &'static str,
    approval: Option<String>,
    starts_on: jiff_diesel::Date,
    ends_on: Option<jiff_diesel::Date>,
    excludes_from_follow_up: bool,
    fields: Value,
    updated_at: jiff_diesel::Timestamp,
    updated_by: &'static str,
}

impl<'a> ProjectContent<'a> {
    fn new(tx: &Tx<'_>, project: &'a Project) -> Result<Self, StoreError> {
        Ok(Self {
            title: &project.title,
            kind: project.kind.into(),
            approval: project.approval.clone(),
            starts_on: project.starts_on.to_diesel(),
            ends_on: project.ends_on.map(jiff_diesel::ToDiesel::to_diesel),
            excludes_from_follow_up: project.excludes_from_follow_up,
            fields: serde_json::to_value(&project.fields).map_err(unreadable)?,
            updated_at: tx.now().to_diesel(),
            updated_by: tx.trace.action(),
        })
    }
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

/// Returns the current lists and projects, cached until they change.
pub fn current(tx: &mut Tx<'_>, context: &RecordingContext) -> Result<Arc<CodeLists>, StoreError> {
    at_generation(tx, context.lists)
}

/// Returns the current lists and projects for a transaction that has opened no record. One more round trip.
pub(super) fn without_record(tx: &mut Tx<'_>) -> Result<Arc<CodeLists>, StoreError> {
    let generation = tx.generation()?;
    at_generation(tx, generation)
}

fn at_generation(tx: &mut Tx<'_>, generation: i64) -> Result<Arc<CodeLists>, StoreError> {
    // The generation was read before the lists: if it is out of date, the lists are read once more.
    tx.place().cache.get_or_load("", generation, || {
        let codes = codes(tx.conn)?;
        let projects: Vec<ProjectRow> = project::table.select(ProjectRow::as_select()).load(tx.conn)?;
        let projects = projects.into_iter().map(|row| Ok(row.kept()?.project)).collect::<Result<_, StoreError>>()?;
        Ok(Arc::new(CodeLists::new(codes, projects)))
    })
}

/// Returns every list with its codes.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<KeptList>, StoreError> {
    let versions: Vec<(String, jiff_diesel::Timestamp, i64)> = code_list_version::table
        .select((code_list_version::list, code_list_version::updated_at, code_list_version::version))
        .order(code_list_version::list)
        .load(tx.conn)?;
    let codes = codes(tx.conn)?;
    versions
        .into_iter()
        .map(|(list, updated_at, version)| {
            let list = parse_stored(&list)?;
            let codes = codes.iter().filter(|(of, _)| *of == list).map(|(_, code)| code.clone()).collect();
            Ok(KeptList { list, codes, updated_at: updated_at.to_jiff(), version })
        })
        .collect()
}

fn codes(conn: &mut PgConnection) -> Result<Vec<(List, Listed)>, StoreError> {
    let rows: Vec<CodeRow> =
        code_list::table.select(CodeRow::as_select()).order((code_list::list, code_list::position)).load(conn)?;
    rows.into_iter().map(CodeRow::listed).collect()
}

/// Returns one list with its codes.
pub fn find(tx: &mut Tx<'_>, list: List) -> Result<KeptList, StoreError> {
    all(tx)?.into_iter().find(|kept| kept.list == list).ok_or(StoreError::NotFound)
}

/// Replaces the codes of a list; [`StoreError::Stale`] if the list changed since `version` was read. Omitting a code is
/// [`StoreError::Invalid`], because entries refer to it: end its validity instead.
pub fn replace(tx: &mut Tx<'_>, list: List, version: i64, codes: &[Listed]) -> Result<(), StoreError> {
    let now = tx.now();
    let name: &'static str = list.into();
    tx.about(format!("code_list/{name}"));
    let before = find(tx, list)?;
    version::expect(before.version, version)?;
    if before.codes.iter().any(|old| !codes.iter().any(|new| new.code == old.code)) {
        return Err(StoreError::Invalid(vec![Fault::at("codes", FaultCode::Required)]));
    }
    let stored = code_list_version::table.find(name).filter(code_list_version::version.eq(version));
    let changed = diesel::update(stored)
        .set((
            code_list_version::updated_at.eq(now.to_diesel()),
            code_list_version::updated_by.eq(tx.trace.action()),
            code_list_version::version.eq(code_list_version::version + 1),
        ))
        .execute(tx.conn)?;
    version::one_changed(changed)?;
    write(tx.conn, list, codes)?;
    bump_generation(tx)
}

fn write(conn: &mut PgConnection, list: List, codes: &[Listed]) -> Result<(), StoreError> {
    let name: &'static str = list.into();
    for (position, code) in codes.iter().enumerate() {
        diesel::insert_into(code_list::table)
            .values((
                code_list::list.eq(name),
                code_list::code.eq(&code.code),
                code_list::position.eq(i32::try_from(position).unwrap_or(i32::MAX)),
                code_list::nb.eq(&code.nb),
                code_list::en.eq(&code.en),
                code_list::flags.eq(serde_json::to_value(&code.flags).map_err(unreadable)?),
                code_list::valid_from.eq(code.valid_from.map(jiff_diesel::ToDiesel::to_diesel)),
                code_list::valid_to.eq(code.valid_to.map(jiff_diesel::ToDiesel::to_diesel)),
            ))
            .on_conflict((code_list::list, code_list::code))
            .do_update()
            .set((
                code_list::position.eq(excluded(code_list::position)),
                code_list::nb.eq(excluded(code_list::nb)),
                code_list::en.eq(excluded(code_list::en)),
                code_list::flags.eq(excluded(code_list::flags)),
                code_list::valid_from.eq(excluded(code_list::valid_from)),
                code_list::valid_to.eq(excluded(code_list::valid_to)),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Stores a template's lists, of those that the registry does not have yet. The connection is the owner's, with the registry's
/// schema as search path.
pub(crate) fn seed(conn: &mut PgConnection, lists: &CodeLists, now: Timestamp) -> Result<(), StoreError> {
    for (list, codes) in lists.all() {
        let name: &'static str = (*list).into();
        let new = diesel::insert_into(code_list_version::table)
            .values((
                code_list_version::list.eq(name),
                code_list_version::created_at.eq(now.to_diesel()),
                code_list_version::updated_at.eq(now.to_diesel()),
                code_list_version::updated_by.eq("CreateTenant"),
                code_list_version::version.eq(1),
            ))
            .on_conflict_do_nothing()
            .execute(conn)?;
        if new == 1 {
            write(conn, *list, codes)?;
        }
    }
    Ok(())
}

/// Increments the registry's cache generation: what servers keep in memory is out of date once the transaction commits.
pub(super) fn bump_generation(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    diesel::update(config_generation::table)
        .set(config_generation::value.eq(config_generation::value + 1))
        .execute(tx.conn)?;
    Ok(())
}

/// Returns projects by code, after `after`.
pub fn projects(tx: &mut Tx<'_>, after: Option<&str>, limit: i64) -> Result<Listing<KeptProject>, StoreError> {
    let query = project::table
        .filter(project::code.gt(after.unwrap_or_default()))
        .order(project::code)
        .select(ProjectRow::as_select());
    Listing::load(tx.conn, query, limit)?.try_map(ProjectRow::kept)
}

/// Returns one project.
pub fn project(tx: &mut Tx<'_>, code: &str) -> Result<KeptProject, StoreError> {
    let row: ProjectRow = project::table.find(code).select(ProjectRow::as_select()).first(tx.conn)?;
    row.kept()
}

/// Registers a project.
pub fn register_project(tx: &mut Tx<'_>, new: &Project) -> Result<KeptProject, StoreError> {
    tx.about(format!("project/{}", new.code));
    let content = ProjectContent::new(tx, new)?;
    diesel::insert_into(project::table)
        .values((
            project::code.eq(&new.code),
            project::created_at.eq(tx.now().to_diesel()),
            project::version.eq(1),
            content,
        ))
        .execute(tx.conn)?;
    bump_generation(tx)?;
    project(tx, &new.code)
}

/// Changes a project; [`StoreError::Stale`] if the project changed since `version` was read. The code cannot be changed.
pub fn change_project(tx: &mut Tx<'_>, version: i64, changed: &Project) -> Result<KeptProject, StoreError> {
    tx.about(format!("project/{}", changed.code));
    let content = ProjectContent::new(tx, changed)?;
    let rows = diesel::update(project::table.find(&changed.code).filter(project::version.eq(version)))
        .set((content, project::version.eq(project::version + 1)))
        .execute(tx.conn)?;
    version::one_changed(rows)?;
    bump_generation(tx)?;
    project(tx, &changed.code)
}
