//! Columns of wide inserts: each name beside its value, so that the list of names and the list of values cannot differ.

use diesel::expression::{AsExpression, TypedExpressionType};
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;

use crate::statement::{Bound, Cast, Statement};

/// Names and values of the columns of one statement, in order.
#[derive(Default)]
pub(crate) struct Columns<'a> {
    names: Vec<&'static str>,
    selected: Vec<&'static str>,
    values: Vec<Bound<'a>>,
}

impl<'a> Columns<'a> {
    /// Adds a column. For `unnest`, the value is an array with one element per row.
    pub(crate) fn column<ST, T>(self, name: &'static str, value: T) -> Self
    where
        ST: Cast + TypedExpressionType,
        T: AsExpression<ST>,
        T::Expression: QueryFragment<Pg> + Send + 'a,
    {
        self.column_as::<ST, T>(name, name, value)
    }

    /// Adds a column whose value is converted by an expression, such as `reasons::text[]`, when it is selected.
    pub(crate) fn column_as<ST, T>(mut self, name: &'static str, selected: &'static str, value: T) -> Self
    where
        ST: Cast + TypedExpressionType,
        T: AsExpression<ST>,
        T::Expression: QueryFragment<Pg> + Send + 'a,
    {
        self.names.push(name);
        self.selected.push(selected);
        self.values.push(Bound::new(value));
        self
    }
}

impl<'a> Statement<'a> {
    /// Appends the names of the columns, separated by commas.
    pub(crate) fn names(self, columns: &Columns<'_>) -> Self {
        self.list(&columns.names)
    }

    /// Appends the expressions that select the columns, separated by commas.
    pub(crate) fn selected(self, columns: &Columns<'_>) -> Self {
        self.list(&columns.selected)
    }

    /// Appends a mark for each column, separated by commas, and binds the values.
    pub(crate) fn values(self, columns: Columns<'a>) -> Self {
        columns
            .values
            .into_iter()
            .enumerate()
            .fold(self, |query, (at, value)| query.then(if at > 0 { ", ?" } else { "?" }).bound(value))
    }

    /// Appends `unnest(..) AS alias (..)`: a relation of the values, one row per element.
    pub(crate) fn unnest(self, columns: Columns<'a>, alias: &'static str) -> Self {
        let names = columns.names.clone();
        self.then("unnest(").values(columns).then(") AS ").then(alias).then(" (").list(&names).then(")")
    }

    fn list(self, texts: &[&'static str]) -> Self {
        texts.iter().enumerate().fold(self, |query, (at, text)| query.then(if at > 0 { ", " } else { "" }).then(text))
    }
}
