use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const FORM: &str = r#"
    code = "opr"
    version = "1"
    title = { nb = "Gammel", en = "Old" }
    wave = "baseline"
    instruments = ["isi"]
    items = [
        { code = "economy", kind = { choice = { options = ["good", "medium", "poor"] } }, label = { nb = "Økonomi", en = "Economy" } },
        { code = "pain_sites", kind = { multiple = { options = ["back", "neck"] } }, label = { nb = "Sted", en = "Site" } },
        { code = "weight", kind = { decimal = { min = 0, max = 300, decimals = 1 } }, label = { nb = "Vekt", en = "Weight" } },
        { code = "since", kind = "date", label = { nb = "Siden", en = "Since" } },
        { code = "agreed", kind = "boolean", label = { nb = "Enig", en = "Agreed" } },
        { code = "note", kind = { text = { max_length = 20 } }, label = { nb = "Merknad", en = "Note" } },
    ]
"#;

const MAPPING: &str = r#"
    form = "opr"
    version = "1"
    encoding = "windows-1252"
    dates = "%d.%m.%Y"
    patient = "Fnr"
    submission = ["Pasient", "Skjema"]
    submitted_at = { column = "Levert", format = "%d.%m.%Y %H:%M" }
    missing = ["-"]

    [columns]
    "Søvn 1" = { item = "isi_01" }
    "Søvn 2" = { item = "isi_02", values = { "Aldri" = 0, "Ofte" = 3 }, missing = ["Vet ikke"] }
    "Økonomi" = { item = "economy", values = { "God" = "good", "Middels" = "medium", "Dårlig" = "poor" } }
    "Rygg" = { item = "pain_sites", option = "back", values = { "Ja" = true, "Nei" = false } }
    "Nakke" = { item = "pain_sites", option = "neck" }
    "Vekt" = { item = "weight" }
    "Siden" = { item = "since" }
    "Enig" = { item = "agreed" }
    "Merknad" = { item = "note" }

    [ignored]
    "Versjon" = "the vendor's number of its own software"
"#;

const HEADER: &str = "Fnr;Pasient;Skjema;Levert;Søvn 1;Søvn 2;Økonomi;Rygg;Nakke;Vekt;Siden;Enig;Merknad;Versjon";
const ROW: [&str; 14] = [
    "15865523413",
    "17",
    "3",
    "01.06.2019 14:30",
    "2",
    "Ofte",
    "Dårlig",
    "Ja",
    "0",
    "70,5",
    "24.12.2010",
    "1",
    "så som så",
    "4.2",
];

fn form() -> Form {
    Form::from_toml(FORM).unwrap_or_else(|error| panic!("{error}"))
}

fn mapping() -> ExportMapping {
    ExportMapping::from_toml(MAPPING).unwrap_or_else(|error| panic!("{error}"))
}

/// Windows-1252; every letter here is in Latin 1 too.
fn windows(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).expect("a letter of Latin 1")).collect()
}

fn rows(text: &str) -> Vec<(u64, Result<Row, Vec<Fault>>)> {
    Export::new(&mapping(), &form(), &*windows(text)).unwrap_or_else(|faults| panic!("{faults:?}")).collect()
}

/// The row with other cells.
fn changed(cells: &[(&str, &str)]) -> Result<Row, Vec<Fault>> {
    let mut row = ROW;
    for (column, cell) in cells {
        let at = HEADER.split(';').position(|name| name == *column).expect("a column");
        row[at] = cell;
    }
    rows(&format!("{HEADER}\r\n{}\r\n", row.join(";"))).remove(0).1
}

fn answers(cells: &[(&str, &str)]) -> Value {
    changed(cells).unwrap_or_else(|faults| panic!("{faults:?}")).answers.into()
}

#[test]
fn export_rows_become_answers() {
    let row = changed(&[]).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!((row.submission_id.as_str(), row.patient.expose()), ("17-3", "15865523413"));
    assert_eq!(row.submitted_at.to_string(), "2019-06-01T12:30:00Z", "summer time");
    let expected = json!({
        "isi_01": 2, "isi_02": 3, "economy": "poor", "pain_sites": {"back": true, "neck": false}, "weight": 70.5,
        "since": "2010-12-24", "agreed": true, "note": "så som så"
    });
    assert_eq!(Value::Object(row.answers.clone()), expected);
    assert_eq!(form().parse(&row.answers).expect("valid").to_json(), expected);
}

#[test]
fn export_reads_missing_marks_as_unanswered() {
    let empty = [("Søvn 1", ""), ("Søvn 2", "Vet ikke"), ("Økonomi", "-"), ("Rygg", " "), ("Vekt", "-"), ("Siden", "")];
    let rest = [("Enig", ""), ("Merknad", "")];
    let answers = answers(&[&empty[..], &rest].concat());
    assert_eq!(
        answers,
        json!({"pain_sites": {"back": null, "neck": false}}),
        "a box of which nothing is known is no empty box"
    );
}

#[test]
fn export_refuses_unknown_cells_with_their_column() {
    use FaultCode::{InvalidDate, OutOfRange, Required, TooLong, UnknownOption, WrongType};
    for (column, cell, code) in [
        ("Søvn 1", "9", OutOfRange),
        ("Søvn 1", "2,5", WrongType),
        ("Søvn 1", "ofte", WrongType),
        ("Søvn 2", "Vet ikke?", UnknownOption),
        ("Søvn 2", "3", UnknownOption),
        ("Økonomi", "god", UnknownOption),
        ("Rygg", "1", UnknownOption),
        ("Nakke", "Ja", UnknownOption),
        ("Vekt", "301", OutOfRange),
        ("Vekt", "70,55", FaultCode::InvalidFormat),
        ("Siden", "2010-12-24", InvalidDate),
        ("Siden", "31.02.2010", InvalidDate),
        ("Enig", "Ja", UnknownOption),
        ("Merknad", "123456789012345678901", TooLong),
        ("Levert", "01.06.2019", InvalidDate),
        ("Fnr", "", Required),
        ("Skjema", "", Required),
    ] {
        let faults = changed(&[(column, cell)]).err().expect("refused");
        assert_eq!(faults, [Fault::at(column, code)], "{column} {cell}");
    }
    let both = changed(&[("Økonomi", "x"), ("Vekt", "y")]).err().expect("refused");
    assert_eq!(both, [Fault::at("Vekt", WrongType), Fault::at("Økonomi", UnknownOption)]);
}

#[test]
fn report_lists_every_unmapped_column() {
    let mapping = mapping();
    let whole = mapping.check(HEADER.split(';'));
    assert!(whole.is_whole());
    assert_eq!((whole.mapped.len(), &whole.ignored), (9, &vec!["Versjon".to_owned()]));
    let report = mapping.check(["Fnr", "Pasient", "Levert", "Søvn 1", "Ny"]);
    assert_eq!((report.mapped, report.unmapped), (vec!["Søvn 1".to_owned()], vec!["Ny".to_owned()]));
    let absent = ["Enig", "Merknad", "Nakke", "Rygg", "Siden", "Skjema", "Søvn 2", "Vekt", "Versjon", "Økonomi"];
    assert_eq!(report.absent, absent);

    let bytes = windows("Fnr;Pasient;Skjema;Levert;Ny\n1;2;3;01.06.2019 00:00;x\n");
    let export = Export::new(&mapping, &form(), &*bytes);
    let mut export = export.unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!(export.report().unmapped, ["Ny"]);
    assert!(export.next().is_some_and(|(line, row)| line == 2 && row.is_ok_and(|row| row.answers.is_empty())));
}

#[test]
fn export_refuses_a_header_without_identifying_columns() {
    let refused = |text: &str| Export::new(&mapping(), &form(), &*windows(text)).err().expect("refused");
    assert_eq!(refused("Fnr;Pasient;Skjema\n"), [Fault::at("Levert", FaultCode::Required)]);
    assert_eq!(refused("Fnr;Pasient;Skjema;Levert;Ny;Ny\n"), [Fault::at("Ny", FaultCode::DuplicateKey)]);
    assert_eq!(refused("").len(), 4);
}

#[test]
fn export_refuses_a_row_of_another_length_and_continues() {
    let good = ROW.join(";");
    let read = rows(&format!("{HEADER}\n{good};more\n17;3\n{good}\n"));
    let lines: Vec<_> = read.iter().map(|(line, row)| (*line, row.is_ok())).collect();
    assert_eq!(lines, [(2, false), (3, false), (4, true)]);
    assert_eq!(read[0].1.as_ref().err(), Some(&vec![Fault::new("", FaultCode::UnknownItem)]));
    assert_eq!(read[1].1.as_ref().err().map(Vec::len), Some(12));
}

#[test]
fn export_reads_any_line_break_and_passes_over_empty_rows() {
    let (good, empty) = (ROW.join(";"), ";".repeat(ROW.len() - 1));
    for line_break in ["\r", "\n", "\r\n"] {
        let (wide, header) = (format!("{good};;"), format!("{HEADER};;"));
        let text = ["sep=;", &header, &good, &empty, &wide].join(line_break);
        let lines: Vec<_> = rows(&text).iter().map(|(line, row)| (*line, row.is_ok())).collect();
        assert_eq!(lines, [(3, true), (5, true)], "{line_break:?}");
    }
}

#[test]
fn export_refuses_a_broken_quotation_and_continues() {
    let good = ROW.join(";");
    let broken = good.replacen("så som så", "\"så som så", 1);
    let inside = good.replacen("så som så", "så 5\" så", 1);
    let read = rows(&format!("{HEADER}\n{broken}\n{inside}\n{good}\n"));
    assert_eq!(read.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(read[0].1.as_ref().err(), Some(&vec![Fault::at("Merknad", FaultCode::InvalidFormat)]));
    assert_eq!(read[1].1.as_ref().ok().map(|row| &row.answers["note"]), Some(&json!("så 5\" så")));
    assert!(read[2].1.is_ok());
    assert_eq!(changed(&[("Merknad", "a\0b")]).err(), Some(vec![Fault::at("Merknad", FaultCode::ForbiddenCharacter)]));
}

#[test]
fn export_reads_utf_16_and_decomposed_letters() {
    let text = format!("{HEADER}\r\n{}\r\n", ROW.join(";"));
    let decomposed = text.replace('ø', "o\u{338}").replace('å', "a\u{30a}").replace('Ø', "O\u{338}");
    let wide: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in
        [wide, format!("\u{feff}{}", decomposed.replace("o\u{338}", "ø").replace("O\u{338}", "Ø")).into_bytes()]
    {
        let export = Export::new(&mapping(), &form(), &*bytes).unwrap_or_else(|faults| panic!("{faults:?}"));
        assert!(export.report().is_whole(), "{:?}", export.report());
        let row = export.map(|(_, row)| row).next().expect("a row").unwrap_or_else(|faults| panic!("{faults:?}"));
        assert_eq!(row.answers["note"], json!("så som så"));
    }
}

#[test]
fn export_reads_both_encodings() {
    let mapping = ExportMapping { encoding: Encoding::Utf8, ..mapping() };
    let text = format!("\u{feff}{HEADER}\n{}\n", ROW.join(";"));
    let rows: Vec<_> = Export::new(&mapping, &form(), text.as_bytes()).ok().into_iter().flatten().collect();
    assert_eq!(rows[0].1.as_ref().ok().map(|row| &row.answers["note"]), Some(&json!("så som så")));
    let wrong = [HEADER.as_bytes(), b"\n", &windows(&ROW.join(";"))].concat();
    let rows: Vec<_> = Export::new(&mapping, &form(), &*wrong).ok().into_iter().flatten().collect();
    let faults = [Fault::at("Merknad", FaultCode::InvalidFormat), Fault::at("Økonomi", FaultCode::InvalidFormat)];
    assert_eq!(rows[0].1.as_ref().err().map(Vec::as_slice), Some(&faults[..]));
}

#[test]
fn faults_name_places_of_an_unfit_mapping() {
    use FaultCode::{AlreadyExists, Contradiction, InvalidFormat, Required, UnknownOption, UnknownReference};
    let faults = |change: &dyn Fn(&mut ExportMapping)| {
        let mut mapping = mapping();
        change(&mut mapping);
        mapping.faults(&form())
    };
    let column = |mapping: &mut ExportMapping, name: &str, item: &str, option: Option<&str>| {
        let to = ColumnTarget {
            item: item.into(),
            option: option.map(str::to_owned),
            values: BTreeMap::new(),
            missing: BTreeSet::new(),
        };
        mapping.columns.insert(name.to_owned(), to);
    };
    let one = |pointer: &str, code| vec![Fault::new(pointer, code)];
    assert_eq!(faults(&|_| ()), []);
    assert_eq!(faults(&|it| it.form = "other".into()), one("/form", UnknownReference));
    assert_eq!(faults(&|it| it.version = "2".into()), one("/version", UnknownReference));
    assert_eq!(faults(&|it| it.delimiter = 'ø'), one("/delimiter", InvalidFormat));
    assert_eq!(faults(&|it| it.dates = "%H".into()), one("/dates", InvalidFormat));
    assert_eq!(faults(&|it| it.submitted_at.format = "%d.%m".into()), one("/submitted_at/format", InvalidFormat));
    assert_eq!(faults(&|it| it.submission.clear()), one("/submission", Required));
    assert_eq!(faults(&|it| column(it, "Ny", "nothing", None)), one("/columns/Ny/item", UnknownReference));
    assert_eq!(faults(&|it| column(it, "Ø", "economy", None)), one("/columns/Økonomi/item", AlreadyExists));
    assert_eq!(faults(&|it| column(it, "Rygg", "pain_sites", None)), one("/columns/Rygg/option", Required));
    assert_eq!(faults(&|it| column(it, "Rygg", "pain_sites", Some("toe"))), one("/columns/Rygg/option", UnknownOption));
    assert_eq!(faults(&|it| column(it, "Vekt", "weight", Some("x"))), one("/columns/Vekt/option", UnknownOption));
    let ignore = |name: &'static str, why: &'static str| {
        move |it: &mut ExportMapping| _ = it.ignored.insert(name.into(), why.into())
    };
    assert_eq!(faults(&ignore("Ny", " ")), one("/ignored/Ny", Required));
    assert_eq!(faults(&ignore("Vekt", "why")), one("/ignored/Vekt", Contradiction));
    assert_eq!(faults(&ignore("Fnr", "why")), one("/ignored/Fnr", Contradiction));
    assert!(ExportMapping::from_toml(&MAPPING.replace("missing", "mising")).is_err(), "no member is passed over");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn export_never_panics(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\r\n\";1".to_vec())], 0..300)) {
        let start = windows(&format!("{HEADER}\n"));
        for bytes in [bytes.clone(), [start, bytes].concat()] {
            match Export::new(&mapping(), &form(), &*bytes) {
                Err(faults) => prop_assert!(!faults.is_empty() && faults.is_sorted()),
                Ok(rows) => for (line, row) in rows {
                    prop_assert!(line > 1);
                    if let Err(faults) = row {
                        prop_assert!(!faults.is_empty() && faults.is_sorted());
                        prop_assert!(faults.iter().all(|fault| fault.pointer.is_empty() || fault.pointer.starts_with('/')));
                    }
                }
            }
        }
    }

    #[test]
    fn export_reads_integers_and_days(isi in 0..=4_i32, day in 0..20_000_i32) {
        let date = date(1970, 1, 1).checked_add(jiff::Span::new().days(day)).expect("a day");
        let answers = answers(&[("Søvn 1", &isi.to_string()), ("Siden", &date.strftime("%d.%m.%Y").to_string())]);
        prop_assert_eq!(&answers["isi_01"], &json!(isi));
        prop_assert_eq!(&answers["since"], &json!(date.to_string()));
    }
}
