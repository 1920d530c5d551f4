//! Writing the access log: what one transaction has written about itself so far.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Uuid as SqlUuid};
use painreg_domain::ids::PatientId;
use painreg_domain::policy::Action;

use super::columns::{Columns, INSERT, Object};
use crate::clock::Clock;
use crate::error::StoreError;
use crate::principal::{Principal, RequestContext};
use crate::statement::{Statement, statement};

/// The trace of one transaction in the access log.
pub(crate) struct Trace<'t> {
    pub(crate) clock: &'t Clock,
    pub(crate) principal: &'t Principal,
    context: &'t RequestContext,
    action: Action,
    /// How many events this transaction has written.
    pub(crate) written: usize,
    /// The patients whose records were opened; they are logged again if the transaction is rolled back.
    pub(crate) opened: Vec<PatientId>,
}

impl<'t> Trace<'t> {
    pub(crate) const fn new(
        clock: &'t Clock,
        principal: &'t Principal,
        context: &'t RequestContext,
        action: Action,
    ) -> Self {
        Self { clock, principal, context, action, written: 0, opened: Vec::new() }
    }

    /// The name of the action, for `updated_by`.
    pub(crate) fn action(&self) -> &'static str {
        self.action.into()
    }

    /// Adds the columns of an event after `patient_id` and `id`. The query ends in [`INSERT`] and those two.
    pub(crate) fn columns<'q>(
        &self,
        query: Statement<'q>,
        object: impl Into<Object>,
        outcome: &'static str,
    ) -> Statement<'q>
    where
        't: 'q,
    {
        let Self { clock, principal, context, action, .. } = *self;
        Columns { object: object.into(), at: clock.now(), principal, context, action, outcome }.add_to(query)
    }

    /// Writes one event.
    pub(crate) fn write(
        &mut self,
        conn: &mut PgConnection,
        patient: Option<PatientId>,
        object: Option<String>,
        outcome: &'static str,
    ) -> Result<(), StoreError> {
        let query = statement(INSERT)
            .then("VALUES (?, ?, ")
            .bind::<Nullable<SqlUuid>, _>(patient.map(PatientId::uuid))
            .bind::<SqlUuid, _>(self.clock.ordered_id());
        self.columns(query, object, outcome).then(")").execute(conn)?;
        self.written += 1;
        Ok(())
    }

    /// Writes an event without a patient where no event was written: every action leaves at least one.
    pub(crate) fn finish(&mut self, conn: &mut PgConnection, object: Option<String>) -> Result<(), StoreError> {
        if self.written == 0 { self.write(conn, None, object, "ok") } else { Ok(()) }
    }
}
