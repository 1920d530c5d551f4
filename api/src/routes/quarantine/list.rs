//! Lists the deliveries in quarantine.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_domain::fault::FaultCode;
use painreg_domain::quarantine::QuarantineState;
use painreg_tenants::Keyset;
use painreg_tenants::store::quarantine::{self, QuarantineFilter};
use serde::Deserialize;

use super::QuarantinedView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, Query, page_answer};

/// The query of the list of deliveries.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct QuarantineParams {
    /// Only deliveries in this state.
    #[param(inline)]
    state: Option<QuarantineState>,
    /// Only deliveries of this Nettskjema form.
    #[param(min_length = 1, max_length = 20)]
    form_id: Option<String>,
    /// Only deliveries with a reason of this code, such as `unknown_item`.
    code: Option<FaultCode>,
}

/// List the deliveries in quarantine, the newest first.
///
/// With the reasons and, for unknown keys of a codebook, the items that they probably refer to.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadQuarantine"))),
    params(QuarantineParams, PageParams),
    responses((status = 200, description = "A page of deliveries.", body = Page<QuarantinedView>), Problems))]
#[get("")]
pub async fn list_quarantine(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    Query(params): Query<QuarantineParams>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let QuarantineParams { state, form_id, code } = params;
    if form_id.as_deref().is_some_and(|id| !id.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(wire::parameter("query", "form_id"));
    }
    let search = QuarantineFilter { state, nettskjema_id: form_id, code };
    let page = caller
        .run(move |tx| {
            let list = format!("quarantine/{search:?}");
            let after = tx.open_cursor(&list, cursor)?;
            let found = quarantine::list(tx, &search, after, limit)?;
            Ok(wire::page::<_, QuarantinedView>(found, |last| {
                tx.seal_cursor(&list, &Keyset(last.received_at, last.id))
            }))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
