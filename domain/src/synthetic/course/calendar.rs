//! Days of a course: referrals, working days and deaths. Public holidays count as working days here.

use jiff::Span;
use jiff::civil::{Date, Weekday, date};

use super::super::age_on;
use super::super::random::Random;

/// New patients a year. Report: 2016 to 2020 the hospital's counts; 2015 168 baseline answers, at the 83 % who answered
/// in 2016. Later years: about a thousand (report: 1172 granted a right in 2021, ~1000 assessed a year).
const NEW_PATIENTS: [(i16, f64); 6] =
    [(2015, 202.0), (2016, 1046.0), (2017, 1015.0), (2018, 1054.0), (2019, 935.0), (2020, 821.0)];
const LATER: f64 = 1000.0;

/// Working days until a referral is assessed: ten are the rule, few take longer. Assumption.
const ASSESSED_AFTER: [(f64, (i32, i32)); 2] = [(0.35, (0, 4)), (0.53, (5, 10))];
const ASSESSED_LATE: (i32, i32) = (11, 15);

/// Deaths a year by age, assumed to be about those of the population; of those with active cancer, whatever their age.
const DEATHS: [(i16, f64); 5] = [(45, 0.0007), (60, 0.0025), (70, 0.007), (80, 0.018), (i16::MAX, 0.06)];
const DEATHS_OF_CANCER: f64 = 0.15;

/// Returns the day a number of days later, or earlier.
pub(super) fn after(day: Date, days: i32) -> Date {
    day.saturating_add(Span::new().days(days))
}

/// Returns the day a number of years later.
pub(super) fn years_after(day: Date, years: i16) -> Date {
    day.saturating_add(Span::new().years(years))
}

/// Returns the number of days between two dates.
pub(super) fn days(from: Date, to: Date) -> i32 {
    (to - from).get_days()
}

/// The day, or the Monday after it.
pub(super) fn workday(day: Date) -> Date {
    match day.weekday() {
        Weekday::Saturday => after(day, 2),
        Weekday::Sunday => after(day, 1),
        _ => day,
    }
}

/// A day from `from` to `to`.
pub(super) fn between(random: &mut Random, from: Date, to: Date) -> Date {
    after(from, random.between(0, days(from, to)))
}

/// The day on which a referral came in, by the volume of the years; `None` where there was no day yet.
pub(super) fn referral_day(random: &mut Random, earliest: Date, latest: Date) -> Option<Date> {
    let mut spans = Vec::new();
    for year in earliest.year()..=latest.year() {
        let first = date(year, 1, 1).max(super::OPENED);
        let last = date(year, 12, 31);
        let (from, to) = (first.max(earliest), last.min(latest));
        let volume = NEW_PATIENTS.iter().find(|(of, _)| *of == year).map_or(LATER, |(_, volume)| *volume);
        if from <= to {
            spans.push((volume * f64::from(days(from, to) + 1) / f64::from(days(first, last) + 1), from, to));
        }
    }
    let (_, from, to) = random.weighted(&spans, |(volume, ..)| *volume)?;
    let day = workday(between(random, *from, *to));
    Some(if day <= latest { day } else { after(day, -3).clamp(earliest, latest) })
}

/// The day on which a referral was assessed.
pub(super) fn assessment(random: &mut Random, received: Date) -> Date {
    let (least, most) = random.pick(&ASSESSED_AFTER, ASSESSED_LATE);
    let mut day = received;
    for _ in 0..random.between(least, most) {
        day = workday(after(day, 1));
    }
    day
}

/// Draws the day of death of a patient of that age; `None` for a day after `today`.
pub(super) fn death(random: &mut Random, born: Date, received: Date, has_cancer: bool, today: Date) -> Option<Date> {
    let mut from = received;
    while from < today {
        let age = age_on(born, from);
        let of_age = DEATHS.iter().find(|(below, _)| age < *below).map_or(0.0, |(_, deaths)| *deaths);
        let next = years_after(from, 1);
        if random.chance(if has_cancer { DEATHS_OF_CANCER } else { of_age }) {
            return Some(after(from, random.between(1, 365))).filter(|day| *day <= today);
        }
        if next == from {
            break;
        }
        from = next;
    }
    None
}
