//! The only crate that knows a database: tenants, scopes, transactions and storage. `diesel` never leaves it.

pub mod app;
mod audit;
mod clock;
pub mod components;
mod crypt;
mod cursor;
mod error;
mod issuer;
pub mod local;
pub mod migrate;
mod pool;
pub mod provision;
mod receipt;
mod registry;
mod schema;
mod scope;
mod statement;
pub mod store;

pub use audit::Stranger;
pub use clock::Clock;
pub use crypt::CryptError;
pub use cursor::Cursor;
pub use error::StoreError;
pub use issuer::{Algorithm, Assurance, ClaimMapping, IssuerSettings, KeySource, RequiredClaim};
pub use receipt::Kept;
pub use registry::{Registry, Settings, Tenant, TrustedIssuer};
pub use scope::{
    Ledger, OwnRecord, PatientAccess, PlatformScope, PlatformTx, Principal, Refusal, RequestContext, Standing,
    TenantScope, Tx, Whose,
};
pub use store::idempotency::{Once, Reply};
