//! The registry that is delivered to: batches and definitions over its API. It must not know where they come from.

use std::io::{BufRead as _, BufReader};

use painreg_domain::questionnaire::Form;
use painreg_tenants::Clock;
use serde::Deserialize;
use serde_json::Value;

use super::batch_queue::{Batch, DeliveryId};
use super::report::{Fault, Outcome};
use super::service::{Refusal, Sent, Service, Stop};

/// How often deliveries that failed for the server's own reasons are sent again before that is their answer.
const TRIES: u32 = 6;

/// The registry.
pub struct RegistryClient {
    service: Service,
    tenant: String,
    dry_run: bool,
    clock: Clock,
}

/// What the registry answered about a delivery.
#[derive(Debug, Deserialize)]
pub struct Answer {
    /// The line it begins on.
    #[serde(default)]
    line: usize,
    /// What became of it.
    pub outcome: Outcome,
    /// Where it waits.
    #[serde(default)]
    pub quarantine_id: Option<String>,
    /// Why it waits.
    #[serde(default)]
    pub reasons: Vec<Fault>,
    /// The proof of its delivery.
    #[serde(default)]
    pub receipt: Option<String>,
    /// Why it was refused.
    #[serde(default)]
    pub problem: Option<Problem>,
}

/// A problem (RFC 9457), as far as it is told.
#[derive(Debug, Deserialize)]
pub struct Problem {
    status: u16,
    /// Its code.
    pub code: String,
    /// Which parts were refused.
    #[serde(default)]
    pub errors: Vec<Fault>,
}

impl Answer {
    fn refused(problem: Problem) -> Self {
        Self {
            line: 0,
            outcome: Outcome::Refused,
            quarantine_id: None,
            reasons: Vec::new(),
            receipt: None,
            problem: Some(problem),
        }
    }

    /// The answer to a delivery that the server would not read to its end.
    pub fn too_long() -> Self {
        Self::refused(Problem { status: 413, code: "too_large".to_owned(), errors: Vec::new() })
    }

    /// The answer to a delivery that was not even sent.
    pub fn unfit(errors: Vec<Fault>) -> Self {
        Self::refused(Problem { status: 422, code: "invalid".to_owned(), errors })
    }

    /// Whether it tells of a failure that may pass.
    fn may_pass(&self) -> bool {
        self.problem.as_ref().is_some_and(|it| it.status == 429 || it.status >= 500)
    }
}

impl RegistryClient {
    /// The registry `tenant` of a server.
    pub const fn new(service: Service, tenant: String, dry_run: bool, clock: Clock) -> Self {
        Self { service, tenant, dry_run, clock }
    }

    /// Whether nothing is to be stored.
    pub const fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Delivers a form's definition as Nettskjema gave it, unless this is a dry run; whether it did.
    pub fn define(&self, form: &str, definition: &[u8]) -> Result<bool, Stop> {
        if self.dry_run {
            return Ok(false);
        }
        let path = format!("/v1/tenants/{}/nettskjema/{form}/definitions", self.tenant);
        let key = self.clock.random_id().to_string();
        let sent = Sent { media: "application/json", key: &key, body: definition };
        self.service.persist(|| self.service.ask(&path, Some(&sent)).map(|_| true))
    }

    /// A published version of a form.
    pub fn form(&self, code: &str, version: &str) -> Result<Form, Stop> {
        let path = format!("/v1/tenants/{}/forms/{code}/versions/{version}", self.tenant);
        let shown: Value = self.service.persist(|| {
            let mut answer = self.service.ask(&path, None)?;
            answer.body_mut().read_json().map_err(|error| self.service.torn(&error))
        })?;
        let definition = shown.get("definition").unwrap_or(&Value::Null);
        Form::from_json(definition).map_err(|error| Stop::Broken(format!("the form is not understood: {error}")))
    }

    /// Delivers a batch and tells the answer to each delivery, once. The same key is used until it is answered whole. What
    /// the server refuses to read at all is halved, so that one delivery does not stand in the way of the others.
    pub fn deliver(&self, batch: Batch, settle: &mut impl FnMut(DeliveryId, Answer)) -> Result<(), Stop> {
        match self.answers(&batch) {
            Ok(answers) => {
                for (delivery, answer) in batch.deliveries.into_iter().zip(answers) {
                    settle(delivery.delivery_id, answer);
                }
                Ok(())
            }
            Err(Stop::Refused(refusal)) if matches!(refusal.status, 400 | 413 | 422) => {
                let Batch { channel, mut deliveries, .. } = batch;
                if deliveries.len() > 1 {
                    let second = deliveries.split_off(deliveries.len() / 2);
                    self.deliver(Batch::new(channel.clone(), deliveries), settle)?;
                    return self.deliver(Batch::new(channel, second), settle);
                }
                for delivery in deliveries {
                    settle(delivery.delivery_id, Answer::refused(refusal.clone().into()));
                }
                Ok(())
            }
            Err(stop) => Err(stop),
        }
    }

    fn answers(&self, batch: &Batch) -> Result<Vec<Answer>, Stop> {
        let dry_run = if self.dry_run { "?dry_run=true" } else { "" };
        let path = format!("/v1/tenants/{}/{}{dry_run}", self.tenant, batch.channel.path);
        let key = self.clock.random_id().to_string();
        let body = batch.body();
        let lines = batch.lines();
        let sent = Sent { media: batch.channel.media, key: &key, body: &body };
        // What was answered before a connection broke stays answered: what was created then is unchanged now.
        let mut answers: Vec<Option<Answer>> = lines.iter().map(|_| None).collect();
        let mut tries = 0;
        self.service.persist(|| {
            tries += 1;
            let answer = self.service.ask(&path, Some(&sent))?;
            let reader = BufReader::new(answer.into_body().into_with_config().limit(u64::MAX).reader());
            for line in reader.split(b'\n') {
                let line = line.map_err(|error| self.service.torn(&error))?;
                if line.is_empty() {
                    continue;
                }
                let answer: Answer =
                    serde_json::from_slice(&line).map_err(|_| self.service.torn(&"a result is not understood"))?;
                let place = lines.binary_search(&answer.line).ok().and_then(|at| answers.get_mut(at));
                if let Some(place) = place.filter(|it| it.is_none())
                    && (!answer.may_pass() || tries >= TRIES)
                {
                    *place = Some(answer);
                }
            }
            let missing = answers.iter().filter(|it| it.is_none()).count();
            if missing == 0 {
                return Ok(());
            }
            if tries >= TRIES {
                // The answer is whole, and yet it says nothing of these.
                let silence =
                    || Answer::refused(Problem { status: 502, code: "not_answered".to_owned(), errors: Vec::new() });
                for answer in answers.iter_mut().filter(|it| it.is_none()) {
                    *answer = Some(silence());
                }
                return Ok(());
            }
            Err(self.service.torn(&format!("{missing} of {} deliveries were not answered", lines.len())))
        })?;
        Ok(answers.into_iter().flatten().collect())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let Refusal { status, code, faults, .. } = refusal;
        Self { status, code: code.unwrap_or_else(|| status.to_string()), errors: faults }
    }
}
