//! Properties of formats, suggestions and editions.

use super::edition::after;
use super::*;

/// The same distance, worked out the plain way.
fn distance(one: &[u8], other: &[u8]) -> usize {
    let mut table = vec![vec![0; other.len() + 1]; one.len() + 1];
    for i in 0..=one.len() {
        for j in 0..=other.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let mut best = (table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                best = best.min(table[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]));
                if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                    best = best.min(table[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    table[one.len()][other.len()]
}

fn systems() -> impl Strategy<Value = System> {
    prop::sample::select(System::iter().collect::<Vec<_>>())
}

/// A code of the book, mistyped.
fn mistyped() -> impl Strategy<Value = (System, String)> {
    let codes: Vec<(System, String)> = BUILT_IN
        .iter()
        .flat_map(|book| book.iter().map(|coded| (book.system(), coded.code)).collect::<Vec<_>>())
        .collect();
    (prop::sample::select(codes), prop::collection::vec((any::<prop::sample::Index>(), "[A-Z0-9.]{0,2}"), 0..3))
        .prop_map(|((system, code), edits)| {
            let mut letters: Vec<String> = code.chars().map(String::from).collect();
            for (place, text) in edits {
                if !letters.is_empty() {
                    let at = place.index(letters.len());
                    letters[at] = text;
                }
            }
            (system, letters.concat())
        })
}

proptest! {
    #[test]
    fn normalise_is_idempotent(system in systems(), text in "[a-zA-Z0-9./&]{0,12}") {
        if let Some(code) = system.canonical(&text) {
            prop_assert_eq!(system.canonical(&code), Some(code.clone()));
            prop_assert_eq!(system.canonical(&code.to_lowercase()), Some(code.clone()));
            prop_assert!(text.eq_ignore_ascii_case(&code) || system == System::Icd10);
        }
    }

    #[test]
    fn check_never_panics(system in systems(), text in any::<String>()) {
        let _ = BUILT_IN.check(system, &text, DAY);
        let _ = PainClass::of(&text);
        let _ = BUILT_IN.book(system).map(|book| (book.find(&text), book.search(&text, DAY, 5)));
    }

    #[test]
    fn suggest_returns_few_valid_codes_deterministically(
        (system, text) in mistyped(), days in -4000..4000_i32
    ) {
        let day = DAY.checked_add(jiff::Span::new().days(days)).expect("a day");
        let first = BUILT_IN.check(system, &text, day);
        prop_assert_eq!(&first, &BUILT_IN.check(system, &text, day));
        if let Err(refusal) = first {
            prop_assert!(refusal.nearest.len() <= CodeRefusal::MOST);
            for near in &refusal.nearest {
                let checked = BUILT_IN.check(system, &near.code, day).expect("a valid suggestion");
                prop_assert_eq!(&checked.title, &near.title);
            }
        }
    }

    #[test]
    fn suggest_includes_every_code_within_two_errors((system, text) in mistyped()) {
        let book = BUILT_IN.book(system).expect("a book");
        let wanted = text.as_bytes();
        let mut found = Vec::new();
        book.within(wanted, |edits, code| found.push((usize::from(edits), code.to_owned())));
        let mut plain: Vec<(usize, String)> = book.iter().map(|it| (distance(it.code.as_bytes(), wanted), it.code)).filter(|(far, _)| *far <= 2).collect();
        plain.sort_by(|one, other| one.1.cmp(&other.1));
        prop_assert_eq!(found, plain);
    }

    #[test]
    fn check_accepts_codes_of_the_book_in_their_periods(books in periods()) {
        let book = CodeBook::new(System::Icd10, books, Vec::new());
        for coded in book.iter() {
            let checked = book.check(&coded.code, coded.valid_from).expect("its first day");
            prop_assert_eq!(&checked.title, &coded.title);
            let last = coded.valid_to.unwrap_or(date(2100, 1, 1));
            prop_assert_eq!(book.check(&coded.code.to_lowercase().replace('.', ""), last).expect("its last day"), checked);
            prop_assert_eq!(book.find(&coded.code).iter().filter(|it| it.is_valid_on(coded.valid_from)).count(), 1);
        }
        let books = CodeBooks::new([Arc::new(book)]);
        let book = books.book(System::Icd10).expect("a book");
        prop_assert_eq!(book.search("", date(2015, 6, 1), usize::MAX).len(), book.count_valid(date(2015, 6, 1)));
    }

    #[test]
    fn import_in_any_order_leaves_no_overlap(
        editions in prop::collection::vec((2000..2030_i16, any::<bool>(), prop::collection::vec(("[AB]0[0-3]", "[xy]", prop::option::of(1999..2031_i16), prop::option::of(2000..2032_i16)), 0..6)), 0..6)
    ) {
        let year = |it: Option<i16>| it.map(|it| it.to_string()).unwrap_or_default();
        let files: Vec<(i16, bool, String)> = editions.into_iter().map(|(edition, complete, lines)| {
            let lines = lines.into_iter().map(|(code, title, from, to)| format!("{code};{title};{};{}\n", year(from), year(to)));
            (edition, complete, format!("Kode;Tittel;Gyldig fra;Gyldig til\n{}", lines.collect::<String>()))
        }).collect();
        let files: Vec<(i16, bool, &str)> = files.iter().map(|(edition, complete, text)| (*edition, *complete, text.as_str())).collect();
        let (_, import) = after(&files);
        for periods in import.changed.values() {
            for pair in periods.windows(2) {
                prop_assert!(pair[0].valid_to.is_some_and(|last| last < pair[1].valid_from), "{:?}", pair);
            }
            for period in periods {
                prop_assert!(period.valid_to.is_none_or(|last| period.valid_from <= last), "{:?}", period);
            }
        }
        // The newest edition determines the codes of its day, and importing it again changes nothing.
        if let Some(last) = files.last() && files.iter().all(|file| file.0 <= last.0) {
            let again: Vec<(i16, bool, &str)> = files.iter().chain([last]).copied().collect();
            let (_, import) = after(&again);
            prop_assert!(import.changed.is_empty(), "{:?}", import);
        }
    }
}

fn periods() -> impl Strategy<Value = Vec<Coded>> {
    let one = ("[A-C][0-9]{2}(\\.[0-9])?", "[a-zæøå ]{1,9}", 2000..2020_i16, prop::option::of(0..10_i16));
    prop::collection::vec(one, 0..40).prop_map(|all| {
        let period = |(code, title, year, years): (String, String, i16, Option<i16>)| {
            let last = years.map(|years| date(year + years, 12, 31));
            coded(&code, &format!("t{title}"), date(year, 1, 1), last, "x")
        };
        all.into_iter().map(period).collect()
    })
}
