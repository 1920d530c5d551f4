//! Speed of follow-up decisions: `cargo bench -p painreg-tests --bench followup`. No database: the whole OPR plan over
//! patients of every kind. The requirement is 100,000 patients in 10 s on two cores.

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use painreg_domain::calendar::norwegian_hour;
use painreg_domain::followup::{Facts, FollowUpPlanDefinition, Plan, State, decide};
use painreg_domain::synthetic::Generator;
use serde_json::{Value, json};
use uuid::Uuid;

const PLAN: &str = include_str!("../../tenants/templates/opr/follow-up.toml");
/// The day of the decisions, in the middle of the year whose questions the patients have.
const TODAY: Date = date(2021, 12, 15);
/// The number of patients.
const PATIENTS: usize = 100_000;

/// Returns the id for the name by which entries of one line refer to each other.
fn id(patient: u128, name: &str) -> Uuid {
    let number = name.bytes().fold(0, |sum, byte| (sum << 8) | u128::from(byte));
    Uuid::from_u128((patient << 64) | number)
}

/// Returns the facts that the store would read for a line of the synthetic clinic.
fn facts(patient: u128, born: Date, entries: &[(String, String, Value)]) -> Facts {
    let of = |kind: &str, needed: &[&str], made: &dyn Fn(&str, &Value) -> Value| -> Vec<Value> {
        let fits = |content: &Value| needed.iter().all(|member| content.get(member).is_some());
        let of_kind = entries.iter().filter(|(of, _, content)| of == kind && fits(content));
        of_kind.map(|(_, name, content)| made(name, content)).collect()
    };
    let refers = |content: &Value, member: &str| {
        content.get(member).and_then(Value::as_str).map(|name| id(patient, name.trim_start_matches('#')))
    };
    let facts = json!({
        "born": born, "deceased_on": null, "cognitive_impairment": false, "interpreter_needed": false,
        "channels": ["sms", "digital_mailbox"], "contact_changed_at": null, "participations": [], "answers": [],
        "invitations": [], "declined": [],
        "grounds": of("legal_basis", &[], &|_, it| it.clone()),
        "referrals": of("referral", &[], &|name, it| json!({"id": id(patient, name), "received_on": it["received_on"],
            "category": it["category"], "triggers_follow_up": it["category"] == "right_granted"})),
        "episodes": of("episode", &[], &|name, it| json!({"id": id(patient, name),
            "referral_id": refers(it, "referral_id"), "opened_on": it["opened_on"], "closed_on": it.get("closed_on")})),
        "procedures": of("procedure", &[], &|name, it| json!({"id": id(patient, name), "group": "rf",
            "performed_on": it["performed_on"]})),
        "implants": of("implant_component", &[], &|name, it| json!({"id": id(patient, name), "modality": "scs",
            "implant_id": refers(it, "implant_id"), "implanted_on": it["implanted_on"], "removed_on": null})),
    });
    serde_json::from_value(facts).expect("facts")
}

/// Returns `count` patients: those of the synthetic year of follow-up, repeated.
fn patients(count: usize) -> Vec<Facts> {
    let followers = Generator::new(7).followers();
    let made = (0_u128..).zip(followers.iter().cycle()).map(|(number, follower)| {
        let named = |it: &painreg_domain::synthetic::CourseEntry| {
            let kind = serde_json::to_value(it.kind).expect("a kind");
            (kind.as_str().unwrap_or_default().to_owned(), it.r#as.clone(), it.content.clone())
        };
        let entries: Vec<_> = follower.entries.iter().map(named).collect();
        facts(number, follower.person.birth_date, &entries)
    });
    made.take(count).collect()
}

fn deciding(criterion: &mut Criterion) {
    let definition: FollowUpPlanDefinition = toml::from_str(PLAN).expect("the plan");
    let plan = Plan::published(definition, &std::collections::BTreeMap::new());
    let now: Timestamp = norwegian_hour(TODAY, 12);
    let patients = patients(PATIENTS);
    let decided =
        |patients: &[Facts]| patients.iter().map(|it| black_box(decide(&plan, it, now)).decisions.len()).sum();
    let due = patients.iter().flat_map(|it| decide(&plan, it, now).decisions).filter(|it| it.state == State::Due);
    let due = due.count();
    // The figure is defined for every patient once, on two cores.
    let started = Instant::now();
    let decisions: usize = std::thread::scope(|threads| {
        let halves = patients.chunks(PATIENTS.div_ceil(2)).map(|half| threads.spawn(move || decided(half)));
        let halves: Vec<std::thread::ScopedJoinHandle<'_, usize>> = halves.collect();
        halves.into_iter().map(|half| half.join().expect("decided")).sum()
    });
    println!(
        "{PATIENTS} patients, {} rules: {decisions} decisions, {due} of them due, in {:.2} s on two cores",
        plan.rules().len(),
        started.elapsed().as_secs_f64()
    );
    let mut group = criterion.benchmark_group("followup");
    group.throughput(Throughput::Elements(1));
    let mut next = patients.iter().cycle();
    group.bench_function("one patient, whole plan", |bencher| {
        bencher.iter(|| next.next().map(|it| decide(&plan, black_box(it), now)));
    });
    group.finish();
}

criterion_group!(benches, deciding);
criterion_main!(benches);
