//! Tools of these tests besides the harness: raw requests, tokens of any shape, key sets over HTTP. It knows nothing of
//! the registry.

mod key_server;
mod keys;
mod wire;

use std::time::Duration;

use painreg_tests::{Actor, Answer, World};
use serde_json::{Map, Value, json};

pub use self::key_server::KeyServer;
pub use self::keys::{Forger, decoded, encoded, hash};
pub use self::wire::{answers_from, call, exchange, head};

/// Assertions on an answer besides its status.
pub trait AnswerAssertions {
    /// Returns the answer; fails unless it is a problem of this status with exactly this fault.
    fn fault(self, status: u16, pointer: &str, code: &str) -> Self;
    /// Returns the answer; fails unless the delivery is kept in quarantine for exactly this reason.
    fn kept(self, pointer: &str, code: &str) -> Self;
}

impl AnswerAssertions for Answer {
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
        let result: Vec<_> = reasons.iter().map(|reason| (&reason["pointer"], &reason["code"])).collect();
        assert_eq!(result, [(&json!(pointer), &json!(code))], "{}", answer.text());
        answer
    }
}

/// Returns every page of a list along the `Link` header.
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

/// The longest time that an ordinary answer may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Returns the `Authorization` header of an actor.
pub fn bearer(actor: &Actor<'_>) -> String {
    format!("Bearer {}", actor.token().unwrap_or_default())
}

/// Returns the second of the service's clock.
pub fn now(world: &World) -> i64 {
    world.clock.now().as_second()
}

/// Returns a number like that of a real person: no mark on the month, both check digits of 1964. It is computed because
/// none may be in the repository; `day` is 1 to 31, for a D-number 41 to 71.
pub fn real_looking(day: u32) -> String {
    completed(&format!("{day:02}0172"))
}

/// Returns eleven digits that begin with these six and have both check digits of 1964.
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

/// Advances the service's clock.
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

/// Returns the version of a resource.
pub fn version(resource: &Value) -> i64 {
    resource["version"].as_i64().expect("a version")
}

/// Returns `base` with the members of `more`; null removes a member.
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
