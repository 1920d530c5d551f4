//! On what grounds the patient is in the registry: consent until June 2021, exemption since.

use jiff::civil::{Date, date};

use super::super::random::Random;
use super::line::Line;
use super::{Patient, Visit, calendar};
use crate::clinical::LegalBasis;
use crate::clinical::legal_basis::{Against, Basis, BasisSource, ConsentDecision, EXEMPT_SINCE};

/// The number of consents and refusals by year (report). The months of 2021 before the exemption are unknown and taken
/// as 2020.
const CONSENTS: [(i16, f64, f64); 6] = [
    (2015, 116.0, 82.0),
    (2016, 741.0, 250.0),
    (2017, 732.0, 232.0),
    (2018, 784.0, 217.0),
    (2019, 673.0, 198.0),
    (2020, 514.0, 89.0),
];

/// Information letters and the days they came: the registry's start, the data protection regulation in Norway,
/// Nettskjema, the exemption, the renewal of the advice in 2023 (report). That each brought a letter is an assumption.
const LETTERS: [(Date, &str); 5] = [
    (super::OPENED, "2015-10"),
    (date(2018, 7, 20), "2018-07"),
    (date(2020, 12, 1), "2020-12"),
    (EXEMPT_SINCE, "2021-06"),
    (date(2023, 3, 1), "2023-03"),
];

/// Since when patients answer in Nettskjema, so that consent is digital (report).
const DIGITAL_SINCE: Date = date(2020, 12, 1);

/// Share who reserve themselves against questionnaires. Assumption.
const RESERVED: f64 = 0.015;

/// First of all: without grounds nothing else may be kept.
pub(super) fn tell(line: &mut Line, random: &mut Random, patient: &Patient, first: &Visit) {
    let is_exempt_later = patient.last() >= EXEMPT_SINCE;
    // Patients without a consultation are not asked for consent.
    let asked_on = first.seen_on.or((!is_exempt_later).then_some(first.received)).filter(|day| *day < EXEMPT_SINCE);
    match asked_on {
        Some(asked_on) => {
            // Patients who refused are included only because the registry became exempt in their lifetime.
            let is_given = random.chance(consenting(asked_on)) || !is_exempt_later;
            line.add(&LegalBasis {
                basis: Basis::Consent,
                decision: Some(if is_given { ConsentDecision::Given } else { ConsentDecision::Refused }),
                against: None,
                valid_from: asked_on,
                valid_to: None,
                source: if asked_on < DIGITAL_SINCE { BasisSource::Paper } else { BasisSource::Digital },
                letter_version: letter(asked_on),
            });
            if !is_given {
                exempt(line, EXEMPT_SINCE);
            }
        }
        None => exempt(line, first.received.max(EXEMPT_SINCE)),
    }
    let from = first.seen_on.unwrap_or(first.received).max(EXEMPT_SINCE);
    if random.chance(RESERVED) && from <= patient.last() {
        let valid_from = calendar::between(random, from, patient.last());
        line.add(&LegalBasis {
            basis: Basis::Reservation,
            decision: None,
            against: Some(Against::Questionnaires),
            valid_from,
            valid_to: None,
            source: random.pick(&[(0.7, BasisSource::Digital), (0.2, BasisSource::Oral)], BasisSource::Paper),
            letter_version: letter(valid_from),
        });
    }
}

/// The share of those asked on that day who say yes.
fn consenting(on: Date) -> f64 {
    let of_year = CONSENTS.iter().rev().find(|(year, ..)| *year <= on.year());
    of_year.map_or(1.0, |(_, yes, no)| yes / (yes + no))
}

fn exempt(line: &mut Line, valid_from: Date) {
    line.add(&LegalBasis {
        basis: Basis::Exemption,
        decision: None,
        against: None,
        valid_from,
        valid_to: None,
        source: BasisSource::Registry,
        letter_version: letter(valid_from),
    });
}

/// The letter of that day.
fn letter(on: Date) -> Option<String> {
    LETTERS.iter().rev().find(|(since, _)| *since <= on).map(|(_, version)| (*version).to_owned())
}
