//! What tests see of connections: the statements that are prepared. Only with the feature `testing`.

use diesel::prelude::*;
use diesel::sql_types::{Array, Text};

use crate::error::StoreError;
use crate::place::idle_connection;
use crate::registry::Registry;
use crate::statement::statement;

/// A statement that a connection has prepared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
pub struct PreparedStatement {
    /// The text, with `$1` for the first value.
    #[diesel(sql_type = Text)]
    pub statement: String,
    /// The types of the values.
    #[diesel(sql_type = Array<Text>)]
    pub types: Vec<String>,
}

impl Registry {
    /// Returns a setting as a connection of a tenant has it outside a transaction, or one of the platform.
    pub fn setting(&self, slug: Option<&str>, name: &str) -> Result<String, StoreError> {
        #[derive(QueryableByName)]
        struct SettingRow {
            #[diesel(sql_type = Text)]
            value: String,
        }
        let tenant = slug.map(|slug| self.tenant(slug).ok_or(StoreError::NotFound)).transpose()?;
        let place = tenant.as_ref().map_or(&self.connections().platform, |tenant| &*tenant.place);
        let query = statement("SELECT current_setting(?) AS value").bind::<Text, _>(name);
        let row: SettingRow = query.get_result(self.connections().connection(place)?.conn()?)?;
        Ok(row.value)
    }

    /// Returns what the idle connections of a tenant have prepared, or those of the platform.
    pub fn prepared_statements(&self, slug: Option<&str>) -> Result<Vec<PreparedStatement>, StoreError> {
        let tenant = slug.map(|slug| self.tenant(slug).ok_or(StoreError::NotFound)).transpose()?;
        let place = tenant.as_ref().map_or(&self.connections().platform, |tenant| &*tenant.place);
        let pool = self.connections().pool_of(place);
        let (mut held, mut found) = (Vec::new(), Vec::new());
        while let Some(mut connection) = idle_connection(&pool) {
            let query = statement(
                "SELECT statement, parameter_types::text[] AS types FROM pg_catalog.pg_prepared_statements WHERE NOT from_sql",
            );
            found.extend(query.load::<PreparedStatement>(connection.conn()?)?);
            held.push(connection);
        }
        Ok(found)
    }
}
