//! How answered questionnaires come in, whichever operation brings them: examined against their form, scored, stored once,
//! and told with a signed receipt. What cannot be placed is not refused but kept, with the reasons (karantene).

pub mod answers;
pub mod batch;
pub mod corrections;
pub mod nettskjema;

use actix_web::web::Bytes;
use painreg_domain::calendar::norwegian_day;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::{PatientId, QuarantineId};
use painreg_domain::licence::LicenceWarning;
use painreg_domain::questionnaire::{Answers, Form};
use painreg_tenants::store::licences;
use painreg_tenants::store::quarantine::{self, Unplaced};
use painreg_tenants::store::submissions::{self, AnsweredBy, NewSubmission, Placed, Source, StoredScore};
use painreg_tenants::{Kept, PatientRef, StoreError, Tx};
use sha2::{Digest as _, Sha256};

use crate::problem::{Code, Problem};
use crate::views::quarantine::Reason;

/// One questionnaire as it came.
pub struct Arrival {
    /// What the payload is.
    pub media_type: &'static str,
    /// What came, to be kept if it cannot be placed.
    pub payload: Bytes,
    /// What could be made of it.
    pub examined: Result<Ready, Unfit>,
}

/// A questionnaire that fits its form.
pub struct Ready {
    /// The published form it answers.
    pub form: Form,
    /// The answers, certainly valid.
    pub answers: Answers,
    /// Whose.
    pub whose: PatientRef,
    /// Where it says whose: a pointer into what came.
    pub whose_at: String,
    /// Where it came from.
    pub source: Source,
    /// Who answered.
    pub answered_by: AnsweredBy,
    /// When it was answered.
    pub submitted_at: jiff::Timestamp,
    /// The token of the invitation that it says it answers.
    pub invitation: Option<String>,
}

/// A questionnaire that does not.
pub struct Unfit {
    /// Where it came from, as far as that can be told.
    pub source: Option<Source>,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// What became of an arrival.
pub enum Taken {
    /// It is stored.
    Stored(Box<Stored>),
    /// It is kept until it can be placed.
    Quarantined(Waiting),
    /// It may not be kept.
    Refused(Problem),
}

/// Where a questionnaire is stored.
pub struct Stored {
    /// Where.
    pub placed: Placed,
    /// Whose.
    pub patient: PatientId,
    /// When in the course the form is asked for.
    pub wave: &'static str,
    /// One result an instrument.
    pub scores: Vec<StoredScore>,
    /// What the clinic must see: instrument and code.
    pub alerts: Vec<(&'static str, &'static str)>,
    /// What of the form was used outside a licence.
    pub warnings: Vec<LicenceWarning>,
    /// The signed receipt.
    pub receipt: String,
    /// Where it came from.
    pub source: Source,
}

/// What waits in quarantine.
pub struct Waiting {
    /// Its id.
    pub id: QuarantineId,
    /// Where it came from, as far as that can be told.
    pub source: Option<Source>,
    /// Why it waits.
    pub reasons: Vec<Reason>,
    /// The signed receipt.
    pub receipt: String,
}

/// SHA-256 of what came.
pub fn hash(payload: &[u8]) -> [u8; 32] {
    Sha256::digest(payload).into()
}

/// Nobody answers in the future, or before there were registries; PostgreSQL does not even know every instant that can be
/// written.
pub fn plausible(at: jiff::Timestamp, now: jiff::Timestamp, pointer: &str) -> Result<(), Vec<Fault>> {
    const FIRST: jiff::Timestamp = jiff::Timestamp::constant(631_152_000, 0);
    let last = now.checked_add(jiff::SignedDuration::from_hours(24)).unwrap_or(now);
    if (FIRST..=last).contains(&at) { Ok(()) } else { Err(vec![Fault::new(pointer, FaultCode::InvalidDate)]) }
}

/// Stores one questionnaire, or says why not; nothing goes into quarantine. For people, who can be asked.
pub fn take_one(tx: &mut Tx<'_>, ready: Ready, payload_hash: [u8; 32]) -> Result<Stored, Problem> {
    let access = tx.open_to_collect(&ready.whose).map_err(|error| match error {
        StoreError::NotFound => {
            Problem::with(Code::NotFound, vec![Fault::new(ready.whose_at.clone(), FaultCode::UnknownReference)])
        }
        other => other.into(),
    })?;
    let mut scored = Scored::of(tx, ready, payload_hash)?;
    let placed = match scored.blocked.take() {
        None => submissions::place(tx, &access, &scored.to_store())?,
        Some(faults) => submissions::recognise_each(tx, &[(&access, &scored.to_store())])?
            .pop()
            .flatten()
            .ok_or(StoreError::LicenceBlocked(faults))?,
    };
    Ok(scored.stored(tx, access.id(), placed))
}

/// A questionnaire with everything that follows from its answers.
struct Scored {
    ready: Ready,
    scores: Vec<StoredScore>,
    alerts: Vec<(&'static str, &'static str)>,
    warnings: Vec<LicenceWarning>,
    /// Why it may not be stored, if it is not stored already: the form was used outside a licence, and the registry does not
    /// take that.
    blocked: Option<Vec<Fault>>,
    payload_hash: [u8; 32],
}

impl Scored {
    fn of(tx: &mut Tx<'_>, ready: Ready, payload_hash: [u8; 32]) -> Result<Self, StoreError> {
        let (warnings, blocked) = match tx.licensing(&ready.form, norwegian_day(ready.submitted_at)) {
            Ok(warnings) => (warnings, None),
            Err(StoreError::LicenceBlocked(faults)) => (Vec::new(), Some(faults)),
            Err(error) => return Err(error),
        };
        let licensing = licences::current(tx)?;
        let scores = ready.form.score_with(&ready.answers, &licensing.options).iter().map(StoredScore::from).collect();
        let alerts = ready.form.alerts(&ready.answers);
        Ok(Self { ready, scores, alerts, warnings, blocked, payload_hash })
    }

    fn to_store(&self) -> NewSubmission<'_> {
        let Ready { form, answers, source, answered_by, submitted_at, invitation, .. } = &self.ready;
        NewSubmission {
            form,
            source,
            answered_by,
            submitted_at: *submitted_at,
            answers,
            scores: &self.scores,
            alerts: &self.alerts,
            payload_hash: self.payload_hash,
            invitation: invitation.as_deref(),
        }
    }

    fn stored(self, tx: &Tx<'_>, patient: PatientId, placed: Placed) -> Stored {
        let Self { ready, scores, alerts, warnings, payload_hash, .. } = self;
        let receipt = tx.receipt(Kept::Stored(placed.id, placed.revision), Some(&ready.source), &payload_hash);
        let outcome = placed.delivered.word();
        metrics::counter!("painreg_questionnaires_total", "outcome" => outcome).increment(1);
        let wave = ready.form.wave().into();
        Stored { placed, patient, wave, scores, alerts, warnings, receipt, source: ready.source }
    }
}

/// Stores questionnaires, a handful of round trips whatever their number; what cannot be placed goes into quarantine.
/// In the order given.
pub fn take(tx: &mut Tx<'_>, nettskjema_id: Option<&str>, arrivals: Vec<Arrival>) -> Result<Vec<Taken>, Problem> {
    let mut taken: Vec<Option<Taken>> = Vec::with_capacity(arrivals.len());
    let mut ready = Vec::with_capacity(arrivals.len());
    for Arrival { media_type, payload, examined } in arrivals {
        let payload_hash = hash(&payload);
        let came = Came { nettskjema_id, media_type, payload, payload_hash };
        match examined {
            Ok(fits) => {
                ready.push((taken.len(), came, fits));
                taken.push(None);
            }
            Err(unfit) => taken.push(Some(came.keep(tx, unfit)?)),
        }
    }
    let whose: Vec<PatientRef> = ready.iter().map(|(_, _, fits)| fits.whose.clone()).collect();
    let (mut open, mut blocked) = (Vec::with_capacity(ready.len()), Vec::new());
    for ((at, came, fits), opened) in ready.into_iter().zip(tx.open_each_to_collect(&whose)?) {
        let outcome = match opened {
            Ok(access) => {
                let scored = Scored::of(tx, fits, came.payload_hash)?;
                let list = if scored.blocked.is_some() { &mut blocked } else { &mut open };
                list.push((at, came, access, scored));
                continue;
            }
            Err(StoreError::NotFound) => {
                let reasons = vec![Fault::new(fits.whose_at, FaultCode::UnknownReference).into()];
                came.keep(tx, Unfit { source: Some(fits.source), reasons })?
            }
            // What may not be kept is not kept in quarantine either.
            Err(error @ StoreError::NotPermitted(_)) => Taken::Refused(error.into()),
            Err(error) => return Err(error.into()),
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
            Ok(placed) => Taken::Stored(Box::new(scored.stored(tx, access.id(), placed))),
            // Blocked, it has been answered all the same: it waits until the licence is in order.
            Err(StoreError::Conflict(faults) | StoreError::LicenceBlocked(faults)) => {
                let reasons = faults.into_iter().map(Reason::from).collect();
                came.keep(tx, Unfit { source: Some(scored.ready.source), reasons })?
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(place) = taken.get_mut(at) {
            *place = Some(outcome);
        }
    }
    Ok(taken.into_iter().flatten().collect())
}

/// What came, should it have to be kept.
#[derive(Clone)]
struct Came<'a> {
    nettskjema_id: Option<&'a str>,
    media_type: &'static str,
    payload: Bytes,
    payload_hash: [u8; 32],
}

impl Came<'_> {
    fn keep(&self, tx: &mut Tx<'_>, unfit: Unfit) -> Result<Taken, Problem> {
        let Unfit { source, reasons } = unfit;
        let id = quarantine::keep(
            tx,
            &Unplaced {
                nettskjema_id: self.nettskjema_id,
                media_type: self.media_type,
                source: source.as_ref(),
                payload_hash: self.payload_hash,
                payload: &self.payload,
                reasons: &serde_json::to_value(&reasons).unwrap_or_default(),
            },
        )?;
        metrics::counter!("painreg_questionnaires_total", "outcome" => "quarantined").increment(1);
        for reason in &reasons {
            let code: &'static str = reason.code.into();
            metrics::counter!("painreg_quarantine_reasons_total", "code" => code).increment(1);
        }
        let receipt = tx.receipt(Kept::Quarantined(id), source.as_ref(), &self.payload_hash);
        Ok(Taken::Quarantined(Waiting { id, source, reasons, receipt }))
    }
}
