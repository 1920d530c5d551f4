//! Lists the versions of an entry.

use actix_web::HttpResponse;
use jiff::Timestamp;
use painreg_domain::clinical::Entry;
use painreg_tenants::store::entries::{self, Past};
use serde::Serialize;

use super::OnePath;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::wire::{Page, Raw};

/// One version of an entry.
#[derive(Serialize, utoipa::ToSchema)]
pub struct VersionView {
    /// The time from which the version was current.
    valid_from: Timestamp,
    /// The time until which the version was current; null: the version is current.
    valid_to: Option<Timestamp>,
    /// The action that ended the version; null while current.
    #[schema(max_length = 64)]
    changed_by: Option<String>,
    /// The reason of the change that ended the version; null while the version is current.
    #[schema(max_length = 64)]
    reason: Option<String>,
    /// The entry in this version.
    #[schema(value_type = Object)]
    entry: Raw,
}

fn view(past: Past) -> Result<VersionView, Problem> {
    let Past { state, valid_from, valid_to, changed_by, reason } = past;
    Ok(VersionView { valid_from, valid_to, changed_by, reason, entry: Raw::new(state.json)? })
}

pub(super) async fn versions<T: Entry>(caller: Caller, path: OnePath) -> Result<HttpResponse, Problem> {
    let (_, patient, id) = path.into_inner();
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
