//! The rules of the pain registry: no I/O, no clock, no HTTP, no SQL, no async.

pub mod code;
pub mod contact;
pub mod fault;
pub mod ids;
pub mod instrument;
pub mod national_id;
pub mod nettskjema;
pub mod organisation_number;
pub mod patient;
pub mod policy;
pub mod questionnaire;
pub mod synthetic;
