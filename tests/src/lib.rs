//! The harness of the integration tests: a temporary cluster, a world for each test, and actors who speak HTTP.
//! Fixtures go through the API; SQL is only for inspection.
//!
//! ```no_run
//! use painreg_tests::World;
//! let world = World::new();
//! let patient = world.alpha().clinician().registers(&world.person());
//! world.alpha().clinician().reads(&patient).expect(200);
//! world.beta().clinician().get(&format!("/v1/tenants/beta/patients/{}", patient.id)).expect(404);
//! ```
#![expect(clippy::disallowed_methods, reason = "the harness looks behind the walls that these methods make")]

mod actor;
mod answer;
mod cluster;
mod look;
mod request;
pub mod sending;
mod tokens;
mod world;

pub use actor::{Actor, Patient, registration, submission};
pub use answer::Answer;
pub use cluster::Cluster;
pub use look::{attempt, execute, rows, try_rows};
pub use request::Request;
pub use tokens::{AUDIENCE, Claims, ISSUER, Signer, issuer};
pub use world::{Place, Setup, World};
