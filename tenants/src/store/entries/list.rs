//! Lists of the entries of one kind: of one patient or of the registry.

use diesel::sql_types::{Date as SqlDate, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff_diesel::ToDiesel as _;
use painreg_domain::clinical::EntryKind;
use painreg_domain::ids::EntryId;

use super::row::{EntryRow, Stored, shown, source};
use super::sealing::decrypt_rows;
use crate::access::PatientAccess;
use crate::cursor::Keyset;
use crate::error::StoreError;
use crate::reach::of_unit;
use crate::statement::{Statement, statement};
use crate::store::{Listing, comparable, comparable_day};
use crate::tx::Tx;

/// The filter and the order of a list.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    /// The first day.
    pub from: Option<Date>,
    /// The last day.
    pub to: Option<Date>,
    /// Members and the values they must equal.
    pub equal: Vec<(&'static str, FilterValue)>,
    /// Whether the entry must be ongoing (`true`) or ended (`false`).
    pub ongoing: Option<bool>,
    /// The patient's unit. Only used by [`of_registry`].
    pub unit: Option<String>,
    /// The list's order.
    pub sort: Sort,
    /// The instant whose state is listed; the current state when absent.
    pub as_of: Option<Timestamp>,
}

/// The value that a member must equal.
#[derive(Clone, Debug)]
pub enum FilterValue {
    /// A text value.
    Text(String),
    /// The id of another entry.
    Id(EntryId),
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
pub enum Sort {
    /// By day, latest first.
    #[default]
    #[strum(serialize = "-day")]
    LatestFirst,
    /// By day, earliest first.
    #[strum(serialize = "day")]
    EarliestFirst,
    /// By last change, latest first.
    #[strum(serialize = "-updated_at")]
    LastChangedFirst,
    /// By last change, earliest first.
    #[strum(serialize = "updated_at")]
    LastChangedLast,
}

impl Sort {
    /// Returns the position of an entry: its day or the instant of its last change, and its id.
    pub fn keyset(self, entry: &Stored) -> Keyset<String, EntryId> {
        let value = match self {
            Self::LatestFirst | Self::EarliestFirst => entry.day.to_string(),
            Self::LastChangedFirst | Self::LastChangedLast => entry.updated_at.to_string(),
        };
        Keyset(value, entry.id)
    }
}

/// Returns the entries of one kind of the open record.
pub fn of_patient<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    kind: EntryKind,
    filter: &ListFilter,
    after: Option<&Keyset<String, EntryId>>,
    limit: i64,
) -> Result<Listing<Stored>, StoreError> {
    let query = source(shown(statement(""), kind), kind, Some(&access.rows()), filter.as_of);
    let found = Listing::load(tx.conn, filtered(query, kind, filter, after)?, limit)?;
    Ok(Listing { items: decrypt_rows(tx, found.items)?, more: found.more })
}

/// Returns the entries of one kind in the whole registry, within the caller's reach. Logs every patient shown.
pub fn of_registry(
    tx: &mut Tx<'_>,
    kind: EntryKind,
    filter: &ListFilter,
    after: Option<&Keyset<String, EntryId>>,
    limit: i64,
) -> Result<Listing<Stored>, StoreError> {
    let query = source(shown(statement(""), kind), kind, None, filter.as_of);
    let query = of_unit(tx.within(query, "x.patient_id"), "x.patient_id", filter.unit.as_deref());
    let found = tx.list(filtered(query, kind, filter, after)?, limit, |row: &EntryRow| [row.patient_id])?;
    Ok(Listing { items: decrypt_rows(tx, found.items)?, more: found.more })
}

fn filtered<'a>(
    mut query: Statement<'a>,
    kind: EntryKind,
    filter: &ListFilter,
    after: Option<&Keyset<String, EntryId>>,
) -> Result<Statement<'a>, StoreError> {
    let row = kind.row();
    if let Some(from) = filter.from {
        query = query.then(" AND x.").then(row.day).then(" >= ?").bind::<SqlDate, _>(comparable_day(from));
    }
    if let Some(to) = filter.to {
        query = query.then(" AND x.").then(row.day).then(" <= ?").bind::<SqlDate, _>(comparable_day(to));
    }
    for (member, value) in &filter.equal {
        query = query.then(" AND x.").then(member).then(" = ?");
        query = match value {
            FilterValue::Text(text) => query.bind::<Text, _>(text.clone()),
            FilterValue::Id(id) => query.bind::<SqlUuid, _>(id.uuid()),
        };
    }
    if let (Some(ongoing), Some(until)) = (filter.ongoing, row.until) {
        query = query.then(" AND x.").then(until).then(if ongoing { " IS NULL" } else { " IS NOT NULL" });
    }
    let (member, by_day, descending) = match filter.sort {
        Sort::LatestFirst => (row.day, true, true),
        Sort::EarliestFirst => (row.day, true, false),
        Sort::LastChangedFirst => ("updated_at", false, true),
        Sort::LastChangedLast => ("updated_at", false, false),
    };
    let order = if descending { " DESC" } else { "" };
    if let Some(Keyset(value, id)) = after {
        query =
            query.then(" AND (x.").then(member).then(if descending { ", x.id) < (?, ?)" } else { ", x.id) > (?, ?)" });
        query = if by_day {
            let day: Date = value.parse().map_err(|_| StoreError::BadCursor)?;
            query.bind::<SqlDate, _>(day.to_diesel())
        } else {
            let at: Timestamp = value.parse().map_err(|_| StoreError::BadCursor)?;
            query.bind::<Timestamptz, _>(comparable(at))
        };
        query = query.bind::<SqlUuid, _>(id.uuid());
    }
    Ok(query.then(" ORDER BY x.").then(member).then(order).then(", x.id").then(order))
}
