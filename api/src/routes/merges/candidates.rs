//! Lists pairs of patients who may be the same person.

use actix_web::{HttpRequest, HttpResponse, get, web};
use jiff::civil::Date;
use painreg_domain::ids::PatientId;
use painreg_domain::patient::Sex;
use painreg_tenants::Keyset;
use painreg_tenants::store::merges::{self, Pair, Twin};
use serde::Serialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// One patient of a pair.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Twin)]
pub struct TwinView {
    /// The id of the patient.
    patient_id: PatientId,
    /// Sequential number shown to staff; never reused.
    #[schema(minimum = 1)]
    registry_number: i64,
    /// The unit that treats the patient (enhet).
    #[schema(max_length = 100)]
    unit: String,
    /// The legal sex of the patient.
    sex: Sex,
}

impl From<Twin> for TwinView {
    fn from(it: Twin) -> Self {
        Self { patient_id: it.id, registry_number: it.registry_number, unit: it.unit, sex: it.sex }
    }
}

/// Two patients who may be the same person, with the evidence.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = DuplicateCandidate)]
pub struct PairView {
    /// The patient who was registered first.
    first: TwinView,
    /// The patient who was registered later.
    second: TwinView,
    /// The birth date of both.
    birth_date: Date,
    /// Whether they have the same mobile telephone number.
    same_mobile: bool,
    /// Whether they have the same e-mail address.
    same_email: bool,
    /// Whether one of them has temporary numbers only (D-, H-, FH- or DUF-nummer).
    temporary_number: bool,
}

impl From<Pair> for PairView {
    fn from(it: Pair) -> Self {
        Self {
            first: it.first.into(),
            second: it.second.into(),
            birth_date: it.birth_date,
            same_mobile: it.same_mobile,
            same_email: it.same_email,
            temporary_number: it.temporary_number,
        }
    }
}

const LIST: &str = "patient-duplicates";

/// List pairs of patients who may be the same person.
///
/// The same birth date, the same sex as far as known, and the same telephone number or address, or one of them with
/// temporary numbers only. A person decides; the registry merges nothing automatically.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("FindDuplicates"))),
    params(PageParams),
    responses((status = 200, description = "A page of pairs.", body = Page<PairView>), Problems))]
#[get("/patient-duplicates")]
pub async fn list_duplicates(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let page = caller
        .run(move |tx| {
            let after = tx.open_cursor(LIST, cursor)?;
            let found = merges::candidates(tx, after, limit)?;
            Ok(wire::page::<_, PairView>(found, |last| {
                tx.seal_cursor(LIST, &Keyset(last.first.registry_number, last.second.registry_number))
            }))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
