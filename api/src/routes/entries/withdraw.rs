//! Withdraws an entry that should not have been recorded; the entry stays in the history.

use actix_web::HttpResponse;
use painreg_domain::clinical::Entry;
use painreg_domain::clinical::history::ChangeReason;
use painreg_tenants::app::record_entry;
use painreg_tenants::store::entries;

use super::{OnePath, ReasonParams};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::wire::{IfMatch, Query};

pub(super) async fn withdraw<T: Entry>(
    caller: Caller,
    path: OnePath,
    version: IfMatch,
    Query(ReasonParams { reason }): Query<ReasonParams>,
) -> Result<HttpResponse, Problem> {
    let (_, patient, id) = path.into_inner();
    let reason = reason.unwrap_or(ChangeReason::RegisteredInError);
    caller
        .run(move |tx| {
            tx.about(format!("{}/{id}", T::KIND));
            let (access, standing) = tx.open_to_record(patient)?;
            let before = entries::find(tx, &access, T::KIND, id, None)?;
            let version = version.against(before.version)?;
            Ok(record_entry::withdraw(tx, &access, &standing, &before, (version, reason))?)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
