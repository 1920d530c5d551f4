//! The access log (innsynslogg): one writer. Holds no free text and no national id, and never updates a row.

use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff_diesel::ToDiesel as _;
use painreg_domain::ids::PatientId;
use painreg_domain::policy::Action;

use crate::clock::Clock;
use crate::error::StoreError;
use crate::scope::{Principal, RequestContext};
use crate::statement::{Statement, statement};

/// What one transaction has written of itself so far.
pub(crate) struct Trace<'t> {
    pub(crate) clock: &'t Clock,
    pub(crate) principal: &'t Principal,
    context: &'t RequestContext,
    action: Action,
    pub(crate) written: usize,
    /// Whose records were opened; they are logged again if the transaction comes to nothing.
    pub(crate) opened: Vec<PatientId>,
}

impl<'t> Trace<'t> {
    pub(crate) fn new(clock: &'t Clock, principal: &'t Principal, context: &'t RequestContext, action: Action) -> Self {
        Self { clock, principal, context, action, written: 0, opened: Vec::new() }
    }

    /// The name of the action, for `updated_by`.
    pub(crate) fn action(&self) -> &'static str {
        self.action.into()
    }

    /// Binds id, instant, actor, action, purpose, categories, origin, outcome and request id, in this order.
    pub(crate) fn bind_to<'q>(&self, query: Statement<'q>, outcome: &'static str) -> Statement<'q>
    where
        't: 'q,
    {
        self.bind_rest_to(query.bind::<SqlUuid, _>(self.clock.ordered_id()), outcome)
    }

    /// As [`Trace::bind_to`], without the id.
    pub(crate) fn bind_rest_to<'q>(&self, query: Statement<'q>, outcome: &'static str) -> Statement<'q>
    where
        't: 'q,
    {
        let Principal { actor, role, hpr, organisation, client, .. } = self.principal;
        let kind = if role.is_machine() { "machine" } else { "person" };
        let categories: Vec<&'static str> = self.action.categories().iter().map(Into::into).collect();
        let role: &'static str = role.into();
        query
            .bind::<Timestamptz, _>(self.clock.now().to_diesel())
            .bind::<Text, _>(kind)
            .bind::<Text, _>(actor)
            .bind::<Nullable<Text>, _>(hpr)
            .bind::<Text, _>(role)
            .bind::<Nullable<Text>, _>(organisation)
            .bind::<Nullable<Text>, _>(client)
            .bind::<Text, _>(self.action())
            .bind::<Text, _>(self.principal.role.purpose())
            .bind::<Array<Text>, _>(categories)
            .bind::<Nullable<Text>, _>(&self.context.origin)
            .bind::<Text, _>(outcome)
            .bind::<Text, _>(&self.context.request_id)
    }

    /// Writes one event.
    pub(crate) fn write(
        &mut self,
        conn: &mut PgConnection,
        patient: Option<PatientId>,
        object: Option<String>,
        outcome: &'static str,
    ) -> Result<(), StoreError> {
        let query = statement(
            "INSERT INTO audit_event (id, at, actor_kind, actor, hpr, role, organisation, client, action, purpose, \
             categories, origin, outcome, request_id, patient_id, object) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        );
        self.bind_to(query, outcome)
            .bind::<Nullable<SqlUuid>, _>(patient.map(PatientId::uuid))
            .bind::<Nullable<Text>, _>(object)
            .execute(conn)?;
        self.written += 1;
        Ok(())
    }

    /// Every action leaves at least one event: the one that touched no patient leaves this.
    pub(crate) fn finish(&mut self, conn: &mut PgConnection, object: Option<String>) -> Result<(), StoreError> {
        if self.written == 0 { self.write(conn, None, object, "ok") } else { Ok(()) }
    }
}

/// Callers nobody could identify, counted by minute, code, operation and origin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stranger {
    /// The problem's code.
    pub code: &'static str,
    /// The operation asked for, as the specification names it.
    pub operation: String,
    /// The peer's address.
    pub origin: String,
}

/// Adds counts of refused strangers to the platform's table.
pub(crate) fn count_strangers(
    conn: &mut PgConnection,
    minute: jiff::Timestamp,
    counts: Vec<(Stranger, i64)>,
) -> Result<(), StoreError> {
    for (stranger, count) in counts {
        statement(
            "INSERT INTO platform.refusal (minute, code, operation, origin, count) \
             VALUES (date_trunc('minute', ?), ?, ?, ?, ?) \
             ON CONFLICT (minute, code, operation, origin) DO UPDATE SET count = refusal.count + EXCLUDED.count",
        )
        .bind::<Timestamptz, _>(minute.to_diesel())
        .bind::<Text, _>(stranger.code)
        .bind::<Text, _>(stranger.operation)
        .bind::<Text, _>(stranger.origin)
        .bind::<diesel::sql_types::BigInt, _>(count)
        .execute(conn)?;
    }
    Ok(())
}
