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
use crate::instrument::{Catalogue, Instrument, Licence as Class};
use crate::questionnaire::{Form, is_language};

/// No licence begins earlier, and nothing of one happens before.
const EARLIEST: Date = date(1990, 1, 1);
/// Nothing of a licence happens later.
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
    /// Its first day.
    pub valid_from: Date,
    /// Its last day; absent: until further notice.
    #[serde(default)]
    pub valid_to: Option<Date>,
    /// Who gave it (lisensgiver).
    #[schema(min_length = 1, max_length = 200, example = "EuroQol Research Foundation")]
    pub licensor: String,
    /// The agreement's number; required where wording is served only under a paid or registered licence.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub agreement: Option<String>,
    /// When the licensor approved how the instruments look on a screen.
    #[serde(default)]
    pub rendering_approved_on: Option<Date>,
    /// Whether it must be renewed every licence year, which begins with the day and month of `valid_from` (remelding).
    #[serde(default)]
    pub renewed_yearly: bool,
    /// How many days before its end or renewal somebody must act.
    #[serde(default = "usual_lead")]
    #[schema(minimum = 0, maximum = 730, default = 90)]
    pub lead_days: u16,
    /// How many questionnaires may be answered in a licence year; absent: any number.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub volume_cap: Option<u32>,
    /// Invoices (fakturaer); shown to those who manage licences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 200)]
    pub invoices: Vec<Invoice>,
    /// Anything else; shown to those who manage licences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

/// An invoice (faktura) for a licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LicenceInvoice)]
pub struct Invoice {
    /// Its date.
    pub issued_on: Date,
    /// The amount: a decimal number as text, exactly as it stands on the invoice.
    #[schema(max_length = 15, pattern = "^[0-9]{1,12}([.][0-9]{1,2})?$", example = "12500.00")]
    pub amount: String,
    /// ISO 4217.
    #[schema(min_length = 3, max_length = 3, pattern = "^[A-Z]{3}$", example = "EUR")]
    pub currency: String,
    /// When it falls due (forfall).
    pub due_on: Date,
    /// When it was paid.
    #[serde(default)]
    pub paid_on: Option<Date>,
}

const fn usual_lead() -> u16 {
    90
}

/// A licence as a registry holds it.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its id.
    pub id: LicenceId,
    /// What it says.
    pub licence: Licence,
    /// How many questionnaires were answered in the licence year that is asked about; 0 where nobody counted.
    pub answered: u32,
}

/// Where an instrument in a language stands on a day. What comes later in this list is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no licence for it.
    NoLicence,
    /// Licences for it are for other languages.
    LanguageNotCovered,
    /// A licence begins on that day.
    NotYet {
        /// Its first day.
        from: Date,
    },
    /// The last licence has ended.
    Expired {
        /// The first day without one.
        since: Date,
    },
    /// A licence is in force, and as much has been answered in its year as it permits.
    VolumeReached {
        /// Which.
        licence: LicenceId,
    },
    /// A licence is in force.
    Licensed {
        /// Which.
        licence: LicenceId,
        /// Its last day, if it has one.
        until: Option<Date>,
    },
    /// None is needed.
    Free,
}

impl Standing {
    /// Why it may not be used; `None` where it may. Too large a volume is for people to settle, not a reason to stop.
    pub const fn refusal(self) -> Option<FaultCode> {
        match self {
            Self::NoLicence => Some(FaultCode::LicenceMissing),
            Self::LanguageNotCovered => Some(FaultCode::LicenceOfAnotherLanguage),
            Self::NotYet { .. } => Some(FaultCode::LicenceNotYetValid),
            Self::Expired { .. } => Some(FaultCode::LicenceExpired),
            Self::VolumeReached { .. } | Self::Licensed { .. } | Self::Free => None,
        }
    }

    /// How good it is: of two in force the longer one, of two to come the earlier, of two past the later.
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
    /// The instrument's code.
    #[schema(max_length = 40, example = "eq5d5l")]
    pub instrument: &'static str,
    /// What is wrong: `licence_missing`, `licence_expired`, `licence_not_yet_valid` or `licence_of_another_language`.
    pub code: FaultCode,
}

/// Where the instrument stands on that day in that language: the best that any of the licences makes of it.
pub fn standing(instrument: &Instrument, language: &str, day: Date, licences: &[Held]) -> Standing {
    if instrument.about().licence == Class::Free {
        return Standing::Free;
    }
    let of_instrument =
        licences.iter().filter(|held| held.licence.instruments.iter().any(|it| it == instrument.code()));
    let standings = of_instrument.map(|held| held.standing(language, day));
    standings.max_by_key(|standing| standing.rank()).unwrap_or(Standing::NoLicence)
}

/// Where each instrument of a form stands on that day. Nobody knows in which of its languages a form was answered: the best
/// one counts.
pub fn of_form<'f>(
    form: &'f Form,
    day: Date,
    licences: &'f [Held],
) -> impl Iterator<Item = (&'static Instrument, Standing)> + 'f {
    let definition = form.definition();
    let instruments = definition.instruments.iter().filter_map(|code| Catalogue::shipped().find(code));
    instruments.map(move |instrument| {
        let others = definition.languages.iter().map(String::as_str);
        let standings = ["nb", "en"].into_iter().chain(others).map(|it| standing(instrument, it, day, licences));
        (instrument, standings.max_by_key(|standing| standing.rank()).unwrap_or(Standing::NoLicence))
    })
}

/// What of a form is used outside a licence by whoever answers it on that day.
pub fn warnings(form: &Form, day: Date, licences: &[Held]) -> Vec<LicenceWarning> {
    let refused = |(instrument, standing): (&'static Instrument, Standing)| {
        standing.refusal().map(|code| LicenceWarning { instrument: instrument.code(), code })
    };
    of_form(form, day, licences).filter_map(refused).collect()
}

impl Held {
    fn standing(&self, language: &str, day: Date) -> Standing {
        let Licence { valid_from: from, valid_to: until, volume_cap: cap, .. } = self.licence;
        match until.filter(|until| *until < day) {
            _ if !self.licence.covers(language) => Standing::LanguageNotCovered,
            Some(until) => Standing::Expired { since: until.tomorrow().unwrap_or(until) },
            None if day < from => Standing::NotYet { from },
            None if cap.is_some_and(|cap| self.answered >= cap) => Standing::VolumeReached { licence: self.id },
            None => Standing::Licensed { licence: self.id, until },
        }
    }
}

impl Licence {
    /// Whether it is for this language: a tag covers itself and those that are more precise (RFC 4647, basic filtering).
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

    /// What is wrong with it.
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
        let paid = |code: &String| catalogue.find(code).is_some_and(|it| it.about().licence == Class::TextNever);
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

/// `^[0-9]{1,12}([.][0-9]{1,2})?$`
fn is_amount(text: &str) -> bool {
    let digits = |part: &str, most| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, cents)) => digits(whole, 12) && digits(cents, 2),
        None => digits(text, 12),
    }
}
