//! Reads one entry, its current or an earlier state.

use actix_web::{HttpResponse, web};
use painreg_domain::clinical::Entry;
use painreg_tenants::store::entries;

use super::{OnePath, Pairs, answer};
use crate::caller::Caller;
use crate::problem::Problem;

pub(super) async fn read<T: Entry>(
    caller: Caller,
    path: OnePath,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let (_, patient, id) = path.into_inner();
    let mut pairs = Pairs::new(query.into_inner())?;
    let as_of = pairs.read("as_of")?;
    pairs.end()?;
    let stored = caller
        .run(move |tx| {
            tx.about(format!("{}/{id}", T::KIND));
            let access = tx.open_patient(patient)?;
            Ok(entries::find(tx, &access, T::KIND, id, as_of)?)
        })
        .await?;
    Ok(answer(stored))
}
