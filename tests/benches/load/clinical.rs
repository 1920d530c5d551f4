//! The clinical registry: courses in bulk, a long timeline, reads of the past, a recall.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use painreg_api::commands::Failure;
use painreg_domain::policy::Role;
use painreg_domain::synthetic::Generator;
use serde_json::{Value, json};

use super::client::{Template, count, load};
use super::pgbench::{Script, Seen, script};
use super::{Bench, PGBENCH_ROLE, Server, WATCHED, execute, login_address, millis, registration, say, schema_of};

/// The tenant that the server writes to, and the one on which pgbench repeats the statements.
const CLINIC: &str = "bench-clinic";
const DIRECT: &str = "bench-clinic-direct";
/// The tenants that this part uses.
pub const TENANTS: [&str; 2] = [CLINIC, DIRECT];
/// The number of patients in one request.
const TOGETHER: usize = 50;
/// An invented GTIN-14 with a valid check digit.
const DEVICE: &str = "07350000000009";

/// Returns a complete new patient: referral, episode, consultation, diagnosis, procedure.
fn line(generator: &mut Generator) -> Value {
    let person = generator.person();
    json!({"patient": registration(&person), "entries": [
        {"kind": "referral", "as": "r", "content": {"received_on": "2025-01-10", "source": "gp",
            "category": "right_granted", "assessed_on": "2025-01-20", "unit": "clinic"}},
        {"kind": "episode", "as": "e", "content": {"referral_id": "#r", "opened_on": "2025-02-01", "unit": "clinic"}},
        {"kind": "consultation", "content": {"episode_id": "#e", "held_on": "2025-02-03", "sequence": "first",
            "mode": "physical", "attendance": "attended", "professionals": [{"profession": "physician"}]}},
        {"kind": "diagnosis", "content": {"episode_id": "#e", "system": "icd11", "code": "MG30.02", "rank": 1,
            "set_on": "2025-02-03"}},
        {"kind": "procedure", "content": {"episode_id": "#e", "system": "ncmp", "code": "ZDRF01",
            "performed_on": "2025-03-01", "sites": [{"region": "lower_back", "side": "left"}]}},
    ]})
}

/// Returns a long course: `consultations` consultations, a tenth as many medications and diagnoses, and an implant.
fn long(generator: &mut Generator, consultations: usize) -> Value {
    let mut line = line(generator);
    let Some(entries) = line.get_mut("entries").and_then(Value::as_array_mut) else { return line };
    for at in 0..consultations {
        let day = format!("2025-{:02}-{:02}", at % 12 + 1, at % 28 + 1);
        entries.push(json!({"kind": "consultation", "content": {"held_on": day, "sequence": "follow_up",
            "mode": "video", "attendance": "attended", "professionals": [{"profession": "nurse", "hpr": "9144900"}]}}));
        if at % 5 == 0 {
            entries.push(json!({"kind": "medication", "content": {"atc": "N02AA05", "route": "oral", "dose": 10,
                "unit": "mg", "doses_per_day": 2, "started_on": day}}));
            entries.push(json!({"kind": "treatment_goal", "content": {"set_on": day, "set_by": "patient",
                "category": "function", "text": "Gå en tur hver dag"}}));
        }
    }
    entries.push(json!({"kind": "implant", "as": "i", "content": {"modality": "scs",
        "indication": "persistent_spinal_pain_type2", "decided_on": "2025-03-01"}}));
    entries.push(json!({"kind": "implant_component", "content": {"implant_id": "#i", "component": "lead_percutaneous",
        "manufacturer": "Invented", "model": "L-8", "udi": format!("(01){DEVICE}(10)LOT1(21)S1"),
        "implanted_on": "2025-04-01"}}));
    line
}

struct Clinic<'b> {
    bench: &'b Bench<'b>,
    server: &'b Server,
    agent: ureq::Agent,
}

/// Measures this part and prints its figures.
pub fn measure(bench: &Bench<'_>, server: &Server) -> Result<(), Failure> {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let clinic = Clinic { bench, server, agent };
    say("\nThe clinical registry");
    let direct = clinic.watched()?;
    clinic.bulk(&direct)?;
    clinic.reads()
}

impl Clinic<'_> {
    fn post(&self, tenant: &str, path: &str, media: &str, body: &str) -> Result<String, Failure> {
        let token = self.bench.token(tenant, Role::RegistryManager)?;
        let mut answer = self
            .agent
            .post(format!("http://{}/v1/tenants/{tenant}{path}", self.server.address))
            .header("authorization", format!("Bearer {token}"))
            .header("idempotency-key", format!("1000000{}", self.bench.numbers.next()))
            .header("content-type", media)
            .send(body)?;
        let text = answer.body_mut().with_config().limit(100_000_000).read_to_string()?;
        if answer.status().is_success() { Ok(text) } else { Err(text.into()) }
    }

    fn batch(&self, tenant: &str, lines: &str) -> Result<Vec<Value>, Failure> {
        let text = self.post(tenant, "/patient-batches", "application/x-ndjson", lines)?;
        let results: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        match results.iter().find(|result| result.get("registered").is_none_or(Value::is_null)) {
            Some(refused) => Err(refused.to_string().into()),
            None => Ok(results),
        }
    }

    /// Returns the statements that one line becomes in the database, as a script for pgbench.
    fn watched(&self) -> Result<Script, Failure> {
        let mut generator = Generator::new(11);
        let (seen, _) = self.bench.logged(|server| {
            let clinic = Clinic { bench: self.bench, server, agent: self.agent.clone() };
            (0..WATCHED)
                .map(|_| clinic.batch(DIRECT, &line(&mut generator).to_string()).map(|_| (0, String::new())))
                .collect()
        })?;
        let seen: Vec<Seen<'_>> = seen.iter().map(|steps| Seen { number: 0, patient: "", steps }).collect();
        let made = script(self.bench.folder, "bulk", &seen, 1)?;
        let mut superuser = self.bench.superuser()?;
        let schema = schema_of(&mut superuser, DIRECT)?;
        execute(&mut superuser, &format!("GRANT {schema}_registry_manager, {schema}_system TO {PGBENCH_ROLE}"))?;
        Ok(made)
    }

    fn bulk(&self, direct: &Script) -> Result<(), Failure> {
        let program = self.bench.local.programs().join("pgbench");
        let address = login_address(&self.bench.local.superuser_address("painreg"));
        let mut generator = Generator::new(12);
        for clients in [1_u32, 4, 8] {
            for round in 1..=self.bench.rounds {
                let lines_each = 600 / usize::try_from(clients)? + TOGETHER * 4;
                let bodies: Vec<Vec<String>> = (0..clients)
                    .map(|_| {
                        let lines: Vec<String> = (0..lines_each).map(|_| line(&mut generator).to_string()).collect();
                        lines.chunks(TOGETHER).map(|some| some.join("\n")).collect()
                    })
                    .collect();
                let lines = lines_each * usize::try_from(clients)?;
                let started = Instant::now();
                let done: Vec<Result<(), Failure>> = std::thread::scope(|threads| {
                    let running: Vec<_> = bodies
                        .iter()
                        .map(|mine| {
                            threads.spawn(|| mine.iter().try_for_each(|body| self.batch(CLINIC, body).map(|_| ())))
                        })
                        .collect();
                    let broken = || Err(Failure::from("a thread broke off"));
                    running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| broken())).collect()
                });
                done.into_iter().collect::<Result<Vec<()>, _>>()?;
                let rate = count(lines) / started.elapsed().as_secs_f64();
                let stamp = self.bench.registry.clock().now().as_microsecond();
                let answered = direct.run(&program, &address, clients, self.bench.time.as_secs(), stamp)?;
                say(format!(
                    "complete patient in one line, c = {clients}, round {round}: {rate:.0} lines/s | pgbench {:.0} tps | \
                     ratio {:.2}",
                    answered.rate,
                    rate / answered.rate
                ));
            }
        }
        say(format!("a line of five entries: {} round trips to the database", direct.round_trips));
        Ok(())
    }

    fn reads(&self) -> Result<(), Failure> {
        let mut generator = Generator::new(13);
        let result = self.batch(CLINIC, &long(&mut generator, 351).to_string())?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let patient = text(result.first().and_then(|one| one.pointer("/registered/patient_id")));
        let mut many = String::new();
        for _ in 0..1000 {
            writeln!(many, "{}", long(&mut generator, 1))?;
        }
        for some in many.lines().collect::<Vec<_>>().chunks(200) {
            self.batch(CLINIC, &some.join("\n"))?;
        }
        let base = format!("/v1/tenants/{CLINIC}");
        let token = self.bench.token(CLINIC, Role::RegistryManager)?;
        let template = |path: String| Template::new("GET", &path, &token, None);
        let middle = self.changed(&patient)?;
        let rows = [
            ("timeline of 500 entries", format!("{base}/patients/{patient}/timeline")),
            ("the same as of then", format!("{base}/patients/{patient}/timeline?as_of={middle}")),
            ("200 consultations", format!("{base}/patients/{patient}/consultations?limit=200")),
            ("the same as of then", format!("{base}/patients/{patient}/consultations?limit=200&as_of={middle}")),
            ("one patient", format!("{base}/patients/{patient}")),
            ("the same as of then", format!("{base}/patients/{patient}?as_of={middle}")),
            ("recall, 200 of 1001 carriers", format!("{base}/device-recalls?udi_di={DEVICE}&limit=200")),
            ("referrals of the registry, 200", format!("{base}/referrals?limit=200")),
        ];
        let mut superuser = self.bench.superuser()?;
        let schema = schema_of(&mut superuser, CLINIC)?;
        execute(
            &mut superuser,
            &format!(
                "VACUUM ANALYZE {schema}.consultation, {schema}.row_history, {schema}.implant_component, {schema}.referral, {schema}.patient"
            ),
        )?;
        for (what, path) in rows {
            let templates = [template(path)];
            load(self.server.address, &templates, &self.bench.numbers, 1, Duration::from_secs(1));
            let started = Instant::now();
            let outcome = load(self.server.address, &templates, &self.bench.numbers, 1, self.bench.time);
            say(format!(
                "{what:<32} c = 1: p50 {:>6.2} ms, p95 {:>6.2} ms, p99 {:>6.2} ms ({} answers in {:.0} ms)",
                outcome.quantile(500),
                outcome.quantile(950),
                outcome.quantile(990),
                outcome.latencies.len(),
                millis(started.elapsed())
            ));
            super::tell_errors(&outcome);
        }
        Ok(())
    }

    /// Changes every consultation of the patient twice and returns an instant between the two changes.
    fn changed(&self, patient: &str) -> Result<String, Failure> {
        let token = self.bench.token(CLINIC, Role::RegistryManager)?;
        let base = format!("http://{}/v1/tenants/{CLINIC}/patients/{patient}/consultations", self.server.address);
        let mut middle = String::new();
        for version in 1..=2 {
            let mut next = format!("{base}?limit=200");
            let mut ids = Vec::new();
            loop {
                let mut answer = self.agent.get(&next).header("authorization", format!("Bearer {token}")).call()?;
                let page: Value = answer.body_mut().read_json()?;
                let items = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
                ids.extend(items.iter().filter_map(|item| item.get("id")?.as_str().map(str::to_owned)));
                let Some(cursor) = page.get("next_cursor").and_then(Value::as_str) else { break };
                next = format!("{base}?limit=200&cursor={cursor}");
            }
            for id in ids {
                let answer = self
                    .agent
                    .patch(format!("{base}/{id}"))
                    .header("authorization", format!("Bearer {token}"))
                    .header("if-match", format!("\"v{version}\""))
                    .header("content-type", "application/merge-patch+json")
                    .send(r#"{"mode":"phone"}"#)?;
                if !answer.status().is_success() {
                    return Err(format!("a change was refused: {}", answer.status()).into());
                }
            }
            if version == 1 {
                middle = self.bench.registry.clock().now().to_string();
            }
        }
        Ok(middle)
    }
}
