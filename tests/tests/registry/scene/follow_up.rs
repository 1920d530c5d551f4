//! Follow-up: plans, decisions, calls, invitations and statistics.

use serde_json::json;

use super::example::{Example, ROW, Request, Whose};
use super::parameters::{INVITATION, PLAN_VERSION, decision};
use crate::examples;

pub const ROWS: &[Example] = &[
    Example { operation: "listFollowUpPlans", ..ROW },
    Example { operation: "readFollowUpPlan", path: &[PLAN_VERSION], ..ROW },
    Example { operation: "publishFollowUpPlan", setup: Some(plan_draft), version: Some("follow_up_plan_draft"), ..ROW },
    Example { operation: "readFollowUpPlanDraft", setup: Some(plan_draft), ..ROW },
    Example {
        operation: "writeFollowUpPlanDraft",
        setup: Some(plan_draft),
        body: Some(|_| json!({"definition": examples::plan()})),
        version: Some("follow_up_plan_draft"),
        ..ROW
    },
    Example {
        operation: "discardFollowUpPlanDraft",
        setup: Some(plan_draft),
        version: Some("follow_up_plan_draft"),
        ..ROW
    },
    Example { operation: "runFollowUp", ..ROW },
    Example {
        operation: "simulateFollowUp",
        setup: Some(plan_draft),
        body: Some(|_| json!({"definition": examples::plan(), "limit": 0})),
        ..ROW
    },
    Example { operation: "countFollowUp", ..ROW },
    Example { operation: "listFollowUpDecisions", whose: Whose::Listed, ..ROW },
    Example { operation: "readCallList", whose: Whose::Listed, ..ROW },
    Example { operation: "listFollowUpCalls", whose: Whose::Listed, ..ROW },
    Example {
        operation: "recordFollowUpCall",
        body: Some(|request| json!({"decision_id": decision(request), "outcome": "no_reply"})),
        whose: Whose::Patient,
        ..ROW
    },
    Example { operation: "claimInvitations", body: Some(|_| json!({"channel": "helsenorge"})), ..ROW },
    Example { operation: "listInvitations", whose: Whose::Listed, ..ROW },
    Example { operation: "readInvitation", path: &[INVITATION], whose: Whose::Patient, ..ROW },
    Example {
        operation: "handOverInvitation",
        path: &[INVITATION],
        version: Some("invitation WHERE id::text = '{invitation}'"),
        whose: Whose::Patient,
        ..ROW
    },
    Example {
        operation: "reportInvitation",
        path: &[INVITATION],
        body: Some(|_| json!({"outcome": "sent"})),
        whose: Whose::Patient,
        ..ROW
    },
    Example { operation: "readFollowUpStatistics", ..ROW },
    Example { operation: "listStatisticsDecisions", whose: Whose::Listed, ..ROW },
    Example { operation: "readNonResponderProfile", ..ROW },
];

/// Writes the draft of a plan.
fn plan_draft(request: &Request<'_>) {
    let manager = request.scene.world.place(&request.tenant).manager();
    let before = manager.get(&manager.at("follow-up-plan-draft")).body["version"].as_i64().unwrap_or(0);
    let path = manager.at("follow-up-plan-draft");
    let draft = manager.request("PUT", &path).header("if-match", &format!("\"v{before}\""));
    draft.json(&json!({"definition": examples::plan()})).send();
}
