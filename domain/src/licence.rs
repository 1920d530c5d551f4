//! Licences of instruments (lisenser): what a registry may use, from when until when, in which languages; the wording that it
//! may show; what falls due. It holds no wording and does not know who asks.

mod due;
#[cfg(test)]
mod tests;
mod wording;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};

pub use self::due::{Due, DueCode, due};
pub use self::wording::{ItemWording, Label, Wording};
use crate::fault::{Fault, FaultCode};
use crate::ids::LicenceId;
use crate::instrument::{Catalogue, Instrument, WordingLicence};
use crate::questionnaire::{Form, is_language};

/// No licence begins earlier, and nothing of one happens before.
const EARLIEST: Date = date(1990, 1, 1);
/// The latest date in a licence.
const LATEST: Date = date(2199, 12, 31);

/// A code or tag in a list.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 40)]
pub struct Term(pub String);

/// A licence (lisens): an agreement that instruments may be used in some languages for some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LicenceTerms)]
pub struct Licence {
    /// Codes of the catalogue's instruments that it covers.
    #[schema(value_type = Vec<Term>, min_items = 1, max_items = 50, example = json!(["eq5d5l"]))]
    pub instruments: Vec<String>,
    /// The languages (BCP 47) that it covers; `nb` covers `nb-NO`.
    #[schema(value_type = Vec<Term>, min_items = 1, max_items = 20, example = json!(["nb"]))]
    pub languages: Vec<String>,
    /// The first day of validity.
    pub valid_from: Date,
    /// The last day of validity; absent: until further notice.
    #[serde(default)]
    pub valid_to: Option<Date>,
    /// The licensor (lisensgiver).
    #[schema(min_length = 1, max_length = 200, example = "EuroQol Research Foundation")]
    pub licensor: String,
    /// The number of the agreement; required where wording is served only under a paid or registered licence.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub agreement: Option<String>,
    /// The day on which the licensor approved the rendering of the instruments on screen.
    #[serde(default)]
    pub rendering_approved_on: Option<Date>,
    /// Whether the licence must be renewed every licence year, which begins with the day and month of `valid_from`
    /// (remelding).
    #[serde(default)]
    pub renewed_yearly: bool,
    /// The number of days before its end or renewal on which the registry must act.
    #[serde(default = "usual_lead")]
    #[schema(minimum = 0, maximum = 730, default = 90)]
    pub lead_days: u16,
    /// The number of questionnaires that may be answered in a licence year; absent: unlimited.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub volume_cap: Option<u32>,
    /// The invoices (fakturaer); shown to callers who manage licences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 200)]
    pub invoices: Vec<Invoice>,
    /// A note, shown to callers who manage licences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

/// An invoice (faktura) for a licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LicenceInvoice)]
pub struct Invoice {
    /// The date of the invoice.
    pub issued_on: Date,
    /// The amount: a decimal number as text, exactly as printed on the invoice.
    #[schema(max_length = 15, pattern = "^[0-9]{1,12}([.][0-9]{1,2})?$", example = "12500.00")]
    pub amount: String,
    /// The currency, ISO 4217.
    #[schema(min_length = 3, max_length = 3, pattern = "^[A-Z]{3}$", example = "EUR")]
    pub currency: String,
    /// The day of payment due (forfall).
    pub due_on: Date,
    /// The day of payment; absent while unpaid.
    #[serde(default)]
    pub paid_on: Option<Date>,
}

const fn usual_lead() -> u16 {
    90
}

/// A licence as a registry holds it.
#[derive(Clone, Debug)]
pub struct Held {
    /// The id of the licence.
    pub id: LicenceId,
    /// The content of the licence.
    pub licence: Licence,
    /// The number of questionnaires answered in the licence year in question; 0 where they were not counted.
    pub answered: u32,
}

/// The licence status of an instrument in a language on a day. Later variants are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LicenceStatus {
    /// No licence covers the instrument.
    NoLicence,
    /// Licences for it are for other languages.
    LanguageNotCovered,
    /// A licence begins on that day.
    NotYet {
        /// The first day of the period.
        from: Date,
    },
    /// The last licence has ended.
    Expired {
        /// The first day without one.
        since: Date,
    },
    /// A licence is in force, and as much has been answered in its year as it permits.
    VolumeReached {
        /// The licence in force.
        licence: LicenceId,
    },
    /// A licence is in force.
    Licensed {
        /// The licence with its volume used up.
        licence: LicenceId,
        /// Its last day, if it has one.
        until: Option<Date>,
    },
    /// None is needed.
    Free,
}

impl LicenceStatus {
    /// The reason against use; `None` where use is permitted. An exceeded volume is a matter for people and does not
    /// refuse.
    pub const fn refusal(self) -> Option<FaultCode> {
        match self {
            Self::NoLicence => Some(FaultCode::LicenceMissing),
            Self::LanguageNotCovered => Some(FaultCode::LicenceOfAnotherLanguage),
            Self::NotYet { .. } => Some(FaultCode::LicenceNotYetValid),
            Self::Expired { .. } => Some(FaultCode::LicenceExpired),
            Self::VolumeReached { .. } | Self::Licensed { .. } | Self::Free => None,
        }
    }

    /// The rank among several statuses: of two licences in force the longer one, of two in the future the earlier one,
    /// of two expired ones the later one.
    fn rank(self) -> (u8, i64) {
        let seconds = |day: Date| day.duration_since(EARLIEST).as_secs();
        match self {
            Self::NoLicence => (0, 0),
            Self::LanguageNotCovered => (1, 0),
            Self::NotYet { from } => (2, -seconds(from)),
            Self::Expired { since } => (3, seconds(since)),
            Self::VolumeReached { .. } => (4, 0),
            Self::Licensed { until, .. } => (5, until.map_or(i64::MAX, seconds)),
            Self::Free => (6, 0),
        }
    }
}

/// An instrument that is used outside a licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LicenceWarning {
    /// The code of the instrument.
    #[schema(max_length = 40, example = "eq5d5l")]
    pub instrument: &'static str,
    /// The fault: `licence_missing`, `licence_expired`, `licence_not_yet_valid` or `licence_of_another_language`.
    pub code: FaultCode,
}

/// Returns the licence status of an instrument in a language on a day: the best status of all its licences.
pub fn licence_status(instrument: &Instrument, language: &str, day: Date, licences: &[Held]) -> LicenceStatus {
    if instrument.about().licence == WordingLicence::Free {
        return LicenceStatus::Free;
    }
    let of_instrument =
        licences.iter().filter(|held| held.licence.instruments.iter().any(|it| it == instrument.code()));
    let statuses = of_instrument.map(|held| held.licence_status(language, day));
    statuses.max_by_key(|status| status.rank()).unwrap_or(LicenceStatus::NoLicence)
}

/// Returns the licence status of each instrument of a form on a day. The language in which a form was answered is not
/// known; the best status of its languages counts.
pub fn of_form<'f>(
    form: &'f Form,
    day: Date,
    licences: &'f [Held],
) -> impl Iterator<Item = (&'static Instrument, LicenceStatus)> + 'f {
    let definition = form.definition();
    let instruments = definition.instruments.iter().filter_map(|code| Catalogue::shipped().find(code));
    instruments.map(move |instrument| {
        let others = definition.languages.iter().map(String::as_str);
        let statuses = ["nb", "en"].into_iter().chain(others).map(|it| licence_status(instrument, it, day, licences));
        (instrument, statuses.max_by_key(|status| status.rank()).unwrap_or(LicenceStatus::NoLicence))
    })
}

/// Returns the instruments of a form that are used outside a licence on a day.
pub fn warnings(form: &Form, day: Date, licences: &[Held]) -> Vec<LicenceWarning> {
    let refused = |(instrument, status): (&'static Instrument, LicenceStatus)| {
        status.refusal().map(|code| LicenceWarning { instrument: instrument.code(), code })
    };
    of_form(form, day, licences).filter_map(refused).collect()
}

impl Held {
    fn licence_status(&self, language: &str, day: Date) -> LicenceStatus {
        let Licence { valid_from: from, valid_to: until, volume_cap: cap, .. } = self.licence;
        match until.filter(|until| *until < day) {
            _ if !self.licence.covers(language) => LicenceStatus::LanguageNotCovered,
            Some(until) => LicenceStatus::Expired { since: until.tomorrow().unwrap_or(until) },
            None if day < from => LicenceStatus::NotYet { from },
            None if cap.is_some_and(|cap| self.answered >= cap) => LicenceStatus::VolumeReached { licence: self.id },
            None => LicenceStatus::Licensed { licence: self.id, until },
        }
    }
}

impl Licence {
    /// Returns whether the licence covers a language: a tag covers itself and more precise tags (RFC 4647, basic
    /// filtering).
    fn covers(&self, language: &str) -> bool {
        self.languages.iter().any(|tag| {
            let begins = language.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
            begins && matches!(language.as_bytes().get(tag.len()), None | Some(b'-'))
        })
    }

    /// The first day of the licence year after so many: 29 February becomes 28 where there is none.
    fn anniversary(&self, years: i16) -> Date {
        self.valid_from.saturating_add(i32::from(years).years())
    }

    /// The licence year that the day is in, both days inclusive; `None` where the licence is not in force.
    pub fn year_of(&self, day: Date) -> Option<(Date, Date)> {
        if day < self.valid_from || self.valid_to.is_some_and(|to| to < day) {
            return None;
        }
        let years = day.year() - self.valid_from.year();
        let years = if day < self.anniversary(years) { years - 1 } else { years };
        let last = self.anniversary(years + 1).yesterday().ok()?;
        Some((self.anniversary(years), self.valid_to.map_or(last, |to| to.min(last))))
    }

    /// Returns the faults of the licence, sorted by place.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut check = |member: &str, sound: bool, code| {
            if !sound {
                faults.push(Fault::new(format!("/{member}"), code));
            }
        };
        let catalogue = Catalogue::shipped();
        listed("instruments", &self.instruments, 50, &mut check, |code| {
            if catalogue.find(code).is_some() { Ok(()) } else { Err(FaultCode::UnknownReference) }
        });
        listed("languages", &self.languages, 20, &mut check, |tag| {
            if is_language(tag) { Ok(()) } else { Err(FaultCode::InvalidFormat) }
        });
        let possible = |day: Date| (EARLIEST..=LATEST).contains(&day);
        check("valid_from", possible(self.valid_from), FaultCode::InvalidDate);
        check("valid_to", self.valid_to.is_none_or(possible), FaultCode::InvalidDate);
        check("valid_to", self.valid_to.is_none_or(|to| self.valid_from <= to), FaultCode::WrongOrder);
        check("rendering_approved_on", self.rendering_approved_on.is_none_or(possible), FaultCode::InvalidDate);
        let paid =
            |code: &String| catalogue.find(code).is_some_and(|it| it.about().licence == WordingLicence::TextNever);
        let numbered = self.agreement.is_some() || !self.instruments.iter().any(paid);
        check("agreement", numbered, FaultCode::Required);
        let texts = [("licensor", Some(&self.licensor), 200), ("agreement", self.agreement.as_ref(), 100)];
        for (member, text, limit) in texts.into_iter().chain([("note", self.note.as_ref(), 2000)]) {
            check(member, text.is_none_or(|text| !text.trim().is_empty()), FaultCode::InvalidFormat);
            check(member, text.is_none_or(|text| text.chars().count() <= limit), FaultCode::TooLong);
        }
        check("lead_days", self.lead_days <= 730, FaultCode::OutOfRange);
        check("volume_cap", self.volume_cap != Some(0), FaultCode::OutOfRange);
        check("invoices", self.invoices.len() <= 200, FaultCode::TooLong);
        for (at, invoice) in self.invoices.iter().enumerate() {
            let Invoice { issued_on, amount, currency, due_on, paid_on } = invoice;
            check(&format!("invoices/{at}/issued_on"), possible(*issued_on), FaultCode::InvalidDate);
            check(&format!("invoices/{at}/amount"), is_amount(amount), FaultCode::InvalidFormat);
            let known = currency.len() == 3 && currency.bytes().all(|letter| letter.is_ascii_uppercase());
            check(&format!("invoices/{at}/currency"), known, FaultCode::InvalidFormat);
            check(&format!("invoices/{at}/due_on"), issued_on <= due_on, FaultCode::WrongOrder);
            check(&format!("invoices/{at}/due_on"), possible(*due_on), FaultCode::InvalidDate);
            check(&format!("invoices/{at}/paid_on"), paid_on.is_none_or(possible), FaultCode::InvalidDate);
        }
        faults.sort();
        faults
    }
}

/// Checks a list of at least one and at most so many terms, none of them twice.
fn listed(
    member: &str,
    terms: &[String],
    limit: usize,
    check: &mut impl FnMut(&str, bool, FaultCode),
    sound: impl Fn(&str) -> Result<(), FaultCode>,
) {
    check(member, !terms.is_empty(), FaultCode::Required);
    check(member, terms.len() <= limit, FaultCode::TooLong);
    for (at, term) in terms.iter().enumerate() {
        let place = format!("{member}/{at}");
        if let Err(code) = sound(term) {
            check(&place, false, code);
        }
        check(&place, !terms.iter().take(at).any(|other| other == term), FaultCode::AlreadyExists);
    }
}

/// Returns whether the text matches `^[0-9]{1,12}([.][0-9]{1,2})?$`.
fn is_amount(text: &str) -> bool {
    let digits = |part: &str, most| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, cents)) => digits(whole, 12) && digits(cents, 2),
        None => digits(text, 12),
    }
}
