//! The door for requests with an idempotency key: lookup, work and reply are one transaction, so that a repeated request has
//! one effect and one reply.

use painreg_domain::policy::Action;

use crate::error::{AuditOutcome, StoreError};
use crate::scope::{PlatformScope, TenantScope};
use crate::store::idempotency::{self, IdempotencyKey, Reply};
use crate::tx::{PlatformTx, Tx};

impl TenantScope {
    /// As [`TenantScope::run`], at most once for each idempotency key: a repetition returns the stored reply.
    pub fn run_once<E: From<StoreError> + AuditOutcome>(
        &self,
        action: Action,
        key: Option<&IdempotencyKey>,
        work: impl for<'t> FnOnce(&mut Tx<'t>) -> Result<Reply, E>,
    ) -> Result<Reply, E> {
        let Some(key) = key else { return self.run(action, work) };
        let place = &self.tenant().place;
        let done = self.run(action, |tx| {
            if let Some(stored) = idempotency::lookup(tx.conn, &mut tx.trace, place, key)? {
                return Ok(stored);
            }
            let reply = work(tx)?;
            idempotency::store(tx.conn, &tx.trace, place, key, &reply)?;
            Ok(reply)
        });
        idempotency::after_lost_race(done, |error| {
            self.run(action, |tx| idempotency::lookup(tx.conn, &mut tx.trace, place, key)?.ok_or(error))
        })
    }
}

impl PlatformScope {
    /// As [`PlatformScope::run`], at most once for each idempotency key: a repetition returns the stored reply.
    pub fn run_once<E: From<StoreError> + AuditOutcome>(
        &self,
        action: Action,
        key: Option<&IdempotencyKey>,
        work: impl for<'t> FnOnce(&mut PlatformTx<'t>) -> Result<Reply, E>,
    ) -> Result<Reply, E> {
        let Some(key) = key else { return self.run(action, work) };
        let done = self.run(action, |tx| {
            let place = tx.place();
            if let Some(stored) = idempotency::lookup(tx.conn, &mut tx.trace, place, key)? {
                return Ok(stored);
            }
            let reply = work(tx)?;
            idempotency::store(tx.conn, &tx.trace, place, key, &reply)?;
            Ok(reply)
        });
        idempotency::after_lost_race(done, |error| {
            self.run(action, |tx| {
                idempotency::lookup(tx.conn, &mut tx.trace, &tx.connections.platform, key)?.ok_or(error)
            })
        })
    }
}
