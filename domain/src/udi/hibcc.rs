//! HIBC symbols: a primary one and its secondary ones, in one symbol or in several.

use jiff::civil::Date;

use super::{Udi, UdiIssuer, alphanumeric, day, digits, put};
use crate::fault::FaultCode;

impl Udi {
    pub(super) fn hibcc(symbols: &[&str], today: Date) -> Result<Self, FaultCode> {
        let mut texts: Vec<String> = symbols.iter().flat_map(|symbol| captions(symbol)).collect();
        // Only the primary one begins with a letter; people scan in any order.
        let is_primary = |text: &String| text.chars().nth(1).is_some_and(|first| first.is_ascii_uppercase());
        let at = texts.iter().position(is_primary).unwrap_or_default();
        texts.get_mut(..=at).ok_or(FaultCode::InvalidFormat)?.rotate_right(1);
        let [first, others @ ..] = texts.as_slice() else { return Err(FaultCode::InvalidFormat) };
        let (first, mut secondary) = divided(first).unwrap_or((first.as_str(), Vec::new()));
        let check = first.chars().next_back().ok_or(FaultCode::InvalidFormat)?;
        let mut segments = checked(first)?.split('/');
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
        for other in others {
            match secondaries(other, check) {
                Some(several) => secondary.extend(several),
                None => secondary.push(other),
            }
        }
        for symbol in secondary {
            // The link is the check character of the symbol that it belongs to.
            let linked = checked(symbol)?.strip_suffix(check).ok_or(FaultCode::Contradiction)?;
            linked.split('/').try_for_each(|segment| udi.hibcc_secondary(segment, today))?;
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
            Segment::Quantities(length) => {
                let (quantity, text) = rest.split_at_checked(*length).ok_or(FaultCode::InvalidFormat)?;
                if !digits(quantity) {
                    return Err(FaultCode::InvalidFormat);
                }
                // A date is optional here, so digits that are none could be a lot or a misprint.
                if text.starts_with(|first: char| first.is_ascii_digit()) {
                    self.hibcc_expiry(text, today)?
                } else {
                    text
                }
            }
            Segment::OrdinalLot => {
                let (date, text) = rest.split_at_checked(5).ok_or(FaultCode::InvalidFormat)?;
                put(&mut self.expires_on, day("YYJJJ", date, today)?)?;
                text
            }
            _ => rest,
        };
        match kind {
            Segment::DatedLot | Segment::DatedSerial | Segment::OrdinalLot | Segment::Quantities(_)
                if text.is_empty() =>
            {
                Ok(())
            }
            Segment::DatedLot | Segment::OrdinalLot | Segment::Quantities(_) | Segment::Lot => {
                put(&mut self.lot, hibcc_text(text)?)
            }
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
}

/// The symbols of a text: one, or several with asterisks around each, where `_` may stand for a space at the end.
fn captions(text: &str) -> Vec<String> {
    if !text.starts_with('*') {
        return vec![text.to_owned()];
    }
    let captions = text.trim_end().split('*').map(|caption| match caption.strip_suffix('_') {
        Some(body) => format!("{body} "),
        None => caption.to_owned(),
    });
    captions.filter(|caption| !caption.trim().is_empty()).collect()
}

/// Returns the text between `+` and the check character, which must match.
fn checked(symbol: &str) -> Result<&str, FaultCode> {
    let check = symbol.chars().next_back().ok_or(FaultCode::InvalidFormat)?;
    let body = symbol.strip_suffix(check).ok_or(FaultCode::InvalidFormat)?;
    if hibcc_check(body).ok_or(FaultCode::InvalidFormat)? != check {
        return Err(FaultCode::InvalidChecksum);
    }
    body.strip_prefix('+').ok_or(FaultCode::InvalidFormat)
}

/// Divides symbols that follow each other into the primary one and the others; none if the text is one symbol.
fn divided(text: &str) -> Option<(&str, Vec<&str>)> {
    if checked(text).is_ok() {
        return None;
    }
    text.match_indices('+').skip(1).find_map(|(at, _)| {
        let (primary, rest) = text.split_at_checked(at)?;
        let primary = if checked(primary).is_ok() { primary } else { primary.trim_end() };
        checked(primary).ok()?;
        Some((primary, secondaries(rest, primary.chars().next_back()?)?))
    })
}

/// Divides secondary symbols that follow each other, all with this link.
fn secondaries(text: &str, link: char) -> Option<Vec<&str>> {
    let linked = |symbol: &str| checked(symbol).is_ok_and(|body| body.ends_with(link));
    if linked(text) {
        return Some(vec![text]);
    }
    text.match_indices('+').skip(1).find_map(|(at, _)| {
        let (first, rest) = text.split_at_checked(at)?;
        let first = if linked(first) { first } else { first.trim_end() };
        let rest = linked(first).then(|| secondaries(rest, link))??;
        Some(std::iter::once(first).chain(rest).collect())
    })
}

/// A structure of ANSI/HIBC 2.6 after the primary one.
enum Segment {
    DatedSerial,
    DatedLot,
    /// A quantity of so many digits, a date and a lot.
    Quantities(usize),
    Serial,
    Lot,
    Expiry,
    Manufacture,
    Quantity,
    OrdinalLot,
}

/// The first matching prefix determines the segment.
const HIBCC_SEGMENTS: [(&str, Segment); 11] = [
    ("$$+", Segment::DatedSerial),
    ("$$8", Segment::Quantities(2)),
    ("$$9", Segment::Quantities(5)),
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
pub(super) const HIBCC_CHARACTERS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%";

/// The check character of everything before it, flag included: the sum of the values modulo 43.
pub(super) fn hibcc_check(body: &str) -> Option<char> {
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
