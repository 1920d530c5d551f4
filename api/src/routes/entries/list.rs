//! Lists the entries of a patient, or of the whole registry.

use actix_web::{HttpRequest, HttpResponse, web};
use painreg_domain::clinical::{Entry, EntryKind};
use painreg_domain::ids::{EntryId, PatientId};
use painreg_tenants::store::Listing;
use painreg_tenants::store::entries::{self, ListFilter, Sort, Stored};
use painreg_tenants::{Cursor, Keyset, StoreError, Tx};

use super::{Pairs, sort_name, wanted};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::wire::{Page, PageParams, Raw, page_answer, parameter};

/// The query of a list of entries.
pub struct Query {
    filter: ListFilter,
    limit: i64,
    cursor: Option<Cursor>,
    /// The identity of the list that a cursor is bound to: kind, patient, every filter, order.
    list: String,
}

impl Query {
    /// Reads the query of a list of a kind; `whole` for the list over the whole registry.
    fn read(kind: EntryKind, whole: bool, of: &str, pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let row = kind.row();
        let mut bound: Vec<_> = pairs.iter().filter(|(name, _)| name != "cursor" && name != "limit").collect();
        bound.sort();
        let list = format!("{kind} {of} {bound:?}");
        let mut pairs = Pairs::new(pairs)?;
        let page = PageParams { limit: pairs.read("limit")?, cursor: pairs.take("cursor") };
        let mut filter = ListFilter {
            from: pairs.read("from")?,
            to: pairs.read("to")?,
            as_of: pairs.read("as_of")?,
            sort: pairs.read("sort")?.unwrap_or_default(),
            ..ListFilter::default()
        };
        if row.until.is_some() {
            filter.ongoing = pairs.read("ongoing")?;
        }
        if whole {
            filter.unit = pairs.take("patient_unit");
            if filter.unit.as_ref().is_some_and(|unit| unit.is_empty() || unit.chars().count() > 100) {
                return Err(parameter("query", "patient_unit"));
            }
        }
        for member in row.filters {
            if let Some(text) = pairs.take(member) {
                filter.equal.push((member, wanted(member, text)?));
            }
        }
        pairs.end()?;
        Ok(Self { filter, limit: page.limit()?, cursor: page.cursor(), list })
    }

    fn after(&self, tx: &Tx<'_>) -> Result<Option<Keyset<String, EntryId>>, StoreError> {
        tx.open_cursor(&self.list, self.cursor.clone())
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
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let (_, patient) = path.into_inner();
    let query = Query::read(T::KIND, false, &patient.to_string(), query.into_inner())?;
    let page = caller
        .run(move |tx| {
            tx.about(T::KIND.to_string());
            let access = tx.open_patient(patient)?;
            let after = query.after(tx)?;
            let found = entries::of_patient(tx, &access, T::KIND, &query.filter, after.as_ref(), query.limit)?;
            query.page(tx, found)
        })
        .await?;
    Ok(page_answer(&request, &page))
}

pub(super) async fn of_registry<T: Entry>(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let query = Query::read(T::KIND, true, "", query.into_inner())?;
    let page = caller
        .run(move |tx| {
            tx.about(T::KIND.to_string());
            let after = query.after(tx)?;
            let found = entries::of_registry(tx, T::KIND, &query.filter, after.as_ref(), query.limit)?;
            query.page(tx, found)
        })
        .await?;
    Ok(page_answer(&request, &page))
}

/// The values of `sort`.
pub(super) fn sorts() -> [&'static str; 4] {
    [Sort::LatestFirst, Sort::EarliestFirst, Sort::LastChangedFirst, Sort::LastChangedLast].map(sort_name)
}
