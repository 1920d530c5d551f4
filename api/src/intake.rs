//! Answered questionnaires over HTTP: parses deliveries for `painreg_tenants::app::intake`.

pub mod answers;
pub mod batch;
pub mod corrections;
pub mod nettskjema;

use painreg_domain::fault::{Fault, FaultCode};
use painreg_tenants::app::intake::IntakeError;

use crate::problem::{Code, Problem};

impl From<IntakeError> for Problem {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::UnknownPatient(fault) => Self::with(Code::NotFound, vec![fault]),
            IntakeError::Store(error) => error.into(),
        }
    }
}

/// Returns the faults of a questionnaire that cannot be placed; an error that is not about the questionnaire stays one.
pub fn faults_of(problem: Problem) -> Result<Vec<Fault>, Problem> {
    match problem.code {
        Code::MalformedJson => Ok(vec![Fault::new("", FaultCode::InvalidFormat)]),
        _ if problem.errors.is_empty() => Err(problem),
        _ => Ok(problem.errors),
    }
}
