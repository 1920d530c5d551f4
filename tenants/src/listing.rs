//! Lists: one page of rows, cut at its limit, with every patient shown in the access log.

use diesel::RunQueryDsl;
use diesel::dsl::Limit;
use diesel::pg::PgConnection;
use diesel::query_dsl::LoadQuery;
use diesel::query_dsl::methods::LimitDsl;
use diesel::sql_types::BigInt;
use painreg_domain::ids::PatientId;
use uuid::Uuid;

use crate::error::StoreError;
use crate::statement::Statement;
use crate::tx::Tx;

/// One page of a list, and whether more items follow.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Whether more items follow.
    pub more: bool,
}

impl LimitDsl for Statement<'_> {
    type Output = Self;

    fn limit(self, limit: i64) -> Self {
        self.then(" LIMIT ?").bind::<BigInt, _>(limit)
    }
}

impl<T> Listing<T> {
    /// Cuts rows that were read with a limit one too large.
    pub(crate) fn cut(mut items: Vec<T>, limit: i64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = items.len() > limit;
        items.truncate(limit);
        Self { items, more }
    }

    /// Runs a query, of the query builder or as text that ends with its order. Logs nothing: for lists that are not about patients, or about the one patient
    /// whose record is open.
    pub(crate) fn load<'q, Q>(conn: &mut PgConnection, query: Q, limit: i64) -> Result<Self, StoreError>
    where
        Q: LimitDsl,
        Limit<Q>: RunQueryDsl<PgConnection> + LoadQuery<'q, PgConnection, T>,
    {
        Ok(Self::cut(query.limit(limit.saturating_add(1)).load(conn)?, limit))
    }

    /// Converts every item; the first error is the result.
    pub(crate) fn try_map<U>(self, each: impl FnMut(T) -> Result<U, StoreError>) -> Result<Listing<U>, StoreError> {
        Ok(Listing { items: self.items.into_iter().map(each).collect::<Result<_, _>>()?, more: self.more })
    }

    /// Converts every item.
    pub(crate) fn map<U>(self, each: impl FnMut(T) -> U) -> Listing<U> {
        Listing { items: self.items.into_iter().map(each).collect(), more: self.more }
    }
}

impl Tx<'_> {
    /// Runs a query as [`Listing::load`] does, and logs the patients that `patients` names in the rows shown. Two round trips.
    pub(crate) fn list<'q, T, P, Q>(
        &mut self,
        query: Q,
        limit: i64,
        patients: impl Fn(&T) -> P,
    ) -> Result<Listing<T>, StoreError>
    where
        P: IntoIterator<Item = Uuid>,
        Q: LimitDsl,
        Limit<Q>: RunQueryDsl<PgConnection> + LoadQuery<'q, PgConnection, T>,
    {
        let found = Listing::load(self.conn, query, limit)?;
        self.log_shown(found.items.iter().flat_map(patients))?;
        Ok(found)
    }

    /// Logs patients who are shown, each once. One round trip.
    pub(crate) fn log_shown(&mut self, patients: impl IntoIterator<Item = Uuid>) -> Result<(), StoreError> {
        let mut patients: Vec<PatientId> = patients.into_iter().map(PatientId::existing).collect();
        patients.sort_unstable();
        patients.dedup();
        self.open_all(&patients)
    }
}
