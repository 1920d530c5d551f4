//! `painreg import infopad`: an export of Infopad (`OPRv1`), row by row, by a mapping that a person wrote. The mapping
//! and the registry's form define the columns; no column is known here.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use painreg_domain::infopad::{Export, ExportMapping, Row};
use painreg_domain::national_id::{Acceptance, IdType, NationalId};
use serde_json::json;
use zeroize::Zeroizing;

use super::batch_queue::{BatchQueue, Channel, Origin};
use super::framing::Cut;
use super::report::Fault;
use super::service::Stop;
use super::{Destination, How, code, journal};
use crate::commands::{Failure, say};

/// The name of this source system in the registry.
const SYSTEM: &str = "infopad";

/// The text after the options in `--help`.
pub const HELP: &str = "\
  painreg import infopad --server https://painreg.example.no --tenant ous --token-file token \\
      --mapping opr-v1.toml --dry-run export.csv

The mapping names the form, the item of each column, and the reason for each ignored column:

  form = \"opr-baseline\"
  version = \"1\"
  encoding = \"windows-1252\"
  dates = \"%d.%m.%Y\"
  patient = \"Fnr\"
  submission = [\"PasientNr\", \"SkjemaNr\"]
  submitted_at = { column = \"Levert\", format = \"%d.%m.%Y %H:%M\" }
  missing = [\"-\"]

  [columns]
  \"Søvn 1\" = { item = \"isi_01\" }
  \"Økonomi\" = { item = \"economy\", values = { \"God\" = \"good\", \"Middels\" = \"medium\", \"Dårlig\" = \"poor\" } }
  \"Sted rygg\" = { item = \"pain_sites\", option = \"back\", values = { \"Ja\" = true, \"Nei\" = false } }

  [ignored]
  \"Versjon\" = \"the vendor's number of its own software\"

A byte order mark decides that the file is UTF-8 or UTF-16, whatever the mapping says. Letters are composed before
columns and cells are compared with the mapping. Rows without any text are passed over. A quotation mark opens a
quotation at the beginning of a cell only; a row with a quotation that is not closed, or with text after it, is refused
with its column, and the rows after it are read.

Before sending, every column is listed: mapped, ignored with the reason, unmapped, or absent from the file. Nothing is sent
while a column is unmapped, unless --allow-unmapped is set.

An interrupted import can be resumed. The exit status is that of `painreg import nettskjema`.";

/// Options of an import from Infopad.
#[derive(Args)]
pub struct Infopad {
    #[command(flatten)]
    into: Destination,
    #[command(flatten)]
    how: How,
    /// The file with the mapping (TOML).
    #[arg(long, value_name = "FILE")]
    mapping: PathBuf,
    /// Import although some columns are neither mapped nor ignored.
    #[arg(long)]
    allow_unmapped: bool,
    /// The file with the export (CSV).
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Infopad {
    /// Runs the import.
    pub fn run(self) -> Result<ExitCode, Failure> {
        let place =
            |path: &PathBuf, error: &dyn std::fmt::Display| Failure::from(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(&self.mapping).map_err(|error| place(&self.mapping, &error))?;
        let mapping = ExportMapping::from_toml(&text).map_err(|error| place(&self.mapping, &error))?;
        let file = File::open(&self.file).map_err(|error| place(&self.file, &error))?;
        let size = file.metadata().map_err(|error| place(&self.file, &error))?.len();
        let mut pipeline = self.how.pipeline(&self.into, || journal::beside(&self.file))?;
        let form = pipeline.target.form(&mapping.form, &mapping.version)?;
        let export = Export::new(&mapping, &form, file).map_err(|faults| {
            let faults: Vec<String> = faults.into_iter().map(|it| Fault::from(it).to_string()).collect();
            // The header is checked only against a mapping without faults.
            let at = if mapping.faults(&form).is_empty() { &self.file } else { &self.mapping };
            place(at, &faults.join("; "))
        })?;
        let columns = export.report().clone();
        for name in &columns.mapped {
            let item = mapping.columns.get(name).map_or("", |it| &it.item);
            say(&format!("mapped    {name}: {item}"));
        }
        for name in &columns.ignored {
            say(&format!("ignored   {name}: {}", mapping.ignored.get(name).map_or("", String::as_str)));
        }
        for (what, names) in [("unmapped", &columns.unmapped), ("absent", &columns.absent)] {
            for name in names {
                say(&format!("{what:<9} {name}"));
            }
        }
        if !columns.unmapped.is_empty() && !self.allow_unmapped {
            return Err(place(
                &self.file,
                &"some columns are unmapped; nothing was sent (--allow-unmapped loses them)",
            ));
        }
        pipeline.columns = Some(columns);
        let origin = Origin::new(self.file.display().to_string(), None, size);
        let placed = pipeline.run(Some(size), |queue, _| feed(export, &mapping, queue, &origin))?;
        Ok(code(placed))
    }
}

/// Enqueues every row.
fn feed(
    export: Export<File>,
    mapping: &ExportMapping,
    queue: &mut BatchQueue<'_>,
    origin: &Arc<Origin>,
) -> Result<(), Stop> {
    let channel = Arc::new(Channel {
        form: mapping.form.clone(),
        path: "submission-batches".to_owned(),
        media: "application/x-ndjson",
        header: Vec::new(),
    });
    for (line, row) in export {
        match row {
            Ok(row) => queue.push(&channel, origin, line, submission(mapping, row)?)?,
            Err(faults) => {
                queue.refuse(&channel, origin, line, None, faults.into_iter().map(Fault::from).collect())?;
            }
        }
    }
    queue.read(origin)
}

/// Returns a row as a submission in the registry's own structure.
fn submission(mapping: &ExportMapping, row: Row) -> Result<Cut, Stop> {
    let number = row.patient.expose();
    // The registry decides about synthetic and malformed numbers.
    let detected =
        [Acceptance::Production, Acceptance::Test].iter().find_map(|it| NationalId::detect(number, *it).ok());
    let kind = detected.map_or(IdType::Fnr, |it| it.kind());
    let body = json!({
        "source": {"system": SYSTEM, "form_id": mapping.form, "submission_id": row.submission_id},
        "patient": {"national_id": {"type": kind, "value": number}},
        "form": mapping.form,
        "form_version": mapping.version,
        "submitted_at": row.submitted_at,
        "answers": row.answers,
    });
    let text = Zeroizing::new(serde_json::to_vec(&body).map_err(|error| Stop::Broken(error.to_string()))?);
    let too_long = text.len() > crate::wire::BODY_LIMIT;
    Ok(Cut { form: None, submission: Some(row.submission_id), header: None, text, too_long, fault: None })
}

impl From<painreg_domain::fault::Fault> for Fault {
    fn from(it: painreg_domain::fault::Fault) -> Self {
        Self { pointer: it.pointer, code: <&str>::from(it.code).to_owned() }
    }
}
