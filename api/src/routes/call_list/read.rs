//! Reads the call list.

use actix_web::{HttpResponse, get, web};
use jiff::Timestamp;
use painreg_domain::followup::CallOutcome;
use painreg_domain::followup::call_priority::Weight;
use painreg_domain::ids::PatientId;
use painreg_tenants::store::calls::{self, PatientToCall};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::follow_up::DecisionView;
use crate::wire::{Limit, Query};

/// The query of the call list: maximum number and unit.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CallListParams {
    /// Only patients of this unit.
    #[param(min_length = 1, max_length = 100)]
    unit: Option<String>,
}

/// The patients to call, the most urgent first (ringeliste).
#[derive(Serialize, utoipa::ToSchema)]
pub struct CallList {
    /// The patients, the most urgent first.
    #[schema(max_items = 200)]
    items: Vec<ToRingView>,
}

/// One patient to call.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ToRing)]
pub struct ToRingView {
    /// The id of the patient; the telephone number is in the patient resource.
    patient_id: PatientId,
    /// The urgency: the sum of the reasons' points.
    #[schema(minimum = -100, maximum = 100)]
    points: i64,
    /// The reasons for the call, with the points of each.
    #[schema(max_items = 20)]
    because: Vec<WeightView>,
    /// The number of days left in the answer window.
    #[schema(minimum = 0, maximum = 10_000)]
    days_left: i32,
    /// The time of the last call about the decision; null where there was none.
    last_called_at: Option<Timestamp>,
    /// The outcome of the last call; null where there was none.
    #[schema(value_type = Option<String>, max_length = 20, example = "no_reply")]
    last_outcome: Option<CallOutcome>,
    /// The unanswered decision, with its reasons.
    decision: DecisionView,
}

/// One reason for a call, with its points.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CallReason)]
pub struct WeightView {
    /// The code of the reason.
    #[schema(value_type = String, max_length = 40, example = "last_days")]
    code: Weight,
    /// The points of the reason.
    #[schema(minimum = -10, maximum = 10)]
    points: i64,
    /// The reason in Norwegian bokmål.
    #[schema(max_length = 200)]
    nb: &'static str,
    /// The reason in English.
    #[schema(max_length = 200)]
    en: &'static str,
}

impl From<Weight> for WeightView {
    fn from(it: Weight) -> Self {
        Self { code: it, points: it.points(), nb: it.nb(), en: it.en() }
    }
}

impl From<PatientToCall> for ToRingView {
    fn from(it: PatientToCall) -> Self {
        Self {
            patient_id: it.patient,
            points: it.points,
            because: it.weights.into_iter().map(WeightView::from).collect(),
            days_left: it.days_left,
            last_called_at: it.last_call.map(|(at, _)| at),
            last_outcome: it.last_call.map(|(_, outcome)| outcome),
            decision: it.decision.into(),
        }
    }
}

/// List the patients to call about an unanswered invitation, the most urgent first (ringeliste).
///
/// Patients that no message reached, with a window about to end, or without an answer to a reminder, weighted by the
/// value of their answer. A patient who declined is not listed; a patient who was called is not listed for two days.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReadCallList"))),
    params(CallListParams, Limit),
    responses((status = 200, description = "The call list.", body = CallList), Problems))]
#[get("/call-list")]
pub async fn read_call_list(
    caller: Caller,
    _path: web::Path<String>,
    Query(CallListParams { unit }): Query<CallListParams>,
    Limit(limit): Limit,
) -> Result<HttpResponse, Problem> {
    let list = caller
        .run(move |tx| {
            let items = calls::to_call(tx, unit.as_deref(), limit)?;
            Ok(CallList { items: items.into_iter().map(ToRingView::from).collect() })
        })
        .await?;
    Ok(HttpResponse::Ok().json(list))
}
