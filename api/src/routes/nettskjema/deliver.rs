//! Stores a Nettskjema submission in its original format.

use actix_web::{HttpResponse, post, web};
use painreg_tenants::app::intake::nettskjema::examine;
use painreg_tenants::app::intake::{Arrival, Corrections, Taken, Waiting, take};
use painreg_tenants::store::nettskjema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::intake;
use crate::problem::{Problem, Problems};
use crate::state::State;
use crate::views::quarantine::KeptView;
use crate::views::submission::{ReceiptView, stored_reply};
use crate::wire::{Body, IdempotencyKey, JSON, reply};

/// One submission in the format of Nettskjema: of TSD's survey API, or of API v3.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object, example = json!({"version": "2024-09", "version_minor": 2,
    "metadata": {"created": "2026-11-20T09:15:00+01:00", "answer_time": 265150, "submission_id": 29_246_211,
        "respondent": {"provider": "idporten", "personal_identifier": "01818012337"}},
    "answers": {"nrs_average": 7, "isi": {"01": "2", "02": "1"}}}))]
pub struct NettskjemaSubmission(pub Map<String, Value>);

/// Deliver a Nettskjema submission (TSD survey API, versions 2022-07, 2023-03 and 2024-09, or API v3).
///
/// The form's mapping assigns each key of the codebook to an item. The patient is the respondent, the person
/// represented by the respondent, or the person in the form's element for the national id. A time without an offset is
/// Norwegian local time; whole numbers may be written `2`, `2.0` or, in texts, `2,0`; letters are stored composed
/// (Unicode NFC), so that a delivery in another composition is a repeated one. Stored once: a repeated
/// delivery returns 200 and changes nothing. A delivery that cannot be placed, because a key or the patient is unknown
/// or a value is not valid, is kept in quarantine and answered with 202 and the reasons.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("DeliverNettskjema"))),
    params(("Idempotency-Key" = String, Header, description = "Makes a retry safe.", max_length = 200)),
    request_body = NettskjemaSubmission,
    responses((status = 201, description = "Stored and scored.", body = ReceiptView),
        (status = 200, description = "The current revision has not changed.", body = ReceiptView),
        (status = 202, description = "Kept in quarantine.", body = KeptView), Problems))]
#[post("/{form_id}/deliveries")]
pub async fn deliver_nettskjema(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<(String, String)>,
    state: web::Data<State>,
    body: Body<NettskjemaSubmission>,
) -> Result<HttpResponse, Problem> {
    let (tenant, form_id) = path.into_inner();
    let bytes = body.bytes;
    let place = format!("/v1/tenants/{tenant}/nettskjema/{form_id}/deliveries");
    let acceptance = state.acceptance;
    let payload = bytes.clone();
    caller
        .run_once(key, bytes, &place, move |tx| {
            super::check_form_id(&form_id)?;
            let known = nettskjema::known(tx, &form_id)?;
            let what = intake::nettskjema::payload(JSON, &payload)?;
            let examined = examine(tx, &known, &form_id, what, &Corrections::default(), acceptance);
            let arrival = Arrival { media_type: JSON, payload: &payload, examined };
            match take(tx, Some(&form_id), vec![arrival])?.pop() {
                Some(Ok(Taken::Stored(stored))) => Ok(stored_reply(&tenant, *stored)),
                Some(Ok(Taken::Quarantined(Waiting { id, reasons, receipt, .. }))) => {
                    let reasons = reasons.into_iter().map(Into::into).collect();
                    Ok(reply(202, None, None, &KeptView { quarantine_id: id, reasons, receipt }))
                }
                Some(Err(error)) => Err(error.into()),
                None => Err(Problem::internal("a delivery without a result")),
            }
        })
        .await
}
