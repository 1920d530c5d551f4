//! The columns of an audit event, spelt once for every statement that writes one.

use diesel::sql_types::{Array, Nullable, Text, Timestamptz};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::policy::Action;

use crate::principal::{Principal, RequestContext};
use crate::statement::Statement;

/// The beginning of every statement that writes events. The first two columns are the event's own, the others are those of
/// [`Columns`].
pub(crate) const INSERT: &str = "INSERT INTO audit_event (patient_id, id, object, at, actor_kind, actor, hpr, role, \
     organisation, client, action, purpose, categories, origin, outcome, request_id) ";

/// The object that an event names.
pub(crate) enum Object {
    /// The same one for every event of the statement.
    Same(Option<String>),
    /// That of an expression of the statement.
    Each(&'static str),
}

impl From<Option<String>> for Object {
    fn from(object: Option<String>) -> Self {
        Self::Same(object)
    }
}

/// The columns that are the same for every event of one statement.
pub(crate) struct Columns<'a> {
    pub(crate) object: Object,
    pub(crate) at: Timestamp,
    pub(crate) principal: &'a Principal,
    pub(crate) context: &'a RequestContext,
    pub(crate) action: Action,
    pub(crate) outcome: &'static str,
}

impl<'a> Columns<'a> {
    /// Adds the columns after `patient_id` and `id`, in the order of [`INSERT`], and binds them.
    pub(crate) fn add_to<'q>(self, query: Statement<'q>) -> Statement<'q>
    where
        'a: 'q,
    {
        let Principal { actor, role, hpr, organisation, client, .. } = self.principal;
        let kind = if role.is_machine() { "machine" } else { "person" };
        let action: &'static str = self.action.into();
        let categories: Vec<&'static str> = self.action.categories().iter().map(Into::into).collect();
        let query = match self.object {
            Object::Same(object) => query.then("?").bind::<Nullable<Text>, _>(object),
            Object::Each(expression) => query.then(expression),
        };
        query
            .then(", ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?")
            .bind::<Timestamptz, _>(self.at.to_diesel())
            .bind::<Text, _>(kind)
            .bind::<Text, _>(actor)
            .bind::<Nullable<Text>, _>(hpr)
            .bind::<Text, _>(<&'static str>::from(role))
            .bind::<Nullable<Text>, _>(organisation)
            .bind::<Nullable<Text>, _>(client)
            .bind::<Text, _>(action)
            .bind::<Text, _>(role.purpose())
            .bind::<Array<Text>, _>(categories)
            .bind::<Nullable<Text>, _>(&self.context.origin)
            .bind::<Text, _>(self.outcome)
            .bind::<Text, _>(&self.context.request_id)
    }
}
