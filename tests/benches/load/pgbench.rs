//! The same SQL without the server: the statements that the server sends, recorded and written as a pgbench script.
//!
//! The script is never written by hand, so it cannot differ from what the server runs: PostgreSQL logs the statements
//! and parameters of a few requests, and the script repeats them with the same values, except values that must be fresh
//! (ids, keys, locks, instants) or chosen (the patient). Statements that the server sends in one round trip are sent in
//! one by pgbench too.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use painreg_api::commands::Failure;

/// One statement as PostgreSQL logged it.
#[derive(Clone, Debug)]
pub struct Step {
    sql: String,
    /// The values in order; `None` is NULL.
    parameters: Vec<Option<String>>,
    prepared: bool,
}

/// Returns the transactions of requests in a log written with `log_statement = all`, in the order in which they ended.
/// Sessions are distinguished by their process id; transactions of the worker are left out.
pub fn transactions(log: &str) -> Vec<Vec<Step>> {
    let mut done = Vec::new();
    let mut sessions: HashMap<&str, Vec<Step>> = HashMap::new();
    // The further lines of a message begin with a tab.
    let log = log.replace("\n\t", " ");
    for line in log.lines() {
        let Some((process, _)) = line.split_once(" [").and_then(|(_, rest)| rest.split_once("] ")) else { continue };
        if let Some((_, text)) = line.split_once("LOG:  statement: ") {
            if text.starts_with("BEGIN") {
                sessions.remove(process);
                if !text.contains("_system'") {
                    sessions.insert(process, Vec::new());
                }
            }
            if let Some(steps) = sessions.get_mut(process) {
                steps.push(Step { sql: text.to_owned(), parameters: Vec::new(), prepared: false });
            }
            if text.starts_with("COMMIT") {
                done.extend(sessions.remove(process));
            } else if text.starts_with("ROLLBACK") {
                sessions.remove(process);
            }
        } else if let Some((_, text)) = line.split_once("LOG:  execute ")
            && let Some((_, sql)) = text.split_once(": ")
            && let Some(steps) = sessions.get_mut(process)
        {
            steps.push(Step { sql: sql.to_owned(), parameters: Vec::new(), prepared: true });
        } else if let Some((_, text)) = line.split_once("DETAIL:  ").filter(|(_, it)| it.contains("arameters: "))
            && let Some(step) = sessions.get_mut(process).and_then(|steps| steps.last_mut())
        {
            step.parameters = parameters(text);
        }
    }
    done
}

/// Reads `parameters: $1 = 'it''s', $2 = NULL`.
fn parameters(text: &str) -> Vec<Option<String>> {
    let mut values = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(" = ") {
        let Some(quoted) = after.strip_prefix('\'') else {
            values.push(None);
            rest = after;
            continue;
        };
        let mut value = String::new();
        let mut letters = quoted.char_indices().peekable();
        let mut end = quoted.len();
        while let Some((at, letter)) = letters.next() {
            if letter != '\'' {
                value.push(letter);
            } else if letters.next_if(|(_, next)| *next == '\'').is_some() {
                value.push('\'');
            } else {
                end = at + 1;
                break;
            }
        }
        values.push(Some(value));
        rest = quoted.get(end..).unwrap_or_default();
    }
    values
}

/// A request that was sent while PostgreSQL logged, and the transaction it became.
pub struct Seen<'a> {
    /// The fresh number in the request.
    pub number: u64,
    /// The patient that the request is about.
    pub patient: &'a str,
    /// The steps of the transaction.
    pub steps: &'a [Step],
}

/// A script, the variables it is run with, and the address to run it at.
pub struct Script {
    file: PathBuf,
    variables: Vec<(String, String)>,
    /// The number of round trips of one transaction.
    pub round_trips: usize,
}

/// Makes a script of the last of the requests that ran the same statements as an earlier one; values that differ between
/// the two are fresh or chosen. The first request fills caches, so it is no example.
pub fn script(folder: &Path, name: &str, seen: &[Seen<'_>], patients: usize) -> Result<Script, Failure> {
    let alike = |one: &Seen<'_>, other: &Seen<'_>| {
        one.steps.len() == other.steps.len()
            && one.steps.iter().zip(other.steps).all(|(one, other)| one.sql == other.sql)
    };
    let pair = (2..seen.len()).rev().find_map(|at| {
        let last = seen.get(at)?;
        Some((seen.get(1..at)?.iter().rfind(|before| alike(before, last))?, last))
    });
    let (before, last) = pair.ok_or_else(|| format!("no two requests of {name} ran the same statements"))?;
    let number = last.number.to_string();
    let mut made = Making {
        name,
        number,
        patient: last.patient,
        opened: false,
        variables: Vec::new(),
        ordered: Vec::new(),
        fresh: Vec::new(),
    };
    let mut head = format!(
        "\\set stamp :stamp + 7\n\
         \\set number random(100000000000, 999999999999)\n\\set key 1000000000000000000 + :number\n\
         \\set lock random(-4000000000000000000, 4000000000000000000)\n\
         \\set who random(1, {patients})\n\\set index 1000000000000000000 + :who\n"
    );
    let mut text = String::new();
    for (step, earlier) in last.steps.iter().zip(before.steps) {
        if step.prepared {
            let sql = made.bound(step, earlier);
            // Values that opening the patient returns go into the following statements.
            let opens = sql.starts_with("WITH found AS");
            made.opened |= opens;
            let _ = writeln!(text, "{sql}{}", if opens { " \\gset" } else { ";" });
        } else if step.sql.contains("; ") {
            // Several statements in one message are one round trip.
            let _ = writeln!(text, "\\startpipeline\n{};\n\\endpipeline", step.sql.replace("; ", ";\n"));
        } else {
            let _ = writeln!(text, "{};", step.sql);
        }
    }
    for at in 1..=made.ordered.len() {
        let _ = writeln!(head, "\\set tail_{at} random(1000000000000000, 9999999999999999)");
    }
    for at in 1..=made.fresh.len() {
        let _ = writeln!(head, "\\set fresh_{at} random(1000000000000000000, 9000000000000000000)");
    }
    let file = folder.join(format!("{name}.pgbench"));
    std::fs::write(&file, head + &text)?;
    Ok(Script { file, variables: made.variables, round_trips: last.steps.len() })
}

struct Making<'a> {
    name: &'a str,
    number: String,
    patient: &'a str,
    opened: bool,
    variables: Vec<(String, String)>,
    /// Ids in the order of time that must be new in every transaction and equal within it.
    ordered: Vec<String>,
    /// The same, of random ids.
    fresh: Vec<String>,
}

/// Returns the ids in a text.
fn ids_in(text: &str) -> Vec<&str> {
    let is_id = |part: &&str| part.len() == 36 && part.bytes().filter(|byte| *byte == b'-').count() == 4;
    text.split('"').filter(is_id).collect()
}

/// Returns the elements of an array as PostgreSQL writes it, such as `{a,"b, \"c\"",NULL}`; `None` for other texts.
fn elements(text: &str) -> Option<Vec<Option<String>>> {
    let inside = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut all = Vec::new();
    let (mut element, mut quoted, mut was_quoted) = (String::new(), false, false);
    let mut letters = inside.chars();
    let mut end = |element: &mut String, was_quoted: &mut bool| {
        let text = std::mem::take(element);
        all.push((std::mem::take(was_quoted) || text != "NULL").then_some(text));
    };
    while let Some(letter) = letters.next() {
        match letter {
            '"' => (quoted, was_quoted) = (!quoted, true),
            '\\' => element.extend(letters.next()),
            ',' if !quoted => end(&mut element, &mut was_quoted),
            other => element.push(other),
        }
    }
    if !inside.is_empty() {
        end(&mut element, &mut was_quoted);
    }
    Some(all)
}

impl Making<'_> {
    /// Returns the statement with its `$n` replaced.
    fn bound(&mut self, step: &Step, earlier: &Step) -> String {
        let mut sql = String::new();
        for (at, piece) in step.sql.split('$').enumerate() {
            if at == 0 {
                sql.push_str(piece);
                continue;
            }
            let digits = piece.len() - piece.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
            let (number, rest) = piece.split_at(digits);
            let index = number.parse::<usize>().unwrap_or(1).saturating_sub(1);
            let value = step.parameters.get(index).cloned().flatten();
            let was = earlier.parameters.get(index).and_then(Option::as_ref);
            let finds = sql.ends_with("blind_index = ") || step.sql.contains("AS asked (id, blind_index");
            let put = if rest.starts_with("::") {
                self.put_array(&sql, value, was, finds)
            } else {
                self.put(&sql, value, was, finds)
            };
            sql.push_str(&put);
            sql.push_str(rest);
        }
        sql
    }

    /// Puts an array: as it was, or element by element where some of them must be fresh or chosen.
    fn put_array(&mut self, sql: &str, value: Option<String>, was: Option<&String>, finds: bool) -> String {
        let Some(value) = value else { return "NULL".to_owned() };
        let Some(values) = elements(&value).filter(|_| was != Some(&value)) else { return self.variable(value) };
        let before = was.and_then(|was| elements(was)).unwrap_or_default();
        let earlier = |at: usize| before.get(at).and_then(Option::as_ref);
        let all = values.into_iter().enumerate().map(|(at, value)| self.put(sql, value, earlier(at), finds));
        format!("ARRAY[{}]", all.collect::<Vec<_>>().join(", "))
    }

    /// Puts a value; `finds`: whether it is the blind index by which a patient is found.
    fn put(&mut self, sql: &str, value: Option<String>, was: Option<&String>, finds: bool) -> String {
        let Some(value) = value else { return "NULL".to_owned() };
        if was == Some(&value) {
            return self.variable(value);
        }
        let is_uuid = value.len() == 36 && value.bytes().filter(|byte| *byte == b'-').count() == 4;
        if value == self.number {
            ":number".to_owned()
        } else if value.ends_with(&self.number) && value.len() == 19 {
            ":key".to_owned()
        } else if is_uuid && value.get(14..15) == Some("7") {
            let at = place_of(&mut self.ordered, &value);
            format!("(:stamp || :tail_{at})::uuid")
        } else if value == self.patient {
            if self.opened { ":patient_id".to_owned() } else { "lpad(:who, 32, '0')::uuid".to_owned() }
        } else if is_uuid {
            self.fresh(&value)
        } else if value.starts_with("{\"") {
            // An entry as JSON: its ids are fresh, the rest is unchanged.
            let mut made = format!("{}::text", self.variable(value.clone()));
            for id in ids_in(&value).into_iter().filter(|id| was.is_none_or(|was| !was.contains(id))) {
                let fresh = self.fresh(id);
                made = format!("replace({made}, '{id}', {fresh}::text)");
            }
            format!("{made}::jsonb")
        } else if value.len() == 66 && value.starts_with("\\x") && !finds {
            "decode(md5(random()::text) || md5(random()::text), 'hex')".to_owned()
        } else if value.ends_with(" 1") && value.len() == 21 {
            "(:key || ' 1')".to_owned()
        } else if finds {
            ":index".to_owned()
        } else if sql.ends_with("pg_try_advisory_xact_lock(") {
            ":lock".to_owned()
        } else if is_instant(&value) && !sql.ends_with("> ") {
            "now()".to_owned()
        } else {
            self.variable(value)
        }
    }

    fn fresh(&mut self, id: &str) -> String {
        format!("lpad(:fresh_{}, 32, '0')::uuid", place_of(&mut self.fresh, id))
    }

    fn variable(&mut self, value: String) -> String {
        let name = format!("{}_{}", self.name.replace('-', "_"), self.variables.len() + 1);
        self.variables.push((name.clone(), value));
        format!(":{name}")
    }
}

/// Returns the place of an id among the known ones, from 1; a new id is added.
fn place_of(known: &mut Vec<String>, id: &str) -> usize {
    let at = known.iter().position(|one| one == id).unwrap_or_else(|| {
        known.push(id.to_owned());
        known.len() - 1
    });
    at + 1
}

/// Returns whether a text is an instant such as `2026-11-22 22:07:46.123456+00`.
fn is_instant(text: &str) -> bool {
    text.len() >= 22 && text.get(4..5) == Some("-") && text.get(10..11) == Some(" ") && text.get(13..14) == Some(":")
}

/// The results that pgbench prints.
#[derive(Clone, Copy)]
pub struct Measured {
    /// The number of transactions a second.
    pub rate: f64,
    /// The mean latency in milliseconds.
    pub latency: f64,
}

impl Script {
    /// Runs the script with prepared statements.
    pub fn run(
        &self,
        program: &Path,
        address: &str,
        clients: u32,
        seconds: u64,
        stamp: i64,
    ) -> Result<Measured, Failure> {
        let mut command = Command::new(program);
        command
            .args(["--no-vacuum", "--protocol=prepared", "--random-seed=rand"])
            .args([format!("--client={clients}"), format!("--jobs={}", clients.min(2)), format!("--time={seconds}")])
            .arg("--file")
            .arg(&self.file)
            .arg(format!("--define=stamp={stamp}"));
        for (name, value) in &self.variables {
            command.arg(format!("--define={name}={value}"));
        }
        let output = command.arg(address).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let figure = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<f64>().ok()
        };
        if output.status.success()
            && let (Some(rate), Some(latency)) = (figure("tps = "), figure("latency average = "))
        {
            return Ok(Measured { rate, latency });
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().filter(|line| !line.is_empty()).take(6).collect();
        Err(format!("pgbench failed: {}", said.join(" | ")).into())
    }
}
