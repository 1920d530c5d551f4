//! Scores answers without storing them.

use actix_web::{HttpResponse, post, web};
use painreg_domain::fault::Fault;
use painreg_domain::instrument::{Catalogue, Scores};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::problem::{Code, Problem, Problems};
use crate::wire::{Body, IdempotencyKey, ListedCode, reply};

/// Answers to one instrument.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreAnswers {
    /// Item code -> whole number, written `2`, `2.0` or `2e0`; null and absent mean unanswered.
    #[schema(value_type = Object, example = json!({"isi_01": 2, "isi_02": 1, "isi_03": 0, "isi_04": 3, "isi_05": 1, "isi_06": 2, "isi_07": 2}))]
    answers: Map<String, Value>,
    /// EQ-5D only: the value sets to index with; absent: the first of the instrument's (`NO_5L_2024`, `UK_3L_TTO_1997`).
    #[serde(default)]
    #[schema(value_type = Vec<ListedCode>, max_items = 20, example = json!([]))]
    value_sets: Vec<String>,
    /// Checklists of symptoms only (`bds25`): the smallest answer that counts as a symptom; absent: 2.
    #[schema(minimum = 1, maximum = 3)]
    symptom_from: Option<i32>,
}

/// Score answers to one instrument and store nothing.
///
/// The result equals that of a stored submission. Answers outside their range, or of another type than a whole number,
/// are refused, never clipped.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ScoreAnswers"))),
    params(IdempotencyKey),
    request_body = ScoreAnswers,
    responses((status = 200, description = "The scores.", body = Scores), Problems))]
#[post("/{instrument}/scores")]
pub async fn score_answers(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<(String, String)>,
    body: Body<ScoreAnswers>,
) -> Result<HttpResponse, Problem> {
    let (tenant, code) = path.into_inner();
    let Body { value: ScoreAnswers { answers, value_sets, symptom_from }, bytes } = body;
    let place = format!("/v1/tenants/{tenant}/instruments/{code}/scores");
    caller
        .run_once(key, bytes, &place, move |_| {
            let instrument = Catalogue::shipped().find(&code).ok_or(Code::NotFound)?;
            let options = instrument.options(&value_sets)?.with_symptom_from(symptom_from);
            let under =
                |faults: Vec<Fault>| faults.into_iter().map(|fault| fault.under("/answers")).collect::<Vec<_>>();
            let slots = instrument.parse(&answers).map_err(under)?;
            Ok(reply(200, None, None, &instrument.score(&slots, &options)))
        })
        .await
}
