//! Reading whom to ring.

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
use crate::wire::{self, PageParams};

/// How many, and of which unit.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CallListParams {
    /// Only patients of this unit.
    #[param(max_length = 100)]
    unit: Option<String>,
    /// How many at the most, 1 to 200: those to be rung first.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
}

/// Whom to ring, the most urgent first (ringeliste).
#[derive(Serialize, utoipa::ToSchema)]
pub struct CallList {
    /// Whom.
    #[schema(max_items = 200)]
    items: Vec<ToRingView>,
}

/// Somebody to be rung.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ToRing)]
pub struct ToRingView {
    /// Whom; the telephone number is in the patient's own resource.
    patient_id: PatientId,
    /// How urgent it is: the sum of the reasons' points.
    #[schema(minimum = -100, maximum = 100)]
    points: i64,
    /// Why, and what each reason is worth.
    #[schema(max_items = 20)]
    because: Vec<WeightView>,
    /// How many days are left in the window.
    #[schema(minimum = 0, maximum = 10_000)]
    days_left: i32,
    /// When they were last rung about it.
    last_called_at: Option<Timestamp>,
    /// What came of that.
    #[schema(value_type = Option<String>, max_length = 20, example = "no_reply")]
    last_outcome: Option<CallOutcome>,
    /// The decision that is unanswered, with its reasons.
    decision: DecisionView,
}

/// A reason for ringing, and what it is worth.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CallReason)]
pub struct WeightView {
    /// Its code.
    #[schema(value_type = String, max_length = 40, example = "last_days")]
    code: Weight,
    /// Its points.
    #[schema(minimum = -10, maximum = 10)]
    points: i64,
    /// In Norwegian bokmål.
    #[schema(max_length = 200)]
    nb: &'static str,
    /// In English.
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

/// Read whom to ring first about an unanswered invitation, and why.
///
/// Those whom no message reached, those whose window is about to end and those who were reminded in vain, weighed by what
/// their answer is worth. Whoever declined is left in peace; nobody is rung again within two days.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReadCallList"))),
    params(CallListParams),
    responses((status = 200, description = "Whom to ring.", body = CallList), Problems))]
#[get("/v1/tenants/{tenant}/call-list")]
pub async fn read_call_list(
    caller: Caller,
    _path: web::Path<String>,
    params: web::Query<CallListParams>,
) -> Result<HttpResponse, Problem> {
    let CallListParams { unit, limit } = params.into_inner();
    let limit = PageParams { limit, cursor: None }.limit()?;
    let unit = wire::short("unit", unit, 100)?;
    let list = caller
        .run(move |tx| {
            let items = calls::to_call(tx, unit.as_deref(), limit)?;
            Ok(CallList { items: items.into_iter().map(ToRingView::from).collect() })
        })
        .await?;
    Ok(HttpResponse::Ok().json(list))
}
