//! Medical code systems: what a code looks like, whether it was valid on a day, and what may have been meant instead.
//! Knows nothing of files or tables; a code that is in no catalogue is never guessed.

mod book;
mod builtin;
mod edition;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use strum::{EnumCount, EnumIter, EnumString, IntoStaticStr};

pub use book::{CodeBook, CodeBooks, Place};
pub use builtin::{BUILT_IN, DEMONSTRATION, Shipped, shipped};
pub use edition::{
    Column, Columns, ColumnsUnclear, Import, Issue, LONGEST_TITLE, Line, ListedCode, ListedCodes, RefusedLine,
    Unusable, lines_of_text,
};

use crate::fault::{Fault, FaultCode};

/// A code system (kodeverk).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumIter,
    EnumCount,
    EnumString,
    IntoStaticStr,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum System {
    /// Diagnoses, the Norwegian edition of WHO's ICD-10.
    Icd10,
    /// Diagnoses, WHO's ICD-11 for mortality and morbidity statistics.
    Icd11,
    /// Surgical procedures (NOMESCO, Norwegian edition).
    Ncsp,
    /// Medical procedures (Norsk klassifikasjon av medisinske prosedyrer).
    Ncmp,
    /// Radiological procedures (Norsk klassifikasjon av radiologiske prosedyrer).
    Ncrp,
    /// Medicines, WHO's anatomical therapeutic chemical classification.
    Atc,
}

impl System {
    /// No single code is longer, in characters.
    pub const LONGEST_CODE: usize = 16;
    /// No cluster of ICD-11 codes is longer, in characters.
    pub const LONGEST_CLUSTER: usize = 200;

    /// The stable name: `icd10`, `icd11`, `ncsp`, `ncmp`, `ncrp`, `atc`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Icd10 => "ICD-10",
            Self::Icd11 => "ICD-11",
            Self::Ncsp => "NCSP",
            Self::Ncmp => "NCMP",
            Self::Ncrp => "NCRP",
            Self::Atc => "ATC",
        }
    }

    /// Whether the text has the form of a code of this system, in either case; not whether there is such a code.
    pub fn is_well_formed(self, code: &str) -> bool {
        self.canonical(code).is_some()
    }

    /// The one spelling of a code: upper case, of ICD-10 with a dot after the third character. `None` where the text is
    /// no code; spaces around it are not trimmed. Of ICD-11 also a single extension code and a cluster: a stem code
    /// followed by stem codes after `/` and extension codes after `&`.
    pub fn canonical(self, code: &str) -> Option<String> {
        if code.len() > Self::LONGEST_CLUSTER || !code.is_ascii() {
            return None;
        }
        let upper = code.to_ascii_uppercase();
        let any = |patterns: &[&str]| patterns.iter().any(|pattern| fits(&upper, pattern));
        let well_formed = match self {
            Self::Icd10 => {
                let (category, rest) = upper.split_at_checked(3)?;
                let rest = match rest.strip_prefix('.') {
                    Some("") => return None,
                    Some(rest) => rest,
                    None => rest,
                };
                let known = fits(category, "LDD") && (rest.is_empty() || fits(rest, "A") || fits(rest, "AA"));
                return known.then(|| if rest.is_empty() { upper.clone() } else { format!("{category}.{rest}") });
            }
            Self::Icd11 => is_cluster(&upper) || is_extension(&upper),
            Self::Ncsp => any(&["LLLDD"]),
            Self::Ncmp => any(&["LLLLDD"]),
            Self::Ncrp => any(&["LLLDA", "LLLDAA"]),
            Self::Atc => any(&["L", "LDD", "LDDL", "LDDLL", "LDDLLDD"]),
        };
        well_formed.then_some(upper)
    }

    /// The number of characters of a code's category; codes of one category are related.
    const fn category_length(self) -> usize {
        match self {
            Self::Icd10 | Self::Ncsp | Self::Ncrp => 3,
            Self::Icd11 | Self::Ncmp => 4,
            Self::Atc => 5,
        }
    }
}

/// Whether upper-case ASCII fits a pattern: `L` a letter, `D` a digit, `A` either; of ICD-11, which knows neither I nor
/// O, `F` a stem's first character (X begins extension codes), `K` a letter, `S` a letter or digit. Others are literal.
fn fits(code: &str, pattern: &str) -> bool {
    let unambiguous = |byte: u8| byte.is_ascii_uppercase() && !matches!(byte, b'I' | b'O');
    code.len() == pattern.len()
        && code.bytes().zip(pattern.bytes()).all(|(byte, class)| match class {
            b'L' => byte.is_ascii_uppercase(),
            b'D' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            b'F' => (unambiguous(byte) && byte != b'X') || matches!(byte, b'1'..=b'9'),
            b'K' => unambiguous(byte),
            b'S' => unambiguous(byte) || byte.is_ascii_digit(),
            literal => byte == literal,
        })
}

fn is_stem(code: &str) -> bool {
    ["FKDS", "FKDS.S", "FKDS.SS"].iter().any(|pattern| fits(code, pattern))
}

fn is_extension(code: &str) -> bool {
    ["XKSS", "XKSSS", "XKSSSS"].iter().any(|pattern| fits(code, pattern))
}

/// The codes of a cluster, each after what joins it to the one before; the first one after `/`.
fn parts(cluster: &str) -> impl Iterator<Item = (char, &str)> {
    let mut joint = '/';
    cluster.split_inclusive(['/', '&']).map(move |part| {
        let before = joint;
        let code = part.strip_suffix(['/', '&']).unwrap_or(part);
        joint = part.chars().next_back().unwrap_or('/');
        (before, code)
    })
}

fn is_cluster(code: &str) -> bool {
    !code.ends_with(['/', '&'])
        && !code.is_empty()
        && parts(code).all(|(joint, part)| if joint == '&' { is_extension(part) } else { is_stem(part) })
}

/// One validity period of one code, as a catalogue says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded {
    /// The code, in its canonical spelling.
    pub code: String,
    /// The title in Norwegian, or in English where no Norwegian title exists.
    pub title: String,
    /// The title in English; absent where none is known.
    pub title_en: Option<String>,
    /// The first day on which the code is valid with this title.
    pub valid_from: Date,
    /// The last day of validity; `None` while the code is valid.
    pub valid_to: Option<Date>,
    /// The edition that brought it.
    pub edition: String,
}

impl Coded {
    /// Returns whether the code is valid on a day.
    pub fn is_valid_on(&self, day: Date) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|last| day <= last)
    }
}

/// An edition of a code system that has been imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition {
    /// Its name, such as `2026`.
    pub edition: String,
    /// The day its codes become valid, but for those that name a day of their own.
    pub valid_from: Date,
    /// The time of the last import.
    pub imported_at: Timestamp,
    /// The number of codes in the edition.
    pub codes: u64,
}

/// A code that was valid on the day asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The code in its canonical spelling; of ICD-11 perhaps a cluster.
    pub code: String,
    /// Its title on that day; a cluster's are joined as its codes are.
    pub title: String,
    /// The edition that brought the code with this title; a cluster's is that of its first code.
    pub edition: String,
}

/// A code of a catalogue that may have been meant. Never what was submitted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Suggestion {
    /// The code as the code system writes it.
    pub code: String,
    /// The title of the code.
    pub title: String,
}

/// The reason for the refusal of a code, with suggestions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRefusal {
    /// [`FaultCode::UnknownCode`], [`FaultCode::ExpiredCode`], [`FaultCode::WrongCodeSystem`],
    /// [`FaultCode::CodeSystemNotLoaded`] or [`FaultCode::InvalidFormat`].
    pub code: FaultCode,
    /// The nearest codes that were valid on the day, the likeliest first; at most [`CodeRefusal::MOST`].
    pub nearest: Vec<Suggestion>,
}

impl CodeRefusal {
    /// No more codes are suggested.
    pub const MOST: usize = 5;

    const fn without(code: FaultCode) -> Self {
        Self { code, nearest: Vec::new() }
    }

    /// The refusal as a fault at `pointer`.
    pub fn at(self, pointer: impl Into<String>) -> Fault {
        Fault::new(pointer, self.code).with_suggestions(self.nearest)
    }
}

/// The class of pain that an ICD-11 chronic-pain code denotes.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumIter,
    EnumString,
    IntoStaticStr,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PainClass {
    /// Chronic primary pain (MG30.0 and below): pain as a disease in itself.
    Primary,
    /// Chronic secondary pain (MG30.1 to MG30.6 and below): pain that follows from another disease.
    Secondary,
    /// Chronic pain without a class (MG30, MG30.Y, MG30.Z).
    Unspecified,
}

impl PainClass {
    /// The class of an ICD-11 code or cluster; `None` where none of its codes is one of chronic pain (MG30).
    pub fn of(code: &str) -> Option<Self> {
        let code = System::Icd11.canonical(code)?;
        parts(&code).find_map(|(_, part)| {
            let rest = part.strip_prefix("MG30")?;
            Some(match rest.as_bytes().get(1) {
                Some(b'0') => Self::Primary,
                Some(b'1'..=b'9') => Self::Secondary,
                _ => Self::Unspecified,
            })
        })
    }
}

/// Returns whether an ICD-11 code or cluster denotes chronic pain (MG30 and below).
pub fn is_chronic_pain(code: &str) -> bool {
    PainClass::of(code).is_some()
}
