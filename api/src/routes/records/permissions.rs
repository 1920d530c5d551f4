//! What may be done with a patient's data, and why.

use actix_web::{HttpResponse, get, web};
use jiff::civil::Date;
use painreg_domain::clinical::legal_basis::{PermissionReason, Verdict, may_keep, may_send};
use painreg_domain::ids::PatientId;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::problem::{Problem, Problems};

/// On which day.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Day {
    /// The day asked about; absent: today.
    on: Option<Date>,
}

/// An answer, and why, for people too.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Permission)]
pub struct PermissionView {
    /// Whether it may be done.
    allowed: bool,
    /// Why.
    reason: PermissionReason,
    /// The reason in a sentence, in English.
    #[schema(max_length = 200)]
    en: &'static str,
    /// The reason in a sentence, in Norwegian.
    #[schema(max_length = 200)]
    nb: &'static str,
}

impl From<Verdict> for PermissionView {
    fn from(verdict: Verdict) -> Self {
        let Verdict { allowed, reason } = verdict;
        Self { allowed, reason, en: reason.en(), nb: reason.nb() }
    }
}

/// What may be done.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Permissions {
    /// The day.
    on: Date,
    /// Whether what the clinic learns may be kept in the registry.
    may_keep: PermissionView,
    /// Whether questionnaires may be sent.
    may_send: PermissionView,
}

/// Read whether a patient's data may be kept and questionnaires may be sent, and why.
///
/// The same rule decides wherever something is kept or sent.
#[utoipa::path(tag = "Legal basis", extensions(("x-action" = json!("ReadLegalBasis"))),
    params(Day),
    responses((status = 200, description = "The answers.", body = Permissions), Problems))]
#[get("/v1/tenants/{tenant}/patients/{patient}/permissions")]
pub async fn read_permissions(
    caller: Caller,
    path: web::Path<(String, PatientId)>,
    day: web::Query<Day>,
) -> Result<HttpResponse, Problem> {
    let (_, patient) = path.into_inner();
    let permissions = caller
        .run(move |tx| {
            let (_, standing) = tx.open_to_record(patient)?;
            let on = day.on.unwrap_or_else(|| tx.today());
            Ok(Permissions {
                on,
                may_keep: may_keep(&standing.grounds, on).into(),
                may_send: may_send(&standing.grounds, standing.circumstances, on).into(),
            })
        })
        .await?;
    Ok(HttpResponse::Ok().json(permissions))
}
