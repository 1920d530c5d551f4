//! Withdraws an entry that should not have been recorded; the entry stays in the history.

use actix_web::{HttpResponse, web};
use painreg_domain::clinical::Entry;
use painreg_domain::clinical::history::ChangeReason;
use painreg_tenants::app::record_entry;
use painreg_tenants::store::entries;

use super::{OnePath, reason_of};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::wire::IfMatch;

pub(super) async fn withdraw<T: Entry>(
    caller: Caller,
    path: OnePath,
    version: IfMatch,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let (_, patient, id) = path.into_inner();
    let reason = reason_of(query.into_inner(), ChangeReason::RegisteredInError)?;
    caller
        .run(move |tx| {
            tx.about(format!("{}/{id}", T::KIND));
            let (access, standing) = tx.open_to_record(patient)?;
            let before = entries::find(tx, &access, T::KIND, id, None)?;
            Ok(record_entry::withdraw(tx, &access, &standing, &before, (version.0, reason))?)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
