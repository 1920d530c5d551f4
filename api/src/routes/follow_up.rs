//! What is decided of patients' follow-up, and why: of one, of many, in counts; and deciding again.

pub mod counts;
pub mod decisions;
pub mod of_patient;
pub mod run;
