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
use crate::wire::{self, Page, PageParams, Query, page_answer};

/// The query of the list of invitations.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InvitationParams {
    /// Only invitations in this state.
    #[param(inline)]
    state: Option<InvitationState>,
    /// Only invitations on this channel.
    #[param(inline)]
    channel: Option<Channel>,
    /// Only invitations of this rule.
    #[param(min_length = 1, max_length = 40)]
    rule: Option<String>,
    /// Only invitations claimed at this instant or later.
    #[param(max_length = 40)]
    from: Option<Timestamp>,
    /// Only invitations claimed before this instant.
    #[param(max_length = 40)]
    to: Option<Timestamp>,
}

/// List invitations and reminders, the latest claim first.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReadInvitations"))),
    params(InvitationParams, PageParams),
    responses((status = 200, description = "A page of invitations.", body = Page<InvitationView>), Problems))]
#[get("")]
pub async fn list_invitations(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    Query(params): Query<InvitationParams>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let InvitationParams { state, channel, rule, from, to } = params;
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
