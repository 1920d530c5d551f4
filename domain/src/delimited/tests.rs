use proptest::prelude::*;

use super::*;

/// The line, the text and the broken cell of every record, the same in whatever pieces the text arrives.
fn records(text: &[u8]) -> Vec<(u64, String, Option<usize>)> {
    let by = |piece: usize| -> Vec<_> {
        let records = Records::open(Pieces(text, piece), None, 1000).expect("readable");
        let shown = records.map(|it| it.expect("readable"));
        shown.map(|it| (it.line, String::from_utf8_lossy(&it.text).into_owned(), it.broken_at)).collect()
    };
    let whole = by(usize::MAX);
    for piece in [1, 2, 3, 7] {
        assert_eq!(by(piece), whole, "in pieces of {piece}");
    }
    whole
}

struct Pieces<'t>(&'t [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(self.1);
        self.0.read(into.get_mut(..most).unwrap_or_default())
    }
}

fn sound(records: &[(u64, &str)]) -> Vec<(u64, String, Option<usize>)> {
    records.iter().map(|(line, text)| (*line, (*text).to_owned(), None)).collect()
}

#[test]
fn records_end_at_any_line_break() {
    for line_break in ["\n", "\r\n", "\r"] {
        let text = ["a;b", "1;2", "", "3;4"].join(line_break);
        assert_eq!(records(text.as_bytes()), sound(&[(1, "a;b"), (2, "1;2"), (4, "3;4")]), "{line_break:?}");
        let ended = format!("{text}{line_break}");
        assert_eq!(records(ended.as_bytes()), records(text.as_bytes()));
        let quoted = format!("a;b{line_break}1;\"x{line_break}y\"{line_break}3;4");
        let cell = format!("1;\"x{line_break}y\"");
        assert_eq!(records(quoted.as_bytes()), sound(&[(1, "a;b"), (2, &cell), (4, "3;4")]), "{line_break:?}");
        assert_eq!(lines(cell.as_bytes()), 2);
    }
}

#[test]
fn records_take_a_quotation_mark_within_a_cell_as_text() {
    let text = "a;b\n1;skrue 5\" lang\n2; \"x\n3;\"\"\"\"\n";
    assert_eq!(
        records(text.as_bytes()),
        sound(&[(1, "a;b"), (2, "1;skrue 5\" lang"), (3, "2; \"x"), (4, "3;\"\"\"\"")])
    );
    assert_eq!(cells(b';', b"1;skrue 5\" lang").get(1), Some(&b"skrue 5\" lang"[..]));
    assert_eq!(cells(b';', b"3;\"\"\"\"").get(1), Some(&b"\""[..]));
}

#[test]
fn records_with_a_broken_quotation_end_with_their_line() {
    let broken = |text: &str| records(text.as_bytes());
    // Not closed at all, closed in a later record, and text behind the end.
    for (text, cell) in [("1;\"5 lang;x", 1), ("1;2;\"x", 2), ("\"x\"y;2", 0)] {
        let rest = sound(&[(3, "3;4"), (4, "5;6")]);
        let read = broken(&format!("a;b\n{text}\n3;4\n5;6\n"));
        assert_eq!(read[1], (2, text.to_owned(), Some(cell)), "{text}");
        assert_eq!(read[2..], rest, "{text}");
    }
    let read = broken("a\tb\n\"kjent\" plage\tx\n1\t\"7 lang\n2\t\"8 lang\n3\ty\n");
    let places: Vec<_> = read.iter().map(|it| (it.0, it.2)).collect();
    assert_eq!(places, [(1, None), (2, Some(0)), (3, Some(1)), (4, Some(1)), (5, None)]);
    assert_eq!(broken("a;b\n1;\"x").last(), Some(&(2, "1;\"x".to_owned(), Some(1))));
}

#[test]
fn records_pass_over_what_has_no_text() {
    let text = "\u{feff}sep=;\r\n\r\na;b\r\n;\r\n\"\";\" \"\r\n1;2\r\n;;;;\r\n";
    assert_eq!(records(text.as_bytes()), sound(&[(3, "a;b"), (6, "1;2")]));
    assert_eq!(records(b"\"SEP=,\"\na,b\n"), sound(&[(2, "a,b")]));
    assert_eq!((records(b""), records(b"\n;\n")), (Vec::new(), Vec::new()));
}

#[test]
fn head_finds_the_delimiter() {
    for (text, delimiter) in [("a;b,c;d", b';'), ("a\tb", b'\t'), ("a,b", b','), ("a", b';'), ("", b';')] {
        assert_eq!(head(text.as_bytes(), true).map(|it| it.delimiter), Some(delimiter), "{text}");
    }
    assert_eq!(head(b"a;b", false), None);
}

#[test]
fn records_that_are_too_long_are_cut_off() {
    let long = "x".repeat(2000);
    let text = format!("a;b\n{long};\n1;2\n\"{long}\n3;4\n");
    let read: Vec<_> =
        Records::open(text.as_bytes(), None, 100).expect("readable").map(|it| it.expect("readable")).collect();
    let seen: Vec<_> = read.iter().map(|it| (it.line, it.text.len(), it.too_long)).collect();
    assert_eq!(seen, [(1, 3, false), (2, 100, true), (3, 3, false), (4, 100, true), (5, 3, false)]);
}

proptest! {
    #[test]
    fn cells_are_those_of_the_csv_crate(text in "[a;\"\r\n ]{0,40}") {
        let whole: Vec<_> = Records::open(text.as_bytes(), Some(b';'), 1000).expect("readable").map(|it| it.expect("readable")).collect();
        prop_assume!(whole.iter().all(|it| it.broken_at.is_none()));
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.delimiter(b';').has_headers(false).flexible(true).from_reader(text.as_bytes());
        let theirs: Vec<ByteRecord> = reader.byte_records().map(|it| it.expect("readable")).collect();
        let theirs: Vec<_> = theirs.into_iter().filter(|it| !it.iter().all(|cell| is_blank(b';', cell))).collect();
        let ours: Vec<_> = whole.iter().map(|it| cells(b';', &it.text)).collect();
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn records_lose_no_line(lines in prop::collection::vec("[a;\" ]{0,8}", 1..8)) {
        // Every line is in a record, in order, whatever its quotation marks.
        let text = lines.join("\n");
        let mut scanner = Scanner::new(b';');
        let (mut rest, mut found) = (text.as_bytes(), Vec::new());
        while let Some(cut) = scanner.find(rest, true) {
            found.extend(std::str::from_utf8(&rest[..cut.text]).expect("text").split('\n'));
            prop_assert_eq!(super::lines(&rest[..cut.text]), cut.lines);
            rest = &rest[cut.whole..];
        }
        let known: Vec<&str> = text.split_terminator('\n').collect();
        prop_assert_eq!(found, known);
    }
}
