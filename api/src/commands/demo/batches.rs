//! The synthetic patients, courses and answers of one registry; they depend on the seed and the day alone.

use std::collections::VecDeque;
use std::fmt::Write as _;

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use painreg_domain::synthetic::{Generator, Person};
use serde_json::{Value, json};

use crate::commands::Failure;

/// A batch of patients: registrations and courses in one request, and a delivery of answers for each patient with a
/// first consultation.
pub(super) struct PatientBatch {
    pub(super) number: usize,
    pub(super) lines: String,
    pub(super) deliveries: Vec<(u32, Value)>,
    pub(super) patients: u64,
}

/// The code of the demonstration's project, after one of the annual report.
pub(super) const PROJECT: &str = "opioid-taper";
/// The number of patients that one request registers.
pub(super) const TOGETHER: u32 = 20;
/// One of so many patients participates in the project.
const PARTICIPANTS: u32 = 25;

/// Generates the patients, courses and answers of one registry from the seed and the day.
pub(super) fn batches(seed: u64, patients: u32, today: Date) -> Result<VecDeque<PatientBatch>, Failure> {
    let mut generator = Generator::new(seed);
    let mut batches: VecDeque<PatientBatch> = VecDeque::new();
    for number in 0..patients {
        if number % TOGETHER == 0 {
            batches.push_back(PatientBatch {
                number: batches.len(),
                lines: String::new(),
                deliveries: Vec::new(),
                patients: 0,
            });
        }
        let Some(batch) = batches.back_mut() else { continue };
        let person = generator.person();
        let course = generator.course(&person, today);
        let mut line = serde_json::to_value(&course)?;
        if let (Some(seen), Some(entries)) =
            (course.first_seen_on, line.get_mut("entries").and_then(Value::as_array_mut))
            && number % PARTICIPANTS == 0
        {
            let content = json!({"project": PROJECT, "joined_on": seen});
            entries.push(json!({"kind": "project_participation", "content": content}));
        }
        if let Value::Object(members) = &mut line {
            members.insert("patient".to_owned(), registration(&person, course.deceased_on));
        }
        writeln!(batch.lines, "{line}")?;
        batch.patients += 1;
        if let (Some(received), Some(seen)) = (course.received_on, course.first_seen_on) {
            // Answered three days before the first consultation.
            let answered = seen.checked_sub(3.days()).unwrap_or(seen).max(received);
            let created = answered.at(8, 30, 0, 0).to_zoned(TimeZone::UTC)?.timestamp();
            // Submission ids depend on the seed, because another seed generates other patients.
            let submission = (seed % 100_000) * 10_000_000 + u64::from(number);
            batch.deliveries.push((number, generator.baseline_delivery(&person, submission, created)));
        }
    }
    Ok(batches)
}

pub(super) fn registration(person: &Person, deceased_on: Option<Date>) -> Value {
    json!({
        "national_id": {"type": "fnr", "value": person.national_id},
        "sex": person.sex,
        "birth_date": person.birth_date,
        "language": person.language,
        "interpreter_needed": person.interpreter_needed,
        "cognitive_impairment": person.cognitive_impairment,
        "contact": {"mobile": person.mobile, "email": person.email},
        "deceased_on": deceased_on,
    })
}
