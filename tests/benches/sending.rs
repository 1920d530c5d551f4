//! Ten thousand invitations sent by four senders that are killed at random points while patients answer, then the same
//! with the last check disabled: `cargo bench -p painreg-tests --bench sending`. Prints results and speed; asserts
//! nothing.

use std::sync::Arc;
use std::time::Instant;

use painreg_tenants::Settings;
use painreg_tests::sending::Campaign;
use painreg_tests::{Setup, World};

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    campaign(12_500, false);
    campaign(1_000, true);
}

fn campaign(patients: usize, without_last_check: bool) {
    let adjust = Arc::new(move |settings: &mut Settings| settings.testing.without_last_check = without_last_check);
    let world = World::with(&Setup { workers: 2, connections_per_tenant: 12, adjust, ..Setup::default() });
    let started = Instant::now();
    let campaign = Campaign::prepare(&world, patients, 2021);
    let prepared = started.elapsed().as_secs_f64();
    let started = Instant::now();
    campaign.run();
    let seconds = started.elapsed().as_secs_f64();
    let wrong = campaign.verdict();
    let result = campaign.ledger();
    if without_last_check {
        say("And without the last check:");
    }
    say(&format!("{patients} patients registered with a procedure and decided in {prepared:.0} s"));
    say(&format!(
        "{} messages taken by the gateway in {seconds:.0} s ({:.0} a second), {} kills, {} checked first, {} stopped by the \
         last check, {} patients answered, died or opted out during it",
        result.taken.len(),
        result.taken.len() as f64 / seconds,
        result.kills,
        result.checked_first,
        result.stopped,
        campaign.closed()
    ));
    say(&format!("What must not happen: {}, such as {:?}", wrong.len(), wrong.first()));
}

fn say(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
