//! Lists invitations and reminders.

use actix_web::{HttpRequest, HttpResponse, get, web};
use jiff::Timestamp;
use painreg_domain::followup::{Channel, InvitationState};
use painreg_tenants::Keyset;
use painreg_tenants::store::invitations::{self, Search};
use serde::Deserialize;

use super::InvitationView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// The query of the list of invitations.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InvitationParams {
    /// Only invitations in this state: `claimed`, `handed_over`, `sent`, `delivered`, `failed`, `unknown` or
    /// `withdrawn`.
    #[param(value_type = Option<String>, max_length = 20)]
    state: Option<InvitationState>,
    /// Only invitations on this channel.
    #[param(value_type = Option<String>, max_length = 40)]
    channel: Option<Channel>,
    /// Only invitations of this rule.
    #[param(max_length = 40)]
    rule: Option<String>,
    /// Only invitations claimed at this instant or later.
    #[param(max_length = 40)]
    from: Option<Timestamp>,
    /// Only invitations claimed before this instant.
    #[param(max_length = 40)]
    to: Option<Timestamp>,
    /// Maximum number of items in the page, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// The `next_cursor` of the previous page; absent: the first page.
    #[param(max_length = 1000)]
    cursor: Option<String>,
}

/// List invitations and reminders, the latest claim first.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReadInvitations"))),
    params(InvitationParams),
    responses((status = 200, description = "A page of invitations.", body = Page<InvitationView>), Problems))]
#[get("/v1/tenants/{tenant}/invitations")]
pub async fn list_invitations(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    params: web::Query<InvitationParams>,
) -> Result<HttpResponse, Problem> {
    let InvitationParams { state, channel, rule, from, to, limit, cursor } = params.into_inner();
    let page = PageParams { limit, cursor };
    let (limit, cursor) = (page.limit()?, page.cursor());
    let rule = wire::short("rule", rule, 40)?;
    let search = Search { state, channel, rule, from, to };
    let page = caller
        .run(move |tx| {
            let list = format!("invitations/{search:?}");
            let after = tx.open_cursor(&list, cursor)?;
            let found = invitations::list(tx, &search, after, limit)?;
            Ok(wire::page::<_, InvitationView>(found, |last| tx.seal_cursor(&list, &Keyset(last.claimed_at, last.id))))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
