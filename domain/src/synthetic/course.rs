//! The synthetic course of one patient through the clinic: all entries from referral to closing or death, in the order
//! in which a registry accepts them.
//!
//! Figures are published ones where they exist; every table names its source or is marked as an assumption. "Report"
//! is the OUS smerteregister's annual report for 2021, "CHOIR" the open baseline set of Alter et al. (2021, `PLoS ONE`
//! e0254862), "ePPOC" the Australasian means at referral of 2015. Codes are the built-in ones, valid on the day of
//! their use; HPR numbers, devices, lots and serial numbers are invented.

mod calendar;
mod condition;
mod drawing;
mod episode;
mod follower;
mod goal;
mod grounds;
mod implant;
mod line;
mod medicine;
mod treatment;

use jiff::civil::{Date, date};
use serde::Serialize;
use serde_json::Value;

pub use self::follower::{Follower, Question};

use self::condition::{Condition, Place};
use self::line::Line;
use super::latent::{Latent, Traits};
use super::random::{Random, whole};
use super::{Generator, Person, age_on, standard_age};
use crate::clinical::{EntryKind, Referral};
use crate::patient::Sex;

/// The first day of the registry (report).
pub const OPENED: Date = date(2015, 10, 1);

/// The purpose of the stream that courses come from.
const COURSE: u64 = u64::MAX;

/// The record of one patient. Serialised it is `{"entries": [..]}`: with the registration body as `patient` beside it,
/// one line of a bulk registration.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Course {
    /// The day of the first referral; `None` for a person without a course.
    #[serde(skip)]
    pub received_on: Option<Date>,
    /// The day of the first consultation: baseline answers are dated between the two.
    #[serde(skip)]
    pub first_seen_on: Option<Date>,
    /// Date of death, which the registration body states: no entry is later.
    #[serde(skip)]
    pub deceased_on: Option<Date>,
    /// The entries, each after those it refers to.
    pub entries: Vec<CourseEntry>,
}

/// One entry of a [`Course`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CourseEntry {
    /// The kind of the entry.
    pub kind: EntryKind,
    /// The name by which later entries of the course refer to it.
    pub r#as: String,
    /// Its members; references are `#` and the name of an earlier entry. Members without a value are left out.
    pub content: Value,
}

/// Everything that holds for the whole course.
struct Patient {
    sex: Sex,
    today: Date,
    died: Option<Date>,
    condition: &'static Condition,
    place: Place,
    /// Average pain, 0 to 10.
    pain: i32,
    traits: Traits,
}

impl Patient {
    /// The last day on which something can have been recorded.
    fn last(&self) -> Date {
        self.died.unwrap_or(self.today)
    }
}

/// Sources of referrals. Assumption: the report only says that the source is recorded.
const SOURCES: [(f64, &str); 3] = [(0.62, "gp"), (0.25, "hospital"), (0.09, "specialist")];
/// Share of referrals that never got a category. Assumption, because the report says only that some get none or a wrong
/// one.
const CATEGORY_MISSING: f64 = 0.02;
/// Categories of patients who come for no intervention, and of those who do. Assumption; mostly granted.
const CATEGORIES: [(f64, &str); 5] = [
    (0.05, "right_granted_intervention"),
    (0.05, "right_granted_single"),
    (0.03, "second_opinion"),
    (0.03, "guidance_only"),
    (0.04, "no_right"),
];
const CATEGORIES_OF_INTERVENTION: [(f64, &str); 1] = [(0.6, "right_granted_intervention")];
/// Categories of patients without a consultation.
const NOT_SEEN: [&str; 2] = ["guidance_only", "no_right"];
/// Days from referral to the first consultation: median and spread of a log-normal. Assumption.
const WAIT: (f64, f64) = (70.0, 0.5);
/// Share who are referred once more after their course was closed, and days until then. Assumption.
const AGAIN: f64 = 0.06;
const AGAIN_AFTER: (i32, i32) = (180, 1200);

impl Generator {
    /// Returns the person's course as of the day `today`. It depends on the seed, the person and that day only: the
    /// order of calls does not matter, and persons and deliveries do not change. A later baseline delivery agrees with
    /// it on the severity.
    ///
    /// Referrals begin at [`OPENED`] and at the age of eighteen: where `today` is earlier, the course is empty. Every
    /// other course may be kept in the registry on the day `today`.
    pub fn course(&mut self, person: &Person, today: Date) -> Course {
        let mut random = self.random_of(person, COURSE);
        let earliest = calendar::years_after(person.birth_date, 18).max(OPENED);
        let Some(received) = calendar::referral_day(&mut random, earliest, today) else { return Course::default() };
        let age = age_on(person.birth_date, received);
        let traits = self.latent.traits(&mut random.fork(), standard_age(age));
        self.traits.insert(person.national_id.clone(), traits);
        let condition = condition::drawn(&mut random.fork(), &traits);
        let patient = Patient {
            sex: person.sex,
            today,
            died: calendar::death(&mut random.fork(), person.birth_date, received, condition.is_malignant(), today),
            condition,
            place: condition.place(&mut random.fork()),
            pain: Latent::pain(&traits),
            traits,
        };
        told(&mut random, &patient, received)
    }
}

/// Generates the whole course.
fn told(random: &mut Random, patient: &Patient, received: Date) -> Course {
    let mut line = Line::default();
    let mut first = Visit::drawn(random, patient, received, true);
    grounds::tell(&mut line, &mut random.fork(), patient, &first);
    let mut course = Course {
        received_on: Some(received),
        first_seen_on: first.seen_on,
        deceased_on: patient.died,
        entries: Vec::new(),
    };
    first.tell(&mut line, random, patient);
    if let Some(opened) = first.seen_on {
        medicine::tell(&mut line, &mut random.fork(), patient, opened);
        goal::samples(&mut line, &mut random.fork(), patient, opened);
    }
    if let Some(closed) = first.closed_on
        && random.chance(AGAIN)
    {
        let again = calendar::workday(calendar::after(closed, random.between(AGAIN_AFTER.0, AGAIN_AFTER.1)));
        if again <= patient.last() {
            Visit::drawn(random, patient, again, false).tell(&mut line, random, patient);
        }
    }
    course.entries = line.into_entries();
    course
}

/// One referral and what came of it.
struct Visit {
    received: Date,
    assessed: Option<Date>,
    category: Option<&'static str>,
    /// The day of the first consultation, where there has been one.
    seen_on: Option<Date>,
    closed_on: Option<Date>,
    plan: treatment::Plan,
}

impl Visit {
    fn drawn(random: &mut Random, patient: &Patient, received: Date, is_first: bool) -> Self {
        let plan = treatment::Plan::drawn(&mut random.fork(), patient, is_first);
        let random = &mut random.fork();
        let mut assessed = Some(calendar::assessment(random, received)).filter(|day| *day <= patient.last());
        let of_intervention = if plan.is_intervention() { &CATEGORIES_OF_INTERVENTION[..] } else { &CATEGORIES[..] };
        let drawn = random.pick(of_intervention, "right_granted");
        let category = Some(drawn).filter(|_| assessed.is_some() && !random.chance(CATEGORY_MISSING));
        if category.is_none() {
            assessed = None;
        }
        let wait = whole(random.log_normal(WAIT.0, WAIT.1)).clamp(16, 400);
        let met = calendar::workday(calendar::after(received, wait));
        let seen = met <= patient.last() && !category.is_some_and(|code| NOT_SEEN.contains(&code));
        Self { received, assessed, category, seen_on: seen.then_some(met), closed_on: None, plan }
    }

    fn is_single(&self) -> bool {
        self.category == Some("right_granted_single")
    }

    fn tell(&mut self, line: &mut Line, random: &mut Random, patient: &Patient) {
        let mut random = random.fork();
        let referral = line.add(&Referral {
            received_on: self.received,
            source: Some(random.pick(&SOURCES, "other").to_owned()),
            category: self.category.map(str::to_owned),
            assessed_on: self.assessed,
            unit: Some(self.plan.unit().to_owned()),
            pas_id: Some(format!("DEMO-{:016X}", random.next())),
        });
        if let Some(opened) = self.seen_on {
            self.closed_on = episode::tell(line, &mut random, patient, self, referral, opened);
        }
    }
}

#[cfg(test)]
mod tests;
