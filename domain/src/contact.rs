//! Contact data of a patient: well-formed numbers and addresses. They are redacted in `Debug`, and not checked for
//! existence.

use std::fmt;

use crate::fault::FaultCode;
use crate::text::composed;

const MOBILE_INPUT_MAX: usize = 32;
const EMAIL_MAX: usize = 254;
const EMAIL_LOCAL_MAX: usize = 64;
const DOMAIN_LABEL_MAX: usize = 63;

/// A mobile number in E.164 form, such as `+4790000000`. `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct Mobile(Box<str>);

impl Mobile {
    /// Reads a number as people write it: spaces, brackets, hyphens, dots and slashes are dropped, `00` at the start means
    /// `+`, and `(0)` after a country code is the digit that is dialled within the country only (ITU-T E.123).
    ///
    /// Eight digits that start with 4 or 9 are a Norwegian mobile number and get `+47`; a `+47` number must be of that
    /// form. Ten digits that are such a number with `47` before it are it too: Norway has no numbers of ten digits, and
    /// other systems store it so. Any other country is `+` and 8 to 15 digits, not starting with 0 (ITU-T E.164).
    ///
    /// # Errors
    ///
    /// [`FaultCode::TooLong`] for more than 32 characters, [`FaultCode::InvalidFormat`] for everything else.
    pub fn parse(value: &str) -> Result<Self, FaultCode> {
        if value.chars().count() > MOBILE_INPUT_MAX {
            return Err(FaultCode::TooLong);
        }
        let international = value.trim_start_matches(is_punctuation);
        let written = if international.starts_with('+') || international.starts_with("00") {
            value.replacen("(0)", "", 1)
        } else {
            value.to_owned()
        };
        let bare: String = written.chars().filter(|c| !is_punctuation(*c)).collect();
        let norwegian = |national: &str| national.len() == 8 && national.starts_with(['4', '9']);
        let digits = match bare.strip_prefix('+').or_else(|| bare.strip_prefix("00")) {
            Some(international) => international.to_owned(),
            None if bare.len() == 8 => format!("47{bare}"),
            None if bare.strip_prefix("47").is_some_and(norwegian) => bare,
            None => return Err(FaultCode::InvalidFormat),
        };
        let well_formed = digits.bytes().all(|byte| byte.is_ascii_digit())
            && match digits.strip_prefix("47") {
                Some(national) => norwegian(national),
                None => (8..=15).contains(&digits.len()) && !digits.starts_with('0'),
            };
        if well_formed { Ok(Self(format!("+{digits}").into())) } else { Err(FaultCode::InvalidFormat) }
    }

    /// The number in E.164 form: for sealing and sending only.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Mobile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mobile(..)")
    }
}

/// An e-mail address, its domain in lower case. `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(Box<str>);

impl Email {
    /// Reads an address: one `@`, at most 64 bytes before it and 254 in all, a domain with a dot.
    ///
    /// Before the `@`: letters, digits and the other characters of an RFC 5321 dot-string, so that nothing can end a
    /// mail header. After it: letters, digits and hyphens between dots. Letters outside ASCII are let through (RFC 6531,
    /// `blåbær.no`), composed as RFC 5891 and RFC 6532 ask; quoted local parts, address literals, comments, spaces and
    /// control characters are not.
    ///
    /// # Errors
    ///
    /// [`FaultCode::TooLong`] for more than 254 bytes, [`FaultCode::InvalidFormat`] for everything else.
    pub fn parse(value: &str) -> Result<Self, FaultCode> {
        let value = composed(value);
        if value.len() > EMAIL_MAX {
            return Err(FaultCode::TooLong);
        }
        let (local, domain) = value.split_once('@').ok_or(FaultCode::InvalidFormat)?;
        let domain = domain.to_lowercase();
        let domain = composed(&domain);
        let atom = |part: &str| !part.is_empty() && part.chars().all(is_atom);
        let label = |part: &str| {
            !part.is_empty()
                && part.len() <= DOMAIN_LABEL_MAX
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part.chars().all(|c| c.is_alphanumeric() || c == '-')
        };
        let well_formed = local.len() <= EMAIL_LOCAL_MAX
            && local.split('.').all(atom)
            && domain.contains('.')
            && domain.split('.').all(label);
        if well_formed { Ok(Self(format!("{local}@{domain}").into())) } else { Err(FaultCode::InvalidFormat) }
    }

    /// The address: for sealing and sending only.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(..)")
    }
}

/// What people put between the digits of a telephone number: spaces of any width, brackets, hyphens, dots, slashes.
fn is_punctuation(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '(' | ')' | '-' | '\u{2010}'..='\u{2014}' | '.' | '/')
}

fn is_atom(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Email, Mobile};
    use crate::fault::FaultCode::{InvalidFormat, TooLong};

    #[test]
    fn parse_mobile_normalises_to_e164() {
        for (written, expected) in [
            ("90000000", "+4790000000"),
            ("400 00 000", "+4740000000"),
            ("+47 900 00 000", "+4790000000"),
            ("004790000000", "+4790000000"),
            ("+47-900-00-000", "+4790000000"),
            ("+46 70 000 00 00", "+46700000000"),
            ("+15550100", "+15550100"),
            ("(+47) 90 00 00 01", "+4790000001"),
            ("+47 (0) 900 00 001", "+4790000001"),
            ("0047 (0) 900.00.001", "+4790000001"),
            ("(0047) 900 00 001", "+4790000001"),
            ("+46 (0)70-000 00 00", "+46700000000"),
            ("900\u{a0}00\u{202f}001", "+4790000001"),
            ("900\u{2011}00\u{2013}001", "+4790000001"),
            ("90/00/00/01", "+4790000001"),
            (" 90000001 ", "+4790000001"),
            ("4790000001", "+4790000001"),
            ("47 900 00 001", "+4790000001"),
            ("+999000000000000", "+999000000000000"),
        ] {
            assert_eq!(Mobile::parse(written).as_ref().map(Mobile::as_str), Ok(expected));
        }
    }

    #[test]
    fn parse_mobile_refuses_other_numbers() {
        for wrong in [
            "",
            "+",
            "00",
            "+47",
            "22000000",
            "+4722000000",
            "9000000",
            "900000000",
            "+479000000",
            "+47900000000",
            "4722000000",
            "479000000",
            "47900000000",
            "4690000000",
            "(0)90000000",
            "+47 (0)(0) 90000001",
            "+47 0 90000001",
            "()",
            "90000001,90000002",
            "90000001 / 90000002",
            "90000001;ext=2",
            "+0123456789",
            "+1234567",
            "+1234567890123456",
            "++4790000000",
            "+47+90000000",
            "9000000O",
            "90000000\n",
            "tel:90000000",
            "٩٠٠٠٠٠٠٠",
            "9000000ø",
        ] {
            assert_eq!(Mobile::parse(wrong), Err(InvalidFormat), "{wrong}");
        }
        assert_eq!(Mobile::parse(&" ".repeat(33)), Err(TooLong));
    }

    #[test]
    fn parse_email_lowercases_the_domain_only() {
        for (written, expected) in [
            ("kari@example.no", "kari@example.no"),
            ("Kari.Nordmann+smerte@Post.Example.NO", "Kari.Nordmann+smerte@post.example.no"),
            ("o'hara_1@ex-ample.no", "o'hara_1@ex-ample.no"),
            ("bjørn@blåbær.no", "bjørn@blåbær.no"),
            ("a\u{30a}se@bla\u{30a}bær.no", "\u{e5}se@bl\u{e5}bær.no"),
            ("kari@BLA\u{30a}BÆR.no", "kari@bl\u{e5}bær.no"),
        ] {
            assert_eq!(Email::parse(written).as_ref().map(Email::as_str), Ok(expected));
        }
    }

    #[test]
    fn parse_email_refuses_malformed_addresses() {
        for wrong in [
            "",
            "@",
            "kari",
            "kari@",
            "@example.no",
            "kari@example",
            "kari@@example.no",
            "kari@a@example.no",
            "kari@.no",
            "kari@example.",
            "kari@example..no",
            "kari@-example.no",
            "kari@example-.no",
            "kari@exam_ple.no",
            "kari@[127.0.0.1]",
            ".kari@example.no",
            "kari.@example.no",
            "ka..ri@example.no",
            "kari nordmann@example.no",
            " kari@example.no",
            "kari@example.no ",
            "kari@example.no\r\nBcc: ola@example.no",
            "kari\0@example.no",
            "kari\u{200b}@example.no",
            "\"kari\"@example.no",
            "<kari@example.no>",
            "kari,ola@example.no",
        ] {
            assert_eq!(Email::parse(wrong), Err(InvalidFormat), "{wrong:?}");
        }
        assert_eq!(Email::parse(&format!("{}@example.no", "a".repeat(65))), Err(InvalidFormat));
        assert_eq!(Email::parse(&format!("kari@{}.no", "a".repeat(64))), Err(InvalidFormat));
        assert_eq!(Email::parse(&format!("kari@{}no", "abcdefghi.".repeat(25))), Err(TooLong));
    }

    #[test]
    fn debug_redacts_contact_data() {
        assert_eq!(format!("{:?}", Mobile::parse("90000000")), "Ok(Mobile(..))");
        assert_eq!(format!("{:?}", Email::parse("kari@example.no")), "Ok(Email(..))");
    }

    proptest! {
        #[test]
        fn parse_is_total_and_stable(
            value in prop_oneof![any::<String>(), "[+0-9 -]{0,20}", "\\PC{1,9}@\\PC{1,9}\\.\\PC{1,4}"],
        ) {
            if let Ok(mobile) = Mobile::parse(&value) {
                prop_assert_eq!(Mobile::parse(mobile.as_str()), Ok(mobile.clone()));
            }
            if let Ok(email) = Email::parse(&value) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
            }
        }
    }
}
