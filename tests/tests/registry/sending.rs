//! Sending exactly once: with senders killed at any time, every patient is asked once, and none who has answered.

use std::sync::Arc;

use painreg_domain::calendar::{days_after, norwegian_day};
use painreg_tenants::Settings;
use painreg_tests::sending::{Campaign, to_ten};
use painreg_tests::{Setup, World};

/// The number of patients; `cargo bench -p painreg-tests --bench sending` does the same with ten thousand.
const PATIENTS: usize = 160;

#[test]
fn campaign_asks_every_patient_once_across_kills() {
    let world = World::with(&Setup { workers: 2, connections_per_tenant: 12, ..Setup::default() });
    let campaign = Campaign::prepare(&world, PATIENTS, 5);
    campaign.run();
    assert_eq!(campaign.verdict(), [] as [String; 0]);
    {
        let result = campaign.ledger();
        assert!(
            result.kills > 5 && result.checked_first > 0 && result.stopped > 0,
            "nothing was put to the test: {result:?}"
        );
    }
    assert!(campaign.closed() > 5);
    // The reminders likewise: once each, and none after an answer.
    to_ten(&world, days_after(norwegian_day(world.clock.now()), 8));
    campaign.run();
    assert_eq!(campaign.verdict(), [] as [String; 0]);
    let result = campaign.ledger();
    let asked = result.invited.len();
    let reminded = result.reminded.keys().filter(|(_, reminder)| *reminder == 1).count();
    assert!(reminded > 0 && reminded < asked, "{reminded} of {asked} reminded");
    // The registry's record of sent invitations equals the gateway's.
    let sent = world.number("SELECT count(*) FROM {alpha}.invitation WHERE sent_at IS NOT NULL");
    let lost =
        world.number("SELECT count(*) FROM {alpha}.invitation WHERE handed_over_at IS NOT NULL AND sent_at IS NULL");
    let taken = i64::try_from(result.taken.len()).expect("small");
    assert!(
        sent <= taken && taken <= sent + lost,
        "{sent} known to be sent, {taken} taken, {lost} handed over and lost"
    );
}

#[test]
fn campaign_without_the_last_check_detects_wrong_sends() {
    let adjust = Arc::new(|settings: &mut Settings| settings.testing.without_last_check = true);
    let world = World::with(&Setup { workers: 2, adjust, ..Setup::default() });
    let campaign = Campaign::prepare(&world, PATIENTS / 2, 5);
    campaign.run();
    let wrong = campaign.verdict();
    assert!(wrong.iter().any(|it| it.contains("handed over after")), "the fault was not found: {wrong:?}");
}
