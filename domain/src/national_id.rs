//! National identity numbers, well-formed by construction; never shown or logged, and never a source of sex or age.
//!
//! Eleven digits `DDMMYYIIIKK`. With the weights `3 7 6 1 8 9 4 5 2 1` and `5 4 3 2 7 6 5 4 3 2 1` the digits leave
//! the remainders `r1` and `r2` modulo 11. Numbers of 1964 have `r1 = 0`, numbers issued from 2032-01-01 have `r1` in
//! `0..=3`; `r2 = 0` always. Both rules are accepted side by side, because issued numbers stay valid (Skatteetaten,
//! "Nytt fødselsnummer fra 2032"). H and FH numbers are not issued by the population register and keep `r1 = 0`.
//!
//! Any single wrong digit and any two swapped neighbours change `r2`, so both are refused under either rule.
//!
//! **The +40 collision.** A month of 41 to 52 marks both a hospital's local H-number and the synthetic series of NAV.
//! The digits do not distinguish them, the caller's [`IdType`] does: an [`IdType::Hnr`] is an H-number and needs its
//! assigner; an [`IdType::Fnr`] or [`IdType::Dnr`] is synthetic and refused in production. A test environment accepts
//! both, so it cannot keep out a real H-number.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr};

use crate::fault::FaultCode;

const K1_WEIGHTS: [u8; 11] = [3, 7, 6, 1, 8, 9, 4, 5, 2, 1, 0];
const K2_WEIGHTS: [u8; 11] = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1];
const ASSIGNER_MAX: usize = 64;

/// The type of a person number.
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
    EnumString,
    IntoStaticStr,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum IdType {
    /// Fødselsnummer: the national identity number.
    Fnr,
    /// D-nummer: for people without a fødselsnummer; day + 40.
    Dnr,
    /// H-nummer (hjelpenummer): local, month + 40, unique only together with the system that assigned it.
    Hnr,
    /// FH-nummer (felles hjelpenummer): national, first digit 8 or 9, the rest random.
    Fhn,
    /// DUF-nummer of the immigration authorities: twelve digits. No check rule is published, so none is applied.
    Duf,
}

/// The numbers that this installation accepts: real and synthetic people are never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Acceptance {
    /// Production: refuses month + 80, and month + 40 unless the number is an H-number.
    Production,
    /// No real people: takes month + 80, month + 40 and the FH pattern, refuses everything else, DUF included.
    Test,
}

/// The issuing rule that the check digits are evidence of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `r1 = 0`: issued under the rule of 1964, or one of those issued from 2032 that happen to satisfy it too.
    Either,
    /// `r1` in `1..=3`: issued from 2032-01-01 for certain.
    From2032,
    /// H, FH and DUF numbers, which the population register does not issue.
    NotApplicable,
}

/// The offset of the month, if any.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Unmarked,
    Plus40,
    Plus80,
}

/// A person number that is certainly well-formed: type, digits and, for an H-number, its assigner.
///
/// `Debug` shows the type only, and there is no `Display` and no `Serialize`.
#[derive(Clone, PartialEq, Eq)]
pub struct NationalId {
    kind: IdType,
    digits: Box<str>,
    assigner: Option<Box<str>>,
    synthetic: bool,
}

impl NationalId {
    /// Reads `value` as a number of the type `kind`.
    ///
    /// `value` is exactly eleven (DUF: twelve) ASCII digits; a space after the sixth digit is refused, because a
    /// person must not have two spellings. `assigner` names the system that issued an H-number: 1 to 64 of `A-Z a-z
    /// 0-9 . _ : -`, such as an organisation number; it is kept in lower case.
    ///
    /// # Errors
    ///
    /// About the digits: [`FaultCode::InvalidFormat`] (length, other characters, or the pattern of another type),
    /// [`FaultCode::InvalidDate`], [`FaultCode::InvalidChecksum`], [`FaultCode::NotAcceptedHere`].
    /// About the assigner: [`FaultCode::Required`] (an H-number without one), [`FaultCode::Contradiction`] (another
    /// type with one), [`FaultCode::TooLong`], [`FaultCode::ForbiddenCharacter`].
    pub fn parse(kind: IdType, value: &str, assigner: Option<&str>, acceptance: Acceptance) -> Result<Self, FaultCode> {
        let mark = checked(kind, value)?;
        let assigner = checked_assigner(kind, assigner)?;
        if !accepted(kind, mark, acceptance) {
            return Err(FaultCode::NotAcceptedHere);
        }
        let synthetic = mark == Mark::Plus80 || (mark == Mark::Plus40 && kind != IdType::Hnr);
        Ok(Self { kind, digits: value.into(), assigner, synthetic })
    }

    /// Reads eleven digits that came without a type, as from Nettskjema: FH for a first digit of 8 or 9, D for 4 to 7,
    /// otherwise fødselsnummer.
    ///
    /// Two types are never inferred. An H-number is meaningless without its assigner, so month + 40 is refused in
    /// production. Twelve digits have no known check digits: a fødselsnummer with an extra digit would become the DUF
    /// number of another person.
    ///
    /// # Errors
    ///
    /// As [`NationalId::parse`], of the digits.
    pub fn detect(value: &str, acceptance: Acceptance) -> Result<Self, FaultCode> {
        let kind = match value.bytes().next() {
            Some(b'8' | b'9') => IdType::Fhn,
            Some(b'4'..=b'7') => IdType::Dnr,
            _ => IdType::Fnr,
        };
        Self::parse(kind, value, None, acceptance)
    }

    /// The series the number belongs to.
    pub const fn kind(&self) -> IdType {
        self.kind
    }

    /// The bare digits: for sealing and for messages to the population register only.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// The system that issued an H-number, in lower case; `None` for every other type.
    pub fn assigner(&self) -> Option<&str> {
        self.assigner.as_deref()
    }

    /// Whether the number bears the mark of a synthetic person (month + 80, or month + 40 on a fødselsnummer or
    /// D-number). `false` does not prove a real person: H, FH and DUF numbers have no such mark.
    pub const fn is_synthetic(&self) -> bool {
        self.synthetic
    }

    /// `fnr:…`, `hnr:<assigner>:…`: the input of the keyed blind index, one text per identity. It holds the digits, so
    /// it must not be kept.
    pub fn canonical(&self) -> String {
        let kind: &'static str = self.kind.into();
        match &self.assigner {
            Some(assigner) => format!("{kind}:{assigner}:{}", self.digits),
            None => format!("{kind}:{}", self.digits),
        }
    }

    /// The issuing rule that the check digits are evidence of.
    pub fn scheme(&self) -> Scheme {
        match (self.kind, eleven(&self.digits)) {
            (IdType::Fnr | IdType::Dnr, Some(digits)) if remainder(K1_WEIGHTS, digits) == 0 => Scheme::Either,
            (IdType::Fnr | IdType::Dnr, Some(_)) => Scheme::From2032,
            _ => Scheme::NotApplicable,
        }
    }

    /// Returns the birth date that the rule of 1964 reads from the digits, only to warn about an implausible birth
    /// date: a number issued from 2032 contains no century and may look like an older one, so the birth date is always
    /// taken from a separate field.
    ///
    /// `None` for FH and DUF numbers, for `r1 > 0`, and for individual numbers outside the series of 1964.
    pub fn embedded_birth_date(&self) -> Option<Date> {
        if matches!(self.kind, IdType::Fhn | IdType::Duf) {
            return None;
        }
        let digits = eleven(&self.digits)?;
        if remainder(K1_WEIGHTS, digits) != 0 {
            return None;
        }
        let (_, day, month, year) = dated(digits)?;
        let [.., i1, i2, i3, _, _] = digits;
        let individual = 100 * u16::from(i1) + 10 * u16::from(i2) + u16::from(i3);
        let century = match (individual, year) {
            (0..=499, _) => 1900,
            (500..=749, 54..) if self.kind != IdType::Dnr => 1800,
            (900..=999, 40..) if self.kind != IdType::Dnr => 1900,
            (500..=999, 0..=39) => 2000,
            _ => return None,
        };
        Date::new(century + i16::from(year), month, day).ok()
    }
}

impl fmt::Debug for NationalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NationalId").field(&self.kind).finish_non_exhaustive()
    }
}

/// Format, type, date and check digits, in this order; the mark says what [`accepted`] needs to know.
fn checked(kind: IdType, value: &str) -> Result<Mark, FaultCode> {
    if kind == IdType::Duf {
        let well_formed = value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit());
        return if well_formed { Ok(Mark::Unmarked) } else { Err(FaultCode::InvalidFormat) };
    }
    let digits = eleven(value).ok_or(FaultCode::InvalidFormat)?;
    let [first, ..] = digits;
    let first_fits = match kind {
        IdType::Dnr => (4..=7).contains(&first),
        IdType::Fhn => first >= 8,
        IdType::Fnr | IdType::Hnr | IdType::Duf => first <= 3,
    };
    if !first_fits {
        return Err(FaultCode::InvalidFormat);
    }
    let mark = if kind == IdType::Fhn {
        Mark::Unmarked
    } else {
        let (mark, day, month, year) = dated(digits).ok_or(FaultCode::InvalidDate)?;
        if kind == IdType::Hnr && mark != Mark::Plus40 {
            return Err(FaultCode::InvalidFormat);
        }
        // The century is unknown for new numbers. The official validator tests 29 February in 20YY.
        Date::new(2000 + i16::from(year), month, day).map_err(|_| FaultCode::InvalidDate)?;
        mark
    };
    let highest = if matches!(kind, IdType::Fnr | IdType::Dnr) { 3 } else { 0 };
    if remainder(K1_WEIGHTS, digits) <= highest && remainder(K2_WEIGHTS, digits) == 0 {
        Ok(mark)
    } else {
        Err(FaultCode::InvalidChecksum)
    }
}

fn checked_assigner(kind: IdType, assigner: Option<&str>) -> Result<Option<Box<str>>, FaultCode> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    match (kind, assigner) {
        (IdType::Hnr, None | Some("")) => Err(FaultCode::Required),
        (IdType::Hnr, Some(name)) if name.len() > ASSIGNER_MAX => Err(FaultCode::TooLong),
        (IdType::Hnr, Some(name)) if !name.bytes().all(plain) => Err(FaultCode::ForbiddenCharacter),
        (IdType::Hnr, Some(name)) => Ok(Some(name.to_ascii_lowercase().into())),
        (_, Some(_)) => Err(FaultCode::Contradiction),
        (_, None) => Ok(None),
    }
}

fn accepted(kind: IdType, mark: Mark, acceptance: Acceptance) -> bool {
    match acceptance {
        Acceptance::Production => mark == Mark::Unmarked || (mark == Mark::Plus40 && kind == IdType::Hnr),
        Acceptance::Test => mark != Mark::Unmarked || kind == IdType::Fhn,
    }
}

/// The eleven digits as numbers, or `None` for any other text.
fn eleven(value: &str) -> Option<[u8; 11]> {
    let bytes: [u8; 11] = value.as_bytes().try_into().ok()?;
    bytes.iter().all(u8::is_ascii_digit).then(|| bytes.map(|byte| byte - b'0'))
}

/// Mark, day, month and two-digit year with all shifts removed; `None` where the month belongs to no series.
fn dated(digits: [u8; 11]) -> Option<(Mark, i8, i8, u8)> {
    let [d1, d2, m1, m2, y1, y2, ..] = digits;
    let day = 10 * (if d1 >= 4 { d1 - 4 } else { d1 }) + d2;
    let (mark, month) = match 10 * m1 + m2 {
        month @ 1..=12 => (Mark::Unmarked, month),
        month @ 41..=52 => (Mark::Plus40, month - 40),
        month @ 81..=92 => (Mark::Plus80, month - 80),
        _ => return None,
    };
    Some((mark, i8::try_from(day).ok()?, i8::try_from(month).ok()?, 10 * y1 + y2))
}

fn remainder(weights: [u8; 11], digits: [u8; 11]) -> u16 {
    weights.iter().zip(digits).map(|(weight, digit)| u16::from(weight * digit)).sum::<u16>() % 11
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use strum::IntoEnumIterator;

    use super::{Acceptance, Date, FaultCode, IdType, K1_WEIGHTS, K2_WEIGHTS, NationalId, Scheme, eleven, remainder};
    use Acceptance::{Production, Test};
    use IdType::{Dnr, Duf, Fhn, Fnr, Hnr};
    use Scheme::{Either, From2032, NotApplicable};

    /// Published test vectors of Skatteetaten, navikt/fnrvalidator and Norsk helsenett, and generated +80 numbers. The
    /// last column states whether the number is synthetic.
    const VALID: &[(&str, IdType, Scheme, bool)] = &[
        ("13097248022", Fnr, Either, false),
        ("29029648784", Fnr, Either, false),
        ("29020075838", Fnr, Either, false),
        ("15021951940", Fnr, Either, false),
        ("53097248016", Dnr, Either, false),
        ("13527248013", Fnr, Either, true),
        ("10915596784", Fnr, Either, true),
        ("68467038838", Dnr, Either, true),
        ("50846202355", Dnr, Either, true),
        ("02013299997", Fnr, Either, false),
        ("30108299920", Fnr, Either, false),
        ("02013299903", Fnr, From2032, false),
        ("30108299939", Fnr, From2032, false),
        ("30908299902", Fnr, From2032, true),
        ("55102499947", Dnr, From2032, false),
        ("41819077906", Dnr, From2032, true),
        ("41819077302", Dnr, Either, true),
        ("03851598730", Fnr, Either, true),
        ("81234567802", Fhn, NotApplicable, false),
        ("91234567883", Fhn, NotApplicable, false),
        ("80008117075", Fhn, NotApplicable, false),
        ("80008621423", Fhn, NotApplicable, false),
        ("80009001259", Fhn, NotApplicable, false),
        ("80005484026", Fhn, NotApplicable, false),
        ("99056326525", Fhn, NotApplicable, false),
        ("01818012337", Fnr, Either, true),
        ("15865523413", Fnr, Either, true),
        ("29820050124", Fnr, Either, true),
        ("20913990073", Fnr, Either, true),
        ("41818012320", Dnr, Either, true),
        ("55865523407", Dnr, Either, true),
        ("69820050118", Dnr, Either, true),
        ("60913990067", Dnr, Either, true),
    ];

    /// The first of the two environments that takes the number.
    fn anywhere(kind: IdType, value: &str, assigner: Option<&str>) -> Result<NationalId, FaultCode> {
        NationalId::parse(kind, value, assigner, Production).or_else(|_| NationalId::parse(kind, value, assigner, Test))
    }

    /// Nine digits with check digits that leave `r1`; `None` where one of them would be 10.
    fn completed(nine: &str, r1: u16) -> Option<String> {
        let with = |number: &str, weights, wanted: u16| {
            let padded = eleven(&format!("{number:0<11}"))?;
            let check = (11 + wanted - remainder(weights, padded)) % 11;
            (check < 10).then(|| format!("{number}{check}"))
        };
        with(&with(nine, K1_WEIGHTS, r1)?, K2_WEIGHTS, 0)
    }

    fn embedded(kind: IdType, value: &str) -> Option<Date> {
        anywhere(kind, value, None).ok().and_then(|id| id.embedded_birth_date())
    }

    #[test]
    fn parse_reads_published_vectors_with_type_and_scheme() {
        for &(value, kind, scheme, synthetic) in VALID {
            for id in
                [anywhere(kind, value, None), NationalId::detect(value, if synthetic { Test } else { Production })]
            {
                let id = id.expect(value);
                assert_eq!((id.kind(), id.digits(), id.scheme(), id.is_synthetic()), (kind, value, scheme, synthetic));
                assert_eq!(id.assigner(), None);
            }
        }
    }

    #[test]
    fn parse_refuses_wrong_numbers_with_the_matching_code() {
        use FaultCode::{InvalidChecksum, InvalidDate, InvalidFormat};
        for (kind, value, code) in [
            (Fnr, "20036914712", InvalidChecksum),
            (Fnr, "29020105729", InvalidDate), // 29 February 2001, with check digits that fit
            (Fnr, "13097248032", InvalidChecksum),
            (Fnr, "13097248023", InvalidChecksum),
            (Fnr, "12345678910", InvalidDate), // month 34
            (Fnr, "00000000000", InvalidDate),
            (Fnr, "30828012300", InvalidDate),
            (Fhn, "81234567803", InvalidChecksum),
            (Fhn, "00000000000", InvalidFormat),
            // The pattern of another type.
            (Fnr, "41818012320", InvalidFormat),
            (Dnr, "01818012337", InvalidFormat),
            (Fhn, "01818012337", InvalidFormat),
            (Fnr, "81234567802", InvalidFormat),
            (Hnr, "01818012337", InvalidFormat),
            (Hnr, "68467038838", InvalidFormat),
            (Duf, "01818012337", InvalidFormat),
            // Spelling.
            (Fnr, "", InvalidFormat),
            (Fnr, "0181801233", InvalidFormat),
            (Fnr, "018180123370", InvalidFormat),
            (Fnr, "018180 12337", InvalidFormat),
            (Fnr, " 1818012337", InvalidFormat),
            (Fnr, "0181801233O", InvalidFormat),
            (Fnr, "-1818012337", InvalidFormat),
            (Fnr, "٠١٨١٨٠١٢٣٣٧", InvalidFormat),
            (Duf, "2010123456 8", InvalidFormat),
        ] {
            for acceptance in [Production, Test] {
                let assigner = (kind == Hnr).then_some("ous");
                assert_eq!(NationalId::parse(kind, value, assigner, acceptance), Err(code), "{value}");
            }
        }
    }

    #[test]
    fn acceptance_separates_production_and_test_numbers() {
        for &(value, kind, _, synthetic) in VALID {
            let here = |acceptance| NationalId::parse(kind, value, None, acceptance).err();
            let refused = Some(FaultCode::NotAcceptedHere);
            let expected = match (kind, synthetic) {
                (Fhn, _) => (None, None),
                (_, true) => (refused, None),
                (_, false) => (None, refused),
            };
            assert_eq!((here(Production), here(Test)), expected, "{value}");
        }
    }

    #[test]
    fn parse_reads_month_plus_40_as_h_number_by_declared_type_only() {
        let value = "13527248013";
        for acceptance in [Production, Test] {
            let id = NationalId::parse(Hnr, value, Some("974589095"), acceptance).expect("an H-number");
            assert_eq!((id.scheme(), id.is_synthetic(), id.assigner()), (NotApplicable, false, Some("974589095")));
            assert_eq!(id.canonical(), "hnr:974589095:13527248013");
            assert_eq!(id.embedded_birth_date(), Some(date(1972, 12, 13)));
        }
        assert_eq!(NationalId::detect(value, Production), Err(FaultCode::NotAcceptedHere));
        assert_eq!(NationalId::detect(value, Test).map(|id| (id.kind(), id.is_synthetic())), Ok((Fnr, true)));
    }

    #[test]
    fn parse_requires_an_assigner_for_h_numbers_only() {
        let hnr = |assigner: Option<&str>| NationalId::parse(Hnr, "13527248013", assigner, Production);
        assert_eq!(hnr(None), Err(FaultCode::Required));
        assert_eq!(hnr(Some("")), Err(FaultCode::Required));
        assert_eq!(hnr(Some(&"a".repeat(65))), Err(FaultCode::TooLong));
        assert_eq!(hnr(Some("Oslo sykehus")), Err(FaultCode::ForbiddenCharacter));
        assert_eq!(hnr(Some("urn:oid:2.16.578")), hnr(Some("URN:OID:2.16.578")));
        assert_ne!(hnr(Some("a")), hnr(Some("b")));
        let fnr = NationalId::parse(Fnr, "01818012337", Some("ous"), Test);
        assert_eq!(fnr, Err(FaultCode::Contradiction));
    }

    #[test]
    fn parse_reads_duf_numbers_by_declared_type_only() {
        let duf = NationalId::parse(Duf, "201012345678", None, Production).expect("twelve digits");
        assert_eq!((duf.canonical().as_str(), duf.scheme()), ("duf:201012345678", NotApplicable));
        assert_eq!(duf.embedded_birth_date(), None);
        assert_eq!(NationalId::parse(Duf, "201012345678", None, Test), Err(FaultCode::NotAcceptedHere));
        assert_eq!(NationalId::detect("201012345678", Production), Err(FaultCode::InvalidFormat));
    }

    #[test]
    fn birth_date_follows_the_series_of_1964() {
        for (kind, value, expected) in [
            (Fnr, "01818012337", Some(date(1980, 1, 1))),
            (Fnr, "10915596784", Some(date(1955, 11, 10))),
            (Fnr, "03851598730", Some(date(2015, 5, 3))),
            (Fnr, "29820050124", Some(date(2000, 2, 29))),
            (Fnr, "20913990073", Some(date(2039, 11, 20))),
            (Dnr, "50846202355", Some(date(1962, 4, 10))),
            (Dnr, "69820050118", Some(date(2000, 2, 29))),
            (Dnr, "41819077302", None), // in no series of 1964: issued from 2032, though r1 = 0
            (Dnr, "41819077906", None), // r1 = 1
            (Fnr, "30908299902", None), // r1 = 2
            (Fhn, "81234567802", None),
        ] {
            assert_eq!(embedded(kind, value), expected, "{value}");
        }
        let eighteen = completed("018160600", 0).expect("check digits");
        assert_eq!(embedded(Fnr, &eighteen), Some(date(1860, 1, 1)));
    }

    #[test]
    fn birth_date_of_leap_day_of_year_00_is_none_in_1900() {
        let value =
            (0..500).find_map(|individual| completed(&format!("298200{individual:03}"), 0)).expect("one of them");
        assert!(anywhere(Fnr, &value, None).is_ok());
        assert_eq!(embedded(Fnr, &value), None);
    }

    #[test]
    fn parse_applies_the_rule_of_2032_to_fødselsnummer_and_d_number_only() {
        for r1 in 0..=4 {
            let number = |from: u32, to: u32| (from..to).find_map(|nine| completed(&format!("{nine:09}"), r1));
            for (kind, value) in [
                (Fnr, number(18_180_000, 18_180_999)),
                (Dnr, number(418_180_000, 418_180_999)),
                (Hnr, number(14_180_000, 14_180_999)),
                (Fhn, number(812_345_000, 812_345_999)),
            ] {
                let value = value.expect("check digits");
                let read = NationalId::parse(kind, &value, (kind == Hnr).then_some("ous"), Test);
                let allowed = if matches!(kind, Fnr | Dnr) { r1 <= 3 } else { r1 == 0 };
                assert_eq!(read.err(), (!allowed).then_some(FaultCode::InvalidChecksum), "{value}");
            }
        }
    }

    #[test]
    fn types_have_one_name_in_serde_and_strum() {
        let names: Vec<&'static str> = IdType::iter().map(Into::into).collect();
        assert_eq!(names, ["fnr", "dnr", "hnr", "fhn", "duf"]);
        for kind in IdType::iter() {
            let name: &'static str = kind.into();
            assert_eq!(serde_json::to_value(kind).ok(), Some(name.into()));
            assert_eq!(name.parse(), Ok(kind));
        }
    }

    /// Synthetic numbers under both rules: month + 80, with and without day + 40.
    fn synthetic() -> impl Strategy<Value = (IdType, String)> {
        (any::<bool>(), 1..=28_u8, 81..=92_u8, 0..=99_u8, 0..=999_u16, 0..=3_u16).prop_filter_map(
            "a check digit would be 10",
            |(is_d, day, month, year, individual, r1)| {
                let day = if is_d { day + 40 } else { day };
                let number = completed(&format!("{day:02}{month}{year:02}{individual:03}"), r1)?;
                Some((if is_d { Dnr } else { Fnr }, number))
            },
        )
    }

    proptest! {
        #[test]
        fn parse_reads_generated_numbers_and_debug_redacts_them((kind, number) in synthetic()) {
            let id = NationalId::detect(&number, Test).expect("a valid number");
            prop_assert_eq!(id.kind(), kind);
            prop_assert!(id.is_synthetic());
            prop_assert_eq!(NationalId::detect(&number, Production), Err(FaultCode::NotAcceptedHere));
            let shown = format!("{id:?} {id:#?}");
            prop_assert!(!shown.contains(|c: char| c.is_ascii_digit()), "{}", shown);
        }

        #[test]
        fn parse_refuses_one_wrong_digit((_, number) in synthetic(), place in 0..11_usize, digit in b'0'..=b'9') {
            let mut bytes = number.clone().into_bytes();
            if let Some(byte) = bytes.get_mut(place) { *byte = digit; }
            let changed = String::from_utf8(bytes).expect("ASCII");
            prop_assume!(changed != number);
            for kind in [Fnr, Dnr, Hnr, Fhn] {
                prop_assert!(anywhere(kind, &changed, (kind == Hnr).then_some("ous")).is_err());
            }
        }

        #[test]
        fn parse_refuses_two_swapped_neighbours((_, number) in synthetic(), place in 0..10_usize) {
            let mut bytes = number.clone().into_bytes();
            bytes.swap(place, place + 1);
            let changed = String::from_utf8(bytes).expect("ASCII");
            prop_assume!(changed != number);
            for kind in [Fnr, Dnr, Hnr, Fhn] {
                prop_assert!(anywhere(kind, &changed, (kind == Hnr).then_some("ous")).is_err());
            }
        }

        #[test]
        fn parse_never_panics(
            value in prop_oneof![any::<String>(), "[0-9]{10,13}", "[0-9 ]{11,12}"],
            assigner in proptest::option::of(any::<String>()),
        ) {
            for kind in IdType::iter() {
                for acceptance in [Production, Test] {
                    if let Ok(id) = NationalId::parse(kind, &value, assigner.as_deref(), acceptance) {
                        prop_assert_eq!(id.digits(), &value);
                        prop_assert!(id.canonical().ends_with(&value));
                        let _ = (id.scheme(), id.embedded_birth_date());
                    }
                }
            }
            for acceptance in [Production, Test] {
                let _ = NationalId::detect(&value, acceptance);
            }
        }
    }
}
