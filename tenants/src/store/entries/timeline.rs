//! The timeline of a record: entries of every kind and answered questionnaires in one list.

use diesel::sql_types::{Array, Date as SqlDate, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff_diesel::ToDiesel as _;
use painreg_domain::clinical::EntryKind;
use painreg_domain::policy::Action;
use strum::IntoEnumIterator as _;
use uuid::Uuid;

use super::row::{EntryRow, shown, source};
use super::sealing::{keys_of, unsealed};
use crate::access::PatientAccess;
use crate::cursor::Keyset;
use crate::error::StoreError;
use crate::statement::statement;
use crate::store::{Listing, comparable};
use crate::tx::Tx;

/// The `kind` of a timeline line that is an answered questionnaire.
pub const SUBMISSION: &str = "submission";

/// One line of a timeline.
#[derive(Clone, Debug)]
pub struct Line {
    /// The name of an [`EntryKind`], or [`SUBMISSION`].
    pub kind: String,
    /// The id of the entry or submission.
    pub id: Uuid,
    /// The day the line happened or began.
    pub day: Date,
    /// The version; of a submission its revision.
    pub version: i64,
    /// All members of an entry, as JSON; `null` for a submission.
    pub json: String,
}

/// Returns the entries of every kind and the ids of the answered questionnaires of the open record, latest first, current or as
/// of an instant. One round trip; one more where free text must be decrypted.
pub fn timeline<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    as_of: Option<Timestamp>,
    after: Option<Keyset<Date, Uuid>>,
    limit: i64,
) -> Result<Listing<Line>, StoreError> {
    let rows = access.rows();
    let mut query = statement("SELECT * FROM (");
    for (number, kind) in EntryKind::iter().enumerate() {
        query = query.then(if number > 0 { " UNION ALL " } else { "" });
        query = source(shown(query, kind), kind, Some(&rows), as_of);
    }
    // A caller without the right to read answers sees entries only.
    if tx.may(Action::ReadAnswers) {
        query = query
        .then(
            " UNION ALL SELECT 'submission' AS kind, x.id, x.patient_id, (x.submitted_at AT TIME ZONE 'Europe/Oslo')::date AS day, \
             x.revision::bigint AS version, x.received_at AS updated_at, 'null' AS json FROM submission x \
             WHERE x.patient_id = ANY (?) AND x.received_at <= ? AND x.superseded_by IS NULL AND NOT EXISTS (SELECT FROM submission later \
             WHERE later.supersedes = x.id AND later.received_at <= ?)",
        )
        .bind::<Array<SqlUuid>, _>(rows)
        .bind::<Timestamptz, _>(comparable(as_of.unwrap_or(Timestamp::MAX)))
        .bind::<Timestamptz, _>(comparable(as_of.unwrap_or(Timestamp::MAX)));
    }
    query = query.then(") lines");
    if let Some(Keyset(day, id)) = after {
        query = query.then(" WHERE (day, id) < (?, ?)").bind::<SqlDate, _>(day.to_diesel()).bind::<SqlUuid, _>(id);
    }
    let found = Listing::load(tx.conn, query.then(" ORDER BY day DESC, id DESC"), limit)?;
    let keys = keys_of(tx, &found.items)?;
    let line = |row: EntryRow| {
        let (kind, id, day, version) = (row.kind.clone(), row.id, row.day.to_jiff(), row.version);
        let json = unsealed(tx.place(), &keys, row)?;
        Ok(Line { kind, id, day, version, json })
    };
    found.try_map(line)
}
