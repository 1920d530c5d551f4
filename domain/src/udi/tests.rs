mod properties;

use std::ops::RangeInclusive;

use jiff::civil::{Date, date};
use proptest::prelude::*;
use strum::IntoEnumIterator;

use super::gs1::{GROUP_SEPARATOR, IDENTIFIERS, in_set_82};
use super::hibcc::{HIBCC_CHARACTERS, hibcc_check};
use super::{Udi, UdiIssuer};
use crate::fault::FaultCode::{
    self, Contradiction, DuplicateKey, InvalidChecksum, InvalidDate, InvalidFormat, TooLong, UnknownItem,
};

const TODAY: Date = date(2026, 11, 22);

fn read(value: &str) -> Result<Udi, FaultCode> {
    Udi::parse(value, TODAY)
}

fn udi(issuer: UdiIssuer, di: &str, dates: [Option<Date>; 2], lot: Option<&str>, serial: Option<&str>) -> Udi {
    let [manufactured_on, expires_on] = dates;
    let text = |text: Option<&str>| text.map(str::to_owned);
    Udi { issuer, di: di.into(), manufactured_on, expires_on, lot: text(lot), serial: text(serial) }
}

#[test]
fn parse_reads_gs1_as_printed_and_as_scanned() {
    let dates = [Some(date(2014, 12, 31)), Some(date(2015, 7, 7))];
    let expected = udi(UdiIssuer::Gs1, "10884521062856", dates, Some("A213B1"), Some("1234"));
    for same in [
        "(01)10884521062856(11)141231(17)150707(10)A213B1(21)1234",
        "(01)10884521062856 (11)141231 (17)150707 (10)A213B1 (21)1234",
        "(21)1234(10)A213B1(17)150707(11)141231(01)10884521062856",
        "(01)10884521062856(11)141231(17)150707(10)A213B1(21)1234(30)1(20)02(240)X(241)Y(250)Z(13)141231(15)150707",
        "0110884521062856111412311715070710A213B1\u{1d}211234",
        "]d20110884521062856111412311715070710A213B1\u{1d}211234",
        "]C1\u{1d}0110884521062856111412311715070710A213B1\u{1d}211234\u{1d}",
        "]Q310A213B1\u{1d}211234\u{1d}0110884521062856\u{1d}1114123117150707",
    ] {
        assert_eq!(read(same), Ok(expected.clone()), "{same:?}");
    }
    assert_eq!(expected.to_string(), "(01)10884521062856(11)141231(17)150707(10)A213B1(21)1234");
    let bare = udi(UdiIssuer::Gs1, "09506000117843", [None, None], None, None);
    assert_eq!(read("(01)09506000117843"), Ok(bare.clone()));
    assert_eq!(bare.to_string(), "(01)09506000117843");
    assert_eq!(read("(01)09506000117843(10)A(B)C").map(|it| it.lot), Ok(Some("A(B)C".into())));
}

#[test]
fn parse_reads_over_gs1_identifiers_of_no_use() {
    let dates = [None, Some(date(2027, 2, 28))];
    let expected = udi(UdiIssuer::Gs1, "09506000117843", dates, Some("ABC"), None);
    for same in [
        "(01) 09506000117843 (17) 270228 (10) ABC",
        "(01) 0 9506000 11784 3\n(17)27 02 28\r\n(10)ABC\n",
        " (01)09506000117843(17)270228(10)ABC ",
        "(01)09506000117843<GS>(17)270228(10)ABC",
        "(01)09506000117843(91)KEY1(17)270228(99)x(422)578(10)ABC(8200)http://example.org",
        "(01)09506000117843(7003)2702281200(10)ABC(235)x(253)9506000134352x(8014)HIDRI",
        "0109506000117843422578\u{1d}172702283103001234\u{1d}10ABC\u{1d}91KEY1",
        "0109506000117843422578<GS>1727022810ABC<GS>",
        "0109506000117843422578[GS]1727022810ABC",
        "0109506000117843422578{GS}1727022810ABC",
        "0109506000117843422578\u{241d}1727022810ABC",
        "010950600011784370032702281200\u{1d}10ABC",
        "]C10109506000117843\r\n]C11727022810ABC\r\n",
        "]C10109506000117843]C11727022810ABC",
        "0109506000117843\n1727022810ABC",
    ] {
        assert_eq!(read(same), Ok(expected.clone()), "{same:?}");
    }
}

#[test]
fn parse_refuses_wrong_gs1_with_the_matching_code() {
    for (wrong, code) in [
        ("", InvalidFormat),
        ("hello", InvalidFormat),
        ("(01)", InvalidFormat),
        ("(01)9506000134352", InvalidFormat),
        ("(01)00000000000000", InvalidFormat),
        ("(01)09506000117844", InvalidChecksum),
        ("(01)0950600011784O", InvalidFormat),
        ("(01)09506000117843x", InvalidFormat),
        ("(10)1234AB", InvalidFormat),
        ("(01)09506000117843(10)", InvalidFormat),
        ("(01)09506000117843(10)123456789012345678901", TooLong),
        ("(01)09506000117843(10)A B", InvalidFormat),
        ("(01)09506000117843(10)A#B", InvalidFormat),
        ("(01)09506000117843(10)Å", InvalidFormat),
        ("(01)09506000117843(10)A\u{1d}B", InvalidFormat),
        ("(01)09506000117843(05)A", UnknownItem),
        ("(01)09506000117843(7250)19600101", UnknownItem),
        ("(01)09506000117843(422)57", InvalidFormat),
        ("(01)09506000117843(422)5781", InvalidFormat),
        ("(01)09506000117843(422)NOR", InvalidFormat),
        ("(01)09506000117843(7003)2712312400", InvalidDate),
        ("(01)09506000117843(7003)2712312360", InvalidDate),
        ("(01)09506000117843(17)271230(7003)2712311200", Contradiction),
        ("(01)09506000117843(8010)abc", InvalidFormat),
        ("01095060001178434225782110A", InvalidFormat),
        ("(01)09506000117843(10)A(10)A", DuplicateKey),
        ("(01)09506000117843(01)09506000117843", DuplicateKey),
        ("(01)09506000117843(17)150230", InvalidDate),
        ("(01)09506000117843(17)151301", InvalidDate),
        ("(01)09506000117843(17)150000", InvalidDate),
        ("(01)09506000117843(13)150132", InvalidDate),
        ("(01)09506000117843(17)1507", InvalidFormat),
        ("(01)09506000117843(30)1A", InvalidFormat),
        ("010950600011784", InvalidFormat),
        ("0109506000117843050", UnknownItem),
        ("0109506000117843\u{1d}\u{1d}10A", InvalidFormat),
        ("]d", InvalidFormat),
        ("]å", InvalidFormat),
        ("9506000134352", InvalidFormat),
        ("(01)09506000117843]", InvalidFormat),
    ] {
        assert_eq!(read(wrong), Err(code), "{wrong:?}");
    }
    assert_eq!(read(&"1".repeat(251)), Err(TooLong));
}

#[test]
fn parse_reads_two_digit_years_around_today() {
    let expiry =
        |text: &str, today| Udi::parse(&format!("(01)09506000117843(17){text}"), today).map(|it| it.expires_on);
    for (text, today, expected) in [
        ("760101", TODAY, date(2076, 1, 1)),
        ("770101", TODAY, date(1977, 1, 1)),
        ("000101", TODAY, date(2000, 1, 1)),
        ("440101", date(1994, 1, 1), date(2044, 1, 1)),
        ("450101", date(1994, 1, 1), date(1945, 1, 1)),
        ("240200", TODAY, date(2024, 2, 29)),
        ("250200", TODAY, date(2025, 2, 28)),
        ("251200", TODAY, date(2025, 12, 31)),
    ] {
        assert_eq!(expiry(text, today), Ok(Some(expected)), "{text} {today}");
    }
    assert_eq!(expiry("000101", Date::MAX), Err(InvalidDate));
    let _ = expiry("990101", Date::MIN);
}

#[test]
fn parse_reads_the_hibcc_examples_of_the_standard() {
    let di = "A123BJC5D6E71";
    let expiry = |year, month, day| [None, Some(date(year, month, day))];
    for (text, dates, lot, serial) in [
        ("+A123BJC5D6E71G", [None, None], None, None),
        ("*+A123BJC5D6E71G*", [None, None], None, None),
        ("]C0+A123BJC5D6E71G", [None, None], None, None),
        ("+A123BJC5D6E71/$$52001510X3C", expiry(2020, 1, 15), Some("10X3"), None),
    ] {
        assert_eq!(read(text), Ok(udi(UdiIssuer::Hibcc, di, dates, lot, serial)), "{text}");
    }
    let all = udi(
        UdiIssuer::Hibcc,
        "A123ABCDEFGHI1234567891",
        [Some(date(2013, 2, 2)), Some(date(2020, 2, 2))],
        Some("LOT123456789012345"),
        Some("XYZ456789012345678"),
    );
    let text = "+A123ABCDEFGHI1234567891/$$420020216LOT123456789012345/SXYZ456789012345678/16D20130202$";
    assert_eq!(read(text), Ok(all.clone()));
    assert_eq!(read(&all.to_string()), Ok(all));
    let caption = "+J123AQ3451/25330BC34567/S4012X";
    let dates = [None, Some(date(2025, 11, 26))];
    assert_eq!(read(caption), Ok(udi(UdiIssuer::Hibcc, "J123AQ3451", dates, Some("BC34567"), Some("4012"))));
}

/// `+A123BJC5D6E71/` and the segments, with the check character.
fn hibcc(segments: &str) -> Result<Udi, FaultCode> {
    let body = format!("+A123BJC5D6E71/{segments}");
    read(&format!("{body}{}", hibcc_check(&body).unwrap_or('?')))
}

#[test]
fn parse_reads_every_format_of_hibcc_dates_lots_and_serials() {
    let parts = |it: Udi| (it.manufactured_on, it.expires_on, it.lot, it.serial);
    let lot = |text: &str| Some(text.to_owned());
    for (segments, expected) in [
        ("$LOT1", (None, None, lot("LOT1"), None)),
        ("$+SER-1.A", (None, None, None, lot("SER-1.A"))),
        ("$$0228LOT1", (None, Some(date(2028, 2, 29)), lot("LOT1"), None)),
        ("$$1227", (None, Some(date(2027, 12, 31)), None, None)),
        ("$$2022928LOT1", (None, Some(date(2028, 2, 29)), lot("LOT1"), None)),
        ("$$3280229LOT1", (None, Some(date(2028, 2, 29)), lot("LOT1"), None)),
        ("$$428022923LOT1", (None, Some(date(2028, 2, 29)), lot("LOT1"), None)),
        ("$$528060LOT1", (None, Some(date(2028, 2, 29)), lot("LOT1"), None)),
        ("$$62806023LOT1", (None, Some(date(2028, 2, 29)), lot("LOT1"), None)),
        ("$$7LOT1", (None, None, lot("LOT1"), None)),
        ("$$+7SER1", (None, None, None, lot("SER1"))),
        ("$$+3280229SER1", (None, Some(date(2028, 2, 29)), None, lot("SER1"))),
        ("28060", (None, Some(date(2028, 2, 29)), None, None)),
        (
            "$$7420020216LOT123/16D20200202/14D20280229/S1",
            (Some(date(2020, 2, 2)), Some(date(2028, 2, 29)), lot("420020216LOT123"), lot("1")),
        ),
        ("Q500/SX", (None, None, None, lot("X"))),
        ("$$824", (None, None, None, None)),
        ("$$824LOT1", (None, None, lot("LOT1"), None)),
        ("$$8243280229LOT1", (None, Some(date(2028, 2, 29)), lot("LOT1"), None)),
        ("$$8240228LOT1", (None, Some(date(2028, 2, 29)), lot("LOT1"), None)),
        ("$$900012LOT", (None, None, lot("LOT"), None)),
        ("$$824710X3", (None, None, lot("10X3"), None)),
        ("$$9000122022928LOT1", (None, Some(date(2028, 2, 29)), lot("LOT1"), None)),
    ] {
        assert_eq!(hibcc(segments).map(parts), Ok(expected), "{segments}");
    }
}

#[test]
fn parse_refuses_wrong_hibcc_with_the_matching_code() {
    for (segments, code) in [
        ("", InvalidFormat),
        ("$", InvalidFormat),
        ("$$", InvalidFormat),
        ("$$7", InvalidFormat),
        ("$$LOT", InvalidFormat),
        ("$$81210X3", InvalidFormat),
        ("$$8A3280229", InvalidFormat),
        ("$$8243280230LOT", InvalidDate),
        ("$$1327LOT", InvalidDate),
        ("$$0027LOT", InvalidDate),
        ("$$3270200LOT", InvalidDate),
        ("$$3270229LOT", InvalidDate),
        ("$$427022824LOT", InvalidDate),
        ("$$527366LOT", InvalidDate),
        ("$$527000LOT", InvalidDate),
        ("$$327", InvalidFormat),
        ("14D20271301", InvalidDate),
        ("14D271201", InvalidFormat),
        ("S", InvalidFormat),
        ("S1/S2", DuplicateKey),
        ("$$+7SER1/S2", DuplicateKey),
        ("14D20271201/14D20271201", DuplicateKey),
        ("S1234567890123456789", TooLong),
        ("SA B", InvalidFormat),
        ("Q123456", InvalidFormat),
        ("Q", InvalidFormat),
        ("X", InvalidFormat),
    ] {
        assert_eq!(hibcc(segments), Err(code), "{segments}");
    }
    for (wrong, code) in [
        ("+", InvalidChecksum),
        ("**", InvalidFormat),
        ("+A123BJC5D6E71H", InvalidChecksum),
        ("+a123BJC5D6E71G", InvalidFormat),
        ("+A123BJC5D6E71G ", InvalidChecksum),
        ("+A123BJC5D6E71G+$$710X3G8", InvalidChecksum),
        ("+A123BJC5D6E71G\n+$$710X3G8", InvalidChecksum),
        ("+$$710X3G7", InvalidFormat),
        ("+/EO5232013", InvalidFormat),
    ] {
        assert_eq!(read(wrong), Err(code), "{wrong:?}");
    }
    // With a fitting check character, so that only the form is wrong.
    for primary in ["+1123BJC5D6E71", "+A123BJC5D6E7A", "+A1231", "+A123ABCDEFGHI12345678911", "+A123BJC.D6E71"] {
        let check = hibcc_check(primary).expect("characters of HIBCC");
        assert_eq!(read(&format!("{primary}{check}")), Err(InvalidFormat), "{primary}");
    }
}

#[test]
fn parse_reads_hibcc_labels_of_several_symbols() {
    let of = |lot, serial| Ok(udi(UdiIssuer::Hibcc, "A123BJC5D6E71", [None, None], lot, serial));
    let serial = format!("+$+SER1G{}", hibcc_check("+$+SER1G").expect("characters of HIBCC"));
    for same in [
        "+A123BJC5D6E71G+$$710X3G7",
        "+A123BJC5D6E71G +$$710X3G7",
        "+A123BJC5D6E71G\n+$$710X3G7\n",
        "+$$710X3G7\r\n+A123BJC5D6E71G\r\n",
        "]C0+A123BJC5D6E71G]C0+$$710X3G7",
        "*+A123BJC5D6E71G*\n*+$$710X3G7*",
        "*+A123BJC5D6E71G* *+$$710X3G7*",
    ] {
        assert_eq!(read(same), of(Some("10X3"), None), "{same:?}");
    }
    for three in ["+A123BJC5D6E71G+$$710X3G7", "+A123BJC5D6E71G\n+$$710X3G7", "+A123BJC5D6E71G\n+$$710X3G7\n"] {
        assert_eq!(read(&format!("{three}{serial}")), of(Some("10X3"), Some("SER1")), "{three:?}");
    }
    // The secondary symbol of another label has another link.
    let other = format!("+$$710X3H{}", hibcc_check("+$$710X3H").expect("characters of HIBCC"));
    assert_eq!(read(&format!("+A123BJC5D6E71G\n{other}")), Err(Contradiction));
    assert_eq!(read(&format!("+A123BJC5D6E71G{other}")), Err(InvalidChecksum));
}

#[test]
fn parse_reads_a_space_as_check_character_as_underscore() {
    let primary = ('A'..='Z').map(|letter| format!("+A123{letter}{letter}1")).find(|it| hibcc_check(it) == Some(' '));
    let primary = primary.expect("one of them");
    assert!(read(&format!("{primary} ")).is_ok());
    assert_eq!(read(&format!("{primary} ")), read(&format!("*{primary}_*")));
    assert!(read(&format!("{primary}_")).is_err());
}

#[test]
fn parse_reads_iccbba_except_donations() {
    let text = "=/A9999XYZ100T0944=,000025=>014032=}013032&,1000000000000XYZ123";
    let dates = [Some(date(2013, 2, 1)), Some(date(2014, 2, 1))];
    let expected = udi(UdiIssuer::Iccbba, "A9999XYZ100T0944", dates, Some("000000000000XYZ123"), Some("000025"));
    assert_eq!(read(text), Ok(expected.clone()));
    assert_eq!(read(&format!("=+05000{text}")), Ok(expected.clone()));
    assert_eq!(read(&expected.to_string()), Ok(expected));
    let expiry = |text: &str| read(&format!("=/A9999XYZ100T0944=>{text}")).map(|it| it.expires_on);
    assert_eq!(expiry("999365"), Ok(Some(date(1999, 12, 31))));
    assert_eq!(expiry("025366"), Err(InvalidDate));
    for (wrong, code) in [
        ("=", InvalidFormat),
        ("=/", InvalidFormat),
        ("=,000025", InvalidFormat),
        ("=/A9999XYZ100T094", InvalidFormat),
        ("=/A9999XYZ100t0944", InvalidFormat),
        ("=+0500=/A9999XYZ100T0944", InvalidFormat),
        ("=+05", InvalidFormat),
        ("=/A9999XYZ100T0944=A99971312345600", InvalidFormat),
        ("=/A9999XYZ100T0944=,000025=,000025", DuplicateKey),
        ("=/A9999XYZ100T0944 ", InvalidFormat),
    ] {
        assert_eq!(read(wrong), Err(code), "{wrong:?}");
    }
}

#[test]
fn issuer_has_one_name_in_serde_and_strum() {
    for (issuer, name) in UdiIssuer::iter().zip(["gs1", "hibcc", "iccbba"]) {
        assert_eq!(issuer.to_string(), name);
        assert_eq!(serde_json::to_value(issuer).expect("a text"), name);
        assert_eq!(name.parse(), Ok(issuer));
    }
    let value = serde_json::to_value(read("(01)09506000117843")).expect("JSON");
    assert_eq!(
        value.get("Ok"),
        Some(&serde_json::json!({
            "issuer": "gs1", "di": "09506000117843", "manufactured_on": null, "expires_on": null, "lot": null, "serial": null
        }))
    );
}

/// The predefined lengths of the General Specifications (figure 7.8.5-2), by the first two digits: identifier and text.
const PREDEFINED: [(RangeInclusive<u8>, usize); 7] =
    [(0..=0, 20), (1..=3, 16), (4..=4, 18), (11..=19, 8), (20..=20, 4), (31..=36, 10), (41..=41, 16)];

#[test]
fn application_identifiers_are_prefix_free_and_predefined_by_two_digits() {
    for one in &*IDENTIFIERS {
        let others = IDENTIFIERS.iter().filter(|other| other.code.starts_with(one.code.as_str()));
        assert_eq!(others.count(), 1, "{}", one.code);
        let start = one.code[..2].parse::<u8>().expect("digits");
        let predefined = PREDEFINED.iter().find(|(starts, _)| starts.contains(&start)).map(|(_, length)| *length);
        assert_eq!(one.predefined.then(|| one.code.len() + one.length()), predefined, "{}", one.code);
    }
    assert!(IDENTIFIERS.len() > 500, "{}", IDENTIFIERS.len());
    assert_eq!((0..128_u8).filter(|byte| in_set_82(char::from(*byte))).count(), 82);
}
