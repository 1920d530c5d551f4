//! Proofs of possession (DPoP, RFC 9449) that have been used: each is accepted once.

use diesel::prelude::*;
use diesel::sql_types::{Bytea, Timestamptz};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;

use crate::error::StoreError;
use crate::registry::Registry;
use crate::statement::statement;

impl Registry {
    /// Records the use of a proof and returns whether it is the first. Removes expired proofs.
    pub fn first_use_of_proof(&self, id: &[u8; 32], expires: Timestamp) -> Result<bool, StoreError> {
        let mut held = self.connections().to_platform()?;
        let fresh = statement(
            "WITH gone AS (DELETE FROM platform.used_proof WHERE expires_at < ?) \
             INSERT INTO platform.used_proof (id, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
        )
        .bind::<Timestamptz, _>(self.clock().now().to_diesel())
        .bind::<Bytea, _>(id.as_slice())
        .bind::<Timestamptz, _>(expires.to_diesel())
        .execute(held.conn()?)?;
        Ok(fresh == 1)
    }
}
