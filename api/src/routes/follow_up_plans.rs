//! The registry's follow-up plan: its versions, its draft, and a simulation of a draft.

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
    /// The number of the version, from 1; the highest is in force.
    #[schema(minimum = 1)]
    version: i64,
    /// The content of the plan.
    definition: FollowUpPlanDefinition,
    /// Every rule (a wave of a track), with the version of the plan that last changed it.
    #[schema(value_type = Object, example = json!({"rf_3": 1, "rf_6": 2}))]
    rules: BTreeMap<String, i64>,
    /// The time of publication.
    published_at: Timestamp,
    /// The actor who published it, as in the access log.
    #[schema(max_length = 200)]
    published_by: String,
}

impl From<PublishedPlan> for PlanView {
    fn from(it: PublishedPlan) -> Self {
        let PublishedPlan { version, definition, rule_versions, published_at, published_by } = it;
        Self { version, definition, rules: rule_versions, published_at, published_by }
    }
}

/// The draft of the plan.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpPlanDraft)]
pub struct PlanDraftView {
    /// The content of the draft.
    definition: FollowUpPlanDefinition,
    /// The faults to correct before publication; pointers refer to the definition.
    #[schema(max_items = 1000)]
    faults: Vec<DraftFault>,
    /// The time of the last change.
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

/// Returns the faults with pointers into the body's `definition`.
fn of_definition(error: StoreError) -> Problem {
    match error {
        StoreError::Invalid(faults) => {
            Problem::invalid(faults.into_iter().map(|fault: Fault| fault.under("/definition")).collect())
        }
        other => other.into(),
    }
}
