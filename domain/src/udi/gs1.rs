//! GS1 element strings: the table of application identifiers, and both spellings of a label.

use std::collections::HashSet;
use std::sync::LazyLock;

use jiff::civil::Date;

use super::{Udi, UdiIssuer, day, digits};
use crate::fault::FaultCode;

pub(super) const GROUP_SEPARATOR: char = '\u{1d}';

/// One part of an element, as the General Specifications write it: `n6`, `x..20`, `[n4]`.
struct Part {
    permitted: fn(char) -> bool,
    fixed: bool,
    most: usize,
    optional: bool,
}

/// A GS1 application identifier: its digits, whether its length is predefined, and the parts of its text.
pub(super) struct Identifier {
    pub(super) code: String,
    pub(super) predefined: bool,
    parts: Vec<Part>,
}

/// The application identifiers of the General Specifications, section 3.2, release 25, without those of a person (7250 to
/// 7259): a device has no name and no day of birth, and the label is kept as it is. No code is the start of another, so a
/// scan is read without looking ahead.
pub(super) static IDENTIFIERS: LazyLock<Vec<Identifier>> = LazyLock::new(|| {
    let rows = include_str!("gs1.csv").lines().skip(1).filter_map(|row| {
        let mut cells = row.splitn(4, ',');
        Some((cells.next()?, cells.next()? == "yes", cells.next()?))
    });
    let expanded = rows.flat_map(|(codes, predefined, format)| {
        let (first, last) = codes.split_once('-').unwrap_or((codes, codes));
        let range = first.parse::<u16>().unwrap_or(0)..=last.parse::<u16>().unwrap_or(0);
        let width = first.len();
        range.map(move |code| (format!("{code:0width$}"), predefined, format))
    });
    expanded
        .map(|(code, predefined, format)| Identifier {
            code,
            predefined,
            parts: format.split(' ').map(Part::read).collect(),
        })
        .collect()
});

impl Part {
    fn read(text: &str) -> Self {
        let inner = text.trim_start_matches('[').trim_end_matches(']');
        let (set, length) = inner.split_at(1);
        Self {
            permitted: match set {
                "n" => |letter: char| letter.is_ascii_digit(),
                "y" => |letter: char| matches!(letter, '#' | '-' | '/' | '0'..='9' | 'A'..='Z'),
                "z" => |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '='),
                _ => in_set_82,
            },
            fixed: !length.starts_with(".."),
            most: length.trim_start_matches('.').parse().unwrap_or(0),
            optional: inner != text,
        }
    }
}

impl Identifier {
    fn check(&self, text: &str) -> Result<(), FaultCode> {
        let mut rest = text;
        for part in &self.parts {
            if part.optional && rest.is_empty() {
                return Ok(());
            }
            let length = if part.fixed { part.most } else { part.most.min(rest.len()) };
            let (taken, after) = rest.split_at_checked(length).ok_or(FaultCode::InvalidFormat)?;
            if taken.is_empty() || !taken.chars().all(part.permitted) {
                return Err(FaultCode::InvalidFormat);
            }
            rest = after;
        }
        match self.parts.last() {
            _ if rest.is_empty() => Ok(()),
            Some(last) if !last.fixed && rest.chars().all(last.permitted) => Err(FaultCode::TooLong),
            _ => Err(FaultCode::InvalidFormat),
        }
    }

    /// The number of characters of a text of predefined length.
    pub(super) fn length(&self) -> usize {
        self.parts.iter().map(|part| part.most).sum()
    }

    fn is_number(&self) -> bool {
        self.parts.iter().all(|part| (part.permitted)('0') && !(part.permitted)('A'))
    }
}

/// A GS1 application identifier and the text behind it, not yet checked.
type Element = (&'static Identifier, String);

impl Udi {
    pub(super) fn gs1(symbols: &[&str], today: Date) -> Result<Self, FaultCode> {
        let mut udi = Self::empty(UdiIssuer::Gs1);
        let mut expires_at = None;
        let mut seen = HashSet::new();
        for symbol in symbols {
            let symbol = symbol.trim();
            let elements = if symbol.starts_with('(') { printed(symbol)? } else { scanned(symbol)? };
            for (identifier, text) in elements {
                if !seen.insert(&identifier.code) {
                    return Err(FaultCode::DuplicateKey);
                }
                identifier.check(&text)?;
                match identifier.code.as_str() {
                    "01" => gtin(&text)?.clone_into(&mut udi.di),
                    "11" => udi.manufactured_on = Some(gs1_day(&text, today)?),
                    "17" => udi.expires_on = Some(gs1_day(&text, today)?),
                    "10" => udi.lot = Some(text),
                    "21" => udi.serial = Some(text),
                    // Due, packaging, best before, sell by.
                    "12" | "13" | "15" | "16" => _ = gs1_day(&text, today)?,
                    "7003" => expires_at = Some(day("YYMMDDHHmm", &text, today)?),
                    _ => {}
                }
            }
        }
        // The expiry with an hour says the same as the one without, where there are both.
        if udi.expires_on.is_some() && expires_at.is_some() && udi.expires_on != expires_at {
            return Err(FaultCode::Contradiction);
        }
        udi.expires_on = udi.expires_on.or(expires_at);
        if udi.di.is_empty() { Err(FaultCode::InvalidFormat) } else { Ok(udi) }
    }
}

/// Reads `(01)…(17)…`. Spaces around a text are skipped, and inside a number: no character set has a space. An opening
/// parenthesis ends a text only where two to four digits and a closing one follow: parentheses are permitted in lots and
/// serials.
fn printed(data: &str) -> Result<Vec<Element>, FaultCode> {
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
        let text = text.trim().trim_end_matches(GROUP_SEPARATOR);
        elements.push((identifier, if identifier.is_number() { text.replace(' ', "") } else { text.to_owned() }));
        rest = next;
    }
    Ok(elements)
}

fn identifier_in_parentheses(text: &str) -> Option<(&str, &str)> {
    let (code, after) = text.strip_prefix('(')?.split_once(')')?;
    let code = code.trim();
    ((2..=4).contains(&code.len()) && digits(code)).then_some((code, after))
}

/// Reads `0109506000117843…` as a scanner sends it. A separator is asked for after texts without a predefined length only,
/// and let through at the start and after the others.
fn scanned(data: &str) -> Result<Vec<Element>, FaultCode> {
    let mut elements = Vec::new();
    let mut rest = data.strip_prefix(GROUP_SEPARATOR).unwrap_or(data);
    while !rest.is_empty() {
        let (identifier, after) = IDENTIFIERS
            .iter()
            .find_map(|identifier| Some((identifier, rest.strip_prefix(identifier.code.as_str())?)))
            .ok_or(if rest.starts_with(|first: char| first.is_ascii_digit()) {
                FaultCode::UnknownItem
            } else {
                FaultCode::InvalidFormat
            })?;
        let end = if identifier.predefined {
            identifier.length()
        } else {
            after.find(GROUP_SEPARATOR).unwrap_or(after.len())
        };
        let (text, next) = after.split_at_checked(end).ok_or(FaultCode::InvalidFormat)?;
        elements.push((identifier, text.to_owned()));
        rest = next.strip_prefix(GROUP_SEPARATOR).unwrap_or(next);
    }
    Ok(elements)
}

/// Fourteen digits with a sum by the weights 3, 1, 3, … that is a multiple of ten. Shorter GTINs must have leading
/// zeros; a GTIN of zeros only would pass the check and is refused.
pub(super) fn gtin(text: &str) -> Result<&str, FaultCode> {
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
pub(super) const fn in_set_82(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '!' | '"' | '%'..='/' | ':'..='?' | '_')
}
