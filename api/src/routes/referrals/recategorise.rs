//! Changes the treatment-right category of a referral and reports the consequences.

use actix_web::{HttpResponse, post, web};
use jiff::civil::Date;
use painreg_domain::clinical::history::ChangeReason;
use painreg_domain::clinical::{Consequence, EntryKind, Referral, recategorised};
use painreg_domain::ids::{EntryId, PatientId};
use painreg_tenants::app::record_entry;
use painreg_tenants::store::{code_lists, entries};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IdempotencyKey, IfMatch, Raw, reply};

/// The new category of a referral.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recategorise {
    /// A code of the list `treatment_right`.
    #[schema(max_length = 40, example = "right_granted")]
    category: String,
    /// The day of the assessment; absent: today.
    #[serde(default)]
    assessed_on: Option<Date>,
    /// Whether the previous category was an error, rather than superseded by later events.
    #[serde(default)]
    correction: bool,
}

/// The referral after the change, with the consequences.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Recategorised)]
pub struct RecategorisedView {
    /// The referral entry.
    #[schema(value_type = Object)]
    referral: Raw,
    /// The consequences of the new category.
    consequence: Consequence,
}

/// Change the treatment-right category (behandlingsrettkategori) of a referral.
///
/// The category decides which questionnaires are sent and which patients count in the denominator of coverage; the
/// response gives the rules before and after.
#[utoipa::path(tag = "Course", extensions(("x-action" = json!("ChangeCourse"))),
    params(IdempotencyKey,
        IfMatch),
    request_body = Recategorise,
    responses((status = 201, description = "The category was changed.", body = RecategorisedView), Problems))]
#[post("/{entry}/recategorisations")]
pub async fn recategorise_referral(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<(String, PatientId, EntryId)>,
    version: IfMatch,
    body: Body<Recategorise>,
) -> Result<HttpResponse, Problem> {
    let (tenant, patient, id) = path.into_inner();
    let Body { value, bytes } = body;
    let referral = format!("/v1/tenants/{tenant}/patients/{patient}/referrals/{id}");
    let place = format!("{referral}/recategorisations");
    caller
        .run_once(key, bytes, &place, move |tx| {
            tx.about(format!("{}/{id}", EntryKind::Referral));
            let (access, standing) = tx.open_to_record(patient)?;
            let before = entries::find(tx, &access, EntryKind::Referral, id, None)?;
            let version = version.against(before.version)?;
            let lists = code_lists::current(tx, &standing)?;
            let assessed_on = value.assessed_on.unwrap_or_else(|| tx.today());
            let content: Referral = entries::content(&before)?;
            let (changed, consequence) = recategorised(&content, &value.category, assessed_on, &lists)?;
            let reason = if value.correction { ChangeReason::Correction } else { ChangeReason::Update };
            let stored = record_entry::change(tx, &access, &standing, &before, (version, reason), &changed)?;
            let version = stored.version;
            let view = RecategorisedView { referral: Raw::new(stored.json)?, consequence };
            let mut reply = reply(201, Some(referral), Some(version), &view);
            reply.patient = Some(access.id());
            Ok(reply)
        })
        .await
}
