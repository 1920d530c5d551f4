//! Unique device identification (UDI) as read from a label, an implant card or a scanner, of the three issuing
//! entities for implants under regulation (EU) 2017/745.
//!
//! **GS1** (General Specifications, sections 3 and 7.11): element strings by application identifier, in any order, as
//! printed (`(01)09506000117843(10)1234AB`) or as scanned (ASCII 29 ends what has no fixed length).
//!
//! **HIBCC** (ANSI/HIBC 2.6): a primary data structure, alone or with the secondary ones after `/`, and one check
//! character at the end. Refused as ambiguous: the quantity formats `$$8` and `$$9`, whose date is optional; also two
//! symbols in one text (`+…G+$$…G7`) and provider applications (`+/…`).
//!
//! **ICCBBA** (ISBT 128, ST-011): `=/` device identifier, `=,` serial, `=>` expiry, `=}` manufacture, `&,1` lot, with or
//! without the compound message header `=+`. A donation identification number is refused: it names a person's tissue,
//! which no nerve stimulator holds, and nothing here could keep it.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::fault::FaultCode;

const INPUT_MAX: usize = 250;
const GROUP_SEPARATOR: char = '\u{1d}';

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
    /// Reads a UDI exactly as printed or scanned: nothing is trimmed, because a space can be a check character.
    ///
    /// `today` places years of two digits: at most 50 years ahead and 49 back (GS1 General Specifications, section 7.12;
    /// used for HIBCC too). A month without a day means its last day. An AIM symbology identifier (`]d2`, `]C1`, `]Q3`)
    /// is skipped, and so are the asterisks around an HIBC caption, where `_` may stand for a space at the end.
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
        let data = match value.strip_prefix(']') {
            Some(symbology) => symbology.get(2..).ok_or(FaultCode::InvalidFormat)?,
            None => value,
        };
        match (data.chars().next(), data.strip_prefix('*').and_then(|caption| caption.strip_suffix('*'))) {
            (_, Some(caption)) => match caption.strip_suffix('_') {
                Some(body) => Self::hibcc(&format!("{body} "), today),
                None => Self::hibcc(caption, today),
            },
            (Some('+'), _) => Self::hibcc(data, today),
            (Some('='), _) => Self::iccbba(data, today),
            _ => Self::gs1(data, today),
        }
    }

    fn gs1(data: &str, today: Date) -> Result<Self, FaultCode> {
        let elements = if data.starts_with('(') { printed(data)? } else { scanned(data)? };
        let mut udi = Self::empty(UdiIssuer::Gs1);
        let mut seen = BTreeSet::new();
        for (identifier, text) in elements {
            if !seen.insert(identifier.code) {
                return Err(FaultCode::DuplicateKey);
            }
            identifier.check(text)?;
            match identifier.holds {
                Holds::Gtin => gtin(text)?.clone_into(&mut udi.di),
                Holds::Manufacture => udi.manufactured_on = Some(gs1_day(text, today)?),
                Holds::Expiry => udi.expires_on = Some(gs1_day(text, today)?),
                Holds::Lot => udi.lot = Some(text.to_owned()),
                Holds::Serial => udi.serial = Some(text.to_owned()),
                Holds::OtherDay => _ = gs1_day(text, today)?,
                Holds::Number | Holds::Text => {}
            }
        }
        if udi.di.is_empty() { Err(FaultCode::InvalidFormat) } else { Ok(udi) }
    }

    fn hibcc(data: &str, today: Date) -> Result<Self, FaultCode> {
        let check = data.chars().next_back().ok_or(FaultCode::InvalidFormat)?;
        let body = data.strip_suffix(check).ok_or(FaultCode::InvalidFormat)?;
        if hibcc_check(body).ok_or(FaultCode::InvalidFormat)? != check {
            return Err(FaultCode::InvalidChecksum);
        }
        let mut segments = body.strip_prefix('+').ok_or(FaultCode::InvalidFormat)?.split('/');
        let primary = segments.next().unwrap_or_default();
        let well_formed = (6..=23).contains(&primary.len())
            && alphanumeric(primary)
            && primary.starts_with(|first: char| first.is_ascii_uppercase())
            && primary.ends_with(|last: char| last.is_ascii_digit());
        if !well_formed {
            return Err(FaultCode::InvalidFormat);
        }
        let mut udi = Self { di: primary.to_owned(), ..Self::empty(UdiIssuer::Hibcc) };
        for segment in segments {
            udi.hibcc_secondary(segment, today)?;
        }
        Ok(udi)
    }

    /// One secondary data structure or supplement, without the `/` before it.
    fn hibcc_secondary(&mut self, segment: &str, today: Date) -> Result<(), FaultCode> {
        let (kind, rest) = HIBCC_SEGMENTS
            .iter()
            .find_map(|(prefix, kind)| Some((kind, segment.strip_prefix(prefix)?)))
            .ok_or(FaultCode::InvalidFormat)?;
        let text = match kind {
            Segment::DatedLot | Segment::DatedSerial => self.hibcc_expiry(rest, today)?,
            Segment::OrdinalLot => {
                let (date, text) = rest.split_at_checked(5).ok_or(FaultCode::InvalidFormat)?;
                put(&mut self.expires_on, day("YYJJJ", date, today)?)?;
                text
            }
            _ => rest,
        };
        match kind {
            Segment::DatedLot | Segment::DatedSerial | Segment::OrdinalLot if text.is_empty() => Ok(()),
            Segment::DatedLot | Segment::OrdinalLot | Segment::Lot => put(&mut self.lot, hibcc_text(text)?),
            Segment::DatedSerial | Segment::Serial => put(&mut self.serial, hibcc_text(text)?),
            Segment::Expiry => put(&mut self.expires_on, day("YYYYMMDD", text, today)?),
            Segment::Manufacture => put(&mut self.manufactured_on, day("YYYYMMDD", text, today)?),
            Segment::Quantity if (1..=5).contains(&text.len()) && digits(text) => Ok(()),
            Segment::Quantity => Err(FaultCode::InvalidFormat),
        }
    }

    /// Reads the expiry date at the start of `text`, in the format of its flag; returns the rest.
    fn hibcc_expiry<'a>(&mut self, text: &'a str, today: Date) -> Result<&'a str, FaultCode> {
        if let Some(undated) = text.strip_prefix('7') {
            return if undated.is_empty() { Err(FaultCode::InvalidFormat) } else { Ok(undated) };
        }
        let flagged = HIBCC_DATES.iter().find_map(|(flag, form)| Some((*form, text.strip_prefix(*flag)?)));
        let (form, dated) = match flagged {
            Some(flagged) => flagged,
            None if text.starts_with(['0', '1']) => ("MMYY", text),
            None => return Err(FaultCode::InvalidFormat),
        };
        let (date, rest) = dated.split_at_checked(form.len()).ok_or(FaultCode::InvalidFormat)?;
        put(&mut self.expires_on, day(form, date, today)?)?;
        Ok(rest)
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

/// The content of a GS1 application identifier.
#[derive(Clone, Copy)]
enum Holds {
    Gtin,
    Manufacture,
    Expiry,
    Lot,
    Serial,
    OtherDay,
    Number,
    Text,
}

/// A GS1 application identifier: its digits, what it holds and in how many characters.
struct Identifier {
    code: &'static str,
    holds: Holds,
    length: RangeInclusive<usize>,
}

/// GS1 General Specifications, section 3.2. No code is the start of another, so a scan is read without looking ahead.
const IDENTIFIERS: [Identifier; 15] = [
    Identifier { code: "01", holds: Holds::Gtin, length: 14..=14 },
    Identifier { code: "10", holds: Holds::Lot, length: 1..=20 },
    Identifier { code: "11", holds: Holds::Manufacture, length: 6..=6 },
    Identifier { code: "13", holds: Holds::OtherDay, length: 6..=6 }, // packaging
    Identifier { code: "15", holds: Holds::OtherDay, length: 6..=6 }, // best before
    Identifier { code: "17", holds: Holds::Expiry, length: 6..=6 },
    Identifier { code: "20", holds: Holds::Number, length: 2..=2 }, // internal variant
    Identifier { code: "21", holds: Holds::Serial, length: 1..=20 },
    Identifier { code: "22", holds: Holds::Text, length: 1..=20 }, // consumer variant
    Identifier { code: "30", holds: Holds::Number, length: 1..=8 }, // count
    Identifier { code: "240", holds: Holds::Text, length: 1..=30 }, // additional product identification
    Identifier { code: "241", holds: Holds::Text, length: 1..=30 }, // customer part number
    Identifier { code: "250", holds: Holds::Text, length: 1..=30 }, // secondary serial
    Identifier { code: "251", holds: Holds::Text, length: 1..=30 }, // source entity
    Identifier { code: "8012", holds: Holds::Text, length: 1..=20 }, // software version
];

/// A GS1 application identifier and the text behind it, not yet checked.
type Element<'a> = (&'static Identifier, &'a str);

impl Identifier {
    const fn fixed(&self) -> bool {
        *self.length.start() == *self.length.end()
    }

    fn check(&self, text: &str) -> Result<(), FaultCode> {
        let well_formed = match self.holds {
            Holds::Lot | Holds::Serial | Holds::Text => text.chars().all(in_set_82),
            _ => digits(text),
        };
        match (well_formed, self.length.contains(&text.len())) {
            (true, true) => Ok(()),
            (true, false) if !self.fixed() && !text.is_empty() => Err(FaultCode::TooLong),
            _ => Err(FaultCode::InvalidFormat),
        }
    }
}

/// Reads `(01)…(17)…`; spaces between the elements are skipped. An opening parenthesis ends a text only where two to
/// four digits and a closing one follow: parentheses are permitted in lots and serials.
fn printed(data: &str) -> Result<Vec<Element<'_>>, FaultCode> {
    let mut elements = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let (code, after) = identifier_in_parentheses(rest).ok_or(FaultCode::InvalidFormat)?;
        let identifier = IDENTIFIERS.iter().find(|identifier| identifier.code == code).ok_or(FaultCode::UnknownItem)?;
        let end = after
            .match_indices('(')
            .map(|(at, _)| at)
            .find(|at| after.get(*at..).and_then(identifier_in_parentheses).is_some())
            .unwrap_or(after.len());
        let (text, next) = after.split_at_checked(end).ok_or(FaultCode::InvalidFormat)?;
        elements.push((identifier, if next.is_empty() { text } else { text.trim_end_matches(' ') }));
        rest = next;
    }
    Ok(elements)
}

fn identifier_in_parentheses(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('(')?.split_once(')').filter(|(code, _)| (2..=4).contains(&code.len()) && digits(code))
}

/// Reads `0109506000117843…` as a scanner sends it. A separator is asked for after texts of variable length only, and
/// let through at the start and after the others.
fn scanned(data: &str) -> Result<Vec<Element<'_>>, FaultCode> {
    let mut elements = Vec::new();
    let mut rest = data.strip_prefix(GROUP_SEPARATOR).unwrap_or(data);
    while !rest.is_empty() {
        let (identifier, after) = IDENTIFIERS
            .iter()
            .find_map(|identifier| Some((identifier, rest.strip_prefix(identifier.code)?)))
            .ok_or(if rest.starts_with(|first: char| first.is_ascii_digit()) {
                FaultCode::UnknownItem
            } else {
                FaultCode::InvalidFormat
            })?;
        let end = if identifier.fixed() {
            *identifier.length.end()
        } else {
            after.find(GROUP_SEPARATOR).unwrap_or(after.len())
        };
        let (text, next) = after.split_at_checked(end).ok_or(FaultCode::InvalidFormat)?;
        elements.push((identifier, text));
        rest = next.strip_prefix(GROUP_SEPARATOR).unwrap_or(next);
    }
    Ok(elements)
}

/// Fourteen digits with a sum by the weights 3, 1, 3, … that is a multiple of ten. Shorter GTINs must have leading
/// zeros; a GTIN of zeros only would pass the check and is refused.
fn gtin(text: &str) -> Result<&str, FaultCode> {
    let sum: u32 = text.bytes().zip([3, 1].iter().cycle()).map(|(byte, weight)| u32::from(byte - b'0') * weight).sum();
    match (sum, sum % 10) {
        (0, _) => Err(FaultCode::InvalidFormat),
        (_, 0) => Ok(text),
        _ => Err(FaultCode::InvalidChecksum),
    }
}

/// GS1's `YYMMDD`, where day 00 is the last day of the month.
fn gs1_day(text: &str, today: Date) -> Result<Date, FaultCode> {
    match text.strip_suffix("00") {
        Some(month) => day("YYMM", month, today),
        None => day("YYMMDD", text, today),
    }
}

/// GS1 character set 82 (ISO/IEC 646, General Specifications, figure 7.11-1).
const fn in_set_82(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '!' | '"' | '%'..='/' | ':'..='?' | '_')
}

/// A structure of ANSI/HIBC 2.6 after the primary one.
enum Segment {
    DatedSerial,
    DatedLot,
    Serial,
    Lot,
    Expiry,
    Manufacture,
    Quantity,
    OrdinalLot,
}

/// The first matching prefix determines the segment.
const HIBCC_SEGMENTS: [(&str, Segment); 9] = [
    ("$$+", Segment::DatedSerial),
    ("$$", Segment::DatedLot),
    ("$+", Segment::Serial),
    ("$", Segment::Lot),
    ("14D", Segment::Expiry),
    ("16D", Segment::Manufacture),
    ("S", Segment::Serial),
    ("Q", Segment::Quantity),
    ("", Segment::OrdinalLot),
];

/// The flag before an expiry date and the form it announces; `MMYY` has none, because months start with 0 or 1.
const HIBCC_DATES: [(char, &str); 5] =
    [('2', "MMDDYY"), ('3', "YYMMDD"), ('4', "YYMMDDHH"), ('5', "YYJJJ"), ('6', "YYJJJHH")];

/// The place of a character is its value.
const HIBCC_CHARACTERS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%";

/// The check character of everything before it, flag included: the sum of the values modulo 43.
fn hibcc_check(body: &str) -> Option<char> {
    let sum = body.chars().map(|letter| HIBCC_CHARACTERS.find(letter)).sum::<Option<usize>>()?;
    HIBCC_CHARACTERS.chars().nth(sum % 43)
}

/// A lot or serial of HIBCC: 1 to 18 of `A-Z 0-9`, and the `-` and `.` that labels have in practice.
fn hibcc_text(text: &str) -> Result<String, FaultCode> {
    let permitted =
        |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || matches!(letter, '-' | '.');
    match text.len() {
        1..=18 if text.chars().all(permitted) => Ok(text.to_owned()),
        0..=18 => Err(FaultCode::InvalidFormat),
        _ => Err(FaultCode::TooLong),
    }
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
/// `JJJ` the day of the year, `HH` checked and dropped. A form without a day means the last day of the month.
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
    match part(b'H') {
        Some(24..) => Err(FaultCode::InvalidDate),
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
