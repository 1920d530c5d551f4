//! The only crate that knows a database: tenants, scopes, transactions and storage. `diesel` never leaves it.

mod access;
pub mod app;
pub mod audit;
mod cache;
mod clock;
mod columns;
mod commit;
mod connections;
mod crypt;
mod cursor;
mod database_check;
mod error;
mod history;
mod issuer;
mod keys;
mod listing;
pub mod local;
pub mod migrate;
mod news;
mod once;
pub mod patient_data;
mod place;
mod pool;
mod principal;
mod proof;
pub mod provision;
mod reach;
mod readiness;
mod registry;
mod retention;
mod schema;
mod schema_version;
mod scope;
mod session;
mod settings;
mod statement;
pub mod store;
pub mod template;
#[cfg(feature = "testing")]
mod testing;
mod transaction;
mod tx;
mod wake;

pub use access::{PatientAccess, PatientRef, RecordingContext};
pub use audit::unauthenticated::UnauthenticatedRequest;
pub use clock::Clock;
pub use crypt::CryptError;
pub use cursor::{Cursor, Keyset};
pub use error::{AuditOutcome, StoreError};
pub use issuer::{Algorithm, Assurance, ClaimMapping, IssuerSettings, KeySource, RequiredClaim};
pub use keys::KeyEncryptionKey;
pub use place::Tenant;
pub use principal::{OwnRecord, Principal, RequestContext};
pub use registry::{Registry, TrustedIssuer};
pub use scope::{PlatformScope, TenantScope};
pub use settings::Settings;
#[cfg(feature = "testing")]
pub use settings::{JobObserver, StatementObserver, Testing};
pub use store::idempotency::{IdempotencyKey, Reply};
#[cfg(feature = "testing")]
pub use testing::PreparedStatement;
pub use tx::{PlatformTx, Tx, UnauditedTx};
pub use wake::Wire;
