//! Reads one entry, its current or an earlier state.

use actix_web::HttpResponse;
use painreg_domain::clinical::Entry;
use painreg_tenants::store::entries;

use super::{OnePath, answer};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::wire::{AsOf, Query};

pub(super) async fn read<T: Entry>(
    caller: Caller,
    path: OnePath,
    Query(AsOf { as_of }): Query<AsOf>,
) -> Result<HttpResponse, Problem> {
    let (_, patient, id) = path.into_inner();
    let stored = caller
        .run(move |tx| {
            tx.about(format!("{}/{id}", T::KIND));
            let access = tx.open_patient(patient)?;
            Ok(entries::find(tx, &access, T::KIND, id, as_of)?)
        })
        .await?;
    Ok(answer(stored))
}
