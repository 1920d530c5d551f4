//! Lists the patients who carry a recalled device.

use actix_web::{HttpRequest, HttpResponse, get, web};
use jiff::civil::Date;
use painreg_domain::ids::PatientId;
use painreg_tenants::store::implants::{self, Carrier, Recall};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Page, PageParams, Query, Raw, page_answer, parameter};

/// The query for a device: at least one member is required.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecallParams {
    /// The device identifier (UDI-DI); for GS1 the GTIN-14.
    #[param(min_length = 1, max_length = 50)]
    udi_di: Option<String>,
    /// The lot number (LOT) of the device.
    #[param(min_length = 1, max_length = 50)]
    lot: Option<String>,
    /// The serial number of the device.
    #[param(min_length = 1, max_length = 50)]
    serial: Option<String>,
    /// The model of the device.
    #[param(min_length = 1, max_length = 100)]
    model: Option<String>,
    /// The manufacturer of the device.
    #[param(min_length = 1, max_length = 100)]
    manufacturer: Option<String>,
    /// false: also components that have been removed.
    #[param(default = true)]
    in_place: Option<bool>,
}

/// A patient who carries the device.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Carrier)]
pub struct CarrierView {
    /// The id of the patient.
    patient_id: PatientId,
    /// Sequential number shown to staff; never reused.
    #[schema(minimum = 1)]
    registry_number: i64,
    /// The unit that treats the patient (enhet).
    #[schema(max_length = 100)]
    unit: String,
    /// The date of death; null while the patient is alive.
    deceased_on: Option<Date>,
    /// The components that match the query.
    #[schema(value_type = Vec<Object>, max_items = 200)]
    components: Raw,
}

impl TryFrom<Carrier> for CarrierView {
    type Error = Problem;
    fn try_from(it: Carrier) -> Result<Self, Problem> {
        Ok(Self {
            patient_id: it.id,
            registry_number: it.registry_number,
            unit: it.unit,
            deceased_on: it.deceased_on,
            components: Raw::new(it.components)?,
        })
    }
}

/// List the patients who carry a device, by device identifier, lot, serial number, model or manufacturer.
///
/// All given criteria must match; at least one is required. Every patient in the list finds the access in their access
/// log.
#[utoipa::path(tag = "Implants", extensions(("x-action" = json!("FindRecalled"))),
    params(RecallParams, PageParams),
    responses((status = 200, description = "A page of patients.", body = Page<CarrierView>), Problems))]
#[get("/device-recalls")]
pub async fn list_recalled(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    Query(params): Query<RecallParams>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let RecallParams { udi_di, lot, serial, model, manufacturer, in_place } = params;
    if [&udi_di, &lot, &serial, &model, &manufacturer].iter().all(|criterion| criterion.is_none()) {
        return Err(parameter("query", "udi_di"));
    }
    let recall = Recall { udi_di, lot, serial, model, manufacturer, in_place: in_place.unwrap_or(true) };
    let page = caller
        .run(move |tx| {
            tx.about("device_recall".to_owned());
            let list = format!("device-recalls {recall:?}");
            let after = tx.open_cursor(&list, cursor)?.unwrap_or(0);
            let found = implants::carriers(tx, &recall, after, limit)?;
            let next_cursor = found
                .items
                .last()
                .filter(|_| found.more)
                .map(|last| tx.seal_cursor(&list, &last.registry_number).as_str().to_owned());
            let items = found.items.into_iter().map(CarrierView::try_from).collect::<Result<_, _>>()?;
            Ok(Page { items, next_cursor })
        })
        .await?;
    Ok(page_answer(&request, &page))
}
