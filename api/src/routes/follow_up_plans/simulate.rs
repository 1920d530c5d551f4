//! Simulates a plan on the registry's patients.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpResponse, post, web};
use jiff::civil::Date;
use painreg_domain::followup::FollowUpPlanDefinition;
use painreg_domain::ids::{PatientId, SubmissionId};
use painreg_tenants::store::decisions::{self, Compared, Content};
use painreg_tenants::store::plans;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::follow_up::{ReasonView, reasons};
use crate::wire::{Body, IdempotencyKey, reply};

/// The plan to simulate, and the number of differences to return.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulateFollowUp {
    /// The plan; absent: the draft.
    #[serde(default)]
    definition: Option<FollowUpPlanDefinition>,
    /// Only changes of this rule.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 40)]
    rule: Option<String>,
    /// Maximum number of differences returned; all are counted.
    #[serde(default = "shown_at_most")]
    #[schema(maximum = 10_000, default = 200)]
    limit: u32,
    /// Whether occurrences that would not change are returned too; they are always counted.
    #[serde(default)]
    #[schema(default = false)]
    list_unchanged: bool,
}

const fn shown_at_most() -> u32 {
    200
}

/// The changes that publishing the plan now would make.
#[derive(Serialize, utoipa::ToSchema)]
pub struct FollowUpSimulation {
    /// The number of patients examined: all of them.
    #[schema(minimum = 0, maximum = 100_000_000)]
    population: usize,
    /// The numbers of occurrences by rule, rules of the plan in force included.
    #[schema(value_type = Object)]
    rules: BTreeMap<String, Counts>,
    /// The changes, with their reasons, by patient. With `list_unchanged`, what would not change too.
    #[schema(max_items = 10_000)]
    differences: Vec<DifferenceView>,
    /// Whether there are more than are returned.
    more: bool,
}

/// The numbers of occurrences, by type of change.
#[derive(Clone, Copy, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpSimulationCounts)]
pub struct Counts {
    /// A message would be sent that would not be sent now.
    #[schema(minimum = 0, maximum = 100_000_000)]
    added: usize,
    /// The message would no longer be sent.
    #[schema(minimum = 0, maximum = 100_000_000)]
    dropped: usize,
    /// The invitation would be sent on another day.
    #[schema(minimum = 0, maximum = 100_000_000)]
    moved: usize,
    /// The decision would differ, and the same would be sent on the same day.
    #[schema(minimum = 0, maximum = 100_000_000)]
    restated: usize,
    /// The decision would be the same.
    #[schema(minimum = 0, maximum = 100_000_000)]
    unchanged: usize,
}

/// One occurrence, now and under the plan.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpDifference)]
pub struct DifferenceView {
    /// The patient of the change.
    patient_id: PatientId,
    /// The name of the rule.
    #[schema(max_length = 40, example = "rf_3")]
    rule: String,
    /// The type of change: `added`, `dropped`, `moved`, `restated` or `unchanged`.
    #[schema(max_length = 20, example = "moved")]
    change: &'static str,
    /// The current state; null: there is no decision.
    before: Option<SideView>,
    /// The state under the plan; null: there would be no decision.
    after: Option<SideView>,
}

/// The state of an occurrence.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpDifferenceSide)]
pub struct SideView {
    /// The state of the decision.
    #[schema(max_length = 20, example = "waiting")]
    state: String,
    /// The reasons of the state.
    #[schema(max_items = 40)]
    reasons: Vec<ReasonView>,
    /// Whether the decision is the current one for the patient and the rule.
    current: bool,
    /// The day of the event that started the occurrence.
    starts_on: Option<Date>,
    /// The day of the occurrence; null for an occurrence without a day.
    due_on: Option<Date>,
    /// The day of the next invitation or reminder; null where none is to be sent.
    send_on: Option<Date>,
    /// The channel of the invitation; null where none is chosen.
    #[schema(max_length = 40, example = "sms")]
    channel: Option<String>,
    /// The last day for invitations and reminders.
    lapses_on: Option<Date>,
    /// The submission that answers the occurrence; null where there is none.
    submission_id: Option<SubmissionId>,
    /// The match of the answer: by `token`, `source` or `window`; null without an answer.
    #[schema(max_length = 20)]
    matched_by: Option<String>,
    /// The time of the answer relative to the window: `early`, `in_time` or `late`; null without an answer.
    #[schema(max_length = 20)]
    timing: Option<String>,
}

impl From<&Content> for SideView {
    fn from(it: &Content) -> Self {
        Self {
            state: it.state.clone(),
            reasons: reasons(&it.reasons).collect(),
            current: it.current,
            starts_on: it.starts_on,
            due_on: it.due_on,
            send_on: it.send_on,
            channel: it.channel.clone(),
            lapses_on: it.lapses_on,
            submission_id: it.submission_id.map(SubmissionId::existing),
            matched_by: it.matched_by.clone(),
            timing: it.timing.clone(),
        }
    }
}

fn change(compared: &Compared) -> &'static str {
    if compared.is_unchanged() {
        return "unchanged";
    }
    let sends = |side: &Option<Content>| side.as_ref().and_then(|side| side.send_on);
    match (sends(&compared.before), sends(&compared.after)) {
        (None, Some(_)) => "added",
        (Some(_), None) => "dropped",
        (Some(before), Some(after)) if before != after => "moved",
        _ => "restated",
    }
}

/// Simulate a follow-up plan without publishing it: the patients added, dropped and moved, with the reasons.
///
/// Publishing the same plan directly afterwards makes exactly these changes. Nothing is stored. An occurrence that would not
/// change is counted (`unchanged`) and not returned, unless `list_unchanged` is set; what is compared is the decision, not
/// the facts behind it or the version of its rule.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("SimulateFollowUp"))),
    params(IdempotencyKey),
    request_body = SimulateFollowUp,
    responses((status = 200, description = "The simulated changes.", body = FollowUpSimulation), Problems))]
#[post("/follow-up-simulations")]
pub async fn simulate_follow_up(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    body: Body<SimulateFollowUp>,
) -> Result<HttpResponse, Problem> {
    let Body { value: SimulateFollowUp { definition, rule, limit, list_unchanged }, bytes } = body;
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
            let population = decisions::simulate(tx, &plan, |compared| {
                let Some(side) = compared.after.as_ref().or(compared.before.as_ref()) else { return };
                if rule.as_ref().is_some_and(|rule| *rule != side.rule) {
                    return;
                }
                let change = change(&compared);
                let counts = rules.entry(side.rule.clone()).or_default();
                match change {
                    "added" => counts.added += 1,
                    "dropped" => counts.dropped += 1,
                    "moved" => counts.moved += 1,
                    "unchanged" => counts.unchanged += 1,
                    _ => counts.restated += 1,
                }
                if change == "unchanged" && !list_unchanged {
                    return;
                }
                if differences.len() == limit {
                    more = true;
                    return;
                }
                differences.push(DifferenceView {
                    patient_id: compared.patient,
                    rule: side.rule.clone(),
                    change,
                    before: compared.before.as_ref().map(SideView::from),
                    after: compared.after.as_ref().map(SideView::from),
                });
            })?;
            let shown: BTreeSet<PatientId> = differences.iter().map(|it| it.patient_id).collect();
            decisions::shown(tx, &shown.into_iter().collect::<Vec<_>>())?;
            Ok(reply(200, None, None, &FollowUpSimulation { population, rules, differences, more }))
        })
        .await
}
