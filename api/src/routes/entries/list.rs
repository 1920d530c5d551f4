//! Lists the entries of a patient, or of the whole registry.

use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;
use jiff::civil::Date;
use painreg_domain::clinical::{Entry, EntryKind};
use painreg_domain::ids::{EntryId, PatientId};
use painreg_tenants::store::Listing;
use painreg_tenants::store::entries::{self, FilterValue, ListFilter, Sort, Stored};
use painreg_tenants::{Keyset, StoreError, Tx};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::sort_name;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::wire::{Page, PageParams, Query, Raw, page_answer};

/// Members that refer to another entry.
pub(super) const REFERENCES: &[&str] = &["episode_id", "implant_id", "referral_id"];

/// What a list of entries was asked for.
pub struct Asked {
    filter: ListFilter,
    page: PageParams,
    /// The identity of the list that a cursor is bound to: kind, patient, every filter, order.
    list: String,
}

/// The parameters of every list of entries, besides the members of its kind.
#[derive(Deserialize)]
pub(super) struct ListParams {
    from: Option<Date>,
    to: Option<Date>,
    sort: Option<String>,
    ongoing: Option<bool>,
    patient_unit: Option<String>,
    as_of: Option<Timestamp>,
}

impl Asked {
    /// Reads the query of a list of a kind, of a patient or of the whole registry.
    fn read(kind: EntryKind, of: &str, params: ListParams, given: Map<String, Value>, page: PageParams) -> Self {
        let mut bound = given;
        bound.retain(|name, _| name != "cursor" && name != "limit");
        let list = format!("{kind} {of} {bound:?}");
        let equal = kind.row().filters.iter().filter_map(|member| {
            let text = bound.get(*member)?.as_str()?;
            let id = text.parse().ok().filter(|_| REFERENCES.contains(member)).map(EntryId::existing);
            Some((*member, id.map_or_else(|| FilterValue::Text(text.to_owned()), FilterValue::Id)))
        });
        let filter = ListFilter {
            from: params.from,
            to: params.to,
            equal: equal.collect(),
            ongoing: params.ongoing,
            unit: params.patient_unit,
            sort: params.sort.and_then(|sort| sort.parse().ok()).unwrap_or_default(),
            as_of: params.as_of,
        };
        Self { filter, page, list }
    }

    fn after(&self, tx: &Tx<'_>) -> Result<Option<Keyset<String, EntryId>>, StoreError> {
        tx.open_cursor(&self.list, self.page.cursor.clone())
    }

    fn page(&self, tx: &Tx<'_>, found: Listing<Stored>) -> Result<Page<Raw>, Problem> {
        let sort: Sort = self.filter.sort;
        let next_cursor = found
            .items
            .last()
            .filter(|_| found.more)
            .map(|last| tx.seal_cursor(&self.list, &sort.keyset(last)).as_str().to_owned());
        let items = found.items.into_iter().map(|stored| Raw::new(stored.json)).collect::<Result<_, _>>()?;
        Ok(Page { items, next_cursor })
    }
}

pub(super) async fn of_patient<T: Entry>(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<(String, PatientId)>,
    Query(params): Query<ListParams>,
    Query(given): Query<Map<String, Value>>,
    page: PageParams,
) -> Result<HttpResponse, Problem> {
    let (_, patient) = path.into_inner();
    let asked = Asked::read(T::KIND, &patient.to_string(), params, given, page);
    let page = caller
        .run(move |tx| {
            tx.about(T::KIND.to_string());
            let access = tx.open_patient(patient)?;
            let after = asked.after(tx)?;
            let found = entries::of_patient(tx, &access, T::KIND, &asked.filter, after.as_ref(), asked.page.limit)?;
            asked.page(tx, found)
        })
        .await?;
    Ok(page_answer(&request, &page))
}

pub(super) async fn of_registry<T: Entry>(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    Query(params): Query<ListParams>,
    Query(given): Query<Map<String, Value>>,
    page: PageParams,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::read(T::KIND, "", params, given, page);
    let page = caller
        .run(move |tx| {
            tx.about(T::KIND.to_string());
            let after = asked.after(tx)?;
            let found = entries::of_registry(tx, T::KIND, &asked.filter, after.as_ref(), asked.page.limit)?;
            asked.page(tx, found)
        })
        .await?;
    Ok(page_answer(&request, &page))
}

/// The values of `sort`.
pub(super) fn sorts() -> [&'static str; 4] {
    [Sort::LatestFirst, Sort::EarliestFirst, Sort::LastChangedFirst, Sort::LastChangedLast].map(sort_name)
}
