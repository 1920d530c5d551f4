//! The patients behind the report's table of responses, summer 2021 to May 2022: what the clinic recorded of them makes
//! exactly those questions fall due, and exactly so many answer. Nothing here asks anybody: a plan does.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use serde_json::{Value, json};

use super::super::random::Random;
use super::super::{Generator, Person, RF_FORM_ID as RF, SCS_FORM_ID as SCS, SHORT_FORM_ID as SHORT};
use super::{CourseEntry, calendar};
use crate::calendar::months_after;
use crate::clinical::EntryKind;
use crate::clinical::legal_basis::EXEMPT_SINCE;

/// A patient who is asked, or is excluded.
#[derive(Clone, Debug, PartialEq)]
pub struct Follower {
    /// The person followed.
    pub person: Person,
    /// The day on which the clinic has recorded all of this.
    pub recorded_on: Date,
    /// The date of death; null while the patient is alive.
    pub deceased_on: Option<Date>,
    /// The entries of the record, each after those it refers to.
    pub entries: Vec<CourseEntry>,
    /// The occurrences that are due in the year; empty for excluded patients.
    pub questions: Vec<Question>,
}

/// A question that falls due in the year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The rule, of the OPR plan.
    pub rule: &'static str,
    /// The due day.
    pub due_on: Date,
    /// The Nettskjema form that answers it.
    pub form_id: &'static str,
    /// The number of days from the due day to the answer; `None`: no answer.
    pub answered_after: Option<i32>,
}

/// A line of the table: the rule, its months, the form that answers it, how many were asked and how many answered (report).
struct Row {
    rule: &'static str,
    months: u32,
    form_id: &'static str,
    asked: u32,
    answered: u32,
}

const fn row(rule: &'static str, months: u32, form_id: &'static str, asked: u32, answered: u32) -> Row {
    Row { rule, months, form_id, asked, answered }
}

const ROWS: [Row; 7] = [
    row("closed_12", 12, SHORT, 58, 15),
    row("ongoing_12", 12, SHORT, 61, 28),
    row("rf_3", 3, RF, 28, 21),
    row("rf_6", 6, RF, 22, 12),
    row("rf_12", 12, RF, 7, 3),
    row("scs_6", 6, SCS, 16, 14),
    row("scs_12", 12, SCS, 4, 1),
];

/// The start of the track.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Began {
    Closing,
    Opening,
    Radiofrequency,
    Implantation,
}

/// The reason for exclusion.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unasked {
    CategoryMissing,
    SecondOpinion,
    Reserved,
    Deceased,
    Interpreter,
    NotClosed,
}

/// Generates patients with treatment that began or ended between two days, with the occurrences that are due in the
/// year.
struct Group {
    size: u32,
    began: Began,
    days: (Date, Date),
    rules: &'static [&'static str],
    unasked: Option<Unasked>,
}

const fn asked(size: u32, began: Began, days: (Date, Date), rules: &'static [&'static str]) -> Group {
    Group { size, began, days, rules, unasked: None }
}

const fn not_asked(size: u32, why: Unasked) -> Group {
    let (began, days) = match why {
        Unasked::NotClosed => (Began::Opening, SUMMER_TO_AUTUMN),
        _ => (Began::Closing, WINTER_TO_SPRING),
    };
    Group { size, began, days, rules: &[], unasked: Some(why) }
}

/// No occurrence is due after the first week of May, so that every answer is within the year.
const WINTER_TO_SPRING: (Date, Date) = (date(2020, 12, 1), date(2021, 5, 7));
const SUMMER_TO_AUTUMN: (Date, Date) = (date(2021, 6, 1), date(2021, 11, 5));

/// The sizes add up to the table's rows: who was treated when is an assumption, and how many were not asked, and why, is
/// too.
const GROUPS: [Group; 14] = [
    asked(58, Began::Closing, WINTER_TO_SPRING, &["closed_12"]),
    asked(61, Began::Opening, (date(2020, 6, 1), date(2021, 5, 7)), &["ongoing_12"]),
    asked(4, Began::Radiofrequency, (date(2021, 3, 1), date(2021, 5, 7)), &["rf_3", "rf_6", "rf_12"]),
    asked(3, Began::Radiofrequency, (date(2020, 12, 1), date(2021, 2, 20)), &["rf_6", "rf_12"]),
    asked(15, Began::Radiofrequency, SUMMER_TO_AUTUMN, &["rf_3", "rf_6"]),
    asked(9, Began::Radiofrequency, (date(2021, 12, 1), date(2022, 2, 4)), &["rf_3"]),
    asked(4, Began::Implantation, WINTER_TO_SPRING, &["scs_6", "scs_12"]),
    asked(12, Began::Implantation, SUMMER_TO_AUTUMN, &["scs_6"]),
    not_asked(6, Unasked::CategoryMissing),
    not_asked(4, Unasked::SecondOpinion),
    not_asked(3, Unasked::Reserved),
    not_asked(2, Unasked::Deceased),
    not_asked(3, Unasked::Interpreter),
    not_asked(5, Unasked::NotClosed),
];

/// Days from the day it was due to the answer: after the invitation, even if Easter delays it, and in every window.
const ANSWERS: (i32, i32) = (7, 22);
/// Maximum duration in years of an ongoing treatment before the latest occurrence. Assumption.
const YEARS: i32 = 2;

impl Generator {
    /// The patients of the report's table of responses, by the day on which they are recorded.
    pub fn followers(&mut self) -> Vec<Follower> {
        let mut random = self.random.fork();
        let mut so_far: BTreeMap<&str, u32> = BTreeMap::new();
        let mut followers = Vec::new();
        for group in &GROUPS {
            for _ in 0..group.size {
                followers.push(self.follower(&mut random, group, &mut so_far));
            }
        }
        followers.sort_by_key(|follower| follower.recorded_on);
        followers
    }

    fn follower(&mut self, random: &mut Random, group: &Group, so_far: &mut BTreeMap<&'static str, u32>) -> Follower {
        let mut person = self.person_on(group.days.0);
        person.cognitive_impairment = false;
        person.interpreter_needed = group.unasked == Some(Unasked::Interpreter);
        let day = calendar::workday(calendar::between(random, group.days.0, group.days.1));
        let question = |rule: &&'static str| {
            let row = ROWS.iter().find(|row| row.rule == *rule)?;
            let before = so_far.entry(row.rule).or_default();
            // Those who answer are spread evenly over those who are asked.
            let answers = (*before + 1) * row.answered / row.asked > *before * row.answered / row.asked;
            *before += 1;
            let answered_after = answers.then(|| random.between(ANSWERS.0, ANSWERS.1));
            let due_on = months_after(day, row.months);
            Some(Question { rule: row.rule, due_on, form_id: row.form_id, answered_after })
        };
        let questions = group.rules.iter().filter_map(question).collect();
        let deceased_on =
            (group.unasked == Some(Unasked::Deceased)).then(|| calendar::after(day, random.between(130, 200)));
        let mut told = Told { entries: Vec::new(), recorded_on: day.max(deceased_on.unwrap_or(day)) };
        told.tell(random, group, day);
        let Told { entries, recorded_on } = told;
        Follower { person, recorded_on, deceased_on, entries, questions }
    }
}

/// The entries recorded so far.
struct Told {
    entries: Vec<CourseEntry>,
    recorded_on: Date,
}

impl Told {
    fn add(&mut self, kind: EntryKind, name: &str, content: Value) {
        self.entries.push(CourseEntry { kind, r#as: name.to_owned(), content });
    }

    fn tell(&mut self, random: &mut Random, group: &Group, day: Date) {
        let opened = match group.began {
            Began::Closing => calendar::after(day, -random.between(60, 300)),
            Began::Opening if group.unasked.is_none() => {
                calendar::years_after(day, -i16::try_from(random.between(0, YEARS)).unwrap_or(0))
            }
            Began::Opening | Began::Radiofrequency => day,
            Began::Implantation => calendar::after(day, -random.between(90, 200)),
        };
        let received = calendar::after(opened, -random.between(30, 90));
        let basis = if received < EXEMPT_SINCE {
            json!({"basis": "consent", "decision": "given", "valid_from": received, "source": "paper"})
        } else {
            json!({"basis": "exemption", "valid_from": received, "source": "registry"})
        };
        self.add(EntryKind::LegalBasis, "l1", basis);
        if group.unasked == Some(Unasked::Reserved) {
            let valid_from = calendar::after(EXEMPT_SINCE, random.between(0, 60));
            self.recorded_on = valid_from;
            let reserved = json!({"basis": "reservation", "against": "questionnaires", "valid_from": valid_from, "source": "digital"});
            self.add(EntryKind::LegalBasis, "l2", reserved);
        }
        let (category, unit) = match (group.unasked, group.began) {
            (Some(Unasked::CategoryMissing), _) => (None, "clinic"),
            (Some(Unasked::SecondOpinion), _) => (Some("second_opinion"), "clinic"),
            // Follow-up of their own: they come for the one treatment.
            (_, Began::Radiofrequency) => (Some("right_granted_single"), "interventional"),
            (_, Began::Implantation) => (Some("right_granted_single"), "neuromodulation"),
            _ => (Some("right_granted"), "clinic"),
        };
        let referral = json!({"received_on": received, "source": "gp", "category": category, "unit": unit});
        self.add(EntryKind::Referral, "r1", referral);
        let mut episode = json!({"referral_id": "#r1", "unit": unit, "opened_on": opened});
        if let (Began::Closing | Began::Radiofrequency, Value::Object(members)) = (group.began, &mut episode) {
            members.insert("closed_on".to_owned(), json!(day));
            members.insert("closing_reason".to_owned(), json!("completed"));
        }
        self.add(EntryKind::Episode, "e1", episode);
        let code = random.pick(&[(0.4, "M54.5"), (0.2, "M79.7"), (0.2, "G54.6")], "M54.2");
        let set_on = json!({"episode_id": "#e1", "system": "icd10", "code": code, "rank": 1, "set_on": opened});
        self.add(EntryKind::Diagnosis, "d1", set_on);
        let procedure = |system: &str, code: &str| json!({"episode_id": "#e1", "system": system, "code": code, "performed_on": day});
        match group.began {
            Began::Closing | Began::Opening => {}
            Began::Radiofrequency => {
                let code = random.pick(&[(0.6, "ZDRF01"), (0.25, "ZDRF02")], "ZDRF03");
                self.add(EntryKind::Procedure, "p1", procedure("ncmp", code));
            }
            Began::Implantation => {
                let decided_on = calendar::after(day, -random.between(30, 80));
                let implant = json!({"modality": "scs", "indication": "crps_type1", "decided_on": decided_on});
                self.add(EntryKind::Implant, "i1", implant);
                let generator = json!({"implant_id": "#i1", "component": "ipg_rechargeable", "manufacturer": "Oppdiktet",
                    "model": "O-1", "mri": "unknown", "implanted_on": day});
                self.add(EntryKind::ImplantComponent, "ic1", generator);
                self.add(EntryKind::Procedure, "p1", procedure("ncsp", "ZDS02"));
            }
        }
    }
}
