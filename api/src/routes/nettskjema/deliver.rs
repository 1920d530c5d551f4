//! Delivering a Nettskjema submission as Nettskjema gives it.

use actix_web::{HttpResponse, post, web};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::national_id::NationalId;
use painreg_domain::nettskjema::{AnsweredBy, tsd};
use painreg_domain::policy::Action;
use painreg_tenants::StoreError;
use painreg_tenants::store::forms;
use painreg_tenants::store::submissions::Source;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use validator::{Validate, ValidationErrors};

use super::{Checked, ReceiptView, plausible, score_and_place};
use crate::auth::Caller;
use crate::problem::{Code, Problem, Problems};
use crate::server::State;
use crate::wire::{Body, IdempotencyKey};

/// One submission as the TSD survey API gives it; its own schema says what is valid in it.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object, example = json!({"version": "2024-09", "version_minor": 2,
    "metadata": {"created": "2026-11-20T09:15:00+01:00", "answer_time": 265150, "submission_id": 29_246_211,
        "respondent": {"provider": "idporten", "personal_identifier": "01818012337"}},
    "answers": {"nrs_average": 7, "isi": {"01": "2", "02": "1"}}}))]
pub struct TsdSubmission(Value);

impl Validate for TsdSubmission {
    fn validate(&self) -> Result<(), ValidationErrors> {
        Ok(())
    }
}

/// Deliver a Nettskjema submission (TSD survey API, versions 2022-07, 2023-03 and 2024-09).
///
/// The form's Nettskjema mapping leads each codebook key to an item. The patient is the respondent, or the person
/// represented where somebody answered on their behalf. Stored once: the same bytes again answer 200 and change nothing.
#[utoipa::path(operation_id = "deliverNettskjema", tag = "Questionnaires", extensions(("x-action" = json!("DeliverNettskjema"))),
    params(("tenant" = String, Path, description = "The registry's slug.", max_length = 40),
        ("form_id" = String, Path, description = "The form's number in Nettskjema.", max_length = 12),
        ("Idempotency-Key" = String, Header, description = "Makes a repetition safe.", max_length = 200)),
    request_body = TsdSubmission,
    responses((status = 201, description = "Stored and scored.", body = ReceiptView),
        (status = 200, description = "Known already; nothing has changed.", body = ReceiptView), Problems))]
#[post("/v1/tenants/{tenant}/nettskjema/{form_id}/deliveries")]
pub async fn deliver_nettskjema(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<(String, String)>,
    state: web::Data<State>,
    body: Body<TsdSubmission>,
) -> Result<HttpResponse, Problem> {
    let (tenant, form_id) = path.into_inner();
    let Body { value: TsdSubmission(document), bytes } = body;
    let place = format!("/v1/tenants/{tenant}/nettskjema/{form_id}/deliveries");
    let payload_hash: [u8; 32] = Sha256::digest(&bytes).into();
    let acceptance = state.acceptance;
    caller
        .run_once(Action::DeliverNettskjema, key, bytes, &place, move |tx| {
            let form = forms::of_nettskjema(tx, &form_id)?;
            let delivery = tsd::parse(&form_id, &document)?;
            let answers = delivery.parse_for(&form)?;
            plausible(delivery.created, tx.now(), "/metadata/created")?;
            let at = |code| vec![Fault::new(delivery.patient_at(&form), code)];
            let given = delivery.patient_for(&form).ok_or_else(|| at(FaultCode::Required))?;
            let number = NationalId::detect(given.expose(), acceptance).map_err(at)?;
            let access = tx.open_to_collect_by_national_id(&number).map_err(|error| match error {
                StoreError::NotFound => Problem::with(Code::NotFound, at(FaultCode::UnknownReference)),
                other => other.into(),
            })?;
            let checked = Checked {
                form: &form,
                answers: &answers,
                source: Source {
                    system: "nettskjema".to_owned(),
                    form_id: delivery.form_id,
                    submission_id: delivery.submission_id,
                },
                answered_by: match delivery.respondent.answered_by {
                    AnsweredBy::Patient => "patient",
                    AnsweredBy::Representative { .. } => "representative",
                },
                submitted_at: delivery.created,
                payload_hash,
            };
            score_and_place(tx, &access, &tenant, checked)
        })
        .await
}
