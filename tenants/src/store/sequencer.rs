//! The sequencer: gapless positions for the append-only logs of a registry, given after the commit of what they number.
//!
//! A writer puts its entry where the log's `waiting` entries are and pays nothing else. Later one transaction locks the log's
//! head, numbers what it sees, and advances the head: readers get positions 1, 2, 3 .. without a gap, none appears before
//! a position already shown, and a transaction that is still open, here or in another database, delays its own entries
//! only. A transaction that waited for another one's lock writes, and so is numbered, after it.
//!
//! Positions mean something within an epoch. A restored database begins a new one, because what was numbered after
//! the backup is gone and its positions are given again.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::cursor::Keyset;
use crate::error::StoreError;
use crate::statement::statement;
use crate::tx::{Tx, UnauditedTx};

/// The number of entries that are numbered at a time.
const BATCH: i64 = 1000;

/// An append-only log whose entries get positions.
pub(crate) struct Log {
    /// The log's row in `log_head`.
    pub(crate) name: &'static str,
    /// Whether entries without a position exist, as SQL.
    pub(crate) waiting: &'static str,
    /// The statement that numbers waiting entries in the order in which they were written. Binds the most entries and the
    /// last position given; affects one row for each.
    pub(crate) number: &'static str,
}

/// The logs of a registry.
const LOGS: &[Log] = &[super::events::LOG];

/// A position in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The epoch in which the position was given.
    epoch: Uuid,
    /// The number, from 1; 0 is before the first.
    number: i64,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Keyset(self.epoch, self.number).fmt(f)
    }
}

impl std::str::FromStr for Position {
    type Err = StoreError;

    /// A cursor from before there were epochs is of none of them.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let Keyset(epoch, number) = text.parse::<Keyset<String, i64>>()?;
        Ok(Self { epoch: epoch.parse().unwrap_or_default(), number })
    }
}

/// The identity of the table `log_head`: its cluster, the cluster's timeline, the database and the table itself. A restored
/// dump has another table, a restored base backup another timeline. The file name of the log begins with the timeline.
const IDENTITY: &str = "(SELECT concat_ws('/', system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8), \
     (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()), log_head.tableoid) \
     FROM pg_catalog.pg_control_system())";

/// The head of a log.
#[derive(Clone, Copy, QueryableByName)]
pub(crate) struct Head {
    #[diesel(sql_type = SqlUuid)]
    epoch: Uuid,
    /// The last position given.
    #[diesel(sql_type = BigInt)]
    pub(crate) last: i64,
    /// Whether the epoch has ended or entries are waiting.
    #[diesel(sql_type = Bool)]
    pub(crate) behind: bool,
}

impl Head {
    /// A position of this epoch.
    pub(crate) const fn at(&self, number: i64) -> Position {
        Position { epoch: self.epoch, number }
    }

    /// The number to go on after: that of a position of this epoch, or 0.
    pub(crate) fn resume(&self, after: Option<Position>) -> Result<i64, StoreError> {
        let Some(Position { epoch, number }) = after else { return Ok(0) };
        if epoch == self.epoch && number <= self.last { Ok(number) } else { Err(StoreError::OtherEpoch) }
    }
}

fn head(conn: &mut PgConnection, log: &Log) -> Result<Head, StoreError> {
    let query =
        statement("SELECT epoch, last, identity IS DISTINCT FROM ").then(IDENTITY).then(" OR ").then(log.waiting);
    Ok(query.then(" AS behind FROM log_head WHERE log = ?").bind::<Text, _>(log.name).get_result(conn)?)
}

/// Returns the head of a log, after everything committed has got a position, in this transaction: a reader sees what was
/// committed before it asked. Positions that are left over for the next time show as [`Head::behind`].
pub(crate) fn catch_up(tx: &mut Tx<'_>, log: &Log) -> Result<Head, StoreError> {
    let found = head(tx.conn, log)?;
    if !found.behind {
        return Ok(found);
    }
    tx.has_news = true;
    let epoch = tx.random_id();
    tx.as_system(|tx| number(tx.conn, log, epoch))?;
    head(tx.conn, log)
}

/// Returns whether entries of any log are waiting for a position.
pub fn is_waiting(tx: &mut UnauditedTx<'_>) -> Result<bool, StoreError> {
    LOGS.iter().try_fold(false, |waiting, log| Ok(waiting || head(tx.conn, log)?.behind))
}

/// Gives positions to waiting entries of every log. Returns how many got one, and whether there may be more.
pub(crate) fn number_all(conn: &mut PgConnection, epoch: Uuid) -> Result<(i64, bool), StoreError> {
    LOGS.iter().try_fold((0, false), |(sum, more), log| {
        let count = number(conn, log, epoch)?;
        Ok((sum + count, more || count == BATCH))
    })
}

/// Gives the next positions to waiting entries and returns how many. `epoch` begins where the identity has changed. The
/// lock is the first statement: the next one sees what the sequencer before has committed.
fn number(conn: &mut PgConnection, log: &Log, epoch: Uuid) -> Result<i64, StoreError> {
    #[derive(QueryableByName)]
    struct LastRow {
        #[diesel(sql_type = BigInt)]
        last: i64,
        #[diesel(sql_type = Bool)]
        restored: bool,
    }
    let query = statement("SELECT last, identity IS DISTINCT FROM ").then(IDENTITY);
    let query = query.then(" AS restored FROM log_head WHERE log = ? FOR UPDATE").bind::<Text, _>(log.name);
    let LastRow { last, restored } = query.get_result(conn)?;
    if restored {
        statement("UPDATE log_head SET epoch = ?, identity = ")
            .then(IDENTITY)
            .then(" WHERE log = ?")
            .bind::<SqlUuid, _>(epoch)
            .bind::<Text, _>(log.name)
            .execute(conn)?;
    }
    let numbered = statement(log.number).bind::<BigInt, _>(BATCH).bind::<BigInt, _>(last).execute(conn)?;
    let numbered = i64::try_from(numbered).unwrap_or(i64::MAX);
    if numbered > 0 {
        statement("UPDATE log_head SET last = last + ? WHERE log = ?")
            .bind::<BigInt, _>(numbered)
            .bind::<Text, _>(log.name)
            .execute(conn)?;
    }
    Ok(numbered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_refuses_positions_of_another_epoch_and_those_not_given() {
        let head = Head { epoch: Uuid::from_u128(1), last: 7, behind: false };
        let resumed = |text: &str| head.resume(Some(text.parse().expect("a position")));
        let position = head.at(5).to_string();
        assert!(matches!(resumed(&position), Ok(5)));
        assert!(matches!(head.resume(None), Ok(0)));
        let other = Head { epoch: Uuid::from_u128(2), ..head };
        for refused in [other.at(5).to_string(), head.at(8).to_string(), "123 4".to_owned()] {
            assert!(matches!(resumed(&refused), Err(StoreError::OtherEpoch)), "{refused}");
        }
        assert!(matches!("7".parse::<Position>(), Err(StoreError::BadCursor)));
    }
}
