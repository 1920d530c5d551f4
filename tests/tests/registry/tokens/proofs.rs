//! DPoP (RFC 9449): tokens that are bound to a key, and the proofs that they need.

use painreg_tests::Answer;
use serde_json::{Value, json};

use super::{Forge, PATH};
use crate::kit::{Forger, advance, call, encoded, hash, now, with};

struct Bound {
    forge: Forge,
    holder: Forger,
    token: String,
}

impl Bound {
    fn new() -> Self {
        let forge = Forge::with(&json!({"dpop": true}));
        let holder = Forger::ec("unused");
        let token = forge.ec.token(&with(&forge.claims(), &json!({"cnf": {"jkt": holder.thumbprint()}})));
        Self { forge, holder, token }
    }

    fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.holder.bare()})
    }

    fn claims(&self, id: &str) -> Value {
        let world = &self.forge.world;
        json!({"jti": id, "htm": "GET", "htu": format!("http://{}{PATH}", world.address), "iat": now(world),
            "ath": hash(self.token.as_bytes())})
    }

    fn proof(&self, id: &str) -> String {
        self.holder.sign(&self.header(), &self.claims(id))
    }

    fn presents(&self, scheme: &str, proofs: &[&str]) -> Answer {
        let authorization = format!("{scheme} {}", self.token);
        let mut headers = vec![("Authorization", authorization.as_str())];
        headers.extend(proofs.iter().map(|proof| ("DPoP", *proof)));
        call(self.forge.world.address, "GET", PATH, &headers, None)
    }
}

#[test]
fn dpop_bound_token_requires_a_fresh_proof() {
    let bound = Bound::new();
    let proof = bound.proof("first");
    bound.presents("DPoP", &[&proof]).expect(200);
    bound.presents("DPoP", &[&proof]).problem(401, "unauthenticated");
    bound.presents("dpop", &[&bound.proof("second")]).expect(200);
    let refused = bound.presents("Bearer", &[]).problem(401, "unauthenticated");
    assert!(refused.header("www-authenticate").contains("DPoP"));
    bound.presents("Bearer", &[&bound.proof("third")]).problem(401, "unauthenticated");
    bound.presents("DPoP", &[]).problem(401, "unauthenticated");
    bound.presents("DPoP", &[&bound.proof("fourth"), &bound.proof("fifth")]).problem(401, "unauthenticated");
    // The same proof many times at once: one request wins.
    let proof = bound.proof("raced");
    let accepted = std::thread::scope(|threads| {
        let sent: Vec<_> = (0..4).map(|_| threads.spawn(|| bound.presents("DPoP", &[&proof]).status)).collect();
        sent.into_iter().map(|one| one.join().expect("an answer")).filter(|status| *status == 200).count()
    });
    assert_eq!(accepted, 1);
    // The same id with another holder's key is another proof; an id is kept until its lifetime ends.
    advance(&bound.forge.world, 30);
    bound.presents("DPoP", &[&proof]).problem(401, "unauthenticated");
    advance(&bound.forge.world, 300);
    bound.presents("DPoP", &[&proof]).problem(401, "unauthenticated");
}

#[test]
fn dpop_proof_is_checked_against_request_token_key_and_time() {
    let bound = Bound::new();
    let world = &bound.forge.world;
    let mut id = 0;
    let mut try_with = |header: &Value, claims: &Value| {
        id += 1;
        let claims = with(&bound.claims(&format!("id-{id}")), claims);
        bound.presents("DPoP", &[&bound.holder.sign(&with(&bound.header(), header), &claims)])
    };
    let none = json!({});
    try_with(&none, &none).expect(200);
    for same in [
        format!("http://{}{PATH}?limit=3#part", world.address),
        format!("HTTP://{}{PATH}", world.address),
        format!("http://{}{}", world.address, PATH.replace("alpha", "%61lpha")),
    ] {
        try_with(&none, &json!({ "htu": same })).expect(200);
    }
    try_with(&json!({"typ": "application/DPoP+jwt"}), &none).expect(200);
    let at = now(world);
    // The clock of the service stands still: a proof may be sixty seconds old, or from a clock that is as far ahead.
    for edge in [
        json!({"iat": at - 60}),
        json!({"iat": at + 60}),
        json!({"iat": f64::from(u32::try_from(at).expect("now")) + 0.5}),
    ] {
        try_with(&none, &edge).expect(200);
    }
    for wrong in [
        json!({"htm": "POST"}),
        json!({"htm": "get"}),
        json!({"htm": null}),
        json!({"htu": format!("http://{}/v1/tenants/alpha/forms", world.address)}),
        json!({"htu": format!("https://{}{PATH}", world.address)}),
        json!({"htu": PATH}),
        json!({"htu": format!("http://evil.example{PATH}")}),
        json!({"htu": null}),
        json!({"ath": hash(b"another token")}),
        json!({"ath": null}),
        json!({"ath": ""}),
        json!({"htu": format!("http://{}{PATH}/", world.address)}),
        json!({"htu": format!("http://user@{}{PATH}", world.address)}),
        json!({"iat": at - 62}),
        json!({"iat": at + 62}),
        json!({"iat": null}),
        json!({"iat": at.to_string()}),
        json!({"iat": i64::MAX}),
        json!({"iat": i64::MIN}),
        json!({"jti": null}),
        json!({"jti": 1}),
        json!({"jti": ""}),
    ] {
        let answer = try_with(&none, &wrong);
        assert_eq!((answer.status, answer.code()), (401, "unauthenticated"), "{wrong}");
    }
    let other = Forger::ec("unused");
    for wrong in [
        json!({"typ": "JWT"}),
        json!({"typ": null}),
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"jwk": null}),
        json!({"jwk": other.bare()}),
        json!({"jwk": with(&bound.holder.bare(), &json!({"d": encoded([1; 32])}))}),
        json!({"crit": ["exp"]}),
    ] {
        let answer = try_with(&wrong, &none);
        assert_eq!((answer.status, answer.code()), (401, "unauthenticated"), "{wrong}");
    }
    // A valid proof of another key: not the one the token is bound to.
    let header = with(&bound.header(), &json!({"jwk": other.bare()}));
    bound.presents("DPoP", &[&other.sign(&header, &bound.claims("other"))]).problem(401, "unauthenticated");
    bound.presents("DPoP", &["x.y.z"]).problem(401, "unauthenticated");
    bound.presents("DPoP", &[&"x".repeat(9000)]).problem(401, "unauthenticated");
    try_with(&none, &none).expect(200);
}

#[test]
fn dpop_proof_of_head_names_head() {
    let bound = Bound::new();
    let stranger = bound.forge.world.unauthenticated();
    let status = |method: &str| {
        let proof = bound.holder.sign(&bound.header(), &with(&bound.claims(method), &json!({ "htm": method })));
        let request = stranger.request("HEAD", PATH).header("authorization", &format!("DPoP {}", bound.token));
        request.header("dpop", &proof).send().status
    };
    assert_eq!((status("HEAD"), status("GET")), (200, 401));
}

#[test]
fn dpop_scheme_refuses_an_unbound_token() {
    let mut bound = Bound::new();
    for (at, cnf) in
        [Value::Null, json!({}), json!({"jkt": 1}), json!({"jkt": ""}), json!("jkt")].into_iter().enumerate()
    {
        bound.token = bound.forge.ec.token(&with(&bound.forge.claims(), &json!({ "cnf": cnf })));
        bound.presents("DPoP", &[&bound.proof(&format!("id-{at}"))]).problem(401, "unauthenticated");
        bound.presents("Bearer", &[]).problem(401, "unauthenticated");
    }
}

#[test]
fn dpop_bound_token_is_refused_as_bearer() {
    // The same for an issuer whose tokens need not be bound.
    let forge = Forge::new();
    let holder = Forger::ec("unused");
    forge.refuses_claims(&json!({"cnf": {"jkt": holder.thumbprint()}}));
    forge.accepts_claims(&json!({"cnf": null}));
}
