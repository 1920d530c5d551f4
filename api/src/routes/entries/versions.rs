//! Every state that an entry was in.

use actix_web::{HttpResponse, web};
use jiff::Timestamp;
use painreg_domain::clinical::Entry;
use painreg_tenants::store::entries::{self, Past};
use serde::Serialize;

use super::{OnePath, Pairs};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::wire::{Page, Raw};

/// One state that an entry was in.
#[derive(Serialize, utoipa::ToSchema)]
pub struct VersionView {
    /// From when.
    valid_from: Timestamp,
    /// Until when; null: it is the state of now.
    valid_to: Option<Timestamp>,
    /// The action that ended it.
    #[schema(max_length = 64)]
    changed_by: Option<String>,
    /// Why it ended.
    #[schema(max_length = 64)]
    reason: Option<String>,
    /// The entry as it was then.
    #[schema(value_type = Object)]
    entry: Raw,
}

fn view(past: Past) -> Result<VersionView, Problem> {
    let Past { state, valid_from, valid_to, changed_by, reason } = past;
    Ok(VersionView { valid_from, valid_to, changed_by, reason, entry: Raw::new(state.json)? })
}

pub(super) async fn versions<T: Entry>(
    caller: Caller,
    path: OnePath,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let (_, patient, id) = path.into_inner();
    Pairs::new(query.into_inner())?.end()?;
    let found = caller
        .run(move |tx| {
            tx.about(format!("{}/{id}", T::KIND));
            let access = tx.open_patient(patient)?;
            Ok(entries::versions(tx, &access, T::KIND, id)?)
        })
        .await?;
    let items = found.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    Ok(HttpResponse::Ok().json(Page { items, next_cursor: None }))
}
