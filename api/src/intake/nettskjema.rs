//! Answered questionnaires as Nettskjema delivers them.

use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::national_id::{Acceptance, NationalId};
use painreg_domain::nettskjema::{self, Delivery, api_v3, csv_v1};
use painreg_tenants::store::nettskjema::KnownForm;
use painreg_tenants::store::submissions::{AnsweredBy, Source};
use painreg_tenants::{PatientRef, Tx};
use serde_json::Value;

use super::corrections::Corrections;
use super::{Ready, Unfit, plausible};
use crate::problem::{Code, Problem};
use crate::views::quarantine::Reason;
use crate::wire::{CSV, document};

/// What one delivery holds: in TSD's shape or API v3's, a line an answer, or a header and a row of CSV v1.
pub fn examine(
    tx: &Tx<'_>,
    known: &KnownForm,
    form_id: &str,
    (media_type, payload): (&str, &[u8]),
    corrections: &Corrections,
    acceptance: Acceptance,
) -> Result<Result<Ready, Unfit>, Problem> {
    let mut source = None;
    let mut read = || -> Result<Delivery, Problem> {
        let (mut delivery, rest) = if media_type == CSV {
            let (header, row) = split_line(payload);
            (csv_v1::CsvColumns::read(header)?.delivery(form_id, row)?, corrections.values.iter().collect())
        } else {
            let mut documents = payload
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.trim_ascii().is_empty())
                .map(document)
                .collect::<Result<Vec<Value>, _>>()?;
            let first = documents.first_mut().ok_or(Code::MalformedJson)?;
            source = nettskjema::submission_of(first).map(|id| source_of(form_id, id));
            let rest = corrections.apply(first);
            let at = nettskjema::created_of(first).unwrap_or_else(|| tx.now());
            let definition = known.definition_at(at);
            let delivery = match documents.as_slice() {
                [one] if api_v3::line_of(one).is_none() => nettskjema::parse(form_id, one, definition)?,
                lines => api_v3::parse_lines(form_id, lines, definition)?,
            };
            (delivery, rest)
        };
        source = Some(source_of(form_id, delivery.submission_id.clone()));
        Corrections::apply_to(&rest, &mut delivery)?;
        Ok(delivery)
    };
    let delivery = match read() {
        Ok(delivery) => delivery,
        Err(problem) => return Ok(Err(Unfit { source, reasons: Reason::of(problem)? })),
    };
    let unfit = |reasons| Ok(Err(Unfit { source: Some(source_of(form_id, delivery.submission_id.clone())), reasons }));
    let reasons_of = |faults: Vec<Fault>| faults.into_iter().map(Reason::from).collect::<Vec<_>>();
    let Some(codebook) = &known.codebook else {
        return unfit(reasons_of(vec![Fault::new("", FaultCode::UnknownReference)]));
    };
    let answers = match delivery.parse_for(codebook) {
        Ok(answers) => answers,
        Err(faults) => {
            let reason = |fault| Reason::proposing(fault, codebook, known, &delivery);
            return unfit(faults.into_iter().map(reason).collect());
        }
    };
    if let Err(faults) = plausible(delivery.created, tx.now(), "/metadata/created") {
        return unfit(reasons_of(faults));
    }
    let whose_at = delivery.patient_at(codebook);
    let at = |code| reasons_of(vec![Fault::new(whose_at.clone(), code)]);
    let whose = match (corrections.patient_id, delivery.patient_for(codebook)) {
        (Some(id), _) => PatientRef::Id(id),
        (None, None) => return unfit(at(FaultCode::Required)),
        (None, Some(given)) => match NationalId::detect(given.expose(), acceptance) {
            Ok(number) => PatientRef::NationalId(number),
            Err(code) => return unfit(at(code)),
        },
    };
    let invitation = delivery.invitation_for(codebook);
    Ok(Ok(Ready {
        form: codebook.form().clone(),
        answers,
        whose,
        whose_at,
        source: source_of(form_id, delivery.submission_id),
        answered_by: match delivery.respondent.answered_by {
            nettskjema::AnsweredBy::Patient => AnsweredBy::Patient,
            nettskjema::AnsweredBy::Representative { kind } => AnsweredBy::Representative(kind),
        },
        submitted_at: delivery.created,
        invitation,
    }))
}

pub fn source_of(form_id: &str, submission_id: String) -> Source {
    Source { system: "nettskjema".to_owned(), form_id: form_id.to_owned(), submission_id }
}

/// The first line, and the rest.
pub fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (bytes.get(..end).unwrap_or_default(), bytes.get(end + 1..).unwrap_or_default()),
        None => (bytes, &[]),
    }
}
