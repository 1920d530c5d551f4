//! Code systems: search, validity through the years, imports of the directorates' files, and the reload in a running
//! server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use painreg_api::commands::codes::{CodesReport, Wanted, import_builtin, import_file};
use painreg_domain::code::{System, Unusable};
use painreg_domain::fault::FaultCode;
use painreg_tests::{Actor, Answer, Cluster, World};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::Value;

use crate::kit::{AnswerAssertions as _, pages};

/// Writes a file for this world.
fn file(world: &World, name: &str, bytes: &[u8]) -> PathBuf {
    let folder = Cluster::shared().folder.join("codes").join(world.database());
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file");
    path
}

fn wanted(system: System, edition: &str) -> Wanted {
    Wanted { system: Some(system), edition: Some(edition.to_owned()), ..Wanted::default() }
}

fn imports(world: &World, wanted: &Wanted, path: &Path) -> CodesReport {
    import_file(&world.registry, wanted, path).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(world: &World, wanted: &Wanted, path: &Path) -> String {
    import_file(&world.registry, wanted, path).expect_err("a refusal").to_string()
}

/// New, retitled, ended, redated, unchanged.
fn counts(report: &CodesReport) -> [usize; 5] {
    let it = &report.imported.import;
    [it.new, it.retitled, it.ended, it.redated, it.unchanged]
}

fn codes(answer: &Answer) -> Vec<&str> {
    answer.items().iter().filter_map(|item| item["code"].as_str()).collect()
}

fn searches(actor: &Actor<'_>, system: &str, query: &str) -> Answer {
    actor.get(&actor.at(&format!("code-systems/{system}/codes?{query}"))).expect(200)
}

fn periods(actor: &Actor<'_>, system: &str, code: &str) -> Vec<(String, String, Option<String>)> {
    let found = actor.get(&actor.at(&format!("code-systems/{system}/codes/{code}"))).expect(200);
    let text = |period: &Value, name: &str| period[name].as_str().map(str::to_owned);
    let period = |it: &Value| {
        (text(it, "title").unwrap_or_default(), text(it, "valid_from").unwrap_or_default(), text(it, "valid_to"))
    };
    found.body["periods"].as_array().expect("periods").iter().map(period).collect()
}

fn day(text: &str) -> jiff::civil::Date {
    text.parse().expect("a day")
}

#[test]
fn list_code_systems_shows_editions() {
    let world = World::new();
    let importer = world.alpha().importer();
    let listed = importer.get(&importer.at("code-systems")).expect(200);
    let systems: Vec<(&str, &str)> = listed
        .items()
        .iter()
        .map(|it| {
            (it["system"].as_str().unwrap_or_default(), it["editions"][0]["edition"].as_str().unwrap_or_default())
        })
        .collect();
    assert_eq!(
        systems,
        [
            ("icd10", "built-in"),
            ("icd11", "built-in"),
            ("ncsp", "demonstration"),
            ("ncmp", "demonstration"),
            ("ncrp", ""),
            ("atc", "built-in")
        ]
    );
    for item in listed.items() {
        let loaded = item["system"] != "ncrp";
        assert_eq!(item["valid_codes"].as_u64().unwrap_or_default() > 0, loaded, "{item}");
        assert_eq!(item["imported_at"].is_string(), loaded, "{item}");
    }
}

#[test]
fn search_codes_by_prefix_and_words() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    for (system, query, found) in [
        ("icd10", "query=m79.7", vec!["M79.7"]),
        ("icd10", "query=M797", vec!["M79.7"]),
        ("icd10", "query=FIBROmyalgi", vec!["M79.7"]),
        ("icd11", "query=neuropathic%20central", vec!["MG30.50"]),
        ("icd11", "query=MG30.0&limit=3", vec!["MG30.0", "MG30.00", "MG30.01"]),
        ("ncsp", "query=%C3%A5", vec![]),
        ("ncsp", "query=PR%C3%98VE", vec!["ZDS01"]),
        ("ncrp", "", vec![]),
        ("atc", "query=gabapentin", vec!["N02BF01"]),
        ("atc", "query=gabapentin&valid_on=2022-12-31", vec!["N03AX12"]),
        ("atc", "query=gabapentin&valid_on=1990-01-01", vec![]),
        ("atc", "query=morfin", vec!["N02AA01", "R05DA01"]),
    ] {
        assert_eq!(codes(&searches(&clinician, system, query)), found, "{system} {query}");
    }
    let one = searches(&clinician, "icd10", "query=M79.7").body["items"][0].clone();
    assert_eq!((one["title"].as_str(), one["title_en"].as_str()), (Some("Fibromyalgi"), Some("Fibromyalgia")));

    let path = clinician.at("code-systems/icd10/codes");
    for query in ["", "query=pain&"] {
        let whole: Vec<Value> = pages(&clinician, &format!("{path}?{query}limit=200")).into_iter().flatten().collect();
        let paged: Vec<Value> = pages(&clinician, &format!("{path}?{query}limit=7")).into_iter().flatten().collect();
        assert!(whole.len() > 7 && whole == paged, "{query}");
    }
    let listed: Vec<String> = pages(&clinician, &path)
        .into_iter()
        .flatten()
        .map(|item| item["code"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert!(listed.len() > 200 && listed.is_sorted());
}

#[test]
fn search_codes_checks_parameters_and_binds_cursors() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let at = |rest: &str| clinician.at(&format!("code-systems/{rest}"));
    for (bad, pointer, code) in [
        ("query=", "/query/query", "invalid_format"),
        ("query=%00", "/query/query", "forbidden_character"),
        ("query=%0A", "/query/query", "invalid_format"),
        (&format!("query={}", "x".repeat(101)), "/query/query", "too_long"),
        ("valid_on=2026-02-30", "/query/valid_on", "invalid_format"),
        ("valid_on=", "/query/valid_on", "invalid_format"),
        ("valid_on=2026-02-03T10:00", "/query/valid_on", "invalid_format"),
        ("limit=0", "/query/limit", "out_of_range"),
    ] {
        clinician.get(&at(&format!("icd10/codes?{bad}"))).fault(400, pointer, code);
    }
    clinician.get(&at("icd10/codes?surprise=1")).problem(400, "invalid_parameter");
    for unknown in
        ["icd9/codes", "ICD10/codes", "icd10/codes/M79.77", "icd10/codes/MG30.0", "icd10/codes/x%00", "icd9/codes/A00"]
    {
        clinician.get(&at(unknown)).problem(404, "not_found");
    }
    let first = clinician.get(&at("icd10/codes?query=pain&limit=2")).expect(200);
    let cursor = first.text_at("/next_cursor");
    clinician.get(&at(&format!("icd10/codes?query=pain&limit=5&cursor={cursor}"))).expect(200);
    for other in ["icd11/codes?query=pain", "icd10/codes?query=pains", "icd10/codes?query=pain&valid_on=2026-01-01"] {
        clinician.get(&at(&format!("{other}&cursor={cursor}"))).problem(400, "invalid_cursor");
    }
}

#[test]
fn codes_import_is_seen_by_a_running_server() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let before = world.registry.codes();
    // Another process imports: the server notices by the generation alone.
    let elsewhere = painreg_tenants::Registry::open(Cluster::shared().settings(world.database(), world.clock.clone()))
        .expect("a registry");
    let text = "Kode;Kodetekst;Gyldig fra\nM79.7;Fibromyalgi;\nR52.1;Kroniske, uh\u{e5}ndterlige smerter;\nR52.3;Ny smerte;01.07.2026\nR52;Smerte;\nG53.0*;Postherpetisk nevralgi;\n";
    let path = file(&world, "icd10.csv", text.as_bytes());
    let dry = Wanted { dry_run: true, ..wanted(System::Icd10, "2026") };
    let result = import_file(&elsewhere, &dry, &path).unwrap_or_else(|error| panic!("{error}"));
    assert!(!result.imported.done);
    assert_eq!(world.number("SELECT count(*) FROM platform.code_import WHERE edition = '2026'"), 0);
    assert_eq!(world.number("SELECT count(*) FROM platform.code WHERE edition = '2026'"), 0);

    let done = import_file(&elsewhere, &wanted(System::Icd10, "2026"), &path).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(done.imported.import, result.imported.import);
    let [new, retitled, ended, redated, unchanged] = counts(&done);
    assert_eq!((done.rows, new, retitled, redated, unchanged), (5, 1, 3, 0, 1));
    assert_eq!(ended, before.book(System::Icd10).expect("a book").count_valid(day("2026-01-01")) - 4);

    world.within(Duration::from_secs(10), || (searches(&clinician, "icd10", "").items().len() == 5).then_some(()));
    assert_eq!(codes(&searches(&clinician, "icd10", "query=uh%C3%A5nd")), ["R52.1"]);
    assert_eq!(codes(&searches(&clinician, "icd10", "query=R52.3&valid_on=2026-06-30")), Vec::<&str>::new());
    assert_eq!(
        periods(&clinician, "icd10", "r521"),
        [
            ("Chronic intractable pain".to_owned(), "1999-01-01".to_owned(), Some("2025-12-31".to_owned())),
            ("Kroniske, uhåndterlige smerter".to_owned(), "2026-01-01".to_owned(), None),
        ]
    );
    // Old codes are kept: last year's codes are last year's.
    assert_eq!(codes(&searches(&clinician, "icd10", "query=G50.0&valid_on=2025-12-31")), ["G50.0"]);
    assert_eq!(codes(&searches(&clinician, "icd10", "query=G50.0")), Vec::<&str>::new());
    let listed = clinician.get(&clinician.at("code-systems")).expect(200).body["items"][0].clone();
    assert_eq!(listed["editions"].as_array().map(Vec::len), Some(2));
    assert_eq!((listed["valid_codes"].as_u64(), listed["editions"][1]["codes"].as_u64()), (Some(5), Some(5)));

    // In memory the book of an unchanged system is the same, and refused codes are answered from it.
    let after = world.registry.codes();
    let books =
        [System::Icd11, System::Atc].map(|it| (before.book(it).expect("a book"), after.book(it).expect("a book")));
    assert!(books.iter().all(|(one, other)| std::sync::Arc::ptr_eq(one, other)));
    let refused = after.check(System::Icd10, "G50.0", day("2026-11-22")).expect_err("ended");
    assert_eq!(refused.code, FaultCode::ExpiredCode);

    // A repeated import changes nothing. In the next edition missing codes end, and codes that return are valid again.
    assert_eq!(counts(&imports(&world, &wanted(System::Icd10, "2026"), &path)), [0, 0, 0, 0, 5]);
    let next = file(&world, "next.tsv", b"Kode\tTittel\nM797\tFibromyalgi\nG500\tTrigeminusnevralgi\n");
    assert_eq!(counts(&imports(&world, &wanted(System::Icd10, "2027"), &next)), [0, 0, 4, 1, 1]);
    assert_eq!(
        periods(&clinician, "icd10", "G50.0").iter().map(|it| it.1.as_str()).collect::<Vec<_>>(),
        ["1999-01-01", "2027-01-01"]
    );
    let journal = world.rows("SELECT * FROM platform.code_import WHERE system = 'icd10' ORDER BY imported_at, id");
    assert_eq!(journal.len(), 4);
    assert_eq!((journal[1]["source"].as_str(), journal[1]["refused"].as_i64()), (Some("icd10.csv"), Some(0)));
    let traces = world.rows("SELECT object FROM platform.audit_event WHERE action = 'ImportCodes' ORDER BY at, id");
    let objects: Vec<&str> = traces.iter().filter_map(|row| row["object"].as_str()).collect();
    assert!(objects.ends_with(&["icd10 2026, dry run", "icd10 2026", "icd10 2026", "icd10 2027"]), "{objects:?}");
}

#[test]
fn codes_import_reads_any_line_break_and_refuses_a_broken_quotation_alone() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    for (line_break, expected) in [("\r", [2, 0]), ("\n", [0, 2]), ("\r\n", [0, 2])] {
        let lines = ["sep=;", "Kode;Tekst", "RAGG60;5\" na\u{30a}l", ";", "WBOC03;\"apen", "WBOC04;Inngrep"];
        let text = format!("\u{feff}{}", lines.join(line_break));
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, expected) in [(text.into_bytes(), expected), (wide, [0, 2])] {
            let wanted = Wanted { force: true, ..wanted(System::Ncmp, "2026") };
            let done = imports(&world, &wanted, &file(&world, "ncmp.csv", &bytes));
            let [new, .., unchanged] = counts(&done);
            assert_eq!(([new, unchanged], done.rows), (expected, 3), "{line_break:?}");
            let refused: Vec<_> = done.refused.iter().map(|it| (it.number, it.reason)).collect();
            assert_eq!(refused, [(5, Unusable::Quotation)]);
        }
    }
    assert_eq!(periods(&clinician, "ncmp", "RAGG60")[0].0, "5\" nål");
}

#[test]
fn codes_import_reads_windows_1252_and_workbooks() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let windows = b"Kodeverk;NKPK 2026;\r\nKodeverdi;Kodetekst uten lengdebegrensning;Gyldig til\r\nRAGG60;Bl\xf8tvevsinjeksjon \x96 \xf8vrig;\r\nWBOC03;Sm\xe5 inngrep;31.12.9999\r\n".to_vec();
    let done = imports(&world, &wanted(System::Ncmp, "2026"), &file(&world, "nkpk.csv", &windows));
    let [new, _, ended, ..] = counts(&done);
    assert_eq!((new, ended), (2, 13), "the demonstration codes end where official ones begin");
    assert_eq!(
        periods(&clinician, "ncmp", "RAGG60"),
        [("Bløtvevsinjeksjon – øvrig".to_owned(), "2026-01-01".to_owned(), None)]
    );
    assert_eq!(codes(&searches(&clinician, "ncmp", "query=sm%C3%A5")), ["WBOC03"]);

    let mut book = Workbook::new();
    book.add_worksheet().set_name("Les meg").expect("a name").write(0, 0, "Om filen").expect("a cell");
    let sheet = book.add_worksheet().set_name("Koder").expect("a name");
    for (column, header) in (1_u16..).zip(["Kode", "Tekst", "English", "Gyldig fra", "Gyldig til"]) {
        sheet.write(2, column, header).expect("a cell");
    }
    let first = ExcelDateTime::from_ymd(2020, 7, 1).expect("a day");
    let format = Format::new().set_num_format("dd.mm.yyyy");
    sheet.write(3, 1, "N02AA01").expect("a cell").write(3, 2, "Morfin").expect("a cell");
    sheet.write(4, 1, "N02AX52").expect("a cell").write(4, 2, "Tramadol, kombinasjoner").expect("a cell");
    sheet.write(4, 3, "tramadol, combinations").expect("a cell");
    sheet.write_with_format(4, 4, &first, &format).expect("a cell").write(4, 5, 2022).expect("a cell");
    sheet.write(6, 1, "Analgetika").expect("a cell").write(6, 2, "Gruppe").expect("a cell");
    let path = file(&world, "atc.xlsx", &book.save_to_buffer().expect("a workbook"));
    let partial = Wanted { partial: true, force: true, ..wanted(System::Atc, "2026") };
    let done = imports(&world, &partial, &path);
    assert_eq!((done.rows, counts(&done)), (3, [1, 1, 0, 0, 0]));
    assert_eq!(done.refused.len(), 1);
    assert_eq!((done.refused[0].number, done.refused[0].code.as_str()), (7, "Analgetika"));
    assert_eq!(
        periods(&clinician, "atc", "N02AX52"),
        [("Tramadol, kombinasjoner".to_owned(), "2020-07-01".to_owned(), Some("2022-12-31".to_owned()))]
    );
    assert_eq!(periods(&clinician, "atc", "N02AA01").len(), 2);
    let named = Wanted { sheet: Some("Koder".to_owned()), ..partial.clone() };
    assert_eq!(counts(&imports(&world, &named, &path)), [0, 0, 0, 0, 2]);
    let missing = Wanted { sheet: Some("Ark1".to_owned()), ..partial };
    assert!(refusal(&world, &missing, &path).ends_with("there is no such sheet; there are Les meg, Koder"));
}

#[test]
fn codes_import_refuses_unreadable_files() {
    let world = World::new();
    let whole = world.number("SELECT count(*) FROM platform.code");
    let icd10 = wanted(System::Icd10, "2026");
    let strange = file(&world, "strange.csv", "Nøkkel;Forklaring\nM79.7;Fibromyalgi\n".as_bytes());
    let why = refusal(&world, &icd10, &strange);
    assert!(why.contains("--code-column") && why.contains("Nøkkel, Forklaring"), "{why}");
    let asked = |code: &str| Wanted {
        code_column: Some(code.into()),
        title_column: Some("2".into()),
        partial: true,
        ..icd10.clone()
    };
    assert!(refusal(&world, &asked("Kode"), &strange).contains("there is no column Kode"));
    assert_eq!(counts(&imports(&world, &Wanted { dry_run: true, ..asked("nøkkel") }, &strange)), [0, 0, 0, 0, 1]);

    let wrong = file(&world, "wrong.csv", b"Kode;Tittel\nN02AA01;Morfin\n");
    assert!(refusal(&world, &icd10, &wrong).contains("no code of ICD-10 could be read"));
    let half = file(&world, "half.csv", b"Kode;Tittel\nM79.7;Fibromyalgi\nA00-B99;Kapittel\nR52.1;\n");
    assert!(refusal(&world, &icd10, &half).contains("2 of 3 lines were refused"));
    for nothing in [&b""[..], b"\n\n", b"\xff\xfe", b"PK\x03\x04 no workbook", b"\x00\x01\x02"] {
        refusal(&world, &icd10, &file(&world, "nothing.csv", nothing));
    }
    refusal(&world, &icd10, Path::new("/nowhere/at/all.csv"));
    assert!(refusal(&world, &wanted(System::Icd10, "first"), &half).contains("--valid-from"));
    assert_eq!(world.number("SELECT count(*) FROM platform.code"), whole);
    assert_eq!(world.number("SELECT count(*) FROM platform.code_import"), 5);

    let forced = imports(&world, &Wanted { force: true, ..icd10 }, &half);
    let refused: Vec<(u64, Unusable)> = forced.refused.iter().map(|line| (line.number, line.reason)).collect();
    assert_eq!(refused, [(3, Unusable::NotACode), (4, Unusable::NoTitle)]);
    // A refused line ends no code.
    assert!(world.registry.codes().check(System::Icd10, "R52.1", day("2026-11-22")).is_ok());
    assert!(world.registry.codes().check(System::Icd10, "R52.2", day("2026-11-22")).is_err());
    assert_eq!(world.number("SELECT refused FROM platform.code_import WHERE edition = '2026'"), 2);
}

#[test]
fn codes_import_replaces_builtin_editions() {
    let world = World::new();
    let done = |world: &World| {
        let all = import_builtin(&world.registry).unwrap_or_else(|error| panic!("{error}"));
        all.into_iter().filter(|(_, imported)| imported.done).map(|(system, _)| system).collect::<Vec<_>>()
    };
    assert_eq!(done(&world), []);
    imports(&world, &wanted(System::Ncsp, "2026"), &file(&world, "ncsp.csv", b"Kode;Tittel\nABC16;Inngrep\n"));
    assert_eq!(done(&world), []);
    let valid = |code| world.registry.codes().check(System::Ncsp, code, day("2026-11-22")).is_ok();
    assert!(valid("ABC16") && !valid("ZDS01"));
}

#[test]
fn codes_import_keeps_one_title_a_day() {
    let world = World::new();
    let mut conn = world.sql();
    let tries = |conn: &mut _, values: &str| {
        let insert = "INSERT INTO platform.code (system, code, valid_from, valid_to, title, edition) VALUES";
        painreg_tests::attempt(conn, &format!("{insert} {values}"))
    };
    for (values, constraint) in [
        ("('icd10', 'M79.7', '2026-01-01', NULL, 'x', 'x')", "code_no_overlap"),
        ("('icd10', 'M79.7', '1998-01-01', '1999-01-01', 'x', 'x')", "code_no_overlap"),
        ("('icd10', 'X00', '2026-01-01', '2025-01-01', 'x', 'x')", "code_ends_after_it_begins"),
        ("('icd9', 'X00', '2026-01-01', NULL, 'x', 'x')", "code_system_known"),
        ("('icd10', '', '2026-01-01', NULL, 'x', 'x')", "code_length"),
        ("('icd10', 'X00', '2026-01-01', NULL, '', 'x')", "code_title_length"),
    ] {
        let error = format!("{:?}", tries(&mut conn, values));
        assert!(error.contains(constraint), "{values}: {error}");
    }
    assert!(
        format!("{:?}", tries(&mut conn, "('icd10', 'M79.7', '1998-01-01', '1998-12-31', 'x', 'x')")).contains("Ok")
    );
}
