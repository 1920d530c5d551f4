//! Counts the current decisions.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, get, web};
use painreg_tenants::store::decisions::{self, Count, Counted};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::follow_up::{ReasonView, reasons};
use crate::wire::Query;

/// The query of the counts: the patients.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CountParams {
    /// Only patients of this unit.
    #[param(min_length = 1, max_length = 100)]
    unit: Option<String>,
}

/// The current decisions in numbers.
#[derive(Serialize, utoipa::ToSchema)]
pub struct FollowUpCounts {
    /// The number of patients; the states of every rule add up to this number.
    #[schema(minimum = 0)]
    population: i64,
    /// Whether every patient has been decided since the plan or a list last changed. Until then the counts mix both.
    up_to_date: bool,
    /// The counts of each rule.
    #[schema(max_items = 800)]
    rules: Vec<RuleCounts>,
}

/// The current decisions of one rule in numbers.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RuleCounts {
    /// The name of the rule.
    #[schema(max_length = 40, example = "rf_3")]
    rule: String,
    /// The number of patients in each state.
    #[schema(value_type = Object, example = json!({"waiting": 40, "sent": 2}))]
    states: BTreeMap<String, i64>,
    /// Patients by state and deciding reason.
    #[schema(max_items = 400)]
    reasons: Vec<ReasonCount>,
}

/// The number of patients in a state for one reason.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ReasonCount {
    /// The state of the decision.
    #[schema(max_length = 20, example = "waiting")]
    state: String,
    /// The deciding reason.
    reason: ReasonView,
    /// The number of patients.
    #[schema(minimum = 0)]
    patients: i64,
}

impl From<Counted> for FollowUpCounts {
    fn from(it: Counted) -> Self {
        let mut rules: Vec<RuleCounts> = Vec::new();
        for Count { rule, state, reason, patients } in it.counts {
            if rules.last().is_none_or(|last| last.rule != rule) {
                rules.push(RuleCounts { rule, states: BTreeMap::new(), reasons: Vec::new() });
            }
            let Some(of_rule) = rules.last_mut() else { continue };
            *of_rule.states.entry(state.clone()).or_default() += patients;
            of_rule.reasons.extend(reasons(&[reason]).map(|reason| ReasonCount {
                state: state.clone(),
                reason,
                patients,
            }));
        }
        Self { population: it.population, up_to_date: it.up_to_date, rules }
    }
}

/// Count the current decisions by rule, state and reason.
///
/// Every patient is in exactly one state of every rule: the counts of a rule add up to the population, within the
/// caller's reach.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ListFollowUp"))),
    params(CountParams),
    responses((status = 200, description = "The counts.", body = FollowUpCounts), Problems))]
#[get("/follow-up-counts")]
pub async fn count_follow_up(
    caller: Caller,
    _path: web::Path<String>,
    Query(CountParams { unit }): Query<CountParams>,
) -> Result<HttpResponse, Problem> {
    let view = caller.run(move |tx| Ok(FollowUpCounts::from(decisions::count(tx, unit.as_deref())?))).await?;
    Ok(HttpResponse::Ok().json(view))
}
