//! Decisions in: what is other than before, column by column, and what was goes to the history.

use diesel::RunQueryDsl as _;
use diesel::sql_types::{Array, BigInt, Bool, Date as SqlDate, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::stored::Stored;
use crate::error::StoreError;
use crate::history;
use crate::statement::{Statement, statement};
use crate::tx::Tx;

/// What is to be written.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) gone: Vec<Uuid>,
    /// Those that are not current any more: they make way before others become so.
    pub(super) retired: Vec<Stored>,
    pub(super) changed: Vec<Stored>,
    pub(super) added: Vec<Stored>,
}

impl Changes {
    /// What was goes to the history. Whatever is to be current finds no other that still is.
    pub(super) fn store(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        if !self.gone.is_empty() {
            let query = statement(REMOVE).bind::<Array<SqlUuid>, _>(self.gone.clone());
            history::keep(query, tx, "decision", "update").then("SELECT FROM old").execute(tx.conn)?;
        }
        for changed in [&self.retired, &self.changed] {
            if !changed.is_empty() {
                let query = new(statement("WITH new AS ("), changed).then(OLD);
                history::keep(query, tx, "decision", "update").then(TO_NEW).execute(tx.conn)?;
            }
        }
        if !self.added.is_empty() {
            new(statement("INSERT INTO decision "), &self.added).execute(tx.conn)?;
        }
        Ok(())
    }
}

const REMOVE: &str = "WITH old AS (DELETE FROM decision WHERE id = ANY (?) RETURNING *), ";
/// Rows as they are to be, column by column: reading them as JSON takes longer than writing them.
const NEW: &str = "SELECT id, patient_id, rule, start_id, number, current, state, reasons::text[], starts_on, due_on, send_on, \
     channel, lapses_on, review_on, submission_id, matched_by, timing, facts, rule_version, created_at, updated_at, \
     updated_by, version FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) AS new (id, \
     patient_id, rule, start_id, number, current, state, reasons, starts_on, due_on, send_on, channel, lapses_on, review_on, \
     submission_id, matched_by, timing, facts, rule_version, created_at, updated_at, updated_by, version)";
const OLD: &str = "), old AS (SELECT decision.* FROM decision JOIN new USING (id)), ";
const TO_NEW: &str = "UPDATE decision SET (current, state, reasons, starts_on, due_on, send_on, channel, lapses_on, review_on, \
     submission_id, matched_by, timing, facts, rule_version, updated_at, updated_by, version) = (new.current, new.state, \
     new.reasons, new.starts_on, new.due_on, new.send_on, new.channel, new.lapses_on, new.review_on, new.submission_id, \
     new.matched_by, new.timing, new.facts, new.rule_version, new.updated_at, new.updated_by, new.version) \
     FROM new WHERE decision.id = new.id";

/// Goes on with [`NEW`] of these rows.
fn new<'a>(query: Statement<'a>, rows: &'a [Stored]) -> Statement<'a> {
    fn all<'a, T>(rows: &'a [Stored], of: impl Fn(&'a Stored) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    query
        .then(NEW)
        .bind::<Array<SqlUuid>, _>(all(rows, |it| it.id))
        .bind::<Array<SqlUuid>, _>(all(rows, |it| it.patient_id))
        .bind::<Array<Text>, _>(all(rows, |it| it.content.rule.as_str()))
        .bind::<Array<SqlUuid>, _>(all(rows, |it| it.content.start_id))
        .bind::<Array<BigInt>, _>(all(rows, |it| i64::from(it.content.number)))
        .bind::<Array<Bool>, _>(all(rows, |it| it.content.current))
        .bind::<Array<Text>, _>(all(rows, |it| it.content.state.as_str()))
        .bind::<Array<Text>, _>(all(rows, |it| format!("{{{}}}", it.content.reasons.join(","))))
        .bind::<Array<Nullable<SqlDate>>, _>(all(rows, |it| it.content.starts_on.map(ToDiesel::to_diesel)))
        .bind::<Array<Nullable<SqlDate>>, _>(all(rows, |it| it.content.due_on.map(ToDiesel::to_diesel)))
        .bind::<Array<Nullable<SqlDate>>, _>(all(rows, |it| it.content.send_on.map(ToDiesel::to_diesel)))
        .bind::<Array<Nullable<Text>>, _>(all(rows, |it| it.content.channel.as_deref()))
        .bind::<Array<Nullable<SqlDate>>, _>(all(rows, |it| it.content.lapses_on.map(ToDiesel::to_diesel)))
        .bind::<Array<Nullable<SqlDate>>, _>(all(rows, |it| it.content.review_on.map(ToDiesel::to_diesel)))
        .bind::<Array<Nullable<SqlUuid>>, _>(all(rows, |it| it.content.submission_id))
        .bind::<Array<Nullable<Text>>, _>(all(rows, |it| it.content.matched_by.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(all(rows, |it| it.content.timing.as_deref()))
        .bind::<Array<Jsonb>, _>(all(rows, |it| &it.content.facts))
        .bind::<Array<BigInt>, _>(all(rows, |it| it.content.rule_version))
        .bind::<Array<Timestamptz>, _>(all(rows, |it| it.created_at.to_diesel()))
        .bind::<Array<Timestamptz>, _>(all(rows, |it| it.updated_at.to_diesel()))
        .bind::<Array<Text>, _>(all(rows, |it| it.updated_by.as_str()))
        .bind::<Array<BigInt>, _>(all(rows, |it| it.version))
}
