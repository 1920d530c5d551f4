//! Synthetic patients, their courses through the clinic and their baseline deliveries, for demonstrations and tests;
//! nothing here may come from, or pass for, a real person.
//!
//! Everything follows from the seed, on every platform and with every version of every dependency: the random source is
//! our own few lines, and the arithmetic uses `+ - * /` and square roots only, which IEEE 754 defines to the last bit.
//! (`ln`, `exp` and `cos` come from the platform's own library and may differ there, and public random crates change their
//! streams between versions.)
//!
//! Distributions are the published ones of the OPR and CHOIR reports where there are any; each constant names its kind.

mod course;
mod delivery;
mod latent;
mod random;

use std::collections::{HashMap, HashSet};

use jiff::civil::{Date, date};
use jiff::{Span, Timestamp, tz::Offset};
use serde_json::Value;

pub use self::course::{Course, CourseEntry, Follower, OPENED, Question};
use self::latent::{Latent, Traits};
use self::random::{Random, whole};
use crate::patient::Sex;

/// The day on which [`Generator::person`] reckons ages: the domain has no clock.
pub const REFERENCE_DAY: Date = date(2026, 1, 1);

/// The Nettskjema form that baseline deliveries answer: the template `opr-baseline`.
pub const BASELINE_FORM_ID: &str = "1000001";
/// The follow-up forms: `opr-follow-up-short`, `opr-rf`, `opr-scs`.
pub const SHORT_FORM_ID: &str = "1000003";
/// After radiofrequency treatment.
pub const RF_FORM_ID: &str = "1000005";
/// After spinal cord stimulation.
pub const SCS_FORM_ID: &str = "1000006";

/// A sequence of synthetic patients and deliveries, wholly determined by its seed.
#[derive(Clone, Debug)]
pub struct Generator {
    seed: u64,
    random: Random,
    latent: Latent,
    /// Every national id number given out, so that none comes twice.
    taken: HashSet<String>,
    /// Persons with a generated course, by national id; their answers agree with the course.
    traits: HashMap<String, Traits>,
    persons: u64,
}

/// A patient who does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Eleven digits in the tax administration's test pattern (Tenor, month + 80), with check digits of the 1964 scheme.
    pub national_id: String,
    /// Female or male, as the national id number says.
    pub sex: Sex,
    /// Agrees with the national id number; adult on the day the person was made for.
    pub birth_date: Date,
    /// E.164, of the Swedish series 070-1740605 to 699 that the regulator PTS reserves for fiction. Norway has no such
    /// series, and a demonstration must not send text messages to real subscribers.
    pub mobile: String,
    /// In `example.org`, which RFC 2606 reserves.
    pub email: String,
    /// ISO 639: `nb` mostly.
    pub language: &'static str,
    /// Whether the patient needs an interpreter, which excludes from follow-up.
    pub interpreter_needed: bool,
    /// Whether the patient is cognitively impaired, which excludes from follow-up.
    pub cognitive_impairment: bool,
}

impl Generator {
    /// A generator for one seed.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            random: Random::new(seed),
            latent: Latent::new(),
            taken: HashSet::new(),
            traits: HashMap::new(),
            persons: 0,
        }
    }

    /// The next patient, adult on [`REFERENCE_DAY`].
    pub fn person(&mut self) -> Person {
        self.person_on(REFERENCE_DAY)
    }

    /// The next patient, adult on `day` (years 2000 to 2050, the nearest of them otherwise: outside, the numbers' century
    /// rule fails). Age about 49.5 ± 15 years, 18 to 97; 59.6 % women (OPR 2015–2020).
    pub fn person_on(&mut self, day: Date) -> Person {
        let day = day.clamp(date(2000, 1, 1), date(2050, 12, 31));
        let sex = if self.random.chance(0.596) { Sex::Female } else { Sex::Male };
        let (birth_date, national_id) = self.born(day, sex);
        self.persons += 1;
        let language = self.random.pick(&[(0.92, "nb"), (0.03, "nn"), (0.03, "en")], "pl");
        let foreign = !matches!(language, "nb" | "nn");
        Person {
            national_id,
            sex,
            birth_date,
            mobile: format!("+46701740{}", 605 + self.random.below(95)),
            email: format!("patient{:06}@example.org", self.persons),
            language,
            interpreter_needed: self.random.chance(0.5) && foreign,
            cognitive_impairment: self.random.chance(0.01),
        }
    }

    /// A complete TSD submission of [`BASELINE_FORM_ID`] by `person`, or occasionally on behalf of `person`, in one of
    /// the three schema versions. Answers follow the published means, spreads, correlations and non-response; they
    /// depend on the person's age, on the severity in the course where [`Generator::course`] was called before, and on
    /// no other data of the person.
    pub fn baseline_delivery(&mut self, person: &Person, submission_id: u64, created: Timestamp) -> Value {
        let age = age_on(person.birth_date, Offset::UTC.to_datetime(created).date());
        let drawn = self.latent.traits(&mut self.random, standard_age(age));
        let mut answers = delivery::answers(&mut self.random, &self.latent, age, &drawn);
        if let Some(known) = self.traits.get(&person.national_id) {
            // Drawn from a separate stream, so that the following persons do not change.
            let random = &mut self.random_of(person, submission_id);
            answers = delivery::answers(random, &self.latent, age, known);
        }
        // A rare case: another adult answers, with a separate number.
        let representative = self.random.chance(0.02).then(|| self.born(REFERENCE_DAY, Sex::Female).1);
        delivery::document(&mut self.random, person, submission_id, created, answers, representative)
    }

    /// A complete TSD submission of a follow-up form by `person`, with the token of the invitation it answers, if
    /// known. It depends on the seed, the person and the submission's id only.
    pub fn follow_up_delivery(
        &self,
        person: &Person,
        form_id: &str,
        (submission_id, created): (u64, Timestamp),
        token: Option<&str>,
    ) -> Value {
        let random = &mut self.random_of(person, submission_id);
        let age = age_on(person.birth_date, Offset::UTC.to_datetime(created).date());
        let traits = self.latent.traits(random, standard_age(age));
        let mut answers = delivery::follow_up(random, &self.latent, &traits, form_id);
        if let Some(token) = token {
            answers.insert("invitasjon".to_owned(), token.into());
        }
        delivery::document(random, person, submission_id, created, answers, None)
    }

    /// A stream that follows from the seed, the person and the purpose alone.
    fn random_of(&self, person: &Person, purpose: u64) -> Random {
        let mixed = |random: Random, with: u64| Random::new(random.clone().next() ^ with);
        person.national_id.bytes().map(u64::from).fold(mixed(Random::new(self.seed), purpose), mixed)
    }

    /// A birth date and a number that is still free.
    fn born(&mut self, day: Date, sex: Sex) -> (Date, String) {
        loop {
            let years = 48.9 + 15.0 * self.random.normal();
            if !(18.01..97.9).contains(&years) {
                continue;
            }
            let birth_date = day.saturating_sub(Span::new().days(whole(years * 365.25)));
            for _ in 0..64 {
                if let Some(number) = self.number(birth_date, sex)
                    && self.taken.insert(number.clone())
                {
                    return (birth_date, number);
                }
            }
        }
    }

    /// One try at a national id number: nothing where a check digit would be 10.
    fn number(&mut self, birth_date: Date, sex: Sex) -> Option<String> {
        // Individual numbers encode the century: 000-499 for 19YY, 500-999 for 2000-2039.
        let first = if birth_date.year() >= 2000 { 500 } else { 0 };
        let individual = first + 2 * self.random.below(250) + u32::from(sex == Sex::Male);
        let day = u32::try_from(birth_date.day()).ok()?;
        let month = u32::try_from(birth_date.month()).ok()? + 80;
        let year = u32::try_from(birth_date.year().rem_euclid(100)).ok()?;
        let nine = [
            day / 10,
            day % 10,
            month / 10,
            month % 10,
            year / 10,
            year % 10,
            individual / 100,
            individual / 10 % 10,
            individual % 10,
        ];
        let sum = |digits: &[u32], weights: &[u32]| digits.iter().zip(weights).map(|(d, w)| d * w).sum::<u32>();
        let check = |sum: u32| Some((11 - sum % 11) % 11).filter(|digit| *digit < 10);
        let first = check(sum(&nine, &[3, 7, 6, 1, 8, 9, 4, 5, 2]))?;
        let second = check(sum(&nine, &[5, 4, 3, 2, 7, 6, 5, 4, 3]) + 2 * first)?;
        Some(format!("{day:02}{month:02}{year:02}{individual:03}{first}{second}"))
    }
}

/// Standard deviations above the mean age of the registry, 49.5 ± 15 years.
fn standard_age(age: i16) -> f64 {
    (f64::from(age) - 49.5) / 15.0
}

/// Returns the age in whole years.
fn age_on(birth_date: Date, day: Date) -> i16 {
    let had_birthday = (day.month(), day.day()) >= (birth_date.month(), birth_date.day());
    day.year() - birth_date.year() - i16::from(!had_birthday)
}

#[cfg(test)]
mod tests;
