//! The harness: worlds are isolated from each other and end.

use painreg_tests::World;

#[test]
fn world_starts_answers_and_stops() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    clinician.reads(&patient).expect(200);
    world.beta().clinician().reads(&patient).problem(404, "not_found");
    assert_eq!(world.operator().get("/v1/tenants").expect(200).items().len(), 2);
    world.unauthenticated().get("/v1/tenants").problem(401, "unauthenticated");
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.patient"), 1);
}

#[test]
fn worlds_share_no_data() {
    let one = World::new();
    let other = World::new();
    one.alpha().clinician().registers(&one.person());
    assert_eq!(other.alpha().clinician().lists_patients("").expect(200).items().len(), 0);
}

#[test]
fn world_clock_advances_on_demand() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let token = clinician.token();
    world.advance(jiff::SignedDuration::from_hours(2));
    clinician.clone().with_token(token).lists_patients("").problem(401, "unauthenticated");
    clinician.lists_patients("").expect(200);
}
