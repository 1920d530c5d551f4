//! Many tenants: creating, migrating and serving them.

use std::time::{Duration, Instant};

use painreg_api::commands::Failure;

use super::client::{count, load};
use super::{Bench, FEW, Server, execute, figures, millis, number, say, schema_of, tell_errors};

impl Bench<'_> {
    /// Creates, migrates and serves many tenants and prints the figures.
    pub fn many(&self, server: &Server) -> Result<(), Failure> {
        let wanted = number("TENANTS", 100);
        if wanted == 0 {
            return Ok(());
        }
        let slugs: Vec<String> = (1..=wanted).map(|at| format!("many-{at:03}")).collect();
        let mut times = Vec::new();
        for slug in &slugs {
            let started = Instant::now();
            self.create(slug)?;
            times.push(started.elapsed());
        }
        times.sort_unstable();
        let at = |index: usize| times.get(index).copied().unwrap_or_default();
        say(format!(
            "\n{wanted} tenants created: median {:.0} ms, longest {:.0} ms",
            millis(at(times.len() / 2)),
            millis(at(times.len().saturating_sub(1)))
        ));
        let started = Instant::now();
        let migrated = self.registry.migrate(None, false, |_| {})?.len();
        say(format!("Migrating all {migrated} tenants with nothing pending: {:.2} s", started.elapsed().as_secs_f64()));
        self.recreate_tables()?;
        // The server checks for changes every second.
        std::thread::sleep(Duration::from_millis(2500));
        let mut templates = Vec::new();
        for (at, slug) in slugs.iter().enumerate() {
            let seed = 2 + u64::try_from(at)?;
            templates.extend(self.register(server.address, slug, seed, FEW)?.short);
        }
        load(server.address, &templates, &self.numbers, 8, self.time.min(Duration::from_secs(2)));
        for round in 1..=self.rounds {
            let before = self.spent(server);
            let outcome = load(server.address, &templates, &self.numbers, 8, self.time);
            let each = self.spent(server).each_since(before, count(outcome.latencies.len()));
            say(format!(
                "{:<24}{:>3} {round:>5} {} | processor ms a request: server {:.3}, postgres {:.3}, client {:.3}",
                format!("{wanted} tenants, 11 answers"),
                8,
                figures(&outcome),
                each.server,
                each.postgres,
                each.client
            ));
            tell_errors(&outcome);
        }
        say(format!("Server after {wanted} tenants' load: {}", server.memory()));
        Ok(())
    }

    /// Drops the tables of one tenant and lets the migration create them.
    pub fn recreate_tables(&self) -> Result<(), Failure> {
        let slug = "many-anew";
        self.create(slug)?;
        let mut superuser = self.superuser()?;
        let schema = schema_of(&mut superuser, slug)?;
        execute(
            &mut superuser,
            &format!(
                "DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema} AUTHORIZATION painreg; \
                 UPDATE platform.tenant SET schema_version = '' WHERE slug = '{slug}'"
            ),
        )?;
        let started = Instant::now();
        let done = self.registry.migrate(Some(slug), false, |_| {})?;
        let outcome = done.first().map_or("nothing", |one| one.outcome.word());
        say(format!("Migrating one tenant from nothing ({outcome}): {:.0} ms", millis(started.elapsed())));
        Ok(())
    }
}
