//! A form as one file for the exchange between registries; [`Form::new`] checks the form.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Definition, Form};
use crate::fault::{Fault, FaultCode};

const FORMAT: &str = "painreg-form/1";

/// A form (skjema) with a digest of its content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormFile {
    /// The format of the file and its version.
    #[schema(max_length = 40, example = "painreg-form/1")]
    format: String,
    /// SHA-256 of the definition's canonical JSON, in hexadecimal digits.
    #[schema(max_length = 64, example = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    digest: String,
    /// The whole definition, as forms show it.
    #[schema(value_type = Object)]
    definition: Definition,
}

impl FormFile {
    /// The definition, if the file is whole.
    pub fn definition(self) -> Result<Definition, Vec<Fault>> {
        let mut faults = Vec::new();
        if self.format != FORMAT {
            faults.push(Fault::new("/format", FaultCode::UnknownVersion));
        } else if self.digest != self.definition.digest() {
            faults.push(Fault::new("/digest", FaultCode::InvalidChecksum));
        }
        if faults.is_empty() { Ok(self.definition) } else { Err(faults) }
    }
}

impl From<&Form> for FormFile {
    fn from(form: &Form) -> Self {
        let definition = form.definition().clone();
        Self { format: FORMAT.to_owned(), digest: definition.digest(), definition }
    }
}

impl Definition {
    /// SHA-256 of the canonical JSON, in hexadecimal digits: equal for equal definitions.
    pub fn digest(&self) -> String {
        let canonical = serde_json::to_value(self).unwrap_or_default().to_string();
        Sha256::digest(canonical).iter().fold(String::with_capacity(64), |mut digits, byte| {
            // Writing to a string cannot fail.
            let _ = write!(digits, "{byte:02x}");
            digits
        })
    }
}
