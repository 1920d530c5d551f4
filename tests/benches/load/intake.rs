//! Questionnaires in bulk: full baselines in one request, compared with `\copy` of the resulting rows into the same
//! tables of another registry, alternately. Also prints the memory that the server needs, whatever the length of the
//! body.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use painreg_api::commands::Failure;
use painreg_domain::policy::Role;
use painreg_domain::questionnaire::Form;
use painreg_domain::synthetic::{BASELINE_FORM_ID, Generator};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::client::count;
use super::machine::Spent;
use super::{Bench, Server, execute, number, say, schema_of};

/// The tenant that the server writes to, and the one that `\copy` writes to.
const SERVED: &str = "bench-intake";
const COPIED: &str = "bench-copy";
/// The tenants that this part uses.
pub const TENANTS: [&str; 2] = [SERVED, COPIED];
/// The number of different sets of answers.
const VARIANTS: usize = 200;
const FORM: &str = include_str!("../../../tenants/templates/opr/forms/opr-baseline.toml");

/// Measures this part and prints its figures.
pub fn measure(bench: &Bench<'_>, server: &Server) -> Result<(), Failure> {
    let lines = usize::try_from(number("LINES", 10_000))?.max(100);
    let patients = bench.register(server.address, SERVED, 21, 500)?.ids;
    let variants = variants()?;
    let items = variants.first().and_then(Value::as_object).map_or(0, serde_json::Map::len);
    let mut superuser = bench.superuser()?;
    let [served, copied] = [schema_of(&mut superuser, SERVED)?, schema_of(&mut superuser, COPIED)?];
    execute(
        &mut superuser,
        &format!(
            "INSERT INTO {copied}.patient OVERRIDING SYSTEM VALUE SELECT * FROM {served}.patient; \
             ANALYZE {served}.patient; ANALYZE {served}.legal_basis; ANALYZE {copied}.patient"
        ),
    )?;
    say(format!("\nFull baselines in bulk: {lines} lines of {items} answers in one request"));
    let psql = bench.local.programs().join("psql");
    let address = bench.local.superuser_address("painreg");
    let run = |script: &str| psql_runs(&psql, address.expose_secret(), script);
    for round in 1..=bench.rounds {
        for schema in [&served, &copied] {
            execute(&mut superuser, &format!("TRUNCATE {schema}.submission, {schema}.audit_event CASCADE"))?;
        }
        execute(&mut superuser, "CHECKPOINT")?;
        let before = bench.spent(server);
        let (bytes, time) = bench.stream(server, &patients, &variants, lines, round)?;
        let spent = bench.spent(server).each_since(before, count(lines));
        let ours = count(lines) / time.as_secs_f64();
        let files = bench.folder.join("rows");
        let out = |table: &str| format!("\\copy {served}.{table} TO '{}.{table}'\n", files.display());
        let back = |table: &str| format!("\\copy {copied}.{table} FROM '{}.{table}'\n", files.display());
        run(&["submission", "score", "audit_event"].map(out).concat())?;
        execute(&mut superuser, "CHECKPOINT")?;
        let started = Instant::now();
        let rows = ["submission", "score", "audit_event"].map(back).concat();
        run(&format!("BEGIN;\n{rows}COMMIT;\n"))?;
        let theirs = count(lines) / started.elapsed().as_secs_f64();
        say(format!(
            "  round {round}: {ours:>7.0} lines/s ({:.1} MB/s) | \\copy {theirs:>7.0} lines/s | {:.2} | {}",
            count(bytes) / 1e6 / time.as_secs_f64(),
            ours / theirs,
            cpu_figures(&spent),
        ));
    }
    say(format!("Server after {lines} lines: {}", server.memory()));
    Ok(())
}

fn cpu_figures(spent: &Spent) -> String {
    format!("CPU a line: server {:.0} µs, PostgreSQL {:.0} µs", spent.server * 1e3, spent.postgres * 1e3)
}

/// Returns answers to the whole baseline in the registry's format.
fn variants() -> Result<Vec<Value>, Failure> {
    let form = Form::from_toml(FORM)?;
    let codebook = form.codebook(BASELINE_FORM_ID).ok_or("the form is not filled in there")?;
    let mut generator = Generator::new(22);
    let created = "2026-01-05T08:15:00Z".parse()?;
    (0..VARIANTS)
        .map(|_| {
            let person = generator.person();
            let document = generator.baseline_delivery(&person, 1, created);
            let delivery = painreg_domain::nettskjema::parse(BASELINE_FORM_ID, &document, None)
                .map_err(|faults| format!("{faults:?}"))?;
            Ok(delivery.parse_for(&codebook).map_err(|faults| format!("{faults:?}"))?.to_json())
        })
        .collect()
}

/// Runs a script with psql.
pub fn psql_runs(program: &Path, address: &str, script: &str) -> Result<(), Failure> {
    let mut child = Command::new(program)
        .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", address, "--file", "-"])
        .stdin(std::process::Stdio::piped())
        .spawn()?;
    child.stdin.take().ok_or("no way in")?.write_all(script.as_bytes())?;
    if child.wait()?.success() { Ok(()) } else { Err("psql failed".into()) }
}

impl Bench<'_> {
    /// Sends the lines in one request and reads the results at the same time; returns the number of bytes and the
    /// duration.
    fn stream(
        &self,
        server: &Server,
        patients: &[String],
        variants: &[Value],
        lines: usize,
        round: u32,
    ) -> Result<(usize, Duration), Failure> {
        let token = self.token(SERVED, Role::Importer)?;
        let mut stream = TcpStream::connect(server.address)?;
        let mut results = stream.try_clone()?;
        let head = format!(
            "POST /v1/tenants/{SERVED}/submission-batches HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\
             content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        let answers: Vec<String> = variants.iter().map(Value::to_string).collect();
        let started = Instant::now();
        std::thread::scope(|threads| {
            let reader = threads.spawn(move || read(&mut results));
            let mut sent = 0;
            stream.write_all(head.as_bytes())?;
            let mut chunk = String::with_capacity(300_000);
            for (line, (patient, answers)) in (0..lines).zip(patients.iter().cycle().zip(answers.iter().cycle())) {
                let envelope = json!({
                    "source": {"system": "nettskjema", "form_id": "1000001", "submission_id": format!("{round}{line:08}")},
                    "patient": {"id": patient}, "form": "opr-baseline", "submitted_at": "2026-01-05T08:15:00Z",
                })
                .to_string();
                chunk.push_str(envelope.trim_end_matches('}'));
                chunk.push_str(",\"answers\":");
                chunk.push_str(answers);
                chunk.push_str("}\n");
                if chunk.len() > 250_000 || line + 1 == lines {
                    sent += chunk.len();
                    write!(stream, "{:x}\r\n{chunk}\r\n", chunk.len())?;
                    chunk.clear();
                }
            }
            stream.write_all(b"0\r\n\r\n")?;
            let (created, last) = reader.join().map_err(|_| "reading broke off")??;
            let _ = stream.shutdown(Shutdown::Both);
            if created == lines {
                Ok((sent, started.elapsed()))
            } else {
                Err(format!("{created} of {lines} were stored; the last result: {last}").into())
            }
        })
    }
}

/// Returns the number of results `created` and the last bytes of the answer.
fn read(stream: &mut TcpStream) -> std::io::Result<(usize, String)> {
    const CREATED: &[u8] = br#""outcome":"created""#;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut buffer = vec![0; 1 << 20];
    let (mut held, mut created) = (0, 0);
    loop {
        let read = stream.read(buffer.get_mut(held..).unwrap_or_default())?;
        let here = buffer.get(..held + read).unwrap_or_default();
        created += here.windows(CREATED.len()).filter(|part| *part == CREATED).count();
        if read == 0 || here.ends_with(b"\r\n0\r\n\r\n") {
            let last = here.get(here.len().saturating_sub(2000)..).unwrap_or_default();
            return Ok((created, String::from_utf8_lossy(last).into_owned()));
        }
        // The kept bytes may be the beginning of another match, and of the end.
        let keep = here.len().min(CREATED.len() - 1);
        let from = here.len() - keep;
        buffer.copy_within(from..from + keep, 0);
        held = keep;
    }
}
