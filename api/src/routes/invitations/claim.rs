//! Claiming what is to be sent.

use std::time::Duration;

use actix_web::{HttpResponse, post, web};
use jiff::Timestamp;
use painreg_domain::followup::Channel;
use painreg_domain::ids::{InvitationId, PatientId};
use painreg_tenants::store::invitations::{self, Claim, ClaimRequest, ClaimedInvitation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use validator::Validate;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IdempotencyKey, reply};

/// What a sender can send now.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimInvitations {
    /// By which channel.
    channel: Channel,
    /// How many at the most.
    #[serde(default = "a_batch")]
    #[validate(range(min = 1, max = 200))]
    #[schema(minimum = 1, maximum = 200, default = 50)]
    limit: i64,
    /// For how many seconds it wants them: what is not handed over by then goes to somebody else.
    #[serde(default = "some_minutes")]
    #[validate(range(min = 10, max = 3600))]
    #[schema(minimum = 10, maximum = 3600, default = 300)]
    lease_seconds: u64,
}

const fn a_batch() -> i64 {
    50
}

const fn some_minutes() -> u64 {
    300
}

/// What a sender was given.
#[derive(Serialize, utoipa::ToSchema)]
pub struct InvitationClaim {
    /// The claim's id, as the access log names it.
    #[schema(value_type = String, format = "uuid", min_length = 36, max_length = 36)]
    id: Uuid,
    /// Until when everything in it is the sender's.
    lease_until: Timestamp,
    /// When there may be something to send, where the plan keeps hours and days; null: now.
    next_at: Option<Timestamp>,
    /// What is to be sent. Each is handed over (`PUT …/handover`) the moment before it is sent, and told the end of.
    #[schema(max_items = 200)]
    invitations: Vec<ClaimedView>,
}

/// Something to be sent.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ClaimedInvitation)]
pub struct ClaimedView {
    /// Its id: give it to the gateway as the message's own reference.
    id: InvitationId,
    /// To whom.
    patient_id: PatientId,
    /// For which rule.
    #[schema(max_length = 40, example = "rf_3")]
    rule: String,
    /// Counts everything sent for the occurrence, from 1.
    #[schema(minimum = 1)]
    attempt: u32,
    /// 0: the invitation itself; then the reminders.
    #[schema(minimum = 0)]
    reminder: u32,
    /// Where to: the mobile number (E.164), the e-mail address, or the national id where the channel goes by that.
    #[schema(max_length = 254, example = "+4790000000")]
    address: String,
    /// In which language (ISO 639).
    #[schema(max_length = 3, example = "nb")]
    language: String,
    /// What is written, links and all: to be sent as it stands.
    #[schema(max_length = 2000)]
    text: String,
    /// Whether a sender was told to send it before and was never heard of again: ask the gateway whether it knows the id,
    /// and report what it says instead of sending it a second time.
    check_first: bool,
    /// Its version: `If-Match` of the hand-over, so that nobody hands over who held it before.
    #[schema(minimum = 1)]
    version: i64,
}

impl From<ClaimedInvitation> for ClaimedView {
    fn from(it: ClaimedInvitation) -> Self {
        let ClaimedInvitation { id, patient, rule, attempt, reminder, address, language, text, check_first, version } =
            it;
        Self { id, patient_id: patient, rule, attempt, reminder, address, language, text, check_first, version }
    }
}

impl From<Claim> for InvitationClaim {
    fn from(it: Claim) -> Self {
        let Claim { id, lease_until, next_at, invitations } = it;
        Self { id, lease_until, next_at, invitations: invitations.into_iter().map(ClaimedView::from).collect() }
    }
}

/// Claim invitations and reminders that are to be sent now by a channel.
///
/// Everybody in the claim has been decided again from the facts of this moment. Nobody else is given the same while the
/// lease lasts. A claim that is repeated with the same `Idempotency-Key` answers the same.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ClaimInvitations"))),
    params(IdempotencyKey),
    request_body = ClaimInvitations,
    responses((status = 200, description = "What is to be sent.", body = InvitationClaim), Problems))]
#[post("/v1/tenants/{tenant}/invitation-claims")]
pub async fn claim_invitations(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    body: Body<ClaimInvitations>,
) -> Result<HttpResponse, Problem> {
    let Body { value: ClaimInvitations { channel, limit, lease_seconds }, bytes } = body;
    let place = format!("/v1/tenants/{path}/invitation-claims");
    let request = ClaimRequest { channel, limit, lease: Duration::from_secs(lease_seconds) };
    caller
        .run_once(key, bytes, &place, move |tx| {
            let claim = invitations::claim(tx, &request)?;
            Ok(reply(200, None, None, &InvitationClaim::from(claim)))
        })
        .await
}
