//! SQL written out, prepared once a connection. The text never depends on input; only bound values do, and there are as
//! many of them as the text has marks: another number is an error before anything is sent.
//!
//! Diesel's own `sql_query` is prepared every time (one round trip more); a [`Statement`] is cached by its text.

use diesel::deserialize::QueryableByName;
use diesel::expression::{AsExpression, TypedExpressionType};
use diesel::pg::{Pg, PgRowByRowLoadingMode};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{SqlType, Untyped};
use diesel::{PgConnection, RunQueryDsl};

use crate::error::StoreError;

/// A value that is bound to a mark.
pub(crate) type Bound<'a> = Box<dyn QueryFragment<Pg> + Send + 'a>;

/// A statement whose `?` marks are bound in order.
pub(crate) struct Statement<'a> {
    texts: Vec<&'static str>,
    binds: Vec<Bound<'a>>,
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
    pub(crate) fn bind<ST, T>(self, value: T) -> Self
    where
        ST: SqlType + TypedExpressionType,
        T: AsExpression<ST>,
        T::Expression: QueryFragment<Pg> + Send + 'a,
    {
        self.bind_boxed(Box::new(value.as_expression()))
    }

    /// Appends another statement, with its values.
    pub(crate) fn append(mut self, other: Self) -> Self {
        self.texts.extend(other.texts);
        self.binds.extend(other.binds);
        self
    }

    /// Binds the next `?` to a value of [`Columns`](crate::columns::Columns).
    pub(crate) fn bind_boxed(mut self, value: Bound<'a>) -> Self {
        self.binds.push(value);
        self
    }

    /// Runs the query and hands every row to `each` as PostgreSQL sends it: no more than one row is in memory at a time.
    pub(crate) fn stream<R: QueryableByName<Pg> + 'static>(
        self,
        conn: &mut PgConnection,
        mut each: impl FnMut(R) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for row in self.load_iter::<R, PgRowByRowLoadingMode>(conn)? {
            each(row?)?;
        }
        Ok(())
    }
}

impl Statement<'_> {
    /// The error of another number of values than marks.
    #[cold]
    fn miscounted(&self) -> diesel::result::Error {
        let (text, values) = (self.texts.concat(), self.binds.len());
        let marks = text.matches('?').count();
        diesel::result::Error::QueryBuilderError(format!("{marks} marks and {values} values: {text}").into())
    }
}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut binds = self.binds.iter();
        for text in &self.texts {
            for (at, piece) in text.split('?').enumerate() {
                if at > 0 {
                    binds.next().ok_or_else(|| self.miscounted())?.walk_ast(out.reborrow())?;
                }
                out.push_sql(piece);
            }
        }
        if binds.next().is_some() { Err(self.miscounted()) } else { Ok(()) }
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

/// Runs a script without binds: fixed text and names that this crate made itself, never input.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn run_sql(conn: &mut PgConnection, sql: &str) -> Result<(), StoreError> {
    use diesel::connection::SimpleConnection as _;
    Ok(conn.batch_execute(sql)?)
}

#[cfg(test)]
mod tests {
    use diesel::sql_types::Integer;

    use super::*;

    fn text(statement: &Statement<'_>) -> Option<String> {
        let mut query = diesel::pg::PgQueryBuilder::default();
        statement.to_sql(&mut query, &Pg).ok()?;
        Some(diesel::query_builder::QueryBuilder::finish(query))
    }

    #[test]
    fn statement_with_as_many_values_as_marks_is_built() {
        let query = statement("SELECT ?").then(" + ?").bind::<Integer, _>(1).bind::<Integer, _>(2);
        assert_eq!(text(&query).as_deref(), Some("SELECT $1 + $2"));
    }

    #[test]
    fn statement_with_another_number_of_values_is_refused() {
        assert_eq!(text(&statement("SELECT ?, ?").bind::<Integer, _>(1)), None);
        assert_eq!(text(&statement("SELECT ?").bind::<Integer, _>(1).bind::<Integer, _>(2)), None);
    }
}
