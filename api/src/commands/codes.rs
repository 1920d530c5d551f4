//! `painreg codes`: imports code systems from the directorates' files for all registries, and lists them.

use std::path::{Path, PathBuf};

use calamine::{Data, Reader as _, Xlsx};
use clap::{ArgGroup, Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use painreg_domain::code::{
    Column, Columns, ColumnsUnclear, Issue, Line, ListedCodes, RefusedLine, System, lines_of_text, shipped,
};
use painreg_domain::policy::Action;
use painreg_domain::text::composed;
use painreg_tenants::Registry;
use painreg_tenants::store::codes::{self, EditionSource, Imported};
use strum::IntoEnumIterator as _;

use super::tenant::{failure_of, operator};
use super::{Database, Failure, Prepare, say};

/// The largest file, in bytes.
const LARGEST_FILE: u64 = 64 << 20;
/// One line of so many may be refused: files have chapters and blocks between the codes.
const REFUSED_ONE_IN: usize = 10;

/// Import and list code systems (kodeverk): ICD-10, ICD-11, NCSP, NCMP, NCRP, ATC.
#[derive(Subcommand)]
pub enum Codes {
    /// Import an edition from a file, or the built-in code systems. Running servers use it within a second.
    #[command(after_help = IMPORT_HELP)]
    Import(Box<ImportCodes>),
    /// List the code systems with their editions and the number of codes that are valid today.
    List(List),
}

const IMPORT_HELP: &str = "\
Sources of the official files: finnkode.ehelse.no (ICD-10; NCSP, NCMP and NCRP together as NKPK) and atcddd.fhi.no (ATC).

  painreg codes import --builtin
  painreg codes import --system icd10 --edition 2026 --dry-run icd10-2026.xlsx
  painreg codes import --system icd10 --edition 2026 icd10-2026.xlsx
  painreg codes import --system ncmp --edition 2026 --only Kodeverk=NCMP --code-column Kodeverdi nkpk.xlsx

A file is .xlsx, or text (.csv, .tsv, .txt) separated by semicolons, commas or tabs, in UTF-8, UTF-16 or Windows-1252.
Columns are found by their headers; others are named, or numbered from 1, with options.

An edition named after its year is valid from that year's first day. Codes that it does not list are valid until the day
before, unless --partial is set. Codes are never deleted, so that the codes of any day can be read. A repeated import
changes only differences. The import is one transaction.

A line without a code, or with a quotation that is not closed, is refused and listed with its number. If more than one
line in ten is refused, nothing is imported, unless --force is set.";

/// Options of an import of codes.
#[derive(Args)]
#[command(group = ArgGroup::new("what").required(true).args(["builtin", "file"]))]
pub struct ImportCodes {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    wanted: Wanted,
    /// Import the built-in code systems: ICD-11 and ICD-10 of chronic pain, analgesics (ATC), and unofficial procedure
    /// codes for demonstrations. Systems with an edition from a file are not changed.
    #[arg(long, conflicts_with_all = ["system", "edition"])]
    builtin: bool,
    /// The file to import, a workbook or a text.
    #[arg(requires = "system", requires = "edition")]
    file: Option<PathBuf>,
}

/// Options for reading a file.
#[derive(Args, Clone, Default)]
pub struct Wanted {
    /// The code system of the file: icd10, icd11, ncsp, ncmp, ncrp or atc.
    #[arg(long, value_parser = system)]
    pub system: Option<System>,
    /// The edition's name, such as 2026.
    #[arg(long, value_parser = edition)]
    pub edition: Option<String>,
    /// The day on which the edition becomes valid. Default: the first day of the year in its name.
    #[arg(long, value_name = "DAY")]
    pub valid_from: Option<Date>,
    /// The file lists changes or additions: codes that it does not list stay valid.
    #[arg(long)]
    pub partial: bool,
    /// Dry run: print what would change, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Import although many lines were refused.
    #[arg(long)]
    pub force: bool,
    /// The sheet of a workbook. Default: the first one that has the columns.
    #[arg(long)]
    pub sheet: Option<String>,
    /// Read only lines with this value in this column, for files that list several systems.
    #[arg(long, value_name = "HEADER=TEXT", value_parser = only)]
    pub only: Option<(String, String)>,
    /// The column with the codes.
    #[arg(long, value_name = "HEADER")]
    pub code_column: Option<String>,
    /// The column with the titles, Norwegian where there are any.
    #[arg(long, value_name = "HEADER")]
    pub title_column: Option<String>,
    /// The column with the English titles.
    #[arg(long, value_name = "HEADER")]
    pub title_en_column: Option<String>,
    /// The column with each code's first day.
    #[arg(long, value_name = "HEADER")]
    pub valid_from_column: Option<String>,
    /// The column with each code's last day.
    #[arg(long, value_name = "HEADER")]
    pub valid_to_column: Option<String>,
}

/// Options of the list of code systems.
#[derive(Args)]
pub struct List {
    #[command(flatten)]
    database: Database,
}

fn system(text: &str) -> Result<System, String> {
    let known = || System::iter().map(System::name).collect::<Vec<_>>().join(", ");
    text.parse().map_err(|_| format!("there are {}", known()))
}

fn only(text: &str) -> Result<(String, String), String> {
    let (header, said) = text.split_once('=').ok_or("say which column, and what it says: Kodeverk=NCMP")?;
    Ok((header.to_owned(), said.to_owned()))
}

fn edition(text: &str) -> Result<String, String> {
    let fits = (1..=40).contains(&text.chars().count()) && text.trim() == text && !text.contains(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err("an edition's name has 1 to 40 characters".to_owned()) }
}

/// The result of importing a file.
#[derive(Debug)]
pub struct CodesReport {
    /// The number of lines that are not empty.
    pub rows: usize,
    /// The number of lines that `--only` excluded.
    pub others: usize,
    /// The number of codes on the other lines.
    pub codes: usize,
    /// The changes; of a dry run, those that would be made.
    pub imported: Imported,
    /// The lines that were refused, each with its reason.
    pub refused: Vec<RefusedLine>,
}

impl Codes {
    /// Runs the subcommand.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::List(it) => {
                let opened = it.database.open(Prepare::Nothing)?;
                list(&opened.registry);
                Ok(())
            }
            Self::Import(it) => {
                let ImportCodes { database, wanted, builtin, file } = *it;
                let opened = database.open(Prepare::Nothing)?;
                let Some(file) = file.filter(|_| !builtin) else {
                    for (system, imported) in import_builtin(&opened.registry)? {
                        let new = imported.import.changed.len();
                        let what = if imported.done { format!("{new} codes") } else { "unchanged".to_owned() };
                        say(&format!("{:<8} {what}", system.name()));
                    }
                    return Ok(());
                };
                let report = import_file(&opened.registry, &wanted, &file)?;
                report.tell(&wanted);
                Ok(())
            }
        }
    }
}

fn list(registry: &Registry) {
    let today = registry.clock().now().to_zoned(jiff::tz::TimeZone::system()).date();
    say(&format!(
        "{:<8} {:>12} {:<14} {:<12} {:>7} imported",
        "system", "valid today", "edition", "valid from", "codes"
    ));
    for book in registry.codes().iter() {
        let valid = book.count_valid(today);
        if book.editions().is_empty() {
            say(&format!("{:<8} {valid:>12} no edition", book.system().name()));
        }
        for (at, known) in book.editions().iter().enumerate() {
            let (system, valid) = if at == 0 { (book.system().name(), valid.to_string()) } else { ("", String::new()) };
            say(&format!(
                "{system:<8} {valid:>12} {:<14} {:<12} {:>7} {}",
                known.edition,
                known.valid_from.to_string(),
                known.codes,
                known.imported_at
            ));
        }
    }
}

/// Imports the built-in code systems, each in a separate transaction.
pub fn import_builtin(registry: &Registry) -> Result<Vec<(System, Imported)>, Failure> {
    let scope = operator(registry);
    let mut done = Vec::new();
    for shipped in shipped() {
        let imported = scope.run(Action::ImportCodes, |tx| codes::import_shipped(tx, &shipped)).map_err(failure_of)?;
        done.push((shipped.system, imported));
    }
    registry.refresh()?;
    Ok(done)
}

/// Imports a file. Fails, and changes nothing, where no code could be read or too many lines were refused.
pub fn import_file(registry: &Registry, wanted: &Wanted, path: &Path) -> Result<CodesReport, Failure> {
    let (Some(system), Some(edition)) = (wanted.system, &wanted.edition) else {
        return Err("--system and --edition are required with a file".into());
    };
    let valid_from = wanted
        .valid_from
        .or_else(|| Issue::first_day_of(edition))
        .ok_or("the edition's name is no year; say with --valid-from when it becomes valid")?;
    let issue = Issue { edition: edition.clone(), valid_from, complete: !wanted.partial };
    let place = |error: &dyn std::fmt::Display| Failure::from(format!("{}: {error}", path.display()));
    if std::fs::metadata(path).map_err(|error| place(&error))?.len() > LARGEST_FILE {
        return Err(place(&"the file is larger than any list of codes"));
    }
    let bytes = std::fs::read(path).map_err(|error| place(&error))?;
    let listed = read(&bytes, system, wanted).map_err(|error| place(&error))?;
    let refused = listed.refused.len();
    if listed.codes.is_empty() || (refused * REFUSED_ONE_IN > listed.rows - listed.others && !wanted.force) {
        for line in &listed.refused {
            say(&refusal_text(line));
        }
        let why = if listed.codes.is_empty() {
            format!("no code of {} could be read; nothing was imported", system.title())
        } else {
            format!(
                "{refused} of {} lines were refused; nothing was imported (--force imports the rest)",
                listed.rows - listed.others
            )
        };
        return Err(place(&why));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().chars().take(255).collect::<String>());
    let name = name.unwrap_or_default();
    let source = EditionSource { system, issue: &issue, listed: &listed, name: &name, bytes: &bytes };
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{prefix:>8} {bar:40} {pos}/{len} periods stored  {eta}")?);
    bar.set_prefix(system.name());
    let mut seen = |stored, all| {
        bar.set_length(u64::try_from(all).unwrap_or_default());
        bar.set_position(u64::try_from(stored).unwrap_or_default());
    };
    let imported = operator(registry)
        .run(Action::ImportCodes, |tx| codes::import(tx, &source, wanted.dry_run, &mut seen))
        .map_err(failure_of)?;
    bar.finish_and_clear();
    registry.refresh()?;
    let refused = listed.refused.iter().chain(&imported.import.refused).cloned().collect();
    Ok(CodesReport { rows: listed.rows, others: listed.others, codes: listed.codes.len(), imported, refused })
}

impl CodesReport {
    fn tell(&self, wanted: &Wanted) {
        let import = &self.imported.import;
        let title = wanted.system.map_or("", System::title);
        let edition = wanted.edition.as_deref().unwrap_or_default();
        let others = if self.others == 0 { String::new() } else { format!(" ({} excluded by --only)", self.others) };
        say(&format!("{title} {edition}: {} lines{others}, {} codes", self.rows, self.codes));
        for (what, count) in [
            ("new", import.new),
            ("with another title", import.retitled),
            ("ended", import.ended),
            ("with other days", import.redated),
            ("unchanged", import.unchanged),
            ("refused", self.refused.len()),
        ] {
            say(&format!("{count:>8} {what}"));
        }
        for line in &self.refused {
            say(&refusal_text(line));
        }
        if !self.imported.done {
            say("Dry run: nothing was changed");
        }
    }
}

fn refusal_text(line: &RefusedLine) -> String {
    format!("line {} ({}): {}", line.number, line.code, line.reason)
}

/// Reads the codes of a workbook or of a text.
fn read(bytes: &[u8], system: System, wanted: &Wanted) -> Result<ListedCodes, Failure> {
    let columns = Columns {
        code: wanted.code_column.clone(),
        title: wanted.title_column.clone(),
        title_en: wanted.title_en_column.clone(),
        valid_from: wanted.valid_from_column.clone(),
        valid_to: wanted.valid_to_column.clone(),
        only: wanted.only.clone(),
    };
    // A workbook is recognised as a ZIP archive, not by its name.
    if !bytes.starts_with(b"PK\x03\x04") {
        return Ok(ListedCodes::read(system, &lines_of_text(bytes)?, &columns).map_err(|it| unclear(&it))?);
    }
    let mut book: Xlsx<_> = Xlsx::new(std::io::Cursor::new(bytes))?;
    let sheets = book.sheet_names();
    let named = match &wanted.sheet {
        None => sheets.clone(),
        Some(name) if sheets.contains(name) => vec![name.clone()],
        Some(_) => return Err(format!("there is no such sheet; there are {}", sheets.join(", ")).into()),
    };
    let mut why = None;
    for sheet in &named {
        match ListedCodes::read(system, &lines_of_sheet(&mut book, sheet)?, &columns) {
            Ok(listed) => return Ok(listed),
            Err(error) => why = why.or_else(|| Some(format!("sheet {sheet}: {}", unclear(&error)))),
        }
    }
    Err(why.unwrap_or_else(|| "the workbook has no sheet".to_owned()).into())
}

fn lines_of_sheet(book: &mut Xlsx<std::io::Cursor<&[u8]>>, sheet: &str) -> Result<Vec<Line>, Failure> {
    let range = book.worksheet_range(sheet)?;
    let (above, before) = range.start().unwrap_or_default();
    let lines = range.rows().zip(u64::from(above) + 1..).map(|(row, number)| {
        // Columns are counted from the sheet's first, not from the first that is used.
        let empty = (0..before).map(|_| String::new());
        Line { number, cells: empty.chain(row.iter().map(text_of)).collect(), broken: false }
    });
    Ok(lines.collect())
}

fn text_of(cell: &Data) -> String {
    match cell {
        Data::DateTime(at) => {
            let (year, month, day, ..) = at.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        Data::Empty | Data::Error(_) => String::new(),
        other => composed(&other.to_string()).into_owned(),
    }
}

fn unclear(it: &ColumnsUnclear) -> String {
    let flag = match it.column {
        Column::Code => "--code-column",
        Column::Title => "--title-column",
        Column::TitleEn => "--title-en-column",
        Column::ValidFrom => "--valid-from-column",
        Column::ValidTo => "--valid-to-column",
        Column::Only => "--only",
    };
    let headers = if it.headers.is_empty() { "none".to_owned() } else { it.headers.join(", ") };
    match &it.asked {
        Some(asked) => format!("there is no column {asked}, as {flag} says; the headers found are: {headers}"),
        None => format!("no header matches {flag}; the headers are: {headers}"),
    }
}
