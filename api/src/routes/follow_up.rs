//! Follow-up decisions with their reasons: of one patient, as a list, in counts; and the repeated decision.

pub mod counts;
pub mod decisions;
pub mod of_patient;
pub mod run;
