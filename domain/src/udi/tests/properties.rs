//! Properties of device identifications that are printed and read again.

use super::*;

fn text_of(characters: &str, length: RangeInclusive<usize>) -> impl Strategy<Value = String> + use<> {
    let characters: Vec<char> = characters.chars().collect();
    proptest::collection::vec(proptest::sample::select(characters), length).prop_map(String::from_iter)
}

fn set_82() -> String {
    (0..128_u8).map(char::from).filter(|letter| in_set_82(*letter)).collect()
}

fn gtin() -> impl Strategy<Value = String> {
    (1..10_000_000_000_000_u64).prop_map(|number| {
        let body = format!("{number:013}");
        let check = (0..10).find(|check| crate::udi::gs1::gtin(&format!("{body}{check}")).is_ok());
        format!("{body}{}", check.expect("a check digit"))
    })
}

fn any_day() -> impl Strategy<Value = Date> {
    (1977..=2076_i16, 1..=366_i16).prop_filter_map("a day of that year", |(year, ordinal)| {
        Date::new(year, 1, 1).and_then(|first| first.with().day_of_year(ordinal).build()).ok()
    })
}

fn any_gs1(characters: &str) -> impl Strategy<Value = Udi> + use<> {
    let text = || proptest::option::of(text_of(characters, 1..=20));
    let day = || proptest::option::of(any_day());
    (gtin(), day(), day(), text(), text()).prop_map(|(di, manufactured_on, expires_on, lot, serial)| Udi {
        issuer: UdiIssuer::Gs1,
        di,
        manufactured_on,
        expires_on,
        lot,
        serial,
    })
}

fn elements(udi: &Udi) -> Vec<(&'static str, String)> {
    let day = |date: Date| format!("{:02}{:02}{:02}", date.year() % 100, date.month(), date.day());
    [
        ("01", Some(udi.di.clone())),
        ("11", udi.manufactured_on.map(day)),
        ("17", udi.expires_on.map(day)),
        ("10", udi.lot.clone()),
        ("21", udi.serial.clone()),
        ("240", Some("X".to_owned())),
        ("20", Some("01".to_owned())),
    ]
    .into_iter()
    .filter_map(|(code, text)| Some((code, text?)))
    .collect()
}

proptest! {
    #[test]
    fn parse_reads_gs1_scans_in_any_order(
        (udi, order) in any_gs1(&set_82()).prop_flat_map(|udi| (Just(udi.clone()), Just(elements(&udi)).prop_shuffle())),
        prefix in proptest::sample::select(vec!["", "]d2", "]C1", "]Q3"]),
    ) {
        let element = |(code, text): (&str, String)| match code {
            "01" | "11" | "17" | "20" => format!("{code}{text}"),
            _ => format!("{code}{text}{GROUP_SEPARATOR}"),
        };
        let scan: String = std::iter::once(prefix.to_owned()).chain(order.into_iter().map(element)).collect();
        prop_assert_eq!(read(&scan), Ok(udi.clone()));
        prop_assert_eq!(read(scan.trim_end_matches(GROUP_SEPARATOR)), Ok(udi));
    }

    #[test]
    fn parse_reads_gs1_prints_in_any_order_and_display_writes_them_back(
        (udi, order) in any_gs1(&set_82().replace('(', ""))
            .prop_flat_map(|udi| (Just(udi.clone()), Just(elements(&udi)).prop_shuffle())),
        between in proptest::sample::select(vec!["", " "]),
    ) {
        let printed: Vec<String> = order.into_iter().map(|(code, text)| format!("({code}){text}")).collect();
        prop_assert_eq!(read(&printed.join(between)), Ok(udi.clone()));
        prop_assert_eq!(read(&udi.to_string()), Ok(udi));
    }

    #[test]
    fn parse_refuses_one_wrong_digit_of_a_gtin(gtin in gtin(), place in 0..14_usize, more in 1..=9_u8) {
        let mut bytes = gtin.into_bytes();
        bytes[place] = b'0' + (bytes[place] - b'0' + more) % 10;
        let changed = String::from_utf8(bytes).expect("ASCII");
        prop_assert_eq!(read(&format!("(01){changed}")), Err(InvalidChecksum));
    }

    #[test]
    fn parse_refuses_swapped_neighbours_of_a_gtin_unless_they_differ_by_5(gtin in gtin(), place in 0..13_usize) {
        let mut bytes = gtin.into_bytes();
        let difference = bytes[place].abs_diff(bytes[place + 1]);
        bytes.swap(place, place + 1);
        let swapped = String::from_utf8(bytes).expect("ASCII");
        prop_assert_eq!(read(&format!("01{swapped}")).is_ok(), matches!(difference, 0 | 5));
    }

    #[test]
    fn parse_accepts_hibcc_with_its_check_character_only(
        labeler in "[A-Z][A-Z0-9]{3}",
        product in "[A-Z0-9]{1,18}[0-9]",
        day in any_day(),
        lot in "[A-Z0-9.-]{0,18}",
        serial in "[A-Z0-9.-]{1,18}",
        other in text_of(HIBCC_CHARACTERS, 1..=1),
        place in any::<proptest::sample::Index>(),
    ) {
        let date = format!("{:02}{:02}{:02}", day.year() % 100, day.month(), day.day());
        let body = format!("+{labeler}{product}/$$3{date}{lot}/S{serial}");
        let text = format!("{body}{}", hibcc_check(&body).expect("characters of HIBCC"));
        let di = format!("{labeler}{product}");
        let lot = Some(lot.as_str()).filter(|lot| !lot.is_empty());
        let expected = udi(UdiIssuer::Hibcc, &di, [None, Some(day)], lot, Some(&serial));
        prop_assert_eq!(read(&text), Ok(expected.clone()));
        prop_assert_eq!(read(&expected.to_string()), Ok(expected));

        let place = place.index(text.len());
        let mut changed = text.clone();
        changed.replace_range(place..=place, &other);
        prop_assume!(changed != text);
        prop_assert!(read(&changed).is_err(), "{}", changed);
        if place > 0 {
            prop_assert_eq!(read(&changed), Err(InvalidChecksum));
        }
    }

    #[test]
    fn parse_never_panics_and_is_stable(
        value in prop_oneof![
            any::<String>(),
            "[]dC1Q3]{0,3}\\+[A-Z0-9$/+.SQ]{6,40}",
            "=[=/,>}&A-Z0-9]{0,60}",
            "(\\(?(01|10|11|17|21)\\)?[0-9A-Z\u{1d}(]{0,15}){1,4}",
        ],
        year in -9999..=9999_i16,
    ) {
        let today = Date::new(year, 6, 1).expect("a date");
        if let Ok(udi) = Udi::parse(&value, today) {
            prop_assert!(!udi.di.is_empty());
            let _ = udi.to_string();
        }
        if let Ok(udi) = read(&value) {
            let ambiguous = [&udi.lot, &udi.serial].into_iter().flatten().any(|text| text.contains('('));
            prop_assert!(ambiguous || read(&udi.to_string()) == Ok(udi.clone()), "{}", udi);
        }
    }
}
