//! Webhooks: delivered at least once, signed, in order for each patient, and never to internal addresses.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use painreg_api::webhook_sender::WebhookSender;
use painreg_api::worker::catch_up;
use painreg_domain::national_id::Acceptance;
use painreg_domain::policy::Action;
use painreg_tenants::store::webhooks;
use painreg_tests::{Setup, World, execute};
use serde_json::{Value, json};

use crate::events::{reads, reads_on};
use crate::kit::AnswerAssertions as _;

/// A delivery that a receiver got.
#[derive(Clone, Debug)]
struct Message {
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Message {
    fn event(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    /// Verifies the signature as specified, with another library than the server's.
    fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a prefix")).expect("base 64");
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let mut content = format!("{}.{}.", self.id(), self.headers["webhook-timestamp"]).into_bytes();
        content.extend_from_slice(&self.body);
        self.headers["webhook-signature"].split(' ').any(|signature| {
            let tag = STANDARD.decode(signature.strip_prefix("v1,").expect("a version")).expect("base 64");
            hmac::verify(&key, &content, &tag).is_ok()
        })
    }
}

/// The function that answers a delivery.
type Manner = Box<dyn Fn(&Message) -> String + Send>;

/// A webhook receiver on this machine.
struct Receiver {
    address: SocketAddr,
    got: Arc<Mutex<Vec<Message>>>,
    manner: Arc<Mutex<Manner>>,
}

impl Receiver {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let got = Arc::new(Mutex::new(Vec::new()));
        let manner: Arc<Mutex<Manner>> = Arc::new(Mutex::new(Box::new(|_| "204 Done".to_owned())));
        let (kept, asked) = (Arc::clone(&got), Arc::clone(&manner));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let Some(message) = message(&mut stream) else { continue };
                let answer = asked.lock().expect("a manner")(&message);
                kept.lock().expect("a list").push(message);
                let _ = write!(stream, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        });
        Self { address, got, manner }
    }

    fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    fn answers(&self, manner: impl Fn(&Message) -> String + Send + 'static) {
        *self.manner.lock().expect("a manner") = Box::new(manner);
    }

    fn got(&self) -> Vec<Message> {
        self.got.lock().expect("a list").clone()
    }
}

fn message(stream: &mut TcpStream) -> Option<Message> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut piece).ok()? {
            0 => return None,
            read => bytes.extend_from_slice(&piece[..read]),
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let headers: HashMap<String, String> = lines.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let length: usize = headers["content-length"].parse().ok()?;
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        match stream.read(&mut piece).ok()? {
            0 => return None,
            read => body.extend_from_slice(&piece[..read]),
        }
    }
    Some(Message { headers, body })
}

/// Runs all due work of the worker.
pub fn works(world: &World) {
    catch_up(&world.registry, &WebhookSender::new(Acceptance::Test));
}

/// Runs the worker until the receivers have the awaited deliveries.
#[track_caller]
fn works_until(world: &World, reached: impl Fn() -> bool) {
    world.within(Duration::from_secs(30), || {
        works(world);
        reached().then_some(())
    });
}

/// Creates a webhook for events of these kinds; returns its id and its secret.
#[track_caller]
fn hook(world: &World, url: &str, kinds: &[&str]) -> (String, String) {
    let manager = world.alpha().manager();
    let made = manager.post(&manager.at("webhooks"), &json!({"url": url, "kinds": kinds})).expect(201);
    (made.text_at("/webhook/id").to_owned(), made.text_at("/secret").to_owned())
}

fn path(world: &World, id: &str, rest: &str) -> String {
    world.alpha().manager().at(&format!("webhooks/{id}{rest}"))
}

fn deliveries(world: &World, id: &str) -> Vec<Value> {
    world.alpha().manager().get(&path(world, id, "/deliveries")).expect(200).items().to_vec()
}

#[test]
fn webhook_delivers_signed_events_as_listed() {
    let world = World::new();
    let receiver = Receiver::new();
    let (id, secret) = hook(&world, &receiver.url(), &["patient.registered"]);
    let other = Receiver::new();
    let manager = world.beta().manager();
    manager.post(&manager.at("webhooks"), &json!({"url": other.url()})).expect(201);
    let patient = world.alpha().clinician().registers(&world.person());
    works_until(&world, || !receiver.got().is_empty());
    works(&world);
    let got = receiver.got();
    assert_eq!(got.len(), 1, "one kind is asked for, once");
    assert!(got[0].is_signed_with(&secret));
    assert!(!got[0].is_signed_with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    assert_eq!(got[0].headers["content-type"], "application/json");
    let feed = reads(&world.alpha().manager(), 1, "&kind=patient.registered");
    assert_eq!(got[0].event(), feed[0]);
    assert_eq!(got[0].id(), feed[0]["id"].as_str().unwrap_or_default());
    assert_eq!(other.got().len(), 0, "another registry's");
    let [delivery] = &deliveries(&world, &id)[..] else { panic!("one delivery") };
    assert_eq!(
        (&delivery["state"], &delivery["status"], &delivery["attempts"]),
        (&json!("delivered"), &json!(204), &json!(1))
    );
    // The secret is shown once and encrypted at rest.
    let shown = world.alpha().manager().get(&path(&world, &id, "")).expect(200).text();
    assert!(!shown.contains("whsec_") && !shown.contains(secret.as_str()));
    // The patient sees the recipient.
    let log = world.alpha().manager().reads_access_log_of(&patient).expect(200);
    assert!(log.items().iter().any(|event| event["action"] == "DeliverEvents"));
}

#[test]
fn webhook_keeps_each_patients_order() {
    let world = World::new();
    let receiver = Receiver::new();
    hook(&world, &receiver.url(), &["patient.registered", "patient.updated"]);
    let clinician = world.alpha().clinician();
    let (stuck, free) = (clinician.registers(&world.person()), clinician.registers(&world.person()));
    for patient in [&stuck, &free] {
        clinician.changes(patient, 1, &json!({"interpreter_needed": true})).expect(200);
    }
    let failing = stuck.id.clone();
    receiver.answers(move |message| {
        let fails = message.event()["data"]["patient_id"] == failing.as_str();
        if fails { "500 No" } else { "200 Yes" }.to_owned()
    });
    let of = |patient: &str| -> Vec<(String, String)> {
        let mine = |it: &Message| it.event()["data"]["patient_id"] == patient;
        let result = |it: Message| (it.event()["type"].as_str().unwrap_or_default().to_owned(), it.id().to_owned());
        receiver.got().into_iter().filter(mine).map(result).collect()
    };
    works_until(&world, || of(&free.id).len() == 2 && !of(&stuck.id).is_empty());
    let words = |result: &[(String, String)]| result.iter().map(|it| it.0.clone()).collect::<Vec<_>>();
    assert_eq!(words(&of(&free.id)), ["patient.registered", "patient.updated"]);
    assert_eq!(words(&of(&stuck.id)), ["patient.registered"]);
    // No retry before its time; then a retry with the same id.
    works(&world);
    assert_eq!(of(&stuck.id).len(), 1);
    world.advance(SignedDuration::from_secs(7));
    works_until(&world, || of(&stuck.id).len() == 2);
    receiver.answers(|_| "200 Yes".to_owned());
    world.advance(SignedDuration::from_mins(7));
    works_until(&world, || of(&stuck.id).len() == 4);
    let result = of(&stuck.id);
    assert_eq!(words(&result), ["patient.registered", "patient.registered", "patient.registered", "patient.updated"]);
    assert!(result[0].1 == result[1].1 && result[1].1 == result[2].1 && result[2].1 != result[3].1);
}

#[test]
fn webhook_dispatch_resumes_after_a_kill() {
    let world = World::new();
    let receiver = Receiver::new();
    hook(&world, &receiver.url(), &["patient.registered"]);
    let patient = world.alpha().clinician().registers(&world.person());
    let scopes = world.registry.worker_scopes();
    let scope = scopes.iter().find(|scope| scope.tenant().slug == "alpha").expect("a registry");
    // The delivery was claimed and never finished.
    scope.sequence().expect("positions");
    let taken = scope.run(Action::DeliverEvents, |tx| {
        webhooks::enqueue_deliveries(tx)?;
        webhooks::claim_due_deliveries(tx, 10)
    });
    let lost = taken.expect("taken on")[0].event.id.to_string();
    works(&world);
    assert_eq!(receiver.got().len(), 0, "another worker may be sending it");
    world.advance(SignedDuration::from_mins(3));
    works_until(&world, || !receiver.got().is_empty());
    let got = receiver.got();
    assert_eq!((got.len(), got[0].id()), (1, lost.as_str()));
    assert_eq!(got[0].event()["data"]["patient_id"], patient.id.as_str());
}

#[test]
fn replay_webhook_delivers_again() {
    let world = World::new();
    let receiver = Receiver::new();
    let (id, _) = hook(&world, &receiver.url(), &["patient.registered"]);
    let (clinician, manager) = (world.alpha().clinician(), world.alpha().manager());
    clinician.registers(&world.person());
    works_until(&world, || receiver.got().len() == 1);
    let (_, after) = reads_on(&manager, "", "");
    clinician.registers(&world.person());
    works_until(&world, || receiver.got().len() == 2);
    let ids = |from: usize| receiver.got().iter().skip(from).map(|it| it.id().to_owned()).collect::<Vec<_>>();
    let first = ids(0);
    manager.post(&path(&world, &id, "/replays"), &json!({"after": after})).expect(202);
    works_until(&world, || receiver.got().len() >= 3);
    assert_eq!(ids(2), first[1..]);
    manager.post(&path(&world, &id, "/replays"), &json!({})).expect(202);
    works_until(&world, || receiver.got().len() >= 5);
    let mut again = ids(3);
    again.sort_unstable();
    let mut sorted = first;
    sorted.sort_unstable();
    assert_eq!(again, sorted);
    assert_eq!(manager.post(&path(&world, &id, "/replays"), &json!({"after": "x"})).status, 400);
}

#[test]
fn rotate_webhook_secret_signs_with_both_for_a_day() {
    let world = World::new();
    let receiver = Receiver::new();
    let (id, old) = hook(&world, &receiver.url(), &["webhook.test"]);
    let bystander = Receiver::new();
    hook(&world, &bystander.url(), &[]);
    let manager = world.alpha().manager();
    let new = manager.post(&path(&world, &id, "/secrets"), &json!({})).expect(201).text_at("/secret").to_owned();
    assert_ne!(old, new);
    let tries = |count: usize| {
        manager.post(&path(&world, &id, "/test-deliveries"), &json!({})).expect(202);
        works_until(&world, || receiver.got().len() == count);
        receiver.got().pop().expect("a message")
    };
    let both = tries(1);
    assert!(both.is_signed_with(&old) && both.is_signed_with(&new));
    assert_eq!(both.event()["type"], "webhook.test");
    world.advance(SignedDuration::from_hours(25));
    let one = tries(2);
    assert!(!one.is_signed_with(&old) && one.is_signed_with(&new));
    assert_eq!(bystander.got().len(), 0, "a test event goes to one webhook");
}

#[test]
fn webhook_is_disabled_after_days_of_failures_and_resumes_without_loss() {
    let world = World::new();
    let (gone, failing) = (Receiver::new(), Receiver::new());
    gone.answers(|_| "410 Gone".to_owned());
    failing.answers(|_| "503 No".to_owned());
    let (first, _) = hook(&world, &gone.url(), &["patient.registered"]);
    let (second, _) = hook(&world, &failing.url(), &["patient.registered"]);
    let manager = world.alpha().manager();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let state = |id: &str| manager.get(&path(&world, id, "")).expect(200).body;
    works_until(&world, || state(&first)["disabled_because"] == "gone" && state(&second)["failing_since"].is_string());
    assert_eq!(state(&second)["enabled"], true);
    world.advance(SignedDuration::from_hours(5 * 24 + 1));
    works_until(&world, || state(&second)["disabled_because"] == "failing");
    assert_eq!(reads(&manager, 2, "&kind=webhook.disabled").len(), 2);
    let asked = failing.got().len();
    let later = clinician.registers(&world.person());
    works(&world);
    assert_eq!(failing.got().len(), asked);
    // Events from the time when it was disabled are delivered too.
    execute(
        &mut world.sql(),
        &format!(
            "UPDATE {}.webhook_delivery SET state = 'given_up' WHERE webhook_id = '{second}'",
            world.schema("alpha")
        ),
    );
    // Enabled again, it gets the missed events.
    failing.answers(|_| "200 Yes".to_owned());
    let version = state(&second)["version"].as_i64().expect("a version");
    manager.patch(&path(&world, &second, ""), version, &json!({"enabled": true})).expect(200);
    world.advance(SignedDuration::from_mins(10));
    works_until(&world, || failing.got().len() >= asked + 2);
    let result: Vec<Value> =
        failing.got().iter().skip(asked).map(|it| it.event()["data"]["patient_id"].clone()).collect();
    for patient in [&patient, &later] {
        assert!(result.contains(&json!(patient.id)));
    }
    assert_eq!(state(&second)["failing_since"], Value::Null);
}

#[test]
fn webhook_refuses_internal_addresses_and_redirects() {
    let world = World::new();
    let manager = world.alpha().manager();
    for bad in ["ftp://x.example/", "receiver.example", "https://", "https://user:word@x.example/", "javascript:1", ""]
    {
        let answer = manager.post(&manager.at("webhooks"), &json!({"url": bad}));
        assert_eq!(answer.status, 422, "{bad}");
    }
    let inside = [
        "https://10.0.0.1/",
        "https://169.254.169.254/latest",
        "http://192.168.0.1/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "http://1.1.1.1/",
    ];
    let hooks: Vec<String> = inside.iter().map(|url| hook(&world, url, &["patient.registered"]).0).collect();
    let (follower, elsewhere) = (Receiver::new(), Receiver::new());
    let to = format!("302 Found\r\nlocation: {}", elsewhere.url());
    follower.answers(move |_| to.clone());
    let (led, _) = hook(&world, &follower.url(), &["patient.registered"]);
    world.alpha().clinician().registers(&world.person());
    works_until(&world, || !follower.got().is_empty());
    for (id, url) in hooks.iter().zip(inside) {
        let found = deliveries(&world, id);
        assert_eq!((&found[0]["failure"], &found[0]["state"]), (&json!("refused_address"), &json!("pending")), "{url}");
    }
    assert_eq!(elsewhere.got().len(), 0);
    assert_eq!(deliveries(&world, &led)[0]["status"], 302);
    // With real persons this machine is an internal address: https to it is refused, and plain http too.
    let near = Receiver::new();
    let (id, _) = hook(&world, &near.url().replace("http:", "https:"), &["webhook.test"]);
    manager.post(&path(&world, &id, "/test-deliveries"), &json!({})).expect(202);
    world.within(Duration::from_secs(20), || {
        catch_up(&world.registry, &WebhookSender::new(Acceptance::Production));
        deliveries(&world, &id).first().map(|found| assert_eq!(found["failure"], "refused_address"))
    });
    assert_eq!(near.got().len(), 0);
    let real = World::with(&Setup { acceptance: Acceptance::Production, ..Setup::default() });
    let manager = real.alpha().manager();
    manager.post(&manager.at("webhooks"), &json!({"url": near.url()})).fault(422, "/url", "invalid_format");
}
