//! Claims the invitations that are due.

use std::time::Duration;

use actix_web::{HttpResponse, post, web};
use jiff::Timestamp;
use painreg_domain::followup::Channel;
use painreg_domain::ids::{InvitationId, PatientId};
use painreg_tenants::store::invitations::{self, Claim, ClaimRequest, ClaimedInvitation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IdempotencyKey, reply};

/// A claim: the sender's channel and capacity.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimInvitations {
    /// The channel that the sender serves.
    channel: Channel,
    /// Maximum number of invitations.
    #[serde(default = "a_batch")]
    #[schema(minimum = 1, maximum = 200, default = 50)]
    limit: i64,
    /// The duration of the lease in seconds: an invitation that is not handed over before the lease expiry can be
    /// claimed again.
    #[serde(default = "some_minutes")]
    #[schema(minimum = 10, maximum = 3600, default = 300)]
    lease_seconds: u64,
}

const fn a_batch() -> i64 {
    50
}

const fn some_minutes() -> u64 {
    300
}

/// The invitations of a claim, with their lease.
#[derive(Serialize, utoipa::ToSchema)]
pub struct InvitationClaim {
    /// The id of the claim, as in the access log.
    #[schema(value_type = String, format = "uuid", min_length = 36, max_length = 36)]
    id: Uuid,
    /// The lease expiry.
    lease_until: Timestamp,
    /// The next time at which invitations may be due, where the plan restricts hours and days; null: now.
    next_at: Option<Timestamp>,
    /// The invitations to send. Hand over each one (`PUT …/handover`) immediately before sending, and report its
    /// outcome.
    #[schema(max_items = 200)]
    invitations: Vec<ClaimedView>,
}

/// A claimed invitation or reminder.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ClaimedInvitation)]
pub struct ClaimedView {
    /// The id of the invitation: pass it to the gateway as the message's own reference.
    id: InvitationId,
    /// The patient who receives the message.
    patient_id: PatientId,
    /// The name of the rule.
    #[schema(max_length = 40, example = "rf_3")]
    rule: String,
    /// The number among all messages of the occurrence, from 1.
    #[schema(minimum = 1)]
    attempt: u32,
    /// The number of the reminder (purring); 0: the invitation.
    #[schema(minimum = 0)]
    reminder: u32,
    /// The address: the mobile number (E.164), the e-mail address, or the national id where the channel uses it.
    #[schema(max_length = 254, example = "+4790000000")]
    address: String,
    /// The language of the message (ISO 639).
    #[schema(max_length = 3, example = "nb")]
    language: String,
    /// The complete message text, links included: send it unchanged.
    #[schema(max_length = 2000)]
    text: String,
    /// Whether an earlier hand-over had no delivery report: ask the gateway for the id, and report its answer instead
    /// of sending a second time.
    check_first: bool,
    /// The version for `If-Match` of the hand-over, so that the sender of an earlier claim cannot hand it over.
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

/// Claim the invitations and reminders that are due on a channel.
///
/// Every patient in the claim has been decided again from current facts. No other claim receives the same invitations
/// before the lease expiry. A claim repeated with the same `Idempotency-Key` returns the same response.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ClaimInvitations"))),
    params(IdempotencyKey),
    request_body = ClaimInvitations,
    responses((status = 200, description = "The invitations to send.", body = InvitationClaim), Problems))]
#[post("/invitation-claims")]
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
