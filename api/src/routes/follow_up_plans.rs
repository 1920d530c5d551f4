//! The registry's plan of follow-up: its versions, its draft, and what a draft would change.

pub mod discard;
pub mod draft;
pub mod list;
pub mod publish;
pub mod read;
pub mod simulate;
pub mod write;

use std::collections::BTreeMap;

use jiff::Timestamp;
use painreg_domain::fault::Fault;
use painreg_domain::followup::FollowUpPlanDefinition;
use painreg_tenants::store::plans::{self, PlanDraft, PublishedPlan};
use painreg_tenants::{StoreError, Tx};
use serde::Serialize;

use crate::problem::Problem;
use crate::views::draft::DraftFault;

/// A version of the plan (oppfølgingsplan). It never changes.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpPlan)]
pub struct PlanView {
    /// Which version, from 1; the highest is in force.
    #[schema(minimum = 1)]
    version: i64,
    /// What it says.
    definition: FollowUpPlanDefinition,
    /// Every rule, a wave of a track, with the version in which it became what it is.
    #[schema(value_type = Object, example = json!({"rf_3": 1, "rf_6": 2}))]
    rules: BTreeMap<String, i64>,
    /// When it was published.
    published_at: Timestamp,
    /// Who published it, as the access log shows them.
    #[schema(max_length = 200)]
    published_by: String,
}

impl From<PublishedPlan> for PlanView {
    fn from(it: PublishedPlan) -> Self {
        let PublishedPlan { version, definition, rule_versions, published_at, published_by } = it;
        Self { version, definition, rules: rule_versions, published_at, published_by }
    }
}

/// The plan that is being written.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpPlanDraft)]
pub struct PlanDraftView {
    /// What it says so far.
    definition: FollowUpPlanDefinition,
    /// What must be mended before it can be published; pointers lead into the definition.
    #[schema(max_items = 1000)]
    faults: Vec<DraftFault>,
    /// When it last changed.
    updated_at: Timestamp,
    /// Counts changes; also the ETag.
    #[schema(minimum = 1)]
    version: i64,
}

fn shown(tx: &mut Tx<'_>, draft: PlanDraft) -> Result<PlanDraftView, Problem> {
    let PlanDraft { definition, updated_at, version } = draft;
    let faults = match plans::check(tx, definition.clone()) {
        Err(StoreError::Invalid(faults)) => faults.into_iter().take(1000).map(DraftFault::from).collect(),
        checked => checked.map(|_| Vec::new())?,
    };
    Ok(PlanDraftView { definition, faults, updated_at, version })
}

/// The same faults, seen from a body whose `definition` they are of.
fn of_definition(error: StoreError) -> Problem {
    match error {
        StoreError::Invalid(faults) => {
            Problem::invalid(faults.into_iter().map(|fault: Fault| fault.under("/definition")).collect())
        }
        other => other.into(),
    }
}
