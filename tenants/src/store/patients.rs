//! Patients and their national ids. Identifying data is sealed under a key that belongs to the patient.

mod contact;
mod find;
mod keys;
mod list;
mod register;
mod update;

pub(crate) use contact::addresses;
pub use find::{KnownId, Patient, find};
pub(crate) use keys::keys;
pub use list::{Listed, Search, list};
pub use register::{Registered, register};
pub use update::{Period, update, versions};
