//! The rules of the pain registry: no I/O, no clock, no HTTP, no SQL, no async.

mod amount;
pub mod calendar;
pub mod clinical;
pub mod code;
pub mod code_list;
pub mod contact;
pub mod event;
pub mod fault;
pub mod followup;
pub mod ids;
pub mod infopad;
pub mod instrument;
pub mod licence;
pub mod medication;
pub mod national_id;
pub mod nettskjema;
pub mod operation;
pub mod organisation_number;
pub mod patient;
pub mod policy;
pub mod questionnaire;
pub mod report;
pub mod settings;
pub mod synthetic;
pub mod udi;
pub mod webhook;
mod words;
