//! Lists the follow-up decisions.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_domain::followup::{Reason, State};
use painreg_tenants::store::decisions::{self, Filter};
use serde::Deserialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::follow_up::DecisionView;
use crate::wire::{self, Page, PageParams, Query, page_answer};

/// The query of the list of decisions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DecisionParams {
    /// Only decisions in this state.
    #[param(inline)]
    state: Option<State>,
    /// Only decisions with this reason, such as `no_channel` or `category_missing`.
    #[param(inline)]
    reason: Option<Reason>,
    /// Only decisions of this rule.
    #[param(min_length = 1, max_length = 40)]
    rule: Option<String>,
    /// Only decisions for patients of this unit.
    #[param(min_length = 1, max_length = 100)]
    unit: Option<String>,
    /// true: also decisions of earlier occurrences, not only the current one of each patient and rule.
    #[param(default = false)]
    past: Option<bool>,
}

/// List the current decisions of the registry, for example all patients without contact data or without a category.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ListFollowUp"))),
    params(DecisionParams, PageParams),
    responses((status = 200, description = "A page of decisions.", body = Page<DecisionView>), Problems))]
#[get("/follow-up-decisions")]
pub async fn list_follow_up_decisions(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    Query(params): Query<DecisionParams>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let DecisionParams { state, reason, rule, unit, past } = params;
    let filter = Filter {
        state: state.map(|state| <&'static str>::from(state).to_owned()),
        reason: reason.map(|reason| <&'static str>::from(reason).to_owned()),
        rule,
        unit,
        past: past.unwrap_or(false),
    };
    let page = caller
        .run(move |tx| {
            let list = format!("follow-up-decisions {filter:?}");
            let after = tx.open_cursor(&list, cursor)?;
            let found = decisions::list(tx, &filter, after, limit)?;
            Ok(wire::page::<_, DecisionView>(found, |last| tx.seal_cursor(&list, &last.id)))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
