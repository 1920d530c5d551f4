//! Follow-up: decisions of all patients computed and stored, compared with `\copy` of the same decisions into the same
//! table of another registry; and the latency of one changed fact with its decision.

use std::process::Command;
use std::time::{Duration, Instant};

use painreg_api::commands::Failure;
use painreg_domain::policy::Role;
use painreg_domain::synthetic::{Follower, Generator};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::client::count;
use super::intake::psql_runs;
use super::{Bench, Server, execute, millis, number, registration, say, schema_of};

/// The tenant in which the server decides, and the one that `\copy` writes to.
const SERVED: &str = "bench-followup";
const COPIED: &str = "bench-followup-copy";
/// The tenants that this part uses.
pub const TENANTS: [&str; 2] = [SERVED, COPIED];
/// The number of patients in one request, and the number of requests at the same time.
const TOGETHER: usize = 50;
const AT_ONCE: usize = 4;
/// The number of facts that are changed one after another.
const CHANGES: usize = 300;

struct Clinic<'b> {
    bench: &'b Bench<'b>,
    server: &'b Server,
    agent: ureq::Agent,
    token: String,
}

/// Measures this part and prints its figures.
pub fn measure(bench: &Bench<'_>, server: &Server) -> Result<(), Failure> {
    let patients = usize::try_from(number("LINES", 10_000))?.max(TOGETHER);
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let clinic = Clinic { bench, server, agent, token: bench.token(SERVED, Role::RegistryManager)? };
    let started = Instant::now();
    let ids = clinic.register(patients)?;
    let seconds = started.elapsed().as_secs_f64();
    say(format!("\nFollow-up: {patients} patients with their courses registered and decided in {seconds:.1} s"));
    let mut superuser = bench.superuser()?;
    let [served, copied] = [schema_of(&mut superuser, SERVED)?, schema_of(&mut superuser, COPIED)?];
    execute(
        &mut superuser,
        &format!("INSERT INTO {copied}.patient OVERRIDING SYSTEM VALUE SELECT * FROM {served}.patient; ANALYZE"),
    )?;
    let psql = bench.local.programs().join("psql");
    let address = bench.local.superuser_address("painreg");
    let file = bench.folder.join("decisions");
    for round in 1..=bench.rounds {
        // No decision exists, and a fact on which every decision depends has changed.
        execute(
            &mut superuser,
            &format!(
                "TRUNCATE {served}.decision, {copied}.decision CASCADE; CHECKPOINT; \
                 UPDATE {served}.config_generation SET value = value + 1"
            ),
        )?;
        let before = bench.spent(server);
        let ours = clinic.decide_all()?;
        let spent = bench.spent(server).each_since(before, count(patients));
        psql_runs(&psql, address.expose_secret(), &format!("\\copy {served}.decision TO '{}'\n", file.display()))?;
        execute(&mut superuser, "CHECKPOINT")?;
        let started = Instant::now();
        psql_runs(&psql, address.expose_secret(), &format!("\\copy {copied}.decision FROM '{}'\n", file.display()))?;
        let theirs = started.elapsed();
        let rows = Command::new("wc").arg("-l").arg(&file).output()?;
        let rows = String::from_utf8_lossy(&rows.stdout).split(' ').next().unwrap_or_default().to_owned();
        say(format!(
            "  round {round}: {:.2} s for {rows} decisions | \\copy {:.2} s | {:.1} times | CPU a patient: server {:.0} µs, \
             PostgreSQL {:.0} µs",
            ours.as_secs_f64(),
            theirs.as_secs_f64(),
            ours.as_secs_f64() / theirs.as_secs_f64(),
            spent.server * 1e3,
            spent.postgres * 1e3
        ));
    }
    let mut times = Vec::new();
    for id in ids.iter().take(CHANGES) {
        let started = Instant::now();
        clinic.change(id)?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1))).copied();
    let [median, most] = [50, 99].map(|share| at(share).map_or(0.0, millis));
    say(format!("  one changed fact, decided, stored and answered: {median:.2} ms, 99 % below {most:.2} ms"));
    Ok(())
}

impl Clinic<'_> {
    fn post(&self, path: &str, media: &str, body: &str) -> Result<String, Failure> {
        let mut answer = self
            .agent
            .post(format!("http://{}/v1/tenants/{SERVED}/{path}", self.server.address))
            .header("authorization", format!("Bearer {}", self.token))
            .header("idempotency-key", format!("1000000{}", self.bench.numbers.next()))
            .header("content-type", media)
            .send(body)?;
        let text = answer.body_mut().with_config().limit(100_000_000).read_to_string()?;
        if answer.status().is_success() { Ok(text) } else { Err(text.into()) }
    }

    /// Registers `wanted` patients, those of the synthetic year of follow-up repeated, and returns their ids.
    fn register(&self, wanted: usize) -> Result<Vec<String>, Failure> {
        let mut followers: Vec<Follower> = Vec::new();
        let mut generator = Generator::new(31);
        while followers.len() < wanted {
            followers.extend(generator.followers());
        }
        followers.truncate(wanted);
        let share = wanted.div_ceil(AT_ONCE);
        std::thread::scope(|threads| {
            let running: Vec<_> =
                followers.chunks(share).map(|mine| threads.spawn(move || self.register_some(mine))).collect();
            let mut ids = Vec::new();
            for thread in running {
                ids.extend(thread.join().map_err(|_| Failure::from("registering broke off"))??);
            }
            Ok(ids)
        })
    }

    fn register_some(&self, followers: &[Follower]) -> Result<Vec<String>, Failure> {
        let mut ids = Vec::new();
        for together in followers.chunks(TOGETHER) {
            let line =
                |it: &Follower| json!({"patient": registration(&it.person), "entries": it.entries}).to_string() + "\n";
            let lines: String = together.iter().map(line).collect();
            for result in self.post("patient-batches", "application/x-ndjson", &lines)?.lines() {
                let result: Value = serde_json::from_str(result)?;
                let id = result.pointer("/registered/patient_id").and_then(Value::as_str);
                ids.push(id.ok_or_else(|| format!("a line was refused: {result}"))?.to_owned());
            }
        }
        Ok(ids)
    }

    /// Redecides every patient; the server's own worker takes part.
    fn decide_all(&self) -> Result<Duration, Failure> {
        let started = Instant::now();
        loop {
            let step: Value = serde_json::from_str(&self.post("follow-up-runs", "application/json", "null")?)?;
            if step.get("more") == Some(&Value::Bool(false)) {
                let mut answer = self
                    .agent
                    .get(format!("http://{}/v1/tenants/{SERVED}/follow-up-counts", self.server.address))
                    .header("authorization", format!("Bearer {}", self.token))
                    .call()?;
                let counts: Value = answer.body_mut().read_json()?;
                if counts.get("up_to_date") == Some(&Value::Bool(true)) {
                    return Ok(started.elapsed());
                }
                // The worker holds every remaining lane.
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// Changes one fact of a patient: patients who need an interpreter are not asked.
    fn change(&self, id: &str) -> Result<(), Failure> {
        let mut answer = self
            .agent
            .patch(format!("http://{}/v1/tenants/{SERVED}/patients/{id}", self.server.address))
            .header("authorization", format!("Bearer {}", self.token))
            .header("if-match", "\"v1\"")
            .header("content-type", "application/merge-patch+json")
            .send(json!({"interpreter_needed": true}).to_string())?;
        let text = answer.body_mut().read_to_string()?;
        if answer.status().is_success() { Ok(()) } else { Err(text.into()) }
    }
}
