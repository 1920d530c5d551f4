//! Counts of requests without a known caller. They have no event in the access log, because there is no one to name.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use jiff_diesel::ToDiesel as _;

use crate::error::StoreError;
use crate::registry::Registry;
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

impl Registry {
    /// Adds counts of unauthenticated requests to the platform's log of refusals, by minute.
    pub fn record_unauthenticated(&self, counts: Vec<(UnauthenticatedRequest, i64)>) -> Result<(), StoreError> {
        let mut held = self.connections().to_platform()?;
        let minute = self.clock().now();
        for (UnauthenticatedRequest { code, operation, origin }, count) in counts {
            statement(
                "INSERT INTO platform.refusal (minute, code, operation, origin, count) \
                 VALUES (date_trunc('minute', ?), ?, ?, ?, ?) \
                 ON CONFLICT (minute, code, operation, origin) DO UPDATE SET count = refusal.count + EXCLUDED.count",
            )
            .bind::<Timestamptz, _>(minute.to_diesel())
            .bind::<Text, _>(code)
            .bind::<Text, _>(operation)
            .bind::<Text, _>(origin)
            .bind::<BigInt, _>(count)
            .execute(held.conn()?)?;
        }
        Ok(())
    }
}
