//! Simulates the year of the annual report's response rates over the API: the clock is set to 31 May 2021 and moves
//! from working day to working day. Patients and courses are registered, due invitations are claimed and sent, patients
//! answer. The follow-up plan decides whom to invite.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan as _};
use painreg_domain::calendar::{days_after, norwegian_hour, working_day_from};
use painreg_domain::synthetic::{Follower, Generator};
use painreg_tenants::Clock;
use serde_json::{Map, Value, json};

use super::batches::{TOGETHER, registration};
use super::client::Client;
use crate::commands::at_path::AtPath as _;
use crate::commands::{Failure, say};

/// The registry of the simulated year.
pub(super) const REGISTRY: &str = "ous";
/// The first and the last day of the simulated year.
const FIRST: Date = date(2021, 5, 31);
const LAST: Date = date(2022, 5, 31);
/// The hour of the day to which the clock is set.
const HOUR: u8 = 10;
/// The number of attempts to claim due invitations and the wait between them: background jobs may still be deciding.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);
/// The first submission id of the simulated year, outside the range of the present.
const PAST_SUBMISSIONS: u64 = 5_000_000;

/// The progress of the simulation.
pub(super) struct Past {
    clock: Clock,
    /// The file with the last simulated day.
    file: PathBuf,
    /// The next day to simulate; `None` for a registry that was created without a past.
    left_from: Option<Date>,
}

/// The content of the file after the last day.
const DONE: Date = date(2022, 6, 2);

impl Past {
    /// Resumes the simulation; starts it where the registry does not exist yet, and then sets the clock to the past.
    pub(super) fn of(clock: Clock, folder: &Path, is_new: bool) -> Result<Self, Failure> {
        let file = folder.join("demo-past");
        if is_new {
            std::fs::write(&file, FIRST.to_string()).at(&file)?;
        }
        let left_from: Option<Date> = std::fs::read_to_string(&file).ok().and_then(|day| day.trim().parse().ok());
        clock.set(left_from.filter(|day| *day <= LAST).map(|day| norwegian_hour(working_day_from(day), HOUR)));
        Ok(Self { clock, file, left_from })
    }

    /// Returns the number of patients and of submissions from the simulated year.
    pub(super) fn holds(&self, seed: u64) -> (usize, usize) {
        let followers = self.left_from.map_or_else(Vec::new, |_| Generator::new(!seed).followers());
        let questions = followers.iter().flat_map(|follower| &follower.questions);
        (followers.len(), questions.filter(|question| question.answered_after.is_some()).count())
    }

    /// Simulates the days that are left and sets the clock to the present.
    pub(super) fn live(
        &self,
        seed: u64,
        client: impl Fn(&str, Timestamp) -> Result<Client, Failure>,
    ) -> Result<(), Failure> {
        let Some(mut from) = self.left_from.filter(|day| *day < DONE) else { return Ok(()) };
        let started = Instant::now();
        let mut year = Year::new(seed);
        let mut sent = 0;
        while from <= LAST {
            let day = working_day_from(from);
            self.clock.set(Some(norwegian_hour(day, HOUR)));
            let client = client(REGISTRY, self.clock.now())?;
            if day == FIRST {
                // The invitations of that year were text messages without reminders.
                publish(&client, |track| {
                    track.insert("channels".to_owned(), json!(["sms"]));
                    track.insert("reminders".to_owned(), json!([]));
                })?;
            }
            let days = if day == FIRST { Date::MIN..=day } else { from..=day };
            year.register(&client, &days)?;
            sent += year.ask(&client, day)?;
            year.answer(&client, &days)?;
            from = days_after(day, 1);
            std::fs::write(&self.file, from.to_string()).at(&self.file)?;
        }
        self.clock.set(None);
        publish(&client(REGISTRY, self.clock.now())?, |_| ())?;
        std::fs::write(&self.file, DONE.to_string()).at(&self.file)?;
        let (patients, answers) = self.holds(seed);
        say(&format!(
            "Lived through {FIRST} to {LAST} in {REGISTRY} again: {patients} patients, {sent} invitations sent, {answers} \
             answered in {:.1} s",
            started.elapsed().as_secs_f64()
        ));
        Ok(())
    }
}

/// The patients of the simulated year.
struct Year {
    seed: u64,
    generator: Generator,
    followers: Vec<Follower>,
    /// The patients by their ids in the registry.
    known: BTreeMap<String, usize>,
    /// The tokens of sent links, by patient and rule.
    tokens: BTreeMap<(usize, String), String>,
}

impl Year {
    fn new(seed: u64) -> Self {
        let mut generator = Generator::new(!seed);
        let followers = generator.followers();
        Self { seed, generator, followers, known: BTreeMap::new(), tokens: BTreeMap::new() }
    }

    /// Registers the patients with their last entry on these days.
    fn register(&mut self, client: &Client, days: &RangeInclusive<Date>) -> Result<(), Failure> {
        let of_days = |(_, it): &(usize, &Follower)| days.contains(&it.recorded_on);
        let new: Vec<(usize, &Follower)> = self.followers.iter().enumerate().filter(of_days).collect();
        for (part, together) in (0..).zip(new.chunks(usize::try_from(TOGETHER)?)) {
            let line = |(_, it): &(usize, &Follower)| {
                json!({"patient": registration(&it.person, it.deceased_on), "entries": it.entries}).to_string()
            };
            let lines: Vec<String> = together.iter().map(line).collect();
            let key = format!("demo-past-{}-{}-{part}", self.seed, days.end());
            let results = client.register(&key, &(lines.join("\n") + "\n"))?;
            for ((at, _), result) in together.iter().zip(results) {
                if let Some(id) = result.pointer("/registered/patient_id").and_then(Value::as_str) {
                    self.known.insert(id.to_owned(), *at);
                }
            }
        }
        Ok(())
    }

    /// Claims and sends due invitations; returns their number.
    fn ask(&mut self, client: &Client, day: Date) -> Result<usize, Failure> {
        let questions = self.followers.iter().flat_map(|follower| &follower.questions);
        let due = questions.filter(|question| working_day_from(question.due_on) == day).count();
        let mut sent = 0;
        for number in 0..TRIES {
            let key = format!("demo-past-{}-claim-{day}-{number}", self.seed);
            let asked = json!({"channel": "sms", "limit": 200});
            let claim = client.expect("/invitation-claims", &key, &asked)?;
            for invitation in claim.get("invitations").and_then(Value::as_array).into_iter().flatten() {
                sent += usize::from(self.send(client, invitation)?);
            }
            if sent >= due {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        Ok(sent)
    }

    /// Hands over one invitation and reports it as sent and arrived. Returns whether it was sent.
    fn send(&mut self, client: &Client, invitation: &Value) -> Result<bool, Failure> {
        let text = |name: &str| invitation.get(name).and_then(Value::as_str).unwrap_or_default();
        let id = text("id");
        let version = invitation.get("version").and_then(Value::as_i64).unwrap_or_default();
        let (status, said) = client.send_json(
            "PUT",
            &format!("/invitations/{id}/handover"),
            (&client.sender, &[("if-match", &format!("\"v{version}\""))]),
            &Value::Null,
        )?;
        match status {
            // 412: an interrupted run has handed it over and may have sent it; it is reported as sent.
            200 | 412 => {}
            409 => return Ok(false),
            _ => return Err(format!("a hand-over was refused: {said}").into()),
        }
        for outcome in ["sent", "delivered"] {
            let receipt = json!({"outcome": outcome, "reference": format!("demo-{id}")});
            client.expect(&format!("/invitations/{id}/receipts"), &format!("demo-past-{id}-{outcome}"), &receipt)?;
        }
        let token = text("text").split_once("invitasjon=").and_then(|(_, rest)| rest.split_whitespace().next());
        if let (Some(who), Some(token)) = (self.known.get(text("patient_id")), token) {
            self.tokens.insert((*who, text("rule").to_owned()), token.to_owned());
        }
        Ok(true)
    }

    /// Delivers the answers of these days. The tokens of links that an interrupted run sent are unknown; the registry
    /// matches those answers by form and day.
    fn answer(&self, client: &Client, days: &RangeInclusive<Date>) -> Result<(), Failure> {
        let questions = self
            .followers
            .iter()
            .enumerate()
            .flat_map(|(who, follower)| follower.questions.iter().map(move |question| (who, follower, question)));
        for (number, (who, follower, question)) in (0..).zip(questions) {
            let Some(after) = question.answered_after else { continue };
            let day = question.due_on.saturating_add(after.days());
            if !days.contains(&day) {
                continue;
            }
            let token = self.tokens.get(&(who, question.rule.to_owned()));
            let submission = (self.seed % 100_000) * 10_000_000 + PAST_SUBMISSIONS + number;
            let created = norwegian_hour(day, HOUR - 1);
            let delivery = self.generator.follow_up_delivery(
                &follower.person,
                question.form_id,
                (submission, created),
                token.map(String::as_str),
            );
            client.deliver(question.form_id, &format!("demo-past-{submission}"), &delivery)?;
        }
        Ok(())
    }
}

/// Publishes the registry's first follow-up plan with changed tracks, unless that has been done.
fn publish(client: &Client, change: impl Fn(&mut Map<String, Value>)) -> Result<(), Failure> {
    let mut wanted = client.get("/follow-up-plans/1")?.get("definition").cloned().unwrap_or_default();
    let tracks = wanted.get_mut("tracks").and_then(Value::as_array_mut);
    tracks.into_iter().flatten().filter_map(Value::as_object_mut).for_each(change);
    if client.get("/follow-up-plans?limit=1")?.pointer("/items/0/definition") == Some(&wanted) {
        return Ok(());
    }
    let draft = client.get("/follow-up-plan-draft").ok();
    let read = draft.as_ref().and_then(|draft| draft.get("version")).and_then(Value::as_i64).unwrap_or(0);
    let (_, draft) = client.send_json(
        "PUT",
        "/follow-up-plan-draft",
        (&client.manager, &[("if-match", &format!("\"v{read}\""))]),
        &json!({"definition": wanted}),
    )?;
    let version = draft.get("version").and_then(Value::as_i64).unwrap_or_default();
    match client.send_json(
        "POST",
        "/follow-up-plans",
        (&client.manager, &[("if-match", &format!("\"v{version}\""))]),
        &Value::Null,
    )? {
        (201, _) => Ok(()),
        (_, said) => Err(format!("the plan was refused: {said} {draft}").into()),
    }
}
