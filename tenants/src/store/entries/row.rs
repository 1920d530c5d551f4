//! The row of an entry, of whatever kind, and the parts of statements that read it.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date as SqlDate, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff::civil::Date;
use painreg_domain::clinical::EntryKind;
use painreg_domain::ids::{EntryId, PatientId};
use uuid::Uuid;

use crate::history;
use crate::statement::Statement;
use crate::store::comparable;

/// A stored entry.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The kind of entry.
    pub kind: EntryKind,
    /// The entry's id.
    pub id: EntryId,
    /// The patient whose row owns it; in a merged record this may be a duplicate.
    pub patient: PatientId,
    /// The day the entry happened or began.
    pub day: Date,
    /// The version, from 1; every change adds 1.
    pub version: i64,
    /// The instant of the last change.
    pub updated_at: Timestamp,
    /// All its members, as JSON.
    pub json: String,
}

#[derive(QueryableByName)]
pub(super) struct EntryRow {
    #[diesel(sql_type = Text)]
    pub(super) kind: String,
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(super) patient_id: Uuid,
    #[diesel(sql_type = SqlDate)]
    pub(super) day: jiff_diesel::Date,
    #[diesel(sql_type = BigInt)]
    pub(super) version: i64,
    #[diesel(sql_type = Timestamptz)]
    pub(super) updated_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Text)]
    pub(super) json: String,
}

/// Appends the `SELECT` list of one row `x` of a kind, in the shape of an [`EntryRow`].
pub(super) fn shown(query: Statement<'_>, kind: EntryKind) -> Statement<'_> {
    query
        .then("SELECT '")
        .then(kind.into())
        .then("' AS kind, x.id, x.patient_id, x.")
        .then(kind.row().day)
        .then(" AS day, x.version, x.updated_at, row_to_json(x)::text AS json")
}

/// Appends `FROM` the rows `x` of a kind, current or as of an instant; only those of the patients in `rows`, if given.
pub(super) fn source<'a>(
    query: Statement<'a>,
    kind: EntryKind,
    rows: Option<&[Uuid]>,
    as_of: Option<Timestamp>,
) -> Statement<'a> {
    let table: &'static str = kind.into();
    let query = query.then(" FROM ");
    if let Some(at) = as_of {
        return history::at(query, table, rows, comparable(at)).then(" x WHERE true");
    }
    let query = query.then(table).then(" x WHERE ");
    match rows {
        Some(rows) => query.then("x.patient_id = ANY (?)").bind::<Array<SqlUuid>, _>(rows.to_vec()),
        None => query.then("true"),
    }
}

/// Writes the instants of rows that PostgreSQL has written as JSON as every other instant is written: in UTC with a `Z`. The
/// columns of instants, and no others, end in `_at`. No text is mistaken for one: in a text the quotation marks are escaped.
pub(in crate::store) fn with_utc_instants(json: String) -> String {
    const MEMBER: &str = "_at\":\"";
    if !json.contains(MEMBER) {
        return json;
    }
    let mut parts = json.split(MEMBER);
    let mut written = String::with_capacity(json.len());
    written.push_str(parts.next().unwrap_or_default());
    for part in parts {
        written.push_str(MEMBER);
        match part.split_once('"') {
            Some((instant, rest)) => {
                match instant.strip_suffix("+00:00") {
                    Some(utc) => written.extend([utc, "Z"]),
                    None => written.push_str(instant),
                }
                written.push('"');
                written.push_str(rest);
            }
            None => written.push_str(part),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_utc_and_texts_are_not_touched() {
        let text = r#"say \"updated_at\":\"2026-01-05T08:15:00+00:00\""#;
        let row = |instant: &str| {
            format!(
                r#"[{{"note":"{text}","day":"2026-01-05","removed_at":null,"updated_at":"{instant}","x":"+00:00"}}]"#
            )
        };
        assert_eq!(with_utc_instants(row("2026-01-05T08:15:00.5+00:00")), row("2026-01-05T08:15:00.5Z"));
        assert_eq!(with_utc_instants(row("2026-01-05T08:15:00Z")), row("2026-01-05T08:15:00Z"));
        assert_eq!(with_utc_instants("[]".to_owned()), "[]");
    }
}
