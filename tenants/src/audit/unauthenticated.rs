//! Counts of requests without a known caller. They have no event in the access log, because there is no one to name.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;

use crate::error::StoreError;
use crate::statement::statement;

/// A kind of request that was refused because its caller could not be identified.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnauthenticatedRequest {
    /// The problem's code.
    pub code: &'static str,
    /// The operation asked for: method and path pattern.
    pub operation: String,
    /// The peer's address.
    pub origin: String,
}

/// Adds counts of unauthenticated requests to the platform's log of refusals, by minute.
pub(crate) fn record(
    conn: &mut PgConnection,
    at: Timestamp,
    counts: Vec<(UnauthenticatedRequest, i64)>,
) -> Result<(), StoreError> {
    for (UnauthenticatedRequest { code, operation, origin }, count) in counts {
        statement(
            "INSERT INTO platform.refusal (minute, code, operation, origin, count) \
             VALUES (date_trunc('minute', ?), ?, ?, ?, ?) \
             ON CONFLICT (minute, code, operation, origin) DO UPDATE SET count = refusal.count + EXCLUDED.count",
        )
        .bind::<Timestamptz, _>(at.to_diesel())
        .bind::<Text, _>(code)
        .bind::<Text, _>(operation)
        .bind::<Text, _>(origin)
        .bind::<BigInt, _>(count)
        .execute(conn)?;
    }
    Ok(())
}
