//! Storing decisions: rows that are new, changed or gone, with the old states kept in the history.

use diesel::RunQueryDsl as _;
use diesel::sql_types::{Array, BigInt, Bool, Date as SqlDate, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::stored::Stored;
use crate::columns::Columns;
use crate::error::StoreError;
use crate::history;
use crate::statement::{Statement, statement};
use crate::tx::Tx;

/// The changes to be stored.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) gone: Vec<Uuid>,
    /// Decisions that are no longer current: stored before others become current.
    pub(super) retired: Vec<Stored>,
    pub(super) changed: Vec<Stored>,
    pub(super) added: Vec<Stored>,
}

impl Changes {
    /// Stores the changes. A decision becomes current only after the previous one has been retired.
    pub(super) fn store(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        if !self.gone.is_empty() {
            let query = statement(REMOVE).bind::<Array<SqlUuid>, _>(self.gone.clone());
            history::keep(query, tx, "decision", "update").then("SELECT FROM old").execute(tx.conn)?;
        }
        for changed in [&self.retired, &self.changed] {
            if !changed.is_empty() {
                let query = new(statement("WITH new AS ("), columns(changed)).then(OLD);
                history::keep(query, tx, "decision", "update").then(TO_NEW).execute(tx.conn)?;
            }
        }
        if !self.added.is_empty() {
            let added = columns(&self.added);
            let query = statement("INSERT INTO decision (").names(&added).then(") ");
            new(query, added).execute(tx.conn)?;
        }
        Ok(())
    }
}

const REMOVE: &str = "WITH old AS (DELETE FROM decision WHERE id = ANY (?) RETURNING *), ";
const OLD: &str = "), old AS (SELECT decision.* FROM decision JOIN new USING (id)), ";
const TO_NEW: &str = "UPDATE decision SET (current, state, reasons, starts_on, due_on, send_on, channel, lapses_on, review_on, \
     submission_id, matched_by, timing, facts, rule_version, updated_at, updated_by, version) = (new.current, new.state, \
     new.reasons, new.starts_on, new.due_on, new.send_on, new.channel, new.lapses_on, new.review_on, new.submission_id, \
     new.matched_by, new.timing, new.facts, new.rule_version, new.updated_at, new.updated_by, new.version) \
     FROM new WHERE decision.id = new.id";

/// Returns the columns of these rows, each an array: reading rows as JSON takes longer than writing them.
fn columns(rows: &[Stored]) -> Columns<'_> {
    fn all<'a, T>(rows: &'a [Stored], of: impl Fn(&'a Stored) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    Columns::default()
        .column::<Array<SqlUuid>, _>("id", all(rows, |it| it.id))
        .column::<Array<SqlUuid>, _>("patient_id", all(rows, |it| it.patient_id))
        .column::<Array<Text>, _>("rule", all(rows, |it| it.content.rule.as_str()))
        .column::<Array<SqlUuid>, _>("start_id", all(rows, |it| it.content.start_id))
        .column::<Array<BigInt>, _>("number", all(rows, |it| i64::from(it.content.number)))
        .column::<Array<Bool>, _>("current", all(rows, |it| it.content.current))
        .column::<Array<Text>, _>("state", all(rows, |it| it.content.state.as_str()))
        .column_as::<Array<Text>, _>(
            "reasons",
            "reasons::text[]",
            all(rows, |it| format!("{{{}}}", it.content.reasons.join(","))),
        )
        .column::<Array<Nullable<SqlDate>>, _>(
            "starts_on",
            all(rows, |it| it.content.starts_on.map(ToDiesel::to_diesel)),
        )
        .column::<Array<Nullable<SqlDate>>, _>("due_on", all(rows, |it| it.content.due_on.map(ToDiesel::to_diesel)))
        .column::<Array<Nullable<SqlDate>>, _>("send_on", all(rows, |it| it.content.send_on.map(ToDiesel::to_diesel)))
        .column::<Array<Nullable<Text>>, _>("channel", all(rows, |it| it.content.channel.as_deref()))
        .column::<Array<Nullable<SqlDate>>, _>(
            "lapses_on",
            all(rows, |it| it.content.lapses_on.map(ToDiesel::to_diesel)),
        )
        .column::<Array<Nullable<SqlDate>>, _>(
            "review_on",
            all(rows, |it| it.content.review_on.map(ToDiesel::to_diesel)),
        )
        .column::<Array<Nullable<SqlUuid>>, _>("submission_id", all(rows, |it| it.content.submission_id))
        .column::<Array<Nullable<Text>>, _>("matched_by", all(rows, |it| it.content.matched_by.as_deref()))
        .column::<Array<Nullable<Text>>, _>("timing", all(rows, |it| it.content.timing.as_deref()))
        .column::<Array<Jsonb>, _>("facts", all(rows, |it| &it.content.facts))
        .column::<Array<BigInt>, _>("rule_version", all(rows, |it| it.content.rule_version))
        .column::<Array<Timestamptz>, _>("created_at", all(rows, |it| it.created_at.to_diesel()))
        .column::<Array<Timestamptz>, _>("updated_at", all(rows, |it| it.updated_at.to_diesel()))
        .column::<Array<Text>, _>("updated_by", all(rows, |it| it.updated_by.as_str()))
        .column::<Array<BigInt>, _>("version", all(rows, |it| it.version))
}

/// Continues with the selection of these rows.
fn new<'a>(query: Statement<'a>, columns: Columns<'a>) -> Statement<'a> {
    let query = query.then("SELECT ").selected(&columns).then(" FROM ");
    query.unnest(columns, "new")
}
