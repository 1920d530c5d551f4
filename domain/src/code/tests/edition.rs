//! Reading the files of an edition, and what an edition changes in a book.

use super::*;

fn table(text: &str) -> Vec<Line> {
    lines_of_text(text.as_bytes()).expect("a table")
}

fn listed(system: System, text: &str) -> ListedCodes {
    ListedCodes::read(system, &table(text), &Columns::default()).expect("columns")
}

#[test]
fn lines_detect_encoding_and_delimiter() {
    let wanted = vec!["Kode".to_owned(), "Tittel".to_owned()];
    let windows: Vec<u8> = b"Kode;Tittel\nM79.7;\xd8mhet \x96 \xe5rsak ukjent\n".to_vec();
    let wide: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain("Kode\tTittel\nM79.7\tØ".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for (bytes, title) in [
        ("Kode;Tittel\nM79.7;Ømhet, verk".as_bytes().to_vec(), "Ømhet, verk"),
        ("\u{feff}Kode;Tittel\r\nM79.7;\"Ømhet; verk\"\r\n".as_bytes().to_vec(), "Ømhet; verk"),
        ("Kode,Tittel\nM79.7,\"Ømhet, verk\"\n".as_bytes().to_vec(), "Ømhet, verk"),
        ("Kode\tTittel\nM79.7\tØmhet, verk; annet\n".as_bytes().to_vec(), "Ømhet, verk; annet"),
        (windows, "Ømhet – årsak ukjent"),
        (wide, "Ø"),
    ] {
        let lines = lines_of_text(&bytes).expect("a table");
        assert_eq!(lines[0].cells, wanted);
        assert_eq!((lines[1].number, lines[1].cells[1].as_str()), (2, title));
    }
}

#[test]
fn lines_end_at_any_line_break_and_letters_are_composed() {
    for line_break in ["\r", "\n", "\r\n"] {
        let text = ["Kode;Tittel", "M79.7;\"a\u{30a}rsak; ukjent\"", ";", "M79.8;x"].join(line_break);
        let lines = table(&text);
        let seen: Vec<_> = lines.iter().map(|it| (it.number, it.cells[1].as_str())).collect();
        assert_eq!(seen, [(1, "Tittel"), (2, "årsak; ukjent"), (4, "x")], "{line_break:?}");
    }
}

#[test]
fn read_refuses_a_broken_quotation_and_continues() {
    let read = listed(System::Icd10, "Kode;Tittel\nM79.6;\"Smerte\nM79.7;5\" under\nM79.8;\"x\" y\nM79.9;z\n");
    let refused: Vec<_> = read.refused.iter().map(|it| (it.number, it.reason)).collect();
    assert_eq!(refused, [(2, Unusable::Quotation), (4, Unusable::Quotation)]);
    assert_eq!(read.codes.iter().map(|it| it.title.as_str()).collect::<Vec<_>>(), ["5\" under", "z"]);
}

#[test]
fn read_finds_columns_by_header_or_argument() {
    let text = "Kodeverk for 2026;;\n;;\nGyldig fra;Kodetekst uten lengdebegrensning;Kodeverdi;Kodetekst\n1999;En lang tekst;M79.7;En lang\n";
    let codes = listed(System::Icd10, text).codes;
    assert_eq!(
        (codes[0].number, codes[0].title.as_str(), codes[0].valid_from),
        (4, "En lang tekst", Some(date(1999, 1, 1)))
    );

    let text = "Nøkkel;Forklaring\nM79.7;Fibromyalgi\n";
    let unclear = ListedCodes::read(System::Icd10, &table(text), &Columns::default()).expect_err("unclear");
    assert_eq!((unclear.column, unclear.headers.len(), unclear.headers[0].as_str()), (Column::Code, 2, "Nøkkel"));
    let asked =
        |code: &str, title: &str| Columns { code: Some(code.into()), title: Some(title.into()), ..Columns::default() };
    assert_eq!(
        ListedCodes::read(System::Icd10, &table(text), &asked("nøkkel", " Forklaring")).expect("columns").codes.len(),
        1
    );
    let unclear = ListedCodes::read(System::Icd10, &table(text), &asked("Nøkkel", "Tekst")).expect_err("unclear");
    assert_eq!((unclear.column, unclear.asked.as_deref()), (Column::Title, Some("Tekst")));
    // Without a header, by number; the header is refused as a line then, not lost.
    let numbered = ListedCodes::read(System::Icd10, &table(text), &asked("1", "2")).expect("columns");
    assert_eq!((numbered.rows, numbered.codes.len(), numbered.refused[0].reason), (2, 1, Unusable::NotACode));
    assert!(ListedCodes::read(System::Icd10, &table(text), &asked("0", "2")).is_err());
}

#[test]
fn read_selects_one_system_of_several() {
    let text =
        "Kodeverk;Kode;Tittel\nNCSP;ABC16;Inngrep\nNCMP;RAGG60;Prosedyre\nncmp ;WBOC03;Prosedyre\nNCMP;x;Prosedyre\n";
    let only = |header: &str| Columns { only: Some((header.into(), "NCMP".into())), ..Columns::default() };
    let listed = ListedCodes::read(System::Ncmp, &table(text), &only("kodeverk")).expect("columns");
    assert_eq!((listed.rows, listed.others, listed.codes.len(), listed.refused.len()), (4, 1, 2, 1));
    let unclear = ListedCodes::read(System::Ncmp, &table(text), &only("System")).expect_err("unclear");
    assert_eq!((unclear.column, unclear.asked.as_deref()), (Column::Only, Some("System")));
}

#[test]
fn read_lists_or_refuses_every_line() {
    let long = "x".repeat(501);
    let text = format!(
        "Kode;Tittel;Gyldig fra;Gyldig til\n\
         G53.0*;Nevralgi;01.01.1999;31.12.9999\n\
         A00-B99;Kapittel I;;\n\
         ;Uten kode;;\n\
         ;;;\n\
         R52.1;;;\n\
         R52.2;{long};;\n\
         R52.9;Smerte;2026-02-30;\n\
         R51;Hodepine;2026-01-01;2025-01-01\n\
         M79.7;Fibromyalgi;1999;2009\n\
         m797;Fibromyalgi;2010;\n\
         M797;Fibromyalgi;2009-12-31;\n"
    );
    let listed = listed(System::Icd10, &text);
    assert_eq!((listed.rows, listed.codes.len()), (10, 3));
    assert_eq!((listed.codes[0].code.as_str(), listed.codes[0].valid_to), ("G53.0", None));
    assert_eq!(listed.codes[1].valid_to, Some(date(2009, 12, 31)));
    let refused: Vec<(u64, Unusable)> = listed.refused.iter().map(|line| (line.number, line.reason)).collect();
    assert_eq!(
        refused,
        [
            (3, Unusable::NotACode),
            (4, Unusable::NoCode),
            (6, Unusable::NoTitle),
            (7, Unusable::TitleTooLong),
            (8, Unusable::NotADay),
            (9, Unusable::EndsBeforeItBegins),
            (12, Unusable::StandsAlready(10)),
        ]
    );
}

/// A book after these editions, each a year and a file.
pub(super) fn after(editions: &[(i16, bool, &str)]) -> (CodeBook, Import) {
    let mut book = CodeBook::new(System::Icd10, Vec::new(), Vec::new());
    let mut last = Import::default();
    for (year, complete, text) in editions {
        let issue = Issue { edition: year.to_string(), valid_from: date(*year, 1, 1), complete: *complete };
        last = Import::plan(&book, &listed(System::Icd10, text), &issue);
        let untouched = book.iter().filter(|it| !last.changed.contains_key(&it.code)).collect::<Vec<_>>();
        let periods = untouched.into_iter().chain(last.changed.values().flatten().cloned()).collect();
        let known = Edition {
            edition: issue.edition,
            valid_from: issue.valid_from,
            imported_at: Timestamp::UNIX_EPOCH,
            codes: 0,
        };
        let editions = book.editions().iter().cloned().chain([known]).collect();
        book = CodeBook::new(System::Icd10, periods, editions);
    }
    (book, last)
}

fn counts(import: &Import) -> (usize, usize, usize, usize, usize) {
    (import.new, import.retitled, import.ended, import.redated, import.unchanged)
}

#[test]
fn import_ends_retitles_and_adds_codes() {
    let old = "Kode;Tittel\nA01;En\nB02;To\nC03;Tre\n";
    let new = "Kode;Tittel\nA01;En\nB02;To, presisert\nD04;Fire\n";
    let (book, import) = after(&[(2025, true, old), (2026, true, new)]);
    assert_eq!(counts(&import), (1, 1, 1, 0, 1));
    let end = Some(date(2025, 12, 31));
    assert_eq!(
        book.iter().collect::<Vec<_>>(),
        [
            coded("A01", "En", date(2025, 1, 1), None, "2025"),
            coded("B02", "To", date(2025, 1, 1), end, "2025"),
            coded("B02", "To, presisert", date(2026, 1, 1), None, "2026"),
            coded("C03", "Tre", date(2025, 1, 1), end, "2025"),
            coded("D04", "Fire", date(2026, 1, 1), None, "2026"),
        ]
    );
    assert_eq!(book.check("B02", date(2025, 6, 1)).expect("a code").title, "To");
    assert_eq!(book.check("C03", DAY).expect_err("ended").code, FaultCode::ExpiredCode);
    assert_eq!(book.check("D04", date(2025, 6, 1)).expect_err("not yet").code, FaultCode::ExpiredCode);
    // The same again changes nothing; a correction of the same edition leaves no empty period.
    assert_eq!(counts(&after(&[(2025, true, old), (2026, true, new), (2026, true, new)]).1), (0, 0, 0, 0, 3));
    let (book, import) = after(&[(2025, true, old), (2026, true, new), (2026, true, "Kode;Tittel\nA01;En\nB02;To!\n")]);
    assert_eq!(counts(&import), (0, 1, 1, 0, 1));
    assert_eq!(book.find("B02").len(), 2);
    assert!(book.find("D04").is_empty());
    // A code that is back has a gap.
    let (book, import) = after(&[(2024, true, old), (2025, true, new), (2026, true, old)]);
    assert_eq!(counts(&import), (0, 1, 1, 1, 1));
    assert_eq!(book.check("C03", date(2025, 6, 1)).expect_err("a gap").code, FaultCode::ExpiredCode);
    assert!(book.check("C03", DAY).is_ok());
}

#[test]
fn import_of_partial_or_older_editions_ends_no_code() {
    let old = "Kode;Tittel\nA01;En\nB02;To\n";
    assert_eq!(counts(&after(&[(2025, true, old), (2026, false, "Kode;Tittel\nC03;Tre\n")]).1), (1, 0, 0, 0, 0));
    assert_eq!(counts(&after(&[(2025, true, old), (2026, true, "Kode;Tittel\nA01;\nB02;To\n")]).1), (0, 0, 0, 0, 1));
    let (book, import) = after(&[(2026, true, old), (2024, true, "Kode;Tittel\nA01;Ein\nC03;Tre\n")]);
    assert_eq!(counts(&import), (1, 0, 0, 1, 0));
    assert_eq!(
        book.find("A01"),
        [
            coded("A01", "Ein", date(2024, 1, 1), Some(date(2025, 12, 31)), "2024"),
            coded("A01", "En", date(2026, 1, 1), None, "2026")
        ]
    );
}

#[test]
fn import_keeps_days_of_cumulative_files() {
    let file = "Kode;Tittel;Gyldig fra;Gyldig til\nA01;En;1999;2009\nA01;Nytt;2010;\nB02;To;1999;2020\n";
    let (book, import) = after(&[(2025, true, "Kode;Tittel\nA01;Gammelt\nB02;To\nC03;Tre\n"), (2026, false, file)]);
    assert_eq!(counts(&import), (0, 1, 1, 0, 0));
    assert_eq!(
        book.find("A01"),
        [
            coded("A01", "En", date(1999, 1, 1), Some(date(2009, 12, 31)), "2026"),
            coded("A01", "Nytt", date(2010, 1, 1), None, "2026")
        ]
    );
    let again = after(&[(2025, true, "Kode;Tittel\nA01;Gammelt\nC03;Tre\n"), (2026, false, file), (2026, false, file)]);
    assert_eq!(counts(&again.1), (0, 0, 0, 0, 2));
}

#[test]
fn import_of_a_last_day_ends_known_codes_only() {
    let file = "Kode;Tittel;Gyldig til\nA01;En;2025-06-30\nB02;To;2025-06-30\n";
    let (book, import) = after(&[(2025, true, "Kode;Tittel\nA01;En\n"), (2026, false, file)]);
    assert_eq!(counts(&import), (0, 0, 1, 0, 0));
    assert_eq!(book.find("A01"), [coded("A01", "En", date(2025, 1, 1), Some(date(2025, 6, 30)), "2025")]);
    assert_eq!(import.refused, [RefusedLine { number: 3, code: "B02".into(), reason: Unusable::EndsBeforeItBegins }]);
}
