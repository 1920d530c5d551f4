//! Unique device identification (UDI) as read from a label, an implant card or a scanner, of the three issuing
//! entities for implants under regulation (EU) 2017/745.
//!
//! **GS1** (General Specifications, sections 3 and 7.11): element strings by application identifier, in any order, as
//! printed (`(01)09506000117843(10)1234AB`) or as scanned (ASCII 29 ends what has no predefined length). The table
//! `udi/gs1.csv` has the identifiers; those that are of no use here are read over.
//!
//! **HIBCC** (ANSI/HIBC 2.6): a primary data structure, alone or with the secondary ones after `/`, and one check
//! character at the end; or the secondary ones as symbols of their own (`+…G+$$…G7`), each with the check character of the
//! primary as link. Refused as ambiguous: a quantity (`$$8`, `$$9`) before digits that are no date; also provider
//! applications (`+/…`).
//!
//! **ICCBBA** (ISBT 128, ST-011): `=/` device identifier, `=,` serial, `=>` expiry, `=}` manufacture, `&,1` lot, with or
//! without the compound message header `=+`. A donation identification number is refused: it names a person's tissue,
//! which no nerve stimulator holds, and nothing here could keep it.
//!
//! A label with several symbols is one text: the symbols follow each other, with or without line breaks between them.

mod gs1;
mod hibcc;

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use self::hibcc::hibcc_check;
use crate::fault::FaultCode;

const INPUT_MAX: usize = 250;
/// Spellings of the separator of GS1, ASCII 29.
const SEPARATORS: [&str; 4] = ["<GS>", "[GS]", "{GS}", "\u{241d}"];

/// The issuing entity, which determines the format of the identifier.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum UdiIssuer {
    /// GS1, the issuer of GTINs.
    Gs1,
    /// Health Industry Business Communications Council.
    Hibcc,
    /// International Council for Commonality in Blood Banking Automation.
    Iccbba,
}

/// A device and its production, read from one UDI. `Display` writes it back in one form per issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Udi {
    /// The issuing entity.
    pub issuer: UdiIssuer,
    /// UDI-DI, the model. GS1: GTIN-14. HIBCC: labeler, product and unit of measure, without flag and check character.
    /// ICCBBA: the sixteen characters after `=/`.
    #[schema(min_length = 6, max_length = 23, example = "09506000117843")]
    pub di: String,
    /// Day of manufacture.
    pub manufactured_on: Option<Date>,
    /// Last day of use.
    pub expires_on: Option<Date>,
    /// Lot or batch.
    #[schema(max_length = 20)]
    pub lot: Option<String>,
    /// The serial number; absent where the identifier has none.
    #[schema(max_length = 20)]
    pub serial: Option<String>,
}

impl Udi {
    /// Reads a UDI as printed or scanned. Line breaks and what a scanner writes around a symbol are skipped: AIM symbology
    /// identifiers (`]d2`, `]C1`, `]Q3`), and the asterisks around an HIBC caption, where `_` may stand for a space at the
    /// end. Spaces at the end of an HIBC symbol stay, because a space can be a check character. GS1's separator may be
    /// written out (`<GS>`, `[GS]`, `{GS}`, `␝`), because keyboards cannot send ASCII 29; a text that really had these
    /// characters would be read wrongly.
    ///
    /// `today` places years of two digits: at most 50 years ahead and 49 back (GS1 General Specifications, section 7.12;
    /// used for HIBCC too). A month without a day means its last day.
    ///
    /// # Errors
    ///
    /// [`FaultCode::TooLong`] (250 bytes in all, 20 characters a lot or serial), [`FaultCode::UnknownItem`] for an
    /// unknown GS1 application identifier, [`FaultCode::DuplicateKey`] for anything given twice,
    /// [`FaultCode::InvalidChecksum`], [`FaultCode::InvalidDate`], [`FaultCode::InvalidFormat`] for everything else.
    pub fn parse(value: &str, today: Date) -> Result<Self, FaultCode> {
        if value.len() > INPUT_MAX {
            return Err(FaultCode::TooLong);
        }
        let value = SEPARATORS.iter().fold(value.to_owned(), |value, written| value.replace(written, "\u{1d}"));
        let symbols = symbols(&value)?;
        match symbols.first().and_then(|first| first.chars().next()) {
            Some('+' | '*') => Self::hibcc(&symbols, today),
            Some('=') => Self::iccbba(&symbols.concat(), today),
            _ => Self::gs1(&symbols, today),
        }
    }

    fn iccbba(data: &str, today: Date) -> Result<Self, FaultCode> {
        let mut udi = Self::empty(UdiIssuer::Iccbba);
        let mut di = None;
        let mut rest = match data.strip_prefix("=+").map(|header| header.split_at_checked(5)) {
            Some(Some((counts, rest))) if digits(counts) => rest,
            Some(_) => return Err(FaultCode::InvalidFormat),
            None => data,
        };
        while !rest.is_empty() {
            let (kind, (text, after)) = ICCBBA_STRUCTURES
                .iter()
                .find_map(|(prefix, length, kind)| Some((kind, rest.strip_prefix(prefix)?.split_at_checked(*length)?)))
                .ok_or(FaultCode::InvalidFormat)?;
            if !alphanumeric(text) {
                return Err(FaultCode::InvalidFormat);
            }
            match kind {
                Structure::Device => put(&mut di, text.to_owned()),
                Structure::Serial => put(&mut udi.serial, text.to_owned()),
                Structure::Expiry => put(&mut udi.expires_on, day("YYYJJJ", text, today)?),
                Structure::Manufacture => put(&mut udi.manufactured_on, day("YYYJJJ", text, today)?),
                Structure::Lot => put(&mut udi.lot, text.to_owned()),
            }?;
            rest = after;
        }
        Ok(Self { di: di.ok_or(FaultCode::InvalidFormat)?, ..udi })
    }

    const fn empty(issuer: UdiIssuer) -> Self {
        Self { issuer, di: String::new(), manufactured_on: None, expires_on: None, lot: None, serial: None }
    }
}

/// GS1 `(01)…(11)…(17)…(10)…(21)…`, HIBCC `+…/16D…/14D…/$…/S…` with its check character, ICCBBA `=/…=}…=>…&,1…=,…`:
/// the known parts only; other parts of the label are not repeated. A GS1 lot with `(10)` or the like in it cannot be
/// read back.
impl fmt::Display for Udi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let marks = match self.issuer {
            UdiIssuer::Gs1 => ["(01)", "(11)", "(17)", "(10)", "(21)"],
            UdiIssuer::Hibcc => ["+", "/16D", "/14D", "/$", "/S"],
            UdiIssuer::Iccbba => ["=/", "=}", "=>", "&,1", "=,"],
        };
        let day = |date: Date| match self.issuer {
            UdiIssuer::Gs1 => format!("{:02}{:02}{:02}", date.year() % 100, date.month(), date.day()),
            UdiIssuer::Hibcc => format!("{:04}{:02}{:02}", date.year(), date.month(), date.day()),
            UdiIssuer::Iccbba => format!("{:03}{:03}", date.year() % 1000, date.day_of_year()),
        };
        let parts = [
            Some(self.di.clone()),
            self.manufactured_on.map(day),
            self.expires_on.map(day),
            self.lot.clone(),
            self.serial.clone(),
        ];
        let body: String =
            marks.iter().zip(parts).filter_map(|(mark, part)| Some(format!("{mark}{}", part?))).collect();
        f.write_str(&body)?;
        match hibcc_check(&body) {
            Some(check) if self.issuer == UdiIssuer::Hibcc => write!(f, "{check}"),
            _ => Ok(()),
        }
    }
}

/// The symbols of a label: divided by line breaks or by symbology identifiers, which no symbol contains.
fn symbols(value: &str) -> Result<Vec<&str>, FaultCode> {
    let lines = value.split(['\r', '\n']).map(str::trim_start);
    let mut symbols = Vec::new();
    for line in lines {
        let mut parts = line.split(']');
        symbols.extend(parts.next().filter(|unmarked| !unmarked.is_empty()));
        for marked in parts {
            let (symbology, symbol) = marked.split_at_checked(2).ok_or(FaultCode::InvalidFormat)?;
            if !symbology.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
                return Err(FaultCode::InvalidFormat);
            }
            symbols.push(symbol);
        }
    }
    Ok(symbols)
}

/// An ISBT 128 data structure of a device.
enum Structure {
    Device,
    Serial,
    Expiry,
    Manufacture,
    Lot,
}

/// The data identifier, how many characters follow it, and what they are.
const ICCBBA_STRUCTURES: [(&str, usize, Structure); 5] = [
    ("=/", 16, Structure::Device),
    ("=,", 6, Structure::Serial),
    ("=>", 6, Structure::Expiry),
    ("=}", 6, Structure::Manufacture),
    ("&,1", 18, Structure::Lot),
];

/// Reads a date by its form: `YYYY`, `YYY` (ICCBBA: without the thousands) or `YY` (see [`Udi::parse`]), `MM`, `DD`,
/// `JJJ` the day of the year, `HH` and `mm` checked and dropped. A form without a day means the last day of the month.
fn day(form: &str, text: &str, today: Date) -> Result<Date, FaultCode> {
    if text.len() != form.len() || !digits(text) {
        return Err(FaultCode::InvalidFormat);
    }
    let part = |letter| {
        let places = form.bytes().zip(text.bytes()).filter(|(place, _)| *place == letter);
        places.map(|(_, digit)| i16::from(digit - b'0')).reduce(|number, digit| number * 10 + digit)
    };
    let small = |number: i16| i8::try_from(number).unwrap_or_default();
    let written = part(b'Y').unwrap_or_default();
    let year = match form.bytes().filter(|place| *place == b'Y').count() {
        2 => {
            let this = today.year() % 100;
            let century = match written - this {
                51.. => -100,
                ..=-50 => 100,
                _ => 0,
            };
            today.year() - this + century + written
        }
        3 if written >= 900 => 1000 + written,
        3 => 2000 + written,
        _ => written,
    };
    let date = match (part(b'J'), part(b'M'), part(b'D')) {
        (Some(ordinal), ..) => Date::new(year, 1, 1).and_then(|first| first.with().day_of_year(ordinal).build()),
        (_, month, Some(day)) => Date::new(year, small(month.unwrap_or_default()), small(day)),
        (_, month, None) => Date::new(year, small(month.unwrap_or_default()), 1).map(Date::last_of_month),
    };
    match (part(b'H'), part(b'm')) {
        (Some(24..), _) | (_, Some(60..)) => Err(FaultCode::InvalidDate),
        _ => date.map_err(|_| FaultCode::InvalidDate),
    }
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn alphanumeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Fills a place that must be empty.
fn put<T>(place: &mut Option<T>, value: T) -> Result<(), FaultCode> {
    match place.replace(value) {
        Some(_) => Err(FaultCode::DuplicateKey),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
