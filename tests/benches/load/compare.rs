//! Runs the server and pgbench alternately.

use std::time::Duration;

use painreg_api::commands::Failure;

use super::client::{count, load};
use super::patients::Patients;
use super::pgbench::Script;
use super::{Bench, DIRECT, SERVED, Server, figures, login_address, rows_of, say, setting, tell_errors};

impl Bench<'_> {
    /// Measures the server and pgbench alternately, so that a change of the machine's load affects both.
    pub fn in_turn(
        &self,
        server: &Server,
        ours: &Patients,
        scripts: Vec<Result<Script, String>>,
    ) -> Result<(), Failure> {
        let mut scripts = scripts.into_iter();
        let mut next = || scripts.next().unwrap_or_else(|| Err("not watched".to_owned()));
        let kinds = [
            ("submission, 11 answers", &ours.short, next(), [1, 8, 32].as_slice()),
            ("submission, baseline", &ours.baseline, next(), &[8]),
            ("patient read", &ours.reads, next(), &[1, 8]),
        ];
        let program = self.local.programs().join("pgbench");
        let address = login_address(&self.local.superuser_address("painreg"));
        say(format!(
            "\n{:<24}{:>3} {:>5} {:>8} {:>8} {:>8} {:>8} {:>6} | {:>8} {:>8} {:>6} | {:>7} {:>9} {:>7} | {:>9}",
            "what",
            "c",
            "round",
            "req/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "errors",
            "pgb. tps",
            "pgb. ms",
            "ratio",
            "server",
            "postgres",
            "client",
            "pgb. post."
        ));
        say(format!("{:>105}{}", "", "processor ms a request"));
        let only = setting("ONLY").unwrap_or_default();
        for (what, templates, script, levels) in kinds {
            for clients in levels.iter().filter(|clients| format!("{what} {clients}").contains(&only)) {
                let warming = self.time.min(Duration::from_secs(1));
                load(server.address, templates, &self.numbers, *clients, warming);
                let mut ratios = Vec::new();
                for round in 1..=self.rounds {
                    let before = self.spent(server);
                    let outcome = load(server.address, templates, &self.numbers, *clients, self.time);
                    let each = self.spent(server).each_since(before, count(outcome.latencies.len()));
                    let direct = script.as_ref().map_err(ToString::to_string).and_then(|script| {
                        let before = self.spent(server);
                        let stamp = self.registry.clock().now().as_microsecond();
                        let result = script.run(&program, &address, *clients, self.time.as_secs(), stamp);
                        let result = result.map_err(|error| error.to_string())?;
                        let seconds = f64::from(u32::try_from(self.time.as_secs()).unwrap_or(u32::MAX));
                        Ok((result, self.spent(server).each_since(before, result.rate * seconds)))
                    });
                    let compared = match &direct {
                        Ok((result, theirs)) => {
                            ratios.push(outcome.rate() / result.rate.max(f64::EPSILON));
                            (
                                format!(
                                    "{:>8.0} {:>8.2} {:>6.2}",
                                    result.rate,
                                    result.latency,
                                    outcome.rate() / result.rate
                                ),
                                format!("{:>9.3}", theirs.postgres),
                            )
                        }
                        Err(_) => (format!("{:>8} {:>8} {:>6}", "-", "-", "-"), format!("{:>9}", "-")),
                    };
                    say(format!(
                        "{what:<24}{clients:>3} {round:>5} {} | {} | {:>7.3} {:>9.3} {:>7.3} | {}",
                        figures(&outcome),
                        compared.0,
                        each.server,
                        each.postgres,
                        each.client,
                        compared.1
                    ));
                    tell_errors(&outcome);
                    if let Err(why) = direct {
                        say(format!("  no pgbench figure: {why}"));
                    }
                }
                ratios.sort_unstable_by(f64::total_cmp);
                if let (Some(low), Some(high)) =
                    (ratios.get((ratios.len().max(1) - 1) / 2), ratios.get(ratios.len() / 2))
                {
                    say(format!(
                        "{:<24}{clients:>3} median ratio server/pgbench {:.2}",
                        what,
                        f64::midpoint(*low, *high)
                    ));
                }
            }
            if let Ok(script) = &script {
                say(format!("{what}: {} round trips to the database", script.round_trips));
            }
        }
        let mut superuser = self.superuser()?;
        for (who, slug) in [("server", SERVED), ("pgbench", DIRECT)] {
            say(format!("Left by the {who:<7} {}", rows_of(&mut superuser, slug)?));
        }
        Ok(())
    }
}
