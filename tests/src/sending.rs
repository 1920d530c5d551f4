//! A campaign of senders that are killed at random moments, a gateway that remembers every message, and patients who
//! answer at the same time. The ledger records which messages were sent, and any that must not have been sent.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use jiff::SignedDuration;
use jiff::civil::Date;
use painreg_domain::calendar::{
    days_after, days_before, months_after, norwegian_day, norwegian_day_and_hour, norwegian_hour, working_day_from,
};
use painreg_domain::clinical::EntryKind;
use serde_json::{Value, json};

use crate::{Actor, Patient, World};

/// The number of senders that work at the same time.
const SENDERS: usize = 4;

/// Record of a campaign.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Invitation id -> number of times that the gateway accepted it.
    pub taken: HashMap<String, usize>,
    /// Patient -> number of invitations (not reminders) that the gateway accepted.
    pub invited: HashMap<String, usize>,
    /// Patient and reminder -> number of times that the gateway accepted it.
    pub reminded: HashMap<(String, u64), usize>,
    /// Violations: messages handed over after the answer, the death or the opt-out had been acknowledged.
    pub violations: Vec<String>,
    /// The number of times that a sender was killed.
    pub kills: usize,
    /// The number of times that a sender was asked to query the gateway first.
    pub checked_first: usize,
    /// The number of times that the last check refused.
    pub stopped: usize,
}

/// A campaign in a world.
pub struct Campaign<'w> {
    world: &'w World,
    patients: Vec<Patient>,
    ledger: Mutex<Ledger>,
    /// Patients to whom no more may be sent: their answer, death or opt-out has been acknowledged.
    closed: Mutex<HashSet<String>>,
    /// Held while a message is between hand-over and gateway: the clock does not jump then, so that a living sender
    /// finishes within its lease.
    in_hand: RwLock<()>,
    idle: AtomicUsize,
    seed: AtomicU64,
}

/// Random draws that a seed determines.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.next().is_multiple_of(many)
    }
}

/// Advances the clock to ten in the morning of that day, or of the next working day.
pub fn to_ten(world: &World, day: Date) {
    let (today, hour) = norwegian_day_and_hour(world.clock.now());
    let day = if day == today && hour >= 10 { working_day_from(days_after(day, 1)) } else { working_day_from(day) };
    world.advance(norwegian_hour(day, 10).duration_since(world.clock.now()));
}

impl<'w> Campaign<'w> {
    /// Registers `patients` patients to whom the first question after radiofrequency treatment is due today.
    pub fn prepare(world: &'w World, patients: usize, seed: u64) -> Self {
        to_ten(world, norwegian_day(world.clock.now()));
        let today = norwegian_day(world.clock.now());
        let performed = (88..96).map(|days| days_before(today, days)).find(|day| months_after(*day, 3) <= today);
        let clinician = world.alpha().clinician();
        let body = json!({"system": "ncmp", "code": "ZDRF01", "performed_on": performed});
        let register = |_| {
            let patient = clinician.registers(&world.answerer());
            clinician.records(&patient, EntryKind::Procedure, &body);
            patient
        };
        Self {
            world,
            patients: (0..patients).map(register).collect(),
            ledger: Mutex::default(),
            closed: Mutex::default(),
            in_hand: RwLock::default(),
            idle: AtomicUsize::new(0),
            seed: AtomicU64::new(seed),
        }
    }

    fn draw(&self) -> Draw {
        let seed = self.seed.fetch_add(1, Ordering::Relaxed);
        Draw((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn is_closed(&self, patient: &str) -> bool {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).contains(patient)
    }

    /// Records an answer, the death or an opt-out of the patient, which the registry acknowledges.
    fn close(&self, patient: &str, how: u64) {
        let clinician = self.world.alpha().clinician();
        let today = norwegian_day(self.world.clock.now());
        let known = match how % 4 {
            0 | 1 => {
                let body = json!({"source": {"system": "test", "form_id": "9", "submission_id": patient},
                    "patient": {"id": patient}, "form": "opr-rf", "submitted_at": self.world.clock.now(),
                    "answers": {"pgic": 2}});
                clinician.post(&clinician.at("submissions"), &body).status == 201
            }
            2 => {
                clinician.patch(&clinician.at(&format!("patients/{patient}")), 1, &json!({"deceased_on": today})).status
                    == 200
            }
            _ => {
                let body = json!({"basis": "reservation", "against": "questionnaires", "valid_from": today, "source": "digital"});
                clinician.post(&clinician.at(&format!("patients/{patient}/legal-basis")), &body).status == 201
            }
        };
        if known {
            self.closed.lock().unwrap_or_else(PoisonError::into_inner).insert(patient.to_owned());
        }
    }

    /// Sends until no invitation is left: four senders, each killed now and then between any two steps, and patients
    /// who answer at any time.
    pub fn run(&self) {
        self.idle.store(0, Ordering::Relaxed);
        std::thread::scope(|threads| {
            for number in 0..SENDERS {
                threads.spawn(move || self.send(number));
            }
            threads.spawn(|| self.answer());
        });
    }

    /// One in ten patients answers, dies or opts out while senders are at work.
    fn answer(&self) {
        let mut draw = self.draw();
        for patient in &self.patients {
            if draw.one_in(10) && !self.is_closed(&patient.id) {
                self.close(&patient.id, draw.next());
            }
        }
    }

    fn send(&self, number: usize) {
        let sender = self.world.alpha().sender().called(&format!("sender-{number}"));
        let mut draw = self.draw();
        let mut empty = 0;
        // No claim succeeded for three leases and the grace period after them: none is left.
        while empty < 6 {
            let claim = self.claim(&sender, &mut draw);
            let invitations = claim["invitations"].as_array().cloned().unwrap_or_default();
            if invitations.is_empty() {
                empty += 1;
                let _nobody_sends = self.in_hand.write().unwrap_or_else(PoisonError::into_inner);
                self.world.advance(SignedDuration::from_secs(45));
                continue;
            }
            empty = 0;
            if draw.one_in(8) {
                self.ledger().kills += 1;
                continue;
            }
            for invitation in &invitations {
                if !self.deliver(&sender, &mut draw, invitation) {
                    self.ledger().kills += 1;
                    break;
                }
            }
        }
    }

    /// Claims invitations, sometimes twice with one key: the answers must be equal.
    fn claim(&self, sender: &Actor<'_>, draw: &mut Draw) -> Value {
        let key = self.world.clock.random_id().to_string();
        let body = json!({"channel": "sms", "limit": 20, "lease_seconds": 30});
        let ask = || sender.request("POST", &sender.at("invitation-claims")).key(&key).json(&body).send();
        let first = ask();
        if draw.one_in(10) {
            let again = ask();
            if first.body != again.body {
                self.ledger().violations.push(format!("a repeated claim answers otherwise: {}", again.text()));
            }
        }
        if first.status == 200 { first.body } else { Value::Null }
    }

    /// Delivers one invitation; `false` if the sender was killed during it.
    fn deliver(&self, sender: &Actor<'_>, draw: &mut Draw, invitation: &Value) -> bool {
        let id = invitation["id"].as_str().unwrap_or_default();
        let patient = invitation["patient_id"].as_str().unwrap_or_default();
        let tell = |receipt: &Value| {
            let path = sender.at(&format!("invitations/{id}/receipts"));
            sender.post(&path, receipt)
        };
        if invitation["check_first"] == true {
            let mut ledger = self.ledger();
            ledger.checked_first += 1;
            let is_there = ledger.taken.contains_key(id);
            drop(ledger);
            if is_there {
                tell(&json!({"outcome": "sent"}));
                return true;
            }
        }
        // Some patients answer just after a sender has claimed their invitation.
        if draw.one_in(12) {
            self.close(patient, draw.next());
        }
        let closed = self.is_closed(patient);
        let in_hand = self.in_hand.read().unwrap_or_else(PoisonError::into_inner);
        let path = sender.at(&format!("invitations/{id}/handover"));
        let granted = sender.put(&path, invitation["version"].as_i64().unwrap_or_default()).status == 200;
        if !granted {
            self.ledger().stopped += 1;
            return true;
        }
        if closed {
            self.ledger()
                .violations
                .push(format!("{id} was handed over after the patient had answered, died or the like"));
        }
        if draw.one_in(15) {
            return false;
        }
        self.take(invitation, id, patient);
        drop(in_hand);
        if draw.one_in(15) {
            return false;
        }
        tell(&json!({"outcome": "sent"}));
        true
    }

    /// The gateway accepts a message.
    fn take(&self, invitation: &Value, id: &str, patient: &str) {
        let reminder = invitation["reminder"].as_u64().unwrap_or_default();
        let mut ledger = self.ledger();
        *ledger.taken.entry(id.to_owned()).or_default() += 1;
        if reminder == 0 {
            *ledger.invited.entry(patient.to_owned()).or_default() += 1;
        } else {
            *ledger.reminded.entry((patient.to_owned(), reminder)).or_default() += 1;
        }
    }

    /// Returns every violation: no patient may have been sent anything twice or after the answer, and all other
    /// patients must have been sent the invitation.
    pub fn verdict(&self) -> Vec<String> {
        let ledger = self.ledger();
        let mut wrong = ledger.violations.clone();
        let twice = |count: &&usize| **count > 1;
        wrong.extend(
            ledger.taken.iter().filter(|(_, count)| twice(count)).map(|(id, _)| format!("{id} was sent twice")),
        );
        wrong.extend(
            ledger.invited.iter().filter(|(_, count)| twice(count)).map(|(id, _)| format!("{id} was invited twice")),
        );
        let reminded = ledger.reminded.iter().filter(|(_, count)| twice(count));
        wrong.extend(reminded.map(|((id, reminder), _)| format!("{id} was reminded twice ({reminder})")));
        let forgotten =
            self.patients.iter().filter(|it| !ledger.invited.contains_key(&it.id) && !self.is_closed(&it.id));
        wrong.extend(forgotten.map(|it| format!("{} was never invited", it.id)));
        wrong
    }

    /// Returns the ledger of the campaign so far.
    pub fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many patients answered, died or opted out.
    pub fn closed(&self) -> usize {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
