//! Organisation numbers with a fitting check digit; not whether such an organisation exists.

use std::fmt;

use crate::fault::FaultCode;

const WEIGHTS: [u8; 9] = [3, 2, 7, 6, 5, 4, 3, 2, 1];

/// Organisasjonsnummer: nine digits of the register of legal entities (Enhetsregisteret), the last one a check digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrganisationNumber(Box<str>);

impl OrganisationNumber {
    /// Reads exactly nine digits, no spaces, whose weighted sum is a multiple of 11. A leading zero is refused: no
    /// series starts with it, and nine zeros would pass the check.
    ///
    /// # Errors
    ///
    /// [`FaultCode::InvalidFormat`] or [`FaultCode::InvalidChecksum`].
    pub fn parse(value: &str) -> Result<Self, FaultCode> {
        let bytes: [u8; 9] = value.as_bytes().try_into().map_err(|_| FaultCode::InvalidFormat)?;
        if !bytes.iter().all(u8::is_ascii_digit) || value.starts_with('0') {
            return Err(FaultCode::InvalidFormat);
        }
        let sum: u16 = WEIGHTS.iter().zip(bytes).map(|(weight, byte)| u16::from(weight * (byte - b'0'))).sum();
        if sum.is_multiple_of(11) { Ok(Self(value.into())) } else { Err(FaultCode::InvalidChecksum) }
    }

    /// The nine digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrganisationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::OrganisationNumber;
    use crate::fault::FaultCode::{InvalidChecksum, InvalidFormat};

    /// Hospitals and health trusts of the public register.
    const VALID: [&str; 10] = [
        "883658752",
        "983974880",
        "974285959",
        "974795833",
        "983974899",
        "974631776",
        "983971636",
        "974705788",
        "974116804",
        "993467049",
    ];

    #[test]
    fn parse_reads_real_organisation_numbers() {
        for value in VALID {
            let number = OrganisationNumber::parse(value).expect(value);
            assert_eq!((number.as_str(), number.to_string().as_str()), (value, value));
        }
    }

    #[test]
    fn parse_refuses_other_texts_with_the_matching_code() {
        for wrong in ["", "98397488", "9839748800", "983 974 880", "98397488O", "000000000", "NO983974880", "٩٨٣٩٧"]
        {
            assert_eq!(OrganisationNumber::parse(wrong), Err(InvalidFormat), "{wrong}");
        }
        assert_eq!(OrganisationNumber::parse("983974881"), Err(InvalidChecksum));
    }

    #[test]
    fn parse_refuses_bodies_whose_check_digit_would_be_10() {
        // 3 * 2 + 2 * 3 = 12 leaves 1, so the check digit would have to be 10.
        for check in 0..10 {
            assert_eq!(OrganisationNumber::parse(&format!("20000003{check}")), Err(InvalidChecksum));
        }
    }

    proptest! {
        #[test]
        fn parse_refuses_one_wrong_digit(which in 0..10_usize, place in 0..9_usize, digit in b'0'..=b'9') {
            let value = VALID.get(which).copied().unwrap_or_default();
            let mut bytes = value.as_bytes().to_vec();
            if let Some(byte) = bytes.get_mut(place) { *byte = digit; }
            let changed = String::from_utf8(bytes).expect("ASCII");
            prop_assume!(changed != value);
            prop_assert!(OrganisationNumber::parse(&changed).is_err());
        }

        #[test]
        fn parse_never_panics(value in any::<String>()) {
            let _ = OrganisationNumber::parse(&value);
        }
    }
}
