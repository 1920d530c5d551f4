//! Payloads that Nettskjema delivers.

use painreg_tenants::app::intake::nettskjema::Payload;

use super::faults_of;
use crate::problem::Problem;
use crate::wire::{CSV, JSON, document};

/// Parses a payload of this media type. Faults of the payload are part of the result.
pub fn payload<'p>(media_type: &str, bytes: &'p [u8]) -> Result<Payload<'p>, Problem> {
    if media_type == CSV {
        return Ok(Payload::Csv(bytes));
    }
    if media_type == JSON {
        let whole = document(bytes).map(|whole| vec![whole]);
        return whole.map(Ok).or_else(|problem| faults_of(problem).map(Err)).map(Payload::Documents);
    }
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let documents = lines.map(document).collect::<Result<Vec<_>, _>>();
    documents.map(Ok).or_else(|problem| faults_of(problem).map(Err)).map(Payload::Documents)
}
