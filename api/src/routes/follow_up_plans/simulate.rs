//! What a plan would change.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpResponse, post, web};
use painreg_domain::followup::FollowUpPlanDefinition;
use painreg_domain::ids::PatientId;
use painreg_tenants::store::decisions::{self, Content, Difference};
use painreg_tenants::store::plans;
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::follow_up::{ReasonView, reasons};
use crate::wire::{Body, IdempotencyKey, reply};

/// Which plan, and how much of the difference is shown.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulateFollowUp {
    /// The plan; absent: the draft.
    #[serde(default)]
    definition: Option<FollowUpPlanDefinition>,
    /// Of this rule only.
    #[serde(default)]
    #[validate(length(min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40)]
    rule: Option<String>,
    /// How many differences are shown at the most; all are counted.
    #[serde(default = "shown_at_most")]
    #[validate(range(max = 10_000))]
    #[schema(maximum = 10_000, default = 200)]
    limit: u32,
}

const fn shown_at_most() -> u32 {
    200
}

/// What a plan would change, were it published now.
#[derive(Serialize, utoipa::ToSchema)]
pub struct FollowUpSimulation {
    /// How many patients were looked at: all of them.
    #[schema(minimum = 0, maximum = 100_000_000)]
    population: usize,
    /// By rule, those of the plan in force included.
    #[schema(value_type = Object)]
    rules: BTreeMap<String, Counts>,
    /// Who, and why; by patient.
    #[schema(max_items = 10_000)]
    differences: Vec<DifferenceView>,
    /// Whether there are more than are shown.
    more: bool,
}

/// How many occurrences change, and how.
#[derive(Clone, Copy, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpSimulationCounts)]
pub struct Counts {
    /// Something would be sent that would not have been.
    #[schema(minimum = 0, maximum = 100_000_000)]
    added: usize,
    /// Nothing would be sent any more.
    #[schema(minimum = 0, maximum = 100_000_000)]
    dropped: usize,
    /// It would be sent on another day.
    #[schema(minimum = 0, maximum = 100_000_000)]
    moved: usize,
    /// It would stand there for other reasons, and the same would be sent.
    #[schema(minimum = 0, maximum = 100_000_000)]
    restated: usize,
}

/// One occurrence that would change.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpDifference)]
pub struct DifferenceView {
    /// Whose.
    patient_id: PatientId,
    /// The rule.
    #[schema(max_length = 40, example = "rf_3")]
    rule: String,
    /// `added`, `dropped`, `moved` or `restated`.
    #[schema(max_length = 20, example = "moved")]
    change: &'static str,
    /// How it stands; null: nothing is decided.
    before: Option<SideView>,
    /// How it would stand; null: nothing would be decided.
    after: Option<SideView>,
}

/// How an occurrence stands.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpDifferenceSide)]
pub struct SideView {
    /// Its state.
    #[schema(max_length = 20, example = "waiting")]
    state: String,
    /// Why.
    #[schema(max_items = 40)]
    reasons: Vec<ReasonView>,
    /// The day it is about.
    due_on: Option<jiff::civil::Date>,
    /// The day on which something is sent next.
    send_on: Option<jiff::civil::Date>,
}

impl From<&Content> for SideView {
    fn from(it: &Content) -> Self {
        Self {
            state: it.state.clone(),
            reasons: reasons(&it.reasons).collect(),
            due_on: it.due_on,
            send_on: it.send_on,
        }
    }
}

fn change(difference: &Difference) -> &'static str {
    let sends = |side: &Option<Content>| side.as_ref().and_then(|side| side.send_on);
    match (sends(&difference.before), sends(&difference.after)) {
        (None, Some(_)) => "added",
        (Some(_), None) => "dropped",
        (Some(before), Some(after)) if before != after => "moved",
        _ => "restated",
    }
}

/// Run a plan on the registry's patients without publishing it: who is added, dropped and moved, and why.
///
/// Publishing the same plan right afterwards changes exactly this. Nothing is stored.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("SimulateFollowUp"))),
    params(IdempotencyKey),
    request_body = SimulateFollowUp,
    responses((status = 200, description = "What would change.", body = FollowUpSimulation), Problems))]
#[post("/v1/tenants/{tenant}/follow-up-simulations")]
pub async fn simulate_follow_up(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    body: Body<SimulateFollowUp>,
) -> Result<HttpResponse, Problem> {
    let Body { value: SimulateFollowUp { definition, rule, limit }, bytes } = body;
    let place = format!("/v1/tenants/{path}/follow-up-simulations");
    caller
        .run_once(key, bytes, &place, move |tx| {
            let of_body = definition.is_some();
            let definition = match definition {
                Some(definition) => definition,
                None => plans::draft(tx)?.definition,
            };
            let plan = plans::check(tx, definition)
                .map_err(|error| if of_body { super::of_definition(error) } else { error.into() })?;
            let plan = plans::as_next(tx, &plan)?;
            let limit = usize::try_from(limit).unwrap_or(0);
            let mut rules: BTreeMap<String, Counts> = BTreeMap::new();
            let (mut differences, mut more) = (Vec::new(), false);
            let population = decisions::simulate(tx, &plan, |difference| {
                let Some(side) = difference.after.as_ref().or(difference.before.as_ref()) else { return };
                if rule.as_ref().is_some_and(|rule| *rule != side.rule) {
                    return;
                }
                let change = change(&difference);
                let counts = rules.entry(side.rule.clone()).or_default();
                match change {
                    "added" => counts.added += 1,
                    "dropped" => counts.dropped += 1,
                    "moved" => counts.moved += 1,
                    _ => counts.restated += 1,
                }
                if differences.len() == limit {
                    more = true;
                    return;
                }
                differences.push(DifferenceView {
                    patient_id: difference.patient,
                    rule: side.rule.clone(),
                    change,
                    before: difference.before.as_ref().map(SideView::from),
                    after: difference.after.as_ref().map(SideView::from),
                });
            })?;
            let shown: BTreeSet<PatientId> = differences.iter().map(|it| it.patient_id).collect();
            decisions::shown(tx, &shown.into_iter().collect::<Vec<_>>())?;
            Ok(reply(200, None, None, &FollowUpSimulation { population, rules, differences, more }))
        })
        .await
}
