//! The versions of the platform's and the tenants' schemas that this program works with. Changes none.

use std::sync::LazyLock;

use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use crate::error::StoreError;
use crate::statement::statement;

/// The migrations of the platform's schema.
pub(crate) const PLATFORM: EmbeddedMigrations = embed_migrations!("../migrations/platform");
/// The migrations of a tenant's schema.
pub(crate) const TENANT: EmbeddedMigrations = embed_migrations!("../migrations/tenant");

/// The version of a tenant's schema in this program: the name of its newest migration.
pub(crate) fn of_tenants() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| newest(&TENANT));
    &VERSION
}

/// Refuses a platform whose schema is of another version than this program.
pub(crate) fn check_platform(conn: &mut PgConnection) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct VersionRow {
        #[diesel(sql_type = Nullable<Text>)]
        version: Option<String>,
    }
    let found: VersionRow =
        statement("SELECT max(version)::text AS version FROM platform.__diesel_schema_migrations").get_result(conn)?;
    if found.version == Some(newest(&PLATFORM)) { Ok(()) } else { Err(StoreError::WrongVersion) }
}

fn newest(set: &EmbeddedMigrations) -> String {
    let names = MigrationSource::<diesel::pg::Pg>::migrations(set).unwrap_or_default();
    names.iter().map(|migration| migration.name().version().to_string()).max().unwrap_or_default()
}
