//! `painreg score`: scores answers line by line, without database or network. Nothing is stored.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::instrument::{Catalogue, Instrument, Options, Scores, ValueSet};
use serde::Serialize;
use serde_json::Value;

use super::Failure;
use crate::wire::document;

/// Score answers: a JSON object a line on standard input, a result a line on standard output.
#[derive(Args)]
#[command(after_help = "\
A line that cannot be scored has the result `rejected` with its faults, and the lines after it are scored.

Exit status: 0 when every line was scored, 1 when a line was rejected or the command failed.")]
pub struct Score {
    /// The instrument's code, such as `isi`.
    code: String,
    /// EQ-5D only: a value set for the index; may be repeated. Default: `NO_5L_2024`; of three levels `UK_3L_TTO_1997`.
    #[arg(long = "value-set")]
    value_sets: Vec<String>,
    /// Symptom checklists only (`bds25`): the lowest answer that counts as a symptom. Default: 2.
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..=3))]
    symptom_from: Option<i32>,
}

/// The result of a refused line.
#[derive(Serialize)]
struct Rejected {
    status: &'static str,
    errors: Vec<Fault>,
}

impl Score {
    /// Scores until the input ends. A refused line has a result too, and then the exit status is 1.
    pub fn run(self) -> Result<ExitCode, Failure> {
        let catalogue = Catalogue::shipped();
        let instrument = catalogue.find(&self.code).ok_or_else(|| {
            let known: Vec<&str> = catalogue.iter().map(Instrument::code).collect();
            format!("no instrument `{}`; the instruments are {}", self.code, known.join(", "))
        })?;
        let options = instrument.options(&self.value_sets).map_err(|_| {
            let known: Vec<&str> = instrument.value_sets().map(ValueSet::code).collect();
            format!("not value sets of `{}`, or one of them twice; the value sets are {}", self.code, known.join(", "))
        })?;
        let options = options.with_symptom_from(self.symptom_from);
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let mut input = std::io::BufReader::new(std::io::stdin().lock());
        let mut line = Vec::new();
        let mut rejected = false;
        while line_into(&mut input, &mut line)? {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match scored(instrument, &options, &line) {
                Ok(scores) => serde_json::to_writer(&mut out, &scores)?,
                Err(errors) => {
                    rejected = true;
                    serde_json::to_writer(&mut out, &Rejected { status: "rejected", errors })?;
                }
            }
            out.write_all(b"\n")?;
            // A client may wait for this result before it writes the next line.
            if input.buffer().is_empty() {
                out.flush()?;
            }
        }
        out.flush()?;
        Ok(if rejected { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn line_into(input: &mut impl std::io::BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    Ok(input.read_until(b'\n', line)? > 0)
}

fn scored(instrument: &Instrument, options: &Options, line: &[u8]) -> Result<Scores, Vec<Fault>> {
    let answers = document(line).map_err(|problem| {
        if problem.errors.is_empty() { vec![Fault::new("", FaultCode::InvalidFormat)] } else { problem.errors }
    })?;
    let Value::Object(answers) = answers else { return Err(vec![Fault::new("", FaultCode::WrongType)]) };
    Ok(instrument.score(&instrument.parse(&answers)?, options))
}
