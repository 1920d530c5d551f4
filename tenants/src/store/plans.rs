//! The registry's follow-up plan. Every version is a row; the highest is in force and cached until the registry's cache generation
//! changes. There is at most one draft.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::prelude::*;
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::event;
use painreg_domain::fault::Fault;
use painreg_domain::followup::{FollowUpPlanDefinition, Known, Plan};
use serde_json::Value;

use crate::error::{StoreError, unreadable};
use crate::schema::tenant::{follow_up_plan, follow_up_plan_draft, nettskjema_form};
use crate::store::{Listing, code_lists, forms, settings, version};
use crate::tx::Tx;

/// A published version of the plan.
#[derive(Clone, Debug)]
pub struct PublishedPlan {
    /// The number of the version, from 1.
    pub version: i64,
    /// The definition as published.
    pub definition: FollowUpPlanDefinition,
    /// The version that last changed each rule, by the code of the rule.
    pub rule_versions: BTreeMap<String, i64>,
    /// The instant of publication.
    pub published_at: Timestamp,
    /// The actor who published it, as shown in the access log.
    pub published_by: String,
}

/// The draft of the plan.
#[derive(Clone, Debug)]
pub struct PlanDraft {
    /// The definition, which may have faults.
    pub definition: FollowUpPlanDefinition,
    /// The instant of the last change.
    pub updated_at: Timestamp,
    /// The version, from 1; every change adds 1. The ETag.
    pub version: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = follow_up_plan)]
struct PublishedRow {
    version: i64,
    definition: Value,
    rule_versions: Value,
    published_at: jiff_diesel::Timestamp,
    published_by: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = follow_up_plan_draft)]
struct DraftRow {
    definition: Value,
    updated_at: jiff_diesel::Timestamp,
    version: i64,
}

impl PublishedRow {
    fn published(self) -> Result<PublishedPlan, StoreError> {
        Ok(PublishedPlan {
            version: self.version,
            definition: serde_json::from_value(self.definition).map_err(unreadable)?,
            rule_versions: serde_json::from_value(self.rule_versions).map_err(unreadable)?,
            published_at: self.published_at.to_jiff(),
            published_by: self.published_by,
        })
    }
}

impl DraftRow {
    fn draft(self) -> Result<PlanDraft, StoreError> {
        let definition = serde_json::from_value(self.definition).map_err(unreadable)?;
        Ok(PlanDraft { definition, updated_at: self.updated_at.to_jiff(), version: self.version })
    }
}

/// Returns the plan in force, cached by `generation`; `None` before the first publication.
pub(crate) fn in_force(tx: &mut Tx<'_>, generation: i64) -> Result<Option<Arc<Plan>>, StoreError> {
    tx.place().cache.get_or_load("", generation, || Ok(newest(tx)?.map(|published| Arc::new(published.plan()))))
}

fn newest(tx: &mut Tx<'_>) -> Result<Option<PublishedPlan>, StoreError> {
    let row: Option<PublishedRow> = follow_up_plan::table
        .order(follow_up_plan::version.desc())
        .select(PublishedRow::as_select())
        .first(tx.conn)
        .optional()?;
    row.map(PublishedRow::published).transpose()
}

impl PublishedPlan {
    /// Returns the plan that decisions follow. It is not checked again: later changes of lists do not affect a published plan.
    pub fn plan(self) -> Plan {
        Plan::published(self.definition, &self.rule_versions)
    }
}

/// Returns the version in force.
pub fn current(tx: &mut Tx<'_>) -> Result<PublishedPlan, StoreError> {
    newest(tx)?.ok_or(StoreError::NotFound)
}

/// Returns one published version.
pub fn version(tx: &mut Tx<'_>, version: i64) -> Result<PublishedPlan, StoreError> {
    let row: PublishedRow = follow_up_plan::table.find(version).select(PublishedRow::as_select()).first(tx.conn)?;
    row.published()
}

/// Returns published versions, newest first, before `before`.
pub fn versions(tx: &mut Tx<'_>, before: Option<i64>, limit: i64) -> Result<Listing<PublishedPlan>, StoreError> {
    let query = follow_up_plan::table
        .filter(follow_up_plan::version.lt(before.unwrap_or(i64::MAX)))
        .order(follow_up_plan::version.desc())
        .select(PublishedRow::as_select());
    Listing::load(tx.conn, query, limit)?.try_map(PublishedRow::published)
}

/// Returns the draft, if there is one.
pub fn draft(tx: &mut Tx<'_>) -> Result<PlanDraft, StoreError> {
    follow_up_plan_draft::table.select(DraftRow::as_select()).first::<DraftRow>(tx.conn)?.draft()
}

/// Creates the draft (`version` is `None`) or replaces it; [`StoreError::Stale`] if a draft exists, or if it changed since
/// `version` was read.
pub fn write(
    tx: &mut Tx<'_>,
    version: Option<i64>,
    definition: &FollowUpPlanDefinition,
) -> Result<PlanDraft, StoreError> {
    tx.about("follow_up_plan_draft".to_owned());
    let definition = serde_json::to_value(definition).map_err(unreadable)?;
    let now = tx.now().to_diesel();
    let row: Option<DraftRow> = match version {
        None => diesel::insert_into(follow_up_plan_draft::table)
            .values((
                follow_up_plan_draft::definition.eq(definition),
                follow_up_plan_draft::created_at.eq(now),
                follow_up_plan_draft::updated_at.eq(now),
                follow_up_plan_draft::updated_by.eq(tx.trace.action()),
                follow_up_plan_draft::version.eq(1),
            ))
            .on_conflict_do_nothing()
            .returning(DraftRow::as_returning())
            .get_result(tx.conn),
        Some(version) => diesel::update(follow_up_plan_draft::table.filter(follow_up_plan_draft::version.eq(version)))
            .set((
                follow_up_plan_draft::definition.eq(definition),
                follow_up_plan_draft::updated_at.eq(now),
                follow_up_plan_draft::updated_by.eq(tx.trace.action()),
                follow_up_plan_draft::version.eq(follow_up_plan_draft::version + 1),
            ))
            .returning(DraftRow::as_returning())
            .get_result(tx.conn),
    }
    .optional()?;
    version::changed_row(row)?.draft()
}

/// Deletes the draft; [`StoreError::Stale`] if the draft changed since `version` was read.
pub fn discard(tx: &mut Tx<'_>, version: i64) -> Result<(), StoreError> {
    tx.about("follow_up_plan_draft".to_owned());
    draft(tx)?;
    let read = follow_up_plan_draft::table.filter(follow_up_plan_draft::version.eq(version));
    version::one_changed(diesel::delete(read).execute(tx.conn)?)
}

/// Checks a plan against the forms, lists, projects and channels of the registry; faults are [`StoreError::Invalid`].
pub fn check(tx: &mut Tx<'_>, definition: FollowUpPlanDefinition) -> Result<Plan, StoreError> {
    let faults = |faults: Vec<Fault>| StoreError::Invalid(faults);
    let lists = code_lists::without_record(tx)?;
    let forms = forms::that_follow_up(tx)?;
    let channels = settings::read(tx)?.settings.channels;
    let nettskjema = mapped(tx)?;
    let known = Known { forms: &forms, lists: &lists, channels: &channels, nettskjema: &nettskjema };
    Plan::parse(definition, &known).map_err(faults)
}

/// Returns the code of the form that each mapped Nettskjema form leads to.
fn mapped(tx: &mut Tx<'_>) -> Result<BTreeMap<String, String>, StoreError> {
    let rows: Vec<(String, String)> = nettskjema_form::table
        .distinct_on(nettskjema_form::nettskjema_id)
        .order((nettskjema_form::nettskjema_id, nettskjema_form::version.desc()))
        .select((nettskjema_form::nettskjema_id, nettskjema_form::form))
        .load(tx.conn)?;
    Ok(rows.into_iter().collect())
}

/// Returns a checked plan with the rule versions it would have if it were published now.
pub fn as_next(tx: &mut Tx<'_>, plan: &Plan) -> Result<Plan, StoreError> {
    let before = newest(tx)?;
    let version = before.as_ref().map_or(0, |before| before.version) + 1;
    let before = before.map(PublishedPlan::plan);
    Ok(Plan::published(plan.definition().clone(), &plan.rule_versions_after(before.as_ref(), version)))
}

/// Publishes a checked plan and deletes the draft that it was read from, in the version `draft`. The follow-up of every patient is
/// decided again.
pub fn publish(tx: &mut Tx<'_>, draft: i64, plan: &Plan) -> Result<PublishedPlan, StoreError> {
    let before = newest(tx)?;
    let version = before.as_ref().map_or(0, |before| before.version) + 1;
    let before = before.map(PublishedPlan::plan);
    discard(tx, draft)?;
    let published = insert(tx.conn, plan, before.as_ref(), version, tx.now(), &tx.principal().actor)?;
    code_lists::bump_generation(tx)?;
    let object = format!("follow_up_plan/{version}");
    tx.about(object.clone());
    tx.emit(event::EventType::PlanPublished, None, object, Some(version));
    Ok(published)
}

fn insert(
    conn: &mut PgConnection,
    plan: &Plan,
    before: Option<&Plan>,
    version: i64,
    now: Timestamp,
    by: &str,
) -> Result<PublishedPlan, StoreError> {
    let row: PublishedRow = diesel::insert_into(follow_up_plan::table)
        .values((
            follow_up_plan::version.eq(version),
            follow_up_plan::definition.eq(serde_json::to_value(plan.definition()).map_err(unreadable)?),
            follow_up_plan::rule_versions
                .eq(serde_json::to_value(plan.rule_versions_after(before, version)).map_err(unreadable)?),
            follow_up_plan::published_at.eq(now.to_diesel()),
            follow_up_plan::published_by.eq(by),
        ))
        .returning(PublishedRow::as_returning())
        .get_result(conn)?;
    row.published()
}

/// Stores a template's plan in a new registry. The connection is the owner's, with the registry's schema as search path.
pub(crate) fn seed(conn: &mut PgConnection, plan: &Plan, now: Timestamp) -> Result<(), StoreError> {
    insert(conn, plan, None, 1, now, "CreateTenant").map(drop)
}
