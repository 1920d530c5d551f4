//! Reads the permissions that follow from a patient's legal basis.

use actix_web::{HttpResponse, get, web};
use jiff::civil::Date;
use painreg_domain::clinical::legal_basis::{PermissionReason, Verdict, may_keep, may_send};
use painreg_domain::ids::PatientId;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::Query;

/// The day of the query.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Day {
    /// The day of the question; absent: today.
    on: Option<Date>,
}

/// A permission with its reason, as code and as sentence.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Permission)]
pub struct PermissionView {
    /// Whether the legal basis permits it.
    allowed: bool,
    /// The reason of the permission or refusal.
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

/// The permissions on one day.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Permissions {
    /// The day of the answer.
    on: Date,
    /// Whether clinical data may be kept in the registry.
    may_keep: PermissionView,
    /// Whether questionnaires may be sent to the patient.
    may_send: PermissionView,
}

/// Read the permissions of a patient: whether data may be kept and questionnaires may be sent, with the reasons.
///
/// The same rule is applied to every recording and every message.
#[utoipa::path(tag = "Legal basis", extensions(("x-action" = json!("ReadLegalBasis"))),
    params(Day),
    responses((status = 200, description = "The permissions.", body = Permissions), Problems))]
#[get("/permissions")]
pub async fn read_permissions(
    caller: Caller,
    path: web::Path<(String, PatientId)>,
    Query(Day { on }): Query<Day>,
) -> Result<HttpResponse, Problem> {
    let (_, patient) = path.into_inner();
    let permissions = caller
        .run(move |tx| {
            let (_, standing) = tx.open_to_record(patient)?;
            let on = on.unwrap_or_else(|| tx.today());
            Ok(Permissions {
                on,
                may_keep: may_keep(&standing.grounds, on).into(),
                may_send: may_send(&standing.grounds, standing.circumstances, on).into(),
            })
        })
        .await?;
    Ok(HttpResponse::Ok().json(permissions))
}
