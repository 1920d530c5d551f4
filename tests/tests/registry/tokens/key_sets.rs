//! Key sets of issuers: when they are fetched, and which keys are used.

use painreg_tests::World;
use serde_json::{Value, json};

use super::{Forge, settings};
use crate::kit::{AnswerAssertions as _, Forger, KeyServer, advance, encoded, now, version, with};

#[test]
fn key_set_is_fetched_for_an_unknown_id_once_a_minute() {
    let forge = Forge::new();
    assert_eq!(forge.keys.asked(), 0, "no key was needed");
    for _ in 0..3 {
        forge.accepts_claims(&json!({}));
    }
    forge.accepts("another key of the same set", &forge.rsa.token(&forge.claims()));
    assert_eq!(forge.keys.asked(), 1);

    let unknown = Forger::ec("ec-2");
    for _ in 0..3 {
        forge.refuses("an unknown key", &unknown.token(&forge.claims()));
    }
    assert_eq!(forge.keys.asked(), 1, "the set is less than a minute old");
    advance(&forge.world, 61);
    for _ in 0..3 {
        forge.refuses("an unknown key", &unknown.token(&forge.claims()));
    }
    assert_eq!(forge.keys.asked(), 2);

    // Many different unknown ids cause one fetch.
    advance(&forge.world, 61);
    std::thread::scope(|threads| {
        for at in 0..8 {
            let forge = &forge;
            threads.spawn(move || {
                let other = Forger::ec(&format!("flood-{at}"));
                forge.refuses("an unknown key", &other.token(&forge.claims()));
            });
        }
    });
    assert_eq!(forge.keys.asked(), 3);
    forge.accepts_claims(&json!({}));

    // After a day the set is fetched again.
    advance(&forge.world, 25 * 3600);
    forge.accepts_claims(&json!({}));
    assert_eq!(forge.keys.asked(), 4);
}

#[test]
fn key_set_rotation_is_followed() {
    let forge = Forge::new();
    let old = forge.ec.token(&with(&forge.claims(), &json!({"exp": now(&forge.world) + 7200})));
    forge.accepts("the old key", &old);
    let new = Forger::ec("ec-2");
    // Both keys for a while, then only the new one.
    forge.keys.serve(&[forge.ec.jwk(), new.jwk()]);
    forge.refuses("the new key, within the minute", &new.token(&forge.claims()));
    advance(&forge.world, 61);
    forge.accepts("the new key", &new.token(&forge.claims()));
    forge.accepts("the old key beside it", &old);
    forge.keys.serve(&[new.jwk()]);
    advance(&forge.world, 61);
    forge.refuses("an id that makes the set be fetched", &Forger::ec("ec-3").token(&forge.claims()));
    forge.refuses("the withdrawn key, although its token was seen before", &old);
    forge.accepts("the new key", &new.token(&forge.claims()));
}

#[test]
fn key_set_outage_keeps_known_keys() {
    let forge = Forge::new();
    forge.accepts_claims(&json!({}));
    for (status, body) in [("500 Internal Server Error", &b"{}"[..]), ("200 OK", b"not keys"), ("404 Not Found", b"")] {
        forge.keys.answer(status, &[], body);
        advance(&forge.world, 61);
        // Any caller can name an unknown key and so cause a fetch; the current set is kept.
        let asked = forge.keys.asked();
        forge.refuses("an unknown key", &Forger::ec("ec-9").token(&forge.claims()));
        assert_eq!(forge.keys.asked(), asked + 1);
        forge.accepts("a known key, while the issuer fails", &forge.ec.token(&forge.claims()));
        forge.refuses("an unknown key again", &Forger::ec("ec-9").token(&forge.claims()));
        assert_eq!(forge.keys.asked(), asked + 1, "a failed fetch counts as well");
    }
    forge.keys.serve(&[forge.ec.jwk()]);
    advance(&forge.world, 25 * 3600);
    forge.accepts("a day later, the issuer is back", &forge.ec.token(&forge.claims()));
}

#[test]
fn key_set_with_faults_is_not_used() {
    let forge = Forge::new();
    let good = forge.ec.jwk();
    let set = |keys: &[Value]| json!({ "keys": keys }).to_string().into_bytes();
    let step = |what: &str, status: &str, headers: &[&str], body: Vec<u8>, used: bool| {
        forge.keys.answer(status, headers, &body);
        // After a day and a minute every fetched set is old.
        advance(&forge.world, 25 * 3600);
        let token = forge.ec.token(&forge.claims());
        if used { forge.accepts(what, &token) } else { forge.refuses(what, &token) }
    };
    let ok = "200 OK";
    forge.keys.answer_elsewhere(&set(std::slice::from_ref(&good)));
    step("as it should be", ok, &[], set(std::slice::from_ref(&good)), true);
    step("a redirect", "302 Found", &["Location: /elsewhere"], Vec::new(), false);
    step(
        "a redirect that brings keys",
        "302 Found",
        &["Location: /elsewhere"],
        set(std::slice::from_ref(&good)),
        false,
    );
    step("an error that brings keys", "503 Service Unavailable", &[], set(std::slice::from_ref(&good)), false);
    step("65 KB", ok, &[], [set(std::slice::from_ref(&good)), vec![b' '; 65 * 1024]].concat(), false);
    step("a member d", ok, &[], set(&[with(&good, &json!({"d": encoded([1; 32])}))]), false);
    step(
        "a symmetric key beside it",
        ok,
        &[],
        set(&[good.clone(), json!({"kty": "oct", "k": "AAAA", "kid": "s"})]),
        false,
    );
    step("a private RSA member", ok, &[], set(&[good.clone(), with(&forge.rsa.jwk(), &json!({"p": "AAAA"}))]), false);
    step("a repeated id", ok, &[], set(&[good.clone(), with(&forge.rsa.jwk(), &json!({"kid": "ec-1"}))]), false);
    step("no id", ok, &[], set(&[with(&good, &json!({"kid": null}))]), false);
    step("for encryption", ok, &[], set(&[with(&good, &json!({"use": "enc"}))]), false);
    step("for signing only", ok, &[], set(&[with(&good, &json!({"key_ops": ["sign"]}))]), false);
    step("not on the curve", ok, &[], set(&[with(&good, &json!({"x": encoded([1; 32])}))]), false);
    step("no set", ok, &[], b"[]".to_vec(), false);
    step("no JSON", ok, &[], b"<html>".to_vec(), false);
    step(
        "an unfit key beside it",
        ok,
        &[],
        set(&[good.clone(), json!({"kty": "EC", "crv": "P-521", "kid": "x"})]),
        true,
    );
    assert_eq!(forge.keys.asked_elsewhere(), 0, "the redirect was followed");
}

#[test]
fn key_set_address_is_https_or_loopback() {
    let world = World::new();
    let keys = KeyServer::start(&[]);
    let operator = world.operator();
    let before = operator.get("/v1/tenants/alpha").expect(200).body;
    for (keys_at, pointer) in [
        (json!({"url": "http://keys.example/jwks"}), "/issuers/0/keys/url"),
        (json!({"url": "http://127.0.0.1@keys.example/"}), "/issuers/0/keys/url"),
        (json!({"url": "http://127.0.0.1.keys.example/"}), "/issuers/0/keys/url"),
        (json!({"url": "file:///etc/passwd"}), "/issuers/0/keys/url"),
        (json!({"url": "gopher://127.0.0.1/"}), "/issuers/0/keys/url"),
        (json!({"file": "../kek"}), "/issuers/0/keys/file"),
        (json!({"file": "/etc/passwd"}), "/issuers/0/keys/file"),
        (json!({"file": ".."}), "/issuers/0/keys/file"),
        (json!({"file": ""}), "/issuers/0/keys/file"),
    ] {
        let issuer = with(&settings(&keys), &json!({ "keys": keys_at }));
        let answer = operator.patch("/v1/tenants/alpha", version(&before), &json!({"issuers": [issuer]}));
        answer.fault(422, pointer, "invalid_format");
    }
    for (changed, pointer, code) in [
        (json!({"algorithms": []}), "/issuers/0/algorithms", "required"),
        (json!({"algorithms": ["HS256"]}), "/issuers/0/algorithms/0", "unknown_option"),
        (json!({"algorithms": ["none"]}), "/issuers/0/algorithms/0", "unknown_option"),
        (json!({"issuer": ""}), "/issuers/0/issuer", "invalid_format"),
        (json!({"audience": ""}), "/issuers/0/audience", "invalid_format"),
        (json!({"surprise": 1}), "/issuers/0/surprise", "unknown_item"),
    ] {
        let issuer = with(&settings(&keys), &changed);
        let answer = operator.patch("/v1/tenants/alpha", version(&before), &json!({"issuers": [issuer]}));
        answer.fault(422, pointer, code);
    }
    assert_eq!(operator.get("/v1/tenants/alpha").expect(200).body, before, "nothing of it was kept");
}
