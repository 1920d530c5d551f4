//! SQL written out, prepared once a connection. The text never depends on input; only bound values do, and there are as
//! many of them as the text has marks: another number is an error before anything is sent.
//!
//! Diesel's own `sql_query` is prepared every time (one round trip more); a [`Statement`] is cached by its text.

use diesel::deserialize::QueryableByName;
use diesel::expression::{AsExpression, TypedExpressionType};
use diesel::pg::{Pg, PgRowByRowLoadingMode};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{
    Array, BigInt, Bool, Bytea, Date, Double, Integer, Jsonb, Nullable, SmallInt, SqlType, Text, Timestamptz, Untyped,
    Uuid,
};
use diesel::{PgConnection, RunQueryDsl};

use crate::error::StoreError;

/// A value that is bound to a mark, and the cast that follows the mark.
pub(crate) struct Bound<'a> {
    value: Box<dyn QueryFragment<Pg> + Send + 'a>,
    cast: &'static str,
}

impl<'a> Bound<'a> {
    /// Binds a value as an SQL type.
    pub(crate) fn new<ST, T>(value: T) -> Self
    where
        ST: Cast + TypedExpressionType,
        T: AsExpression<ST>,
        T::Expression: QueryFragment<Pg> + Send + 'a,
    {
        Self { value: Box::new(value.as_expression()), cast: ST::CAST }
    }
}

/// The cast of a value in a statement's text. Arrays have one, because functions on arrays are found by the array's type:
/// with it, the text can be planned and repeated by itself.
pub(crate) trait Cast: SqlType {
    /// The cast of a value.
    const CAST: &'static str;
    /// The cast of an array of such values.
    const ARRAY: &'static str;
}

macro_rules! casts {
    ($($ty:ty: $array:literal),* $(,)?) => {
        $(impl Cast for $ty {
            const CAST: &'static str = "";
            const ARRAY: &'static str = $array;
        })*
    };
}

casts! {
    BigInt: "::bigint[]",
    Bool: "::boolean[]",
    Bytea: "::bytea[]",
    Date: "::date[]",
    Double: "::double precision[]",
    Integer: "::integer[]",
    Jsonb: "::jsonb[]",
    SmallInt: "::smallint[]",
    Text: "::text[]",
    Timestamptz: "::timestamptz[]",
    Uuid: "::uuid[]",
}

impl<ST: Cast + SqlType<IsNull = diesel::sql_types::is_nullable::NotNull>> Cast for Nullable<ST> {
    const CAST: &'static str = ST::CAST;
    const ARRAY: &'static str = ST::ARRAY;
}

impl<ST: Cast + 'static> Cast for Array<ST> {
    const CAST: &'static str = ST::ARRAY;
    const ARRAY: &'static str = ST::ARRAY;
}

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
        ST: Cast + TypedExpressionType,
        T: AsExpression<ST>,
        T::Expression: QueryFragment<Pg> + Send + 'a,
    {
        self.bound(Bound::new(value))
    }

    /// Appends another statement, with its values.
    pub(crate) fn append(mut self, other: Self) -> Self {
        self.texts.extend(other.texts);
        self.binds.extend(other.binds);
        self
    }

    /// Binds the next `?` to a value of [`Columns`](crate::columns::Columns).
    pub(crate) fn bound(mut self, value: Bound<'a>) -> Self {
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
                    let bound = binds.next().ok_or_else(|| self.miscounted())?;
                    bound.value.walk_ast(out.reborrow())?;
                    out.push_sql(bound.cast);
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
    fn array_is_cast_in_the_text() {
        let query = statement("SELECT unnest(?), ?")
            .bind::<Array<Nullable<Uuid>>, _>(vec![None::<uuid::Uuid>])
            .bind::<Nullable<Text>, _>(None::<&str>);
        assert_eq!(text(&query).as_deref(), Some("SELECT unnest($1::uuid[]), $2"));
    }

    #[test]
    fn statement_with_another_number_of_values_is_refused() {
        assert_eq!(text(&statement("SELECT ?, ?").bind::<Integer, _>(1)), None);
        assert_eq!(text(&statement("SELECT ?").bind::<Integer, _>(1).bind::<Integer, _>(2)), None);
    }
}
