//! Patients who may be the same person.

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

/// One of two.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Twin)]
pub struct TwinView {
    /// The patient's id.
    patient_id: PatientId,
    /// What people say aloud.
    #[schema(minimum = 1)]
    registry_number: i64,
    /// The unit that treats.
    #[schema(max_length = 100)]
    unit: String,
    /// Legal sex.
    sex: Sex,
}

impl From<Twin> for TwinView {
    fn from(it: Twin) -> Self {
        Self { patient_id: it.id, registry_number: it.registry_number, unit: it.unit, sex: it.sex }
    }
}

/// Two who may be the same person, and what speaks for it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = DuplicateCandidate)]
pub struct PairView {
    /// Who was registered first.
    first: TwinView,
    /// Who was registered later.
    second: TwinView,
    /// The day on which both were born.
    birth_date: Date,
    /// Whether they share a mobile telephone.
    same_mobile: bool,
    /// Whether they share an e-mail address.
    same_email: bool,
    /// Whether one of them is known by temporary numbers only (D-, H-, FH- or DUF-nummer).
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
/// Born on one day, of one sex as far as known, and reached by one telephone or address, or one of them known by temporary
/// numbers only. People decide; nothing is merged by itself.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("FindDuplicates"))),
    params(PageParams),
    responses((status = 200, description = "A page of pairs.", body = Page<PairView>), Problems))]
#[get("/v1/tenants/{tenant}/patient-duplicates")]
pub async fn list_duplicates(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    page: web::Query<PageParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, cursor) = (page.limit()?, page.cursor());
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
