//! Answered questionnaires as Nettskjema delivers them.

use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::national_id::{Acceptance, NationalId};
use painreg_domain::nettskjema::{self, Codebook, Delivery, api_v3, csv_v1, propose};
use serde_json::Value;

use super::{Corrections, MappingProposal, Ready, Reason, Unfit, plausible};
use crate::access::PatientRef;
use crate::store::nettskjema::KnownForm;
use crate::store::submissions::{AnsweredBy, Source};
use crate::tx::Tx;

/// The payload of one delivery.
pub enum Payload<'a> {
    /// A submission in the shape of TSD or API v3, or a document per answer; or why the payload is not such documents.
    Documents(Result<Vec<Value>, Vec<Fault>>),
    /// A header and a row of CSV v1.
    Csv(&'a [u8]),
}

/// Examines a delivery against the codebook of its form.
pub fn examine(
    tx: &Tx<'_>,
    known: &KnownForm,
    form_id: &str,
    payload: Payload<'_>,
    corrections: &Corrections,
    acceptance: Acceptance,
) -> Result<Ready, Unfit> {
    let mut source = None;
    let read = || -> Result<Delivery, Vec<Fault>> {
        let (mut delivery, rest) = match payload {
            Payload::Csv(file) => (csv_v1::parse_file(form_id, file)?, corrections.values.iter().collect()),
            Payload::Documents(documents) => {
                let mut documents = documents?;
                let empty = || vec![Fault::new("", FaultCode::InvalidFormat)];
                let first = documents.first_mut().ok_or_else(empty)?;
                source = nettskjema::submission_of(first).map(|id| source_of(form_id, id));
                let rest = corrections.apply(first);
                let at = nettskjema::created_of(first).unwrap_or_else(|| tx.now());
                let definition = known.definition_at(at);
                let delivery = match documents.as_slice() {
                    [one] if api_v3::line_of(one).is_none() => nettskjema::parse(form_id, one, definition)?,
                    lines => api_v3::parse_lines(form_id, lines, definition)?,
                };
                (delivery, rest)
            }
        };
        source = Some(source_of(form_id, delivery.submission_id.clone()));
        Corrections::apply_to(&rest, &mut delivery)?;
        Ok(delivery)
    };
    let reasons_of = |faults: Vec<Fault>| faults.into_iter().map(Reason::from).collect::<Vec<_>>();
    let delivery = match read() {
        Ok(delivery) => delivery,
        Err(faults) => return Err(Unfit { source, changed_at: None, reasons: reasons_of(faults) }),
    };
    let changed_at = delivery.changed_at();
    let unfit = |reasons| {
        let source = source_of(form_id, delivery.submission_id.clone());
        let changed_at = plausible(changed_at, tx.now(), "").is_ok().then_some(changed_at);
        Err(Unfit { source: Some(source), changed_at, reasons })
    };
    let Some(codebook) = &known.codebook else {
        return unfit(reasons_of(vec![Fault::new("", FaultCode::UnknownReference)]));
    };
    let answers = match delivery.parse_for(codebook).and_then(|answers| answers.submitted("/answers")) {
        Ok(answers) => answers,
        Err(faults) => {
            let reason = |fault| proposing(fault, codebook, known, &delivery);
            return unfit(faults.into_iter().map(reason).collect());
        }
    };
    let is_plausible = plausible(delivery.created, tx.now(), "/metadata/created")
        .and_then(|()| plausible(delivery.changed_at(), tx.now(), "/submissionMetadata/modifiedDate"));
    if let Err(faults) = is_plausible {
        return unfit(reasons_of(faults));
    }
    let patient_at = delivery.patient_at(codebook);
    let at = |code| reasons_of(vec![Fault::new(patient_at.clone(), code)]);
    let patient = match (corrections.patient_id, delivery.patient_for(codebook)) {
        (Some(id), _) => PatientRef::Id(id),
        (None, None) => return unfit(at(FaultCode::Required)),
        (None, Some(given)) => match NationalId::detect(given.expose(), acceptance) {
            Ok(number) => PatientRef::NationalId(number),
            Err(code) => return unfit(at(code)),
        },
    };
    let invitation = delivery.invitation_for(codebook);
    Ok(Ready {
        form: codebook.form().clone(),
        answers,
        patient,
        patient_at,
        source: source_of(form_id, delivery.submission_id),
        answered_by: match delivery.respondent.answered_by {
            nettskjema::AnsweredBy::Patient => AnsweredBy::Patient,
            nettskjema::AnsweredBy::Representative { kind } => AnsweredBy::Representative(kind),
        },
        submitted_at: delivery.created,
        changed_at,
        invitation,
    })
}

fn source_of(form_id: &str, submission_id: String) -> Source {
    Source { system: "nettskjema".to_owned(), form_id: form_id.to_owned(), submission_id }
}

/// Returns the reason of a fault; of an unknown key, with the items that it probably leads to.
fn proposing(fault: Fault, codebook: &Codebook, known: &KnownForm, delivery: &Delivery) -> Reason {
    let path = fault.pointer.strip_prefix("/answers/").map(|path| path.replacen('/', ".", 1));
    let proposals = match (fault.code, path) {
        (FaultCode::UnknownItem, Some(path)) => {
            let earlier = known.definitions.iter().map(|described| &described.definition);
            let proposed = propose(codebook, earlier, delivery, &path).into_iter();
            proposed
                .map(|it| MappingProposal { path: path.clone(), item: it.item, because: it.because.into() })
                .collect()
        }
        _ => Vec::new(),
    };
    Reason { proposals, ..Reason::from(fault) }
}
