//! What these tests share beside the harness: requests byte by byte, tokens of any shape, key sets over HTTP. Knows
//! nothing of the registry.

mod key_server;
mod keys;
mod wire;

use std::time::Duration;

use painreg_tests::{Actor, Answer, World};
use serde_json::{Map, Value, json};

pub use self::key_server::KeyServer;
pub use self::keys::{Forger, decoded, encoded, hash};
pub use self::wire::{answers_from, call, exchange, head};

/// What tests ask of an answer beside its status.
pub trait Judged {
    /// The answer, a problem of this status with exactly this fault.
    fn fault(self, status: u16, pointer: &str, code: &str) -> Self;
    /// The answer to a delivery that is kept in quarantine for exactly this reason.
    fn kept(self, pointer: &str, code: &str) -> Self;
}

impl Judged for Answer {
    #[track_caller]
    fn fault(self, status: u16, pointer: &str, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.faults(), [(pointer.to_owned(), code.to_owned())], "{}", answer.text());
        answer
    }

    #[track_caller]
    fn kept(self, pointer: &str, code: &str) -> Self {
        let answer = self.expect(202);
        let reasons: Vec<_> = answer.body["reasons"].as_array().into_iter().flatten().collect();
        let told: Vec<_> = reasons.iter().map(|reason| (&reason["pointer"], &reason["code"])).collect();
        assert_eq!(told, [(&json!(pointer), &json!(code))], "{}", answer.text());
        answer
    }
}

/// Everything of a list, page by page along the `Link` header.
pub fn pages(actor: &Actor<'_>, first: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(target) = next {
        let answer = actor.get(&target).expect(200);
        let link = answer.headers.get("link").map(|link| {
            let (target, relation) = link.to_str().expect("text").split_once('>').expect("a link in angle brackets");
            assert_eq!(relation, "; rel=\"next\"");
            target.trim_start_matches('<').to_owned()
        });
        let cursor = answer.body.get("next_cursor").and_then(Value::as_str);
        assert_eq!(link.is_some(), cursor.is_some(), "{target}: the header and the body agree");
        if let (Some(link), Some(cursor)) = (&link, cursor) {
            assert!(link.ends_with(&format!("cursor={cursor}")), "{link}");
        }
        pages.push(answer.items().to_vec());
        assert!(pages.len() < 100, "the list does not end");
        next = link;
    }
    pages
}

/// How long an ordinary answer may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The `Authorization` of an actor.
pub fn bearer(actor: &Actor<'_>) -> String {
    format!("Bearer {}", actor.token().unwrap_or_default())
}

/// The service's second.
pub fn now(world: &World) -> i64 {
    world.clock.now().as_second()
}

/// A number as a person's who exists would be: no mark on the month, both check digits of 1964. Made when it is needed,
/// because none may stand in the repository; `day` is 1 to 31, for a D-number 41 to 71.
pub fn real_looking(day: u32) -> String {
    completed(&format!("{day:02}0172"))
}

/// Eleven digits that begin with these six and have both check digits of 1964.
pub fn completed(six: &str) -> String {
    let sum = |digits: &str, weights: &[u32]| {
        let digits = digits.chars().filter_map(|digit| digit.to_digit(10));
        digits.zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>()
    };
    let check = |sum: u32| Some((11 - sum % 11) % 11).filter(|digit| *digit < 10);
    (0..500)
        .find_map(|individual| {
            let nine = format!("{six}{individual:03}");
            let ten = format!("{nine}{}", check(sum(&nine, &[3, 7, 6, 1, 8, 9, 4, 5, 2]))?);
            Some(format!("{ten}{}", check(sum(&ten, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]))?))
        })
        .expect("most individual numbers have check digits")
}

/// Moves the service's clock.
pub fn advance(world: &World, seconds: i64) {
    world.advance(jiff::SignedDuration::from_secs(seconds));
}

/// Adds an issuer to those of a tenant, over the API.
pub fn trust(world: &World, slug: &str, issuer: &Value) {
    let path = format!("/v1/tenants/{slug}");
    let operator = world.operator();
    let before = operator.get(&path).expect(200).body;
    let mut issuers = before["issuers"].as_array().cloned().unwrap_or_default();
    issuers.push(issuer.clone());
    operator.patch(&path, version(&before), &json!({ "issuers": issuers })).expect(200);
}

/// The version of a resource.
pub fn version(resource: &Value) -> i64 {
    resource["version"].as_i64().expect("a version")
}

/// `base` with the members of `more`; null takes a member away.
pub fn with(base: &Value, more: &Value) -> Value {
    let mut whole = base.as_object().cloned().unwrap_or_default();
    for (name, value) in more.as_object().unwrap_or(&Map::new()) {
        if value.is_null() {
            whole.remove(name);
        } else {
            whole.insert(name.clone(), value.clone());
        }
    }
    Value::Object(whole)
}
