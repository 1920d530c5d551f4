//! Removing what is older than its retention period, in every tenant. Patient data has none and is not removed here.

use diesel::prelude::*;

use crate::connections::owner_connection;
use crate::error::StoreError;
use crate::registry::Registry;
use crate::statement::run_sql;
use crate::store::{idempotency, tenants};

impl Registry {
    /// Removes stored replies older than thirty days and returns their number. The worker does this every hour.
    pub fn remove_expired_replies(&self) -> Result<usize, StoreError> {
        let mut platform = owner_connection(&self.connections().settings.database)?;
        let (_, rows, _) = tenants::load_all(&mut platform)?;
        let now = self.clock().now();
        let remove = |conn: &mut PgConnection, schema: &str| {
            conn.transaction::<_, StoreError, _>(|conn| {
                run_sql(conn, &format!("SET LOCAL search_path = {schema}"))?;
                idempotency::remove_expired(conn, now)
            })
        };
        let mut gone = remove(&mut platform, "platform")?;
        for row in rows {
            let removed = if row.dsn.is_some() {
                self.connections()
                    .base_address(row.id, row.dsn.as_deref())
                    .and_then(|address| remove(&mut owner_connection(&address)?, &row.schema))
            } else {
                remove(&mut platform, &row.schema)
            };
            match removed {
                Ok(few) => gone += few,
                Err(error) => tracing::warn!(%error, tenant = %row.slug, "removal of expired replies failed"),
            }
        }
        Ok(gone)
    }
}
