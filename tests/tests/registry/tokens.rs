//! Access tokens and keys: accepted ones, refused ones, and every refusal as a bare 401.

mod claims;
mod key_sets;
mod proofs;

use jsonwebtoken::Algorithm;
use painreg_tests::{Answer, World};
use serde_json::{Value, json};

use crate::kit::{Forger, KeyServer, call, decoded, encoded, now, trust, with};

const ISSUER: &str = "https://forge.example";

const PATH: &str = "/v1/tenants/alpha/patients";

/// A world with `alpha` trusting an issuer under our control.
struct Forge {
    world: World,
    ec: Forger,
    rsa: Forger,
    keys: KeyServer,
}

fn settings(keys: &KeyServer) -> Value {
    json!({
        "issuer": ISSUER,
        "audience": "painreg",
        "keys": {"url": keys.url()},
        "mapping": {
            "role_claim": "role",
            "roles": {"doctor": "clinician", "physician": "clinician", "writer": "secretary", "patient": "patient"},
            "unit_claim": "unit",
        },
    })
}

impl Forge {
    fn new() -> Self {
        Self::with(&json!({}))
    }

    /// Creates the world with these members of the settings changed.
    fn with(changed: &Value) -> Self {
        let world = World::new();
        let (ec, rsa) = (Forger::ec("ec-1"), Forger::rsa("rsa-1", Algorithm::PS256));
        let keys = KeyServer::start(&[ec.jwk(), rsa.jwk()]);
        trust(&world, "alpha", &with(&settings(&keys), changed));
        Self { world, ec, rsa, keys }
    }

    /// Returns claims that are accepted.
    fn claims(&self) -> Value {
        let now = now(&self.world);
        json!({"iss": ISSUER, "aud": "painreg", "sub": "kari", "iat": now, "nbf": now, "exp": now + 600,
            "role": "doctor", "unit": "clinic"})
    }

    fn bearing(&self, token: &str) -> Answer {
        let authorization = format!("Bearer {token}");
        call(self.world.address, "GET", PATH, &[("Authorization", authorization.as_str())], None)
    }

    #[track_caller]
    fn accepts(&self, what: &str, token: &str) {
        let answer = self.bearing(token);
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    }

    #[track_caller]
    fn refuses(&self, what: &str, token: &str) {
        let answer = self.bearing(token);
        assert_eq!((answer.status, answer.code()), (401, "unauthenticated"), "{what}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{what}");
        assert_eq!(answer.faults(), [], "{what}: a stranger learns nothing");
    }

    /// Returns whether a token with an ordinary header and these claims changed is accepted.
    #[track_caller]
    fn accepts_claims(&self, changed: &Value) {
        self.accepts(&changed.to_string(), &self.ec.token(&with(&self.claims(), changed)));
    }

    #[track_caller]
    fn refuses_claims(&self, changed: &Value) {
        self.refuses(&changed.to_string(), &self.ec.token(&with(&self.claims(), changed)));
    }

    #[track_caller]
    fn accepts_header(&self, changed: &Value) {
        let header = with(&self.ec.header(), changed);
        self.accepts(&header.to_string(), &self.ec.sign(&header, &self.claims()));
    }

    #[track_caller]
    fn refuses_header(&self, changed: &Value) {
        let header = with(&self.ec.header(), changed);
        self.refuses(&header.to_string(), &self.ec.sign(&header, &self.claims()));
    }
}

#[test]
fn token_algorithm_is_the_issuers_and_asymmetric() {
    let forge = Forge::new();
    let claims = forge.claims();
    forge.accepts("ES256", &forge.ec.token(&claims));
    forge.accepts("PS256", &forge.rsa.token(&claims));

    let payload = encoded(claims.to_string());
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = encoded(json!({"alg": none, "typ": "at+jwt", "kid": "ec-1"}).to_string());
        forge.refuses(none, &format!("{header}.{payload}."));
        let signature = forge.ec.token(&claims).rsplit('.').next().unwrap_or_default().to_owned();
        forge.refuses(none, &format!("{header}.{payload}.{signature}"));
    }

    // The public key as an HMAC secret, in whatever form an implementation might keep it.
    let jwk = forge.ec.bare();
    let coordinate = |name: &str| decoded(jwk[name].as_str().expect("a coordinate"));
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let raw = [coordinate("x"), coordinate("y")].concat();
    let modulus = decoded(forge.rsa.bare()["n"].as_str().expect("a modulus"));
    let set = json!({"keys": [forge.ec.jwk(), forge.rsa.jwk()]}).to_string().into_bytes();
    let jwk_text = forge.ec.jwk().to_string().into_bytes();
    for secret in [point, raw, modulus, set, jwk_text, Vec::new()] {
        for kid in ["ec-1", "rsa-1"] {
            let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": kid});
            let message = format!("{}.{payload}", encoded(header.to_string()));
            let key = jsonwebtoken::EncodingKey::from_secret(&secret);
            let signature =
                jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).expect("a signature");
            forge.refuses("HS256", &format!("{message}.{signature}"));
        }
    }

    // RS256 only if the issuer's settings permit it; a key of one kind verifies no other signature.
    let header = json!({"alg": "RS256", "typ": "at+jwt", "kid": "rsa-1"});
    forge.refuses("RS256", &forge.rsa.sign_as(Algorithm::RS256, &header, &claims));
    let header = json!({"alg": "PS256", "typ": "at+jwt", "kid": "rsa-1"});
    forge.refuses("RS256 that says PS256", &forge.rsa.sign_as(Algorithm::RS256, &header, &claims));
    let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": "rsa-1"});
    forge.refuses("ES256 with the RSA key's id", &forge.ec.sign(&header, &claims));
    for alg in [json!("ES384"), json!("PS512"), json!(["ES256"]), json!(256), Value::Null] {
        forge.refuses_header(&json!({ "alg": alg }));
    }
}

#[test]
fn token_rs256_requires_the_issuers_permission() {
    let forge = Forge::with(&json!({"algorithms": ["RS256"]}));
    let header = json!({"alg": "RS256", "typ": "at+jwt", "kid": "rsa-1"});
    forge.accepts("RS256", &forge.rsa.sign_as(Algorithm::RS256, &header, &forge.claims()));
    forge.refuses("PS256", &forge.rsa.token(&forge.claims()));
    forge.refuses("ES256", &forge.ec.token(&forge.claims()));
}

#[test]
fn token_headers_are_parsed_strictly() {
    let forge = Forge::new();
    for good in [
        json!({"typ": "JWT"}),
        json!({"typ": "jwt"}),
        json!({"typ": "AT+JWT"}),
        json!({"typ": "application/at+jwt"}),
        json!({"typ": "Application/AT+JWT"}),
        json!({"cty": "text"}),
    ] {
        forge.accepts_header(&good);
    }
    for typ in [
        Value::Null,
        json!(""),
        json!("dpop+jwt"),
        json!("logout+jwt"),
        json!("id_token"),
        json!(["at+jwt"]),
        json!("text/at+jwt"),
        json!("application/application/at+jwt"),
    ] {
        forge.refuses_header(&json!({ "typ": typ }));
    }
    for kid in [
        Value::Null,
        json!(""),
        json!("ec-2"),
        json!("EC-1"),
        json!("ec-1 "),
        json!(1),
        json!("ec-1\u{0}"),
        json!("../../etc/passwd"),
        json!("' OR 1=1 --"),
        json!("x".repeat(300)),
    ] {
        forge.refuses_header(&json!({ "kid": kid }));
    }
    forge.refuses_header(&json!({"crit": ["exp"], "exp": 1}));
    forge.refuses_header(&json!({"crit": []}));
    forge.refuses_header(&json!({"crit": ["b64"], "b64": false}));
    forge.refuses_header(&json!({"b64": true}));
    forge.refuses_header(&json!({"jku": forge.keys.url()}));
    forge.refuses_header(&json!({"x5u": forge.keys.url()}));
    forge.refuses_header(&json!({"x5c": ["MIIB"]}));
    forge.refuses_header(&json!({"jwk": forge.ec.bare()}));
    forge.refuses_header(&json!({"zip": "DEF"}));
    forge.refuses_header(&json!({"enc": "A256GCM"}));

    // A key that is sent in the token is not used, whatever its id.
    let stranger = Forger::ec("ec-1");
    forge.refuses("a stranger's signature", &stranger.token(&forge.claims()));
    let header = with(&stranger.header(), &json!({"jwk": stranger.jwk()}));
    forge.refuses("an embedded key", &stranger.sign(&header, &forge.claims()));
    let elsewhere = KeyServer::start(&[stranger.jwk()]);
    let header = with(&stranger.header(), &json!({"jku": elsewhere.url()}));
    forge.refuses("a key set elsewhere", &stranger.sign(&header, &forge.claims()));
    assert_eq!(elsewhere.asked(), 0, "the header's address was asked");
}

#[test]
fn token_tampering_is_refused() {
    let forge = Forge::new();
    let token = forge.ec.token(&forge.claims());
    forge.accepts("the token itself", &token);
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { panic!("three parts") };

    let manager = encoded(with(&forge.claims(), &json!({"role": "writer"})).to_string());
    forge.refuses("other claims", &format!("{header}.{manager}.{signature}"));
    let other_header = encoded(with(&forge.ec.header(), &json!({"typ": "JWT"})).to_string());
    forge.refuses("another header", &format!("{other_header}.{claims}.{signature}"));
    let bytes = decoded(signature);
    assert_eq!(bytes.len(), 64);
    for at in [0, 31, 32, 63] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        forge.refuses("a flipped bit", &format!("{header}.{claims}.{}", encoded(changed)));
    }
    for wrong in [vec![0; 64], bytes[..63].to_vec(), [bytes.clone(), vec![0]].concat(), Vec::new()] {
        forge.refuses("a signature of another length or of zeros", &format!("{header}.{claims}.{}", encoded(wrong)));
    }
    for wrong in [
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{signature}."),
        format!("{header}.{claims}.{signature}.{signature}.{signature}"),
        format!(".{claims}.{signature}"),
        format!("{header}..{signature}"),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}.{signature}=="),
        format!("{header}. {claims}.{signature}"),
        "..".to_owned(),
        "....".to_owned(),
        "null".to_owned(),
        encoded("null"),
        format!("{0}.{0}.{0}", encoded("[]")),
        String::new(),
    ] {
        forge.refuses(&wrong, &wrong);
    }
    let padded = |bytes: usize| forge.ec.token(&with(&forge.claims(), &json!({"padding": "x".repeat(bytes)})));
    forge.accepts("8 KB", &padded(6_000));
    forge.refuses("20 KB", &padded(15_000));
}

#[test]
fn credentials_are_one_authorization_header() {
    let forge = Forge::new();
    let token = forge.ec.token(&forge.claims());
    for good in [format!("bearer {token}"), format!("BEARER {token}")] {
        call(forge.world.address, "GET", PATH, &[("Authorization", good.as_str())], None).expect(200);
    }
    for bad in [
        "Bearer".to_owned(),
        format!("Basic {token}"),
        token.clone(),
        format!("Bearer: {token}"),
        format!("Bearer\"{token}\""),
        format!("Token {token}"),
        format!("Bearer {token}, Bearer {token}"),
    ] {
        call(forge.world.address, "GET", PATH, &[("Authorization", bad.as_str())], None)
            .problem(401, "unauthenticated");
    }
    // A token in the query, in a cookie or in another header is not accepted.
    call(forge.world.address, "GET", &format!("{PATH}?access_token={token}"), &[], None)
        .problem(401, "unauthenticated");
    let cookie = format!("access_token={token}");
    for (name, value) in [("Cookie", cookie.as_str()), ("X-Authorization", token.as_str())] {
        call(forge.world.address, "GET", PATH, &[(name, value)], None).problem(401, "unauthenticated");
    }
}
