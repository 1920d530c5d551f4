//! Starts the repeated scoring of stored answers.

use actix_web::{HttpResponse, post, web};
use painreg_tenants::app::rescoring::{self, Rescoring};
use serde::Deserialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::operation::{OperationView, accepted};
use crate::wire::{Body, IdempotencyKey, ListedCode};

/// The scores to compute again.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Rescore)]
pub struct RescoreBody {
    /// The code of the instrument.
    #[schema(min_length = 1, max_length = 40, example = "eq5d5l")]
    instrument: String,
    /// EQ-5D only: the value sets to index with; absent: those of the registry's settings.
    #[serde(default)]
    #[schema(value_type = Vec<ListedCode>, max_items = 20, example = json!(["NO_5L_2024", "DK_5L_2021"]))]
    value_sets: Vec<String>,
}

/// Score stored answers again with today's algorithm.
///
/// Starts a long operation over every submission with a score of the instrument; read its progress at `Location`. A
/// result that differs is stored as a new version beside the old one; an equal result is not stored. The operation's
/// result is `{"examined": .., "rescored": ..}`, both counts of submissions.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("RescoreAnswers"))),
    params(IdempotencyKey),
    request_body = RescoreBody,
    responses((status = 202, description = "The operation, queued.", body = OperationView), Problems))]
#[post("/rescorings")]
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
            let queued = rescoring::request(tx, &Rescoring { instrument, value_sets })?;
            Ok(accepted(&path, queued))
        })
        .await
}
