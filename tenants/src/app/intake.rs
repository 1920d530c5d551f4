//! Answered questionnaires, delivered by any operation: examined against their form, scored, stored once and
//! acknowledged with a signed receipt. A delivery that cannot be placed is kept in quarantine (karantene) with the
//! reasons.

mod corrections;
mod known;
pub mod nettskjema;

use painreg_domain::calendar::norwegian_day;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::{PatientId, QuarantineId};
use painreg_domain::licence::LicenceWarning;
use painreg_domain::questionnaire::{Answers, Form};
use painreg_domain::remark::DeliveryRemark;
use painreg_domain::revision::Imprint;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::receipt::Kept;
use crate::access::PatientRef;
use crate::error::StoreError;
use crate::principal::Principal;
use crate::store::licences;
use crate::store::quarantine::{self, Unplaced};
use crate::store::submissions::{self, AnsweredBy, Ids, NewSubmission, Placed, Source, StoredScore};
use crate::tx::Tx;

pub use corrections::{Correction, Corrections};
pub use known::recognise;

/// One delivered questionnaire.
pub struct Arrival<'p> {
    /// The payload's media type.
    pub media_type: &'static str,
    /// The delivered bytes, which are kept in quarantine if the questionnaire cannot be placed.
    pub payload: &'p [u8],
    /// The result of examining the payload.
    pub examined: Result<Ready, Unfit>,
}

/// A questionnaire that fits its form.
pub struct Ready {
    /// The published form it answers.
    pub form: Form,
    /// The answers, valid for the form.
    pub answers: Answers,
    /// The patient that the answers are about.
    pub patient: PatientRef,
    /// An RFC 6901 pointer to the place in the payload that names the patient.
    pub patient_at: String,
    /// The source that the submission came from.
    pub source: Source,
    /// The person who answered.
    pub answered_by: AnsweredBy,
    /// The instant at which it was answered.
    pub submitted_at: jiff::Timestamp,
    /// The instant of the source's last change.
    pub changed_at: jiff::Timestamp,
    /// The token of the invitation that the submission names.
    pub invitation: Option<String>,
}

impl Ready {
    fn imprint(&self, payload_hash: [u8; 32]) -> Imprint {
        let Self { form, answered_by, submitted_at, changed_at, answers, .. } = self;
        submissions::imprint(form, answered_by, *submitted_at, *changed_at, answers, payload_hash)
    }
}

/// Returns the object that the access log names for a delivery.
fn object_of(ids: Ids) -> String {
    format!("submission/{}", ids.kept)
}

/// A questionnaire that does not fit its form.
pub struct Unfit {
    /// The source, if it could be read.
    pub source: Option<Source>,
    /// The instant of the source's last change, if it could be read.
    pub changed_at: Option<jiff::Timestamp>,
    /// The reasons why it cannot be placed.
    pub reasons: Vec<Reason>,
}

/// Why a delivery cannot be placed, and what it may have meant. Stored with the delivery as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Reason {
    /// RFC 6901 pointer into the payload.
    pub pointer: String,
    /// The kind of fault.
    pub code: FaultCode,
    /// Items that an unknown key probably leads to, the likeliest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<MappingProposal>,
}

/// An item that an unknown key of a codebook probably leads to.
#[derive(Clone, Debug, Serialize)]
pub struct MappingProposal {
    /// The path of the mapping: the key, or the matrix and its row with a point between them.
    pub path: String,
    /// The item's code.
    pub item: String,
    /// The evidence for the proposal.
    pub because: &'static str,
}

impl From<Fault> for Reason {
    fn from(fault: Fault) -> Self {
        Self { pointer: fault.pointer, code: fault.code, proposals: Vec::new() }
    }
}

/// The result of taking an arrival.
pub enum Taken {
    /// The questionnaire is stored.
    Stored(Box<Stored>),
    /// The delivery is kept in quarantine until it can be placed.
    Quarantined(Waiting),
}

/// Why a questionnaire is not stored.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The patient is not registered, or not accessible to the caller. The fault points to the patient in the payload.
    #[error("unknown patient")]
    UnknownPatient(Fault),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A stored questionnaire.
pub struct Stored {
    /// The stored revision.
    pub placed: Placed,
    /// The patient that the answers are about.
    pub patient: PatientId,
    /// The point in the course of treatment at which the form is asked for.
    pub wave: &'static str,
    /// One result per instrument of the delivered answers; none where another revision is current.
    pub scores: Vec<StoredScore>,
    /// Alerts for the clinic, likewise: instrument and code.
    pub alerts: Vec<(&'static str, &'static str)>,
    /// Instruments of the form that were used outside a licence.
    pub warnings: Vec<LicenceWarning>,
    /// Remarks for the sender.
    pub remarks: Vec<DeliveryRemark>,
    /// The signed receipt, a compact JWS.
    pub receipt: String,
    /// The source that the submission came from.
    pub source: Source,
}

/// A delivery in quarantine.
pub struct Waiting {
    /// The id in quarantine.
    pub id: QuarantineId,
    /// The source, if it could be read.
    pub source: Option<Source>,
    /// The reasons why it cannot be placed.
    pub reasons: Vec<Reason>,
    /// The signed receipt, a compact JWS.
    pub receipt: String,
}

/// Returns the SHA-256 of a payload.
pub fn hash(payload: &[u8]) -> [u8; 32] {
    Sha256::digest(payload).into()
}

/// Refuses instants before 1990 or more than 24 hours ahead. PostgreSQL cannot store every instant that RFC 3339 can
/// write.
pub fn plausible(at: jiff::Timestamp, now: jiff::Timestamp, pointer: &str) -> Result<(), Vec<Fault>> {
    const FIRST: jiff::Timestamp = jiff::Timestamp::constant(631_152_000, 0);
    let last = now.checked_add(jiff::SignedDuration::from_hours(24)).unwrap_or(now);
    if (FIRST..=last).contains(&at) { Ok(()) } else { Err(vec![Fault::new(pointer, FaultCode::InvalidDate)]) }
}

/// Returns the source under which a caller's submission is stored. People get a namespace per caller, so that only
/// machine clients can supersede what another system delivers; `nettskjema` is refused from them.
pub fn source_for(principal: &Principal, mut source: Source) -> Result<Source, Vec<Fault>> {
    if principal.role.is_machine() {
        return Ok(source);
    }
    if source.system == "nettskjema" {
        return Err(vec![Fault::new("/source/system", FaultCode::UnknownOption)]);
    }
    source.system = format!("{}:{}", source.system, principal.key);
    Ok(source)
}

/// Stores one questionnaire. Returns an error instead of using quarantine, for callers who can correct their request.
pub fn take_one(tx: &mut Tx<'_>, ready: Ready, payload_hash: [u8; 32]) -> Result<Stored, IntakeError> {
    let imprint = ready.imprint(payload_hash);
    let ids = submissions::name_each(tx, &[(&ready.source, &imprint)])?;
    let ids = ids.first().copied().ok_or(StoreError::InProgress)?;
    tx.about(object_of(ids));
    let access = tx.open_to_collect(&ready.patient).map_err(|error| match error {
        StoreError::NotFound => {
            IntakeError::UnknownPatient(Fault::new(ready.patient_at.clone(), FaultCode::UnknownReference))
        }
        other => other.into(),
    })?;
    let mut scored = Scored::of(tx, ready, ids, imprint)?;
    let placed = match scored.blocked.take() {
        None => submissions::place(tx, &access, &scored.to_store())?,
        Some(faults) => submissions::recognise_each(tx, &[(&access, &scored.to_store())])?
            .pop()
            .flatten()
            .ok_or(StoreError::LicenceBlocked(faults))?,
    };
    Ok(scored.stored(tx, access.id(), placed))
}

/// A questionnaire with the scores, alerts and licence warnings of its answers.
struct Scored {
    ready: Ready,
    scores: Vec<StoredScore>,
    alerts: Vec<(&'static str, &'static str)>,
    warnings: Vec<LicenceWarning>,
    /// The faults of a form that was used outside a licence, where the registry refuses such answers. A submission that
    /// is stored already is still recognised.
    blocked: Option<Vec<Fault>>,
    ids: Ids,
    imprint: Imprint,
}

impl Scored {
    fn of(tx: &mut Tx<'_>, ready: Ready, ids: Ids, imprint: Imprint) -> Result<Self, StoreError> {
        let (warnings, blocked) = match tx.licensing(&ready.form, norwegian_day(ready.submitted_at)) {
            Ok(warnings) => (warnings, None),
            Err(StoreError::LicenceBlocked(faults)) => (Vec::new(), Some(faults)),
            Err(error) => return Err(error),
        };
        let licensing = licences::current(tx)?;
        let scores = ready.form.score_with(&ready.answers, &licensing.options).iter().map(StoredScore::from).collect();
        let alerts = ready.form.alerts(&ready.answers);
        Ok(Self { ready, scores, alerts, warnings, blocked, ids, imprint })
    }

    fn to_store(&self) -> NewSubmission<'_> {
        let Ready { form, answers, source, answered_by, submitted_at, invitation, .. } = &self.ready;
        NewSubmission {
            id: self.ids.new,
            form,
            source,
            answered_by,
            submitted_at: *submitted_at,
            imprint: &self.imprint,
            answers,
            scores: &self.scores,
            alerts: &self.alerts,
            invitation: invitation.as_deref(),
        }
    }

    fn stored(self, tx: &Tx<'_>, patient: PatientId, placed: Placed) -> Stored {
        let Self { ready, mut scores, mut alerts, warnings, imprint, .. } = self;
        if !placed.is_current() {
            scores.clear();
            alerts.clear();
        }
        let (id, revision) = placed.kept;
        let receipt = tx.receipt(Kept::Stored(id, revision), Some(&ready.source), &imprint.payload);
        let outcome = placed.delivered.word();
        metrics::counter!("painreg_questionnaires_total", "outcome" => outcome).increment(1);
        let wave = ready.form.wave().into();
        let remarks = DeliveryRemark::about(ready.invitation.as_deref(), placed.invitation.is_some());
        Stored { placed, patient, wave, scores, alerts, warnings, remarks, receipt, source: ready.source }
    }
}

/// Stores questionnaires with a number of round trips that does not depend on how many there are. Deliveries that
/// cannot be placed go into quarantine. Returns a result per arrival, in order: an error where a delivery may not be
/// kept at all.
pub fn take(
    tx: &mut Tx<'_>,
    nettskjema_id: Option<&str>,
    arrivals: Vec<Arrival<'_>>,
) -> Result<Vec<Result<Taken, StoreError>>, StoreError> {
    let mut taken: Vec<Option<Result<Taken, StoreError>>> = Vec::with_capacity(arrivals.len());
    let mut ready = Vec::with_capacity(arrivals.len());
    for Arrival { media_type, payload, examined } in arrivals {
        let payload_hash = hash(payload);
        let came = Came { nettskjema_id, media_type, payload, payload_hash };
        match examined {
            Ok(fits) => {
                ready.push((taken.len(), came, fits));
                taken.push(None);
            }
            Err(unfit) => taken.push(Some(came.keep(tx, unfit)?)),
        }
    }
    let patients: Vec<PatientRef> = ready.iter().map(|(_, _, fits)| fits.patient.clone()).collect();
    let imprints: Vec<Imprint> = ready.iter().map(|(_, came, fits)| fits.imprint(came.payload_hash)).collect();
    let asked: Vec<_> = ready.iter().zip(&imprints).map(|((_, _, fits), imprint)| (&fits.source, imprint)).collect();
    let ids = submissions::name_each(tx, &asked)?;
    let objects: Vec<String> = ids.iter().copied().map(object_of).collect();
    let opened = tx.open_each_to_collect(&patients, &objects)?;
    let (mut open, mut blocked) = (Vec::with_capacity(ready.len()), Vec::new());
    for ((((at, came, fits), opened), ids), imprint) in ready.into_iter().zip(opened).zip(ids).zip(imprints) {
        let outcome = match opened {
            Ok(access) => {
                let scored = Scored::of(tx, fits, ids, imprint)?;
                let list = if scored.blocked.is_some() { &mut blocked } else { &mut open };
                list.push((at, came, access, scored));
                continue;
            }
            Err(StoreError::NotFound) => {
                let reasons = vec![Fault::new(fits.patient_at, FaultCode::UnknownReference).into()];
                came.keep(tx, Unfit { source: Some(fits.source), changed_at: Some(fits.changed_at), reasons })?
            }
            // Without a legal basis a delivery is not kept in quarantine either.
            Err(error @ StoreError::NotPermitted(_)) => Err(error),
            Err(error) => return Err(error),
        };
        if let Some(place) = taken.get_mut(at) {
            *place = Some(outcome);
        }
    }
    let rows: Vec<NewSubmission<'_>> = open.iter().map(|(_, _, _, scored)| scored.to_store()).collect();
    let rows: Vec<_> = open.iter().map(|(_, _, access, _)| access).zip(&rows).collect();
    let mut placed = submissions::place_each(tx, &rows)?;
    let rows: Vec<NewSubmission<'_>> = blocked.iter().map(|(_, _, _, scored)| scored.to_store()).collect();
    let rows: Vec<_> = blocked.iter().map(|(_, _, access, _)| access).zip(&rows).collect();
    let recognised = submissions::recognise_each(tx, &rows)?;
    for ((_, _, _, scored), known) in blocked.iter_mut().zip(recognised) {
        let faults = scored.blocked.take().unwrap_or_default();
        placed.push(known.ok_or(StoreError::LicenceBlocked(faults)));
    }
    for ((at, came, access, scored), placed) in open.into_iter().chain(blocked).zip(placed) {
        let outcome = match placed {
            Ok(placed) => Ok(Taken::Stored(Box::new(scored.stored(tx, access.id(), placed)))),
            // An answer outside a licence waits in quarantine until the registry has a licence.
            Err(StoreError::Conflict(faults) | StoreError::LicenceBlocked(faults)) => {
                let reasons = faults.into_iter().map(Reason::from).collect();
                let Ready { source, changed_at, .. } = scored.ready;
                came.keep(tx, Unfit { source: Some(source), changed_at: Some(changed_at), reasons })?
            }
            Err(error) => return Err(error),
        };
        if let Some(place) = taken.get_mut(at) {
            *place = Some(outcome);
        }
    }
    Ok(taken.into_iter().flatten().collect())
}

/// A delivery as quarantine keeps it.
struct Came<'a> {
    nettskjema_id: Option<&'a str>,
    media_type: &'static str,
    payload: &'a [u8],
    payload_hash: [u8; 32],
}

impl Came<'_> {
    /// Keeps the delivery in quarantine, unless its bytes are stored already; an error inside where they may not be
    /// kept any more.
    fn keep(&self, tx: &mut Tx<'_>, unfit: Unfit) -> Result<Result<Taken, StoreError>, StoreError> {
        let Unfit { source, changed_at, reasons } = unfit;
        if let Some(known) = recognise(tx, self.nettskjema_id, source.as_ref(), self.payload_hash)? {
            return Ok(known.map(|stored| Taken::Stored(Box::new(stored))));
        }
        let id = quarantine::keep(
            tx,
            &Unplaced {
                nettskjema_id: self.nettskjema_id,
                media_type: self.media_type,
                source: source.as_ref(),
                changed_at,
                payload_hash: self.payload_hash,
                payload: self.payload,
                reasons: &serde_json::to_value(&reasons).unwrap_or_default(),
            },
        )?;
        metrics::counter!("painreg_questionnaires_total", "outcome" => "quarantined").increment(1);
        for reason in &reasons {
            let code: &'static str = reason.code.into();
            metrics::counter!("painreg_quarantine_reasons_total", "code" => code).increment(1);
        }
        let receipt = tx.receipt(Kept::Quarantined(id), source.as_ref(), &self.payload_hash);
        Ok(Ok(Taken::Quarantined(Waiting { id, source, reasons, receipt })))
    }
}
