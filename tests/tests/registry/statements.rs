//! Statements written as text: PostgreSQL plans every one of them, and every one that the source contains is sent by some
//! operation or by the worker.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use painreg_domain::event::EventType;
use painreg_domain::policy::{Action, Role};
use painreg_tenants::app;
use painreg_tenants::store::{operations, sequencer, sweep, webhooks};
use painreg_tenants::{PreparedStatement, Settings, StatementObserver, StoreError, TenantScope};
use painreg_tests::{Setup, attempt, execute};
use serde_json::json;

use crate::house::sources::rust_files;
use crate::invitations::{claims, due, morning_of};
use crate::scene::{Scene, may, roles};

/// Statements that neither a request of the walk nor a step of the worker sends: the file, the beginning, and why.
const EXCEPTIONS: [(&str, &str, &str); 20] = [
    ("tenants/src/migrate.rs", "", "migrations run before a registry is served"),
    ("tenants/src/provision.rs", "", "roles and schemas are created by the owner's connection"),
    ("tenants/src/proof.rs", "", "a person runs the proof of isolation"),
    ("tenants/src/retention.rs", "", "a daily command runs it"),
    ("tenants/src/database_check.rs", "", "it runs before a connection is observed"),
    ("tenants/src/testing.rs", "", "only tests ask for prepared statements and settings"),
    ("tenants/src/wake.rs", "", "processes tell each other outside the pool"),
    ("tenants/src/audit/unauthenticated.rs", "", "the server counts in the background"),
    ("tenants/src/store/codes.rs", "", "the command that imports code systems sends them"),
    ("tenants/src/store/idempotency.rs", "DELETE", "a daily command runs it"),
    ("tenants/src/store/tenants.rs", "DELETE FROM platform.issuer", "only where the settings of issuers leave one out"),
    (
        "tenants/src/app/implant_components.rs",
        "SELECT id FROM implant_component",
        "only where an event names components",
    ),
    ("tenants/src/store/licences.rs", "SELECT asked.id", "only where a licence limits the number of answers"),
    ("tenants/src/store/operations.rs", "UPDATE operation SET state = ?, failure", "only where an operation fails"),
    ("tenants/src/store/patients/update.rs", "SELECT min(day)", "only where birth or death changes"),
    (
        "tenants/src/store/quarantine.rs",
        "UPDATE quarantine SET corrections",
        "only where a correction does not suffice",
    ),
    (
        "tenants/src/store/submissions/place/known.rs",
        "UPDATE submission",
        "only where a source confirms what is stored",
    ),
    ("tenants/src/store/submissions/rescore.rs", "INSERT INTO score", "only where an algorithm has changed"),
    ("tenants/src/store/submissions/rescore.rs", "SELECT submission.id", "only where an algorithm has changed"),
    (
        "tenants/src/store/webhooks/subscription.rs",
        "UPDATE webhook_delivery",
        "only where a failed webhook is enabled again",
    ),
];

/// Sends every operation as every role that may, a repeated request, and does the work of the worker.
fn walk(scene: &Scene) {
    scene.another();
    for operation in scene.document.protected() {
        for role in roles().filter(|role| may(*role, operation)) {
            let actor = scene.actor("alpha", role, &scene.alpha);
            let mut request = scene.prepare(operation, &actor, &scene.alpha);
            request.clone().send(&actor);
            if operation.takes("header", "Idempotency-Key") {
                request = request.with("idempotency-key", &scene.world.clock.random_id().to_string());
                request.clone().send(&actor);
                request.send(&actor);
            }
        }
    }
    // An invitation that is claimed again after its lease, and one whose lease has expired for good.
    let sender = scene.world.alpha().sender();
    due(&scene.world);
    claims(&sender, "sms");
    scene.world.advance(SignedDuration::from_mins(30));
    claims(&sender, "sms");
    scene.world.advance(SignedDuration::from_hours(9 * 24));
    for scope in scene.world.registry.worker_scopes() {
        step(&scope).expect("the worker's steps");
    }
}

/// The worker's steps in one tenant: follow-up, and a delivery that succeeds and one that fails for good.
fn step(scope: &TenantScope) -> Result<(), StoreError> {
    scope.run_unaudited(sweep::is_waiting)?;
    scope.run_unaudited(operations::is_waiting)?;
    scope.run_unaudited(webhooks::is_waiting)?;
    scope.run_unaudited(sequencer::is_waiting)?;
    while scope.sequence()? {}
    for _ in 0..10 {
        let Some((operation, kind)) = scope.run_unaudited(operations::next_due)? else { break };
        scope.run(app::operations::action(kind), |tx| app::operations::run_stretch(tx, operation))?;
    }
    while scope.run(Action::RunFollowUp, |tx| sweep::step(tx).map(|step| step.more))? {}
    scope.run_unaudited(sweep::is_waiting)?;
    while scope.run(Action::DeliverEvents, webhooks::enqueue_deliveries)? {}
    let outcomes = [webhooks::DeliveryOutcome::Delivered(200), webhooks::DeliveryOutcome::Failed(Some(410), "status")];
    for outcome in outcomes {
        let claimed = scope.run(Action::DeliverEvents, |tx| webhooks::claim_due_deliveries(tx, 2))?;
        for dispatch in claimed {
            scope.run(Action::DeliverEvents, |tx| webhooks::record_outcome(tx, &dispatch, outcome))?;
        }
    }
    Ok(())
}

/// The first texts of the statements in the source of `tenants`, as PostgreSQL gets them but for the marks.
fn first_texts() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for file in rust_files(&["tenants/src"]) {
        let program = file.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        for (at, _) in program.match_indices("statement(") {
            let rest = program[at + "statement(".len()..].trim_start();
            let Some(literal) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) else { continue };
            // A continued line goes on after its indentation.
            let text = literal.0.split("\\\n").map(str::trim_start).collect::<String>();
            let is_exception = |(path, start, _): &(&str, &str, &str)| *path == file.path && text.starts_with(start);
            if !EXCEPTIONS.iter().any(is_exception) {
                found.insert((file.path.clone(), text));
            }
        }
    }
    found
}

/// A text with `?` for every `$1` and for every `$1::uuid[]`.
fn with_marks(text: &str) -> String {
    let mut pieces = text.split('$');
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        whole.push('?');
        let rest = piece.trim_start_matches(|letter: char| letter.is_ascii_digit());
        let cast = rest.strip_prefix("::").and_then(|cast| cast.split_once("[]"));
        let cast = cast.filter(|(name, _)| name.chars().all(|letter| letter.is_ascii_lowercase() || letter == ' '));
        whole.push_str(cast.map_or(rest, |(_, rest)| rest));
    }
    whole
}

#[test]
fn every_statement_is_planned_and_sent() {
    let sent = Arc::new(Mutex::new(BTreeSet::new()));
    let observer: StatementObserver = {
        let sent = Arc::clone(&sent);
        Arc::new(move |text| {
            sent.lock().expect("no panic").insert(with_marks(text));
        })
    };
    // Connections that stay open keep what they have prepared.
    let adjust = Arc::new(move |settings: &mut Settings| {
        settings.idle = Duration::from_hours(1);
        settings.testing.observer = Some(Arc::clone(&observer));
    });
    let scene = Scene::of(morning_of(&Setup { adjust, ..Setup::default() }));
    subscribe(&scene);
    walk(&scene);

    let mut wrong = Vec::new();
    let mut planned = 0;
    for slug in [Some("alpha"), Some("beta"), None] {
        // The platform's owner also furnishes the schemas of new tenants.
        let schema =
            slug.map_or_else(|| format!("platform, {}", scene.world.schema("alpha")), |slug| scene.world.schema(slug));
        let prepared: BTreeSet<PreparedStatement> =
            scene.world.registry.prepared_statements(slug).expect("the statements").into_iter().collect();
        let mut conn = scene.world.sql();
        execute(&mut conn, &format!("SET search_path = {schema}, pg_temp; SET plan_cache_mode = force_generic_plan"));
        for (number, PreparedStatement { statement, types }) in prepared.iter().enumerate() {
            let (types, nulls) = (types.join(", "), vec!["NULL"; types.len()].join(", "));
            let parentheses = |inside: &str| if inside.is_empty() { String::new() } else { format!("({inside})") };
            let prepare = format!("PREPARE s{number}{} AS {statement}", parentheses(&types));
            let explain = format!("EXPLAIN EXECUTE s{number}{}", parentheses(&nulls));
            let done = attempt(&mut conn, &prepare).and_then(|_| attempt(&mut conn, &explain));
            planned += 1;
            wrong.extend(done.err().map(|error| format!("{error}: {statement}")));
        }
    }
    assert!(wrong.is_empty(), "{} statements that PostgreSQL refuses:\n{}", wrong.len(), wrong.join("\n"));
    println!("{planned} statements are planned");

    let sent = sent.lock().expect("no panic");
    let missing: Vec<String> = first_texts()
        .into_iter()
        .filter(|(_, text)| !sent.iter().any(|whole| whole.starts_with(text.as_str())))
        .map(|(path, text)| format!("{path}: {text}"))
        .collect();
    assert!(missing.is_empty(), "{} statements that nothing has sent:\n{}", missing.len(), missing.join("\n"));
}

/// A webhook for every event, so that the worker has something to deliver.
fn subscribe(scene: &Scene) {
    let manager = scene.world.alpha().caller(Role::RegistryManager);
    let kinds: [&str; 1] = [EventType::PatientRegistered.into()];
    let webhook = json!({"url": "https://receiver.example/events", "kinds": kinds});
    manager.post(&manager.at("webhooks"), &webhook).expect(201);
    scene.another();
}
