//! The client of the registry's API: batches and definitions. It must not know where they come from.

use std::io::{BufRead as _, BufReader};

use painreg_domain::questionnaire::Form;
use painreg_tenants::Clock;
use serde::Deserialize;
use serde_json::Value;

use super::batch_queue::{DeliveryBatch, DeliveryId};
use super::report::{Fault, Outcome};
use super::service::{Refusal, Sent, Service, Stop};

/// The number of retries of deliveries that failed with an internal error of the server.
const TRIES: u32 = 6;

/// The client of one registry.
pub struct RegistryClient {
    service: Service,
    tenant: String,
    dry_run: bool,
    clock: Clock,
}

/// The registry's result of a delivery.
#[derive(Debug, Deserialize)]
pub struct Answer {
    /// The line of the request body, from 1.
    #[serde(default)]
    line: usize,
    /// The outcome of the delivery.
    pub outcome: Outcome,
    /// The id in quarantine.
    #[serde(default)]
    pub quarantine_id: Option<String>,
    /// The reasons for quarantine.
    #[serde(default)]
    pub reasons: Vec<Fault>,
    /// The signed receipt.
    #[serde(default)]
    pub receipt: Option<String>,
    /// The problem of a refused delivery.
    #[serde(default)]
    pub problem: Option<Problem>,
}

/// The members of a problem (RFC 9457) that the report shows.
#[derive(Debug, Deserialize)]
pub struct Problem {
    status: u16,
    /// The problem's code.
    pub code: String,
    /// The faults of the delivery.
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

    /// Returns the result of a delivery that the server did not read to its end.
    pub fn too_long() -> Self {
        Self::refused(Problem { status: 413, code: "too_large".to_owned(), errors: Vec::new() })
    }

    /// Returns the result of a delivery that was not sent.
    pub fn unfit(errors: Vec<Fault>) -> Self {
        Self::refused(Problem { status: 422, code: "invalid".to_owned(), errors })
    }

    /// Returns whether the failure is temporary.
    fn may_pass(&self) -> bool {
        self.problem.as_ref().is_some_and(|it| it.status == 429 || it.status >= 500)
    }
}

impl RegistryClient {
    /// Creates a client of the registry `tenant`.
    pub const fn new(service: Service, tenant: String, dry_run: bool, clock: Clock) -> Self {
        Self { service, tenant, dry_run, clock }
    }

    /// Returns whether this is a dry run.
    pub const fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Sends a form's definition as Nettskjema returned it, unless this is a dry run. Returns whether it was sent.
    pub fn define(&self, form: &str, definition: &[u8]) -> Result<bool, Stop> {
        if self.dry_run {
            return Ok(false);
        }
        let path = format!("/v1/tenants/{}/nettskjema/{form}/definitions", self.tenant);
        let key = self.clock.random_id().to_string();
        let sent = Sent { media: "application/json", key: &key, body: definition };
        self.service.persist(|| self.service.ask(&path, Some(&sent)).map(|_| true))
    }

    /// Reads a published version of a form.
    pub fn form(&self, code: &str, version: &str) -> Result<Form, Stop> {
        let path = format!("/v1/tenants/{}/forms/{code}/versions/{version}", self.tenant);
        let shown: Value = self.service.persist(|| {
            let mut answer = self.service.ask(&path, None)?;
            answer.body_mut().read_json().map_err(|error| self.service.torn(&error))
        })?;
        let definition = shown.get("definition").unwrap_or(&Value::Null);
        Form::from_json(definition).map_err(|error| Stop::Broken(format!("the form cannot be read: {error}")))
    }

    /// Sends a batch and reports the result of each delivery once. The idempotency key stays the same until every
    /// result has arrived. A batch that the server refuses to read is halved, so that one delivery does not block the
    /// others.
    pub fn deliver(&self, batch: DeliveryBatch, settle: &mut impl FnMut(DeliveryId, Answer)) -> Result<(), Stop> {
        match self.answers(&batch) {
            Ok(answers) => {
                for (delivery, answer) in batch.deliveries.into_iter().zip(answers) {
                    settle(delivery.delivery_id, answer);
                }
                Ok(())
            }
            Err(Stop::Refused(refusal)) if matches!(refusal.status, 400 | 413 | 422) => {
                let DeliveryBatch { channel, mut deliveries, .. } = batch;
                if deliveries.len() > 1 {
                    let second = deliveries.split_off(deliveries.len() / 2);
                    self.deliver(DeliveryBatch::new(channel.clone(), deliveries), settle)?;
                    return self.deliver(DeliveryBatch::new(channel, second), settle);
                }
                for delivery in deliveries {
                    settle(delivery.delivery_id, Answer::refused(refusal.clone().into()));
                }
                Ok(())
            }
            Err(stop) => Err(stop),
        }
    }

    fn answers(&self, batch: &DeliveryBatch) -> Result<Vec<Answer>, Stop> {
        let dry_run = if self.dry_run { "?dry_run=true" } else { "" };
        let path = format!("/v1/tenants/{}/{}{dry_run}", self.tenant, batch.channel.path);
        let key = self.clock.random_id().to_string();
        let body = batch.body();
        let lines = batch.lines();
        let sent = Sent { media: batch.channel.media, key: &key, body: &body };
        // Results that arrived before the connection broke are kept: the retry reports them as unchanged.
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
                // The response is complete but has no result for these deliveries.
                let silence =
                    || Answer::refused(Problem { status: 502, code: "not_answered".to_owned(), errors: Vec::new() });
                for answer in answers.iter_mut().filter(|it| it.is_none()) {
                    *answer = Some(silence());
                }
                return Ok(());
            }
            Err(self.service.torn(&format!("{missing} of {} deliveries have no result", lines.len())))
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
