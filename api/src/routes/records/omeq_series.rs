//! Reads the daily opioid dose over time.

use actix_web::{HttpResponse, get, web};
use painreg_domain::clinical::EntryKind;
use painreg_domain::ids::PatientId;
use painreg_domain::medication::{Medication, OmeqPoint, series};
use painreg_tenants::store::entries::{self, ListFilter, Sort};
use serde::Serialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{AsOf, Query};

/// A series with one step per day with a change.
#[derive(Serialize, utoipa::ToSchema)]
pub struct OmeqSeries {
    /// The steps, the earliest first; each is valid until the next.
    #[schema(max_items = 20_000)]
    items: Vec<OmeqPoint>,
}

/// Maximum number of medications of a patient, above any realistic number.
const MOST: i64 = 5000;

/// Read the total daily dose of opioids over time, in oral morphine equivalents (OMEQ).
///
/// Doses without a conversion factor are counted, not estimated; `level` refers to the thresholds of 100 and 300 mg.
#[utoipa::path(tag = "Treatment", extensions(("x-action" = json!("ReadTreatment"))),
    params(AsOf),
    responses((status = 200, description = "The series.", body = OmeqSeries), Problems))]
#[get("/omeq-series")]
pub async fn read_omeq_series(
    caller: Caller,
    path: web::Path<(String, PatientId)>,
    Query(AsOf { as_of }): Query<AsOf>,
) -> Result<HttpResponse, Problem> {
    let (_, patient) = path.into_inner();
    let found = caller
        .run(move |tx| {
            tx.about("omeq_series".to_owned());
            let access = tx.open_patient(patient)?;
            let filter = ListFilter { sort: Sort::EarliestFirst, as_of, ..ListFilter::default() };
            let found = entries::of_patient(tx, &access, EntryKind::Medication, &filter, None, MOST)?;
            let medications = found.items.iter().map(entries::content).collect::<Result<Vec<Medication>, _>>()?;
            Ok(OmeqSeries { items: series(&medications) })
        })
        .await?;
    Ok(HttpResponse::Ok().json(found))
}
