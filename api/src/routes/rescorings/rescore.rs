//! Scoring stored answers again.

use actix_web::{HttpResponse, post, web};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::SubmissionId;
use painreg_domain::instrument::{Catalogue, Instrument, Item, Options};
use painreg_tenants::store::licences;
use painreg_tenants::store::submissions::{self, Scored, StoredScore};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use validator::Validate;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::routes::operations::{OperationView, accepted};
use crate::wire::{Body, IdempotencyKey, ListedCode};

/// What is to be scored again.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Rescore)]
pub struct RescoreBody {
    /// The code of the instrument.
    #[validate(length(min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40, example = "eq5d5l")]
    instrument: String,
    /// EQ-5D only: the value sets to index with; absent: those of the registry's settings.
    #[serde(default)]
    #[validate(length(max = 20))]
    #[schema(value_type = Vec<ListedCode>, max_items = 20, example = json!(["NO_5L_2024", "DK_5L_2021"]))]
    value_sets: Vec<String>,
}

/// Score stored answers again with today's algorithm.
///
/// Goes through the registry's submissions in stretches of 500. Where the result is another, a new version of the score
/// stands beside the old one; where it is the same, nothing is done, so that this can be broken off and repeated.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("RescoreAnswers"))),
    params(IdempotencyKey),
    request_body = RescoreBody,
    responses((status = 202, description = "The operation, queued.", body = OperationView), Problems))]
#[post("/v1/tenants/{tenant}/rescorings")]
pub async fn rescore(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    body: Body<RescoreBody>,
) -> Result<HttpResponse, Problem> {
    let Body { value: RescoreBody { instrument, value_sets }, bytes } = body;
    let place = format!("/v1/tenants/{path}/rescorings");
    caller
        .run_once(key, bytes, &place, move |tx| {
            let instrument = Catalogue::shipped()
                .find(&instrument)
                .ok_or_else(|| Problem::invalid(vec![Fault::at("instrument", FaultCode::UnknownReference)]))?;
            let chosen = (!value_sets.is_empty()).then(|| instrument.options(&value_sets)).transpose()?;
            let licensing = licences::current(tx)?;
            let options = chosen.as_ref().unwrap_or(&licensing.options);
            let found = submissions::scored_with(tx, instrument.code(), after, STRETCH)?;
            let next = found.last().map(|last| last.id).filter(|_| i64::try_from(found.len()) == Ok(STRETCH));
            let examined = found.len();
            let mut rescored = Vec::new();
            for Scored { id, answers, score } in found {
                let again = score_again(instrument, options, answers);
                if let Some(mut again) = again.filter(|again| !same(again, &score)) {
                    again.version = score.version + 1;
                    rescored.push((id, again));
                }
            }
            submissions::add_scores(tx, &rescored)?;
            let rescored = rescored.into_iter().map(|(id, _)| id).collect();
            Ok(reply(200, None, None, &RescoredView { examined, rescored, next }))
        })
        .await
}
