//! SQL written out, prepared once a connection. The text never depends on input; only bound values do.
//!
//! Diesel's own `sql_query` is prepared anew every time (one round trip more); a [`Statement`] is cached by its text.

use diesel::expression::{AsExpression, TypedExpressionType};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{SqlType, Untyped};
use diesel::{PgConnection, RunQueryDsl};

/// A statement whose `?` marks are bound in order.
pub(crate) struct Statement<'a> {
    texts: Vec<&'static str>,
    binds: Vec<Box<dyn QueryFragment<Pg> + Send + 'a>>,
}

/// Starts a statement.
pub(crate) fn statement<'a>(text: &'static str) -> Statement<'a> {
    Statement { texts: vec![text], binds: Vec::new() }
}

impl<'a> Statement<'a> {
    /// Goes on with more text.
    pub(crate) fn then(mut self, more: &'static str) -> Self {
        self.texts.push(more);
        self
    }

    /// Binds the next `?`.
    pub(crate) fn bind<ST, T>(mut self, value: T) -> Self
    where
        ST: SqlType + TypedExpressionType,
        T: AsExpression<ST>,
        T::Expression: QueryFragment<Pg> + Send + 'a,
    {
        self.binds.push(Box::new(value.as_expression()));
        self
    }
}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut binds = self.binds.iter();
        for text in &self.texts {
            for (at, piece) in text.split('?').enumerate() {
                if at > 0 {
                    binds.next().map_or(Ok(()), |bind| bind.walk_ast(out.reborrow()))?;
                }
                out.push_sql(piece);
            }
        }
        Ok(())
    }
}

impl QueryId for Statement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement<'_> {
    type SqlType = Untyped;
}

impl RunQueryDsl<PgConnection> for Statement<'_> {}
