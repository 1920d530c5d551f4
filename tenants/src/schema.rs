//! Diesel's view of the tables, rendered from the catalogue. Names of a registry's tables stay unqualified: the search path
//! names their schema.

pub(crate) mod platform;
pub(crate) mod tenant;

use tenant::{patient, patient_identifier, patient_key, score, submission};

diesel::allow_tables_to_appear_in_same_query!(patient, patient_key, patient_identifier, submission, score);
