//! Access tokens and keys: what is let in, what is not, and that a stranger learns nothing but 401.

use jsonwebtoken::Algorithm;
use painreg_tests::{Answer, World};
use serde_json::{Value, json};

use crate::kit::{
    Forger, Judged as _, KeyServer, advance, call, decoded, encoded, hash, now, real_looking, trust, version, with,
};

const ISSUER: &str = "https://forge.example";
const PATH: &str = "/v1/tenants/alpha/patients";

/// A world in which `alpha` also trusts an issuer whose keys are ours.
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

    /// Settings as usual, with these members changed.
    fn with(changed: &Value) -> Self {
        let world = World::new();
        let (ec, rsa) = (Forger::ec("ec-1"), Forger::rsa("rsa-1", Algorithm::PS256));
        let keys = KeyServer::start(&[ec.jwk(), rsa.jwk()]);
        trust(&world, "alpha", &with(&settings(&keys), changed));
        Self { world, ec, rsa, keys }
    }

    /// Claims that are accepted.
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

    /// Accepted with an ordinary header and these claims changed?
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
fn algorithms_are_the_issuers_and_never_none_or_symmetric() {
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

    // RS256 only where the issuer's settings say so; a key of one kind checks nothing of another.
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
fn rs256_counts_where_the_issuer_is_allowed_it() {
    let forge = Forge::with(&json!({"algorithms": ["RS256"]}));
    let header = json!({"alg": "RS256", "typ": "at+jwt", "kid": "rsa-1"});
    forge.accepts("RS256", &forge.rsa.sign_as(Algorithm::RS256, &header, &forge.claims()));
    forge.refuses("PS256", &forge.rsa.token(&forge.claims()));
    forge.refuses("ES256", &forge.ec.token(&forge.claims()));
}

#[test]
fn headers_are_read_strictly() {
    let forge = Forge::new();
    for good in [json!({"typ": "JWT"}), json!({"typ": "jwt"}), json!({"typ": "AT+JWT"}), json!({"cty": "text"})] {
        forge.accepts_header(&good);
    }
    for typ in [Value::Null, json!(""), json!("dpop+jwt"), json!("logout+jwt"), json!("id_token"), json!(["at+jwt"])] {
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

    // A key that came with the token is no key, whatever its id says.
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
fn tampered_tokens_are_refused() {
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
fn credentials_come_in_one_form() {
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
    // In the query, in a cookie, in a header of another name: no.
    call(forge.world.address, "GET", &format!("{PATH}?access_token={token}"), &[], None)
        .problem(401, "unauthenticated");
    let cookie = format!("access_token={token}");
    for (name, value) in [("Cookie", cookie.as_str()), ("X-Authorization", token.as_str())] {
        call(forge.world.address, "GET", PATH, &[(name, value)], None).problem(401, "unauthenticated");
    }
}

#[test]
fn times_have_a_leeway_of_five_seconds() {
    let forge = Forge::new();
    let now = now(&forge.world);
    // The machine's clock runs on meanwhile: what must be accepted has room, what must be refused stays refused.
    forge.accepts_claims(&json!({"exp": now}));
    forge.accepts_claims(&json!({"nbf": now + 5}));
    forge.accepts_claims(&json!({"nbf": null}));
    forge.accepts_claims(&json!({"exp": f64::from(u32::try_from(now + 600).expect("a second")) + 0.5}));
    forge.refuses_claims(&json!({"exp": now - 5}));
    forge.refuses_claims(&json!({"exp": 0}));
    forge.refuses_claims(&json!({"exp": -1}));
    forge.refuses_claims(&json!({"exp": null}));
    forge.refuses_claims(&json!({"exp": (now + 600).to_string()}));
    forge.refuses_claims(&json!({"exp": [now + 600]}));
    forge.refuses_claims(&json!({"nbf": now + 30}));
    forge.refuses_claims(&json!({"nbf": "0"}));
    forge.refuses_claims(&json!({"nbf": i64::MAX}));
}

#[test]
fn a_token_that_was_good_expires() {
    let forge = Forge::new();
    let token = forge.ec.token(&forge.claims());
    forge.accepts("fresh", &token);
    advance(&forge.world, 600);
    forge.accepts("within the leeway", &token);
    advance(&forge.world, 6);
    forge.refuses("expired, although it was seen before", &token);
    forge.accepts("the next one", &forge.ec.token(&forge.claims()));
}

#[test]
fn audience_issuer_and_subject_must_be_the_right_ones() {
    let forge = Forge::new();
    forge.accepts_claims(&json!({"aud": ["other", "painreg"]}));
    for aud in [
        Value::Null,
        json!("other"),
        json!(["other"]),
        json!([]),
        json!("Painreg"),
        json!("painreg "),
        json!(1),
        json!({"painreg": true}),
        json!("other painreg"),
    ] {
        forge.refuses_claims(&json!({ "aud": aud }));
    }
    for iss in [
        Value::Null,
        json!(""),
        json!("https://stranger.example"),
        json!(format!("{ISSUER}/")),
        json!(ISSUER.to_uppercase()),
        json!([ISSUER]),
        json!("http://forge.example"),
    ] {
        forge.refuses_claims(&json!({ "iss": iss }));
    }
    for sub in [Value::Null, json!(""), json!(1), json!("x".repeat(201)), json!("kari\u{0}")] {
        forge.refuses_claims(&json!({ "sub": sub }));
    }
    // The harness's own issuer is trusted with its own key only.
    let claims = forge.world.alpha().clinician().claims.json(forge.world.clock.now(), 600);
    forge.refuses("another issuer's key", &forge.ec.token(&claims));
}

#[test]
fn one_token_has_one_known_role() {
    let forge = Forge::new();
    forge.accepts_claims(&json!({"role": ["doctor"]}));
    forge.accepts_claims(&json!({"role": ["doctor", "gardener"]}));
    forge.accepts_claims(&json!({"role": ["doctor", "physician"]}));
    for role in [
        Value::Null,
        json!(""),
        json!("gardener"),
        json!("clinician"),
        json!("Doctor"),
        json!(["doctor", "writer"]),
        json!(["writer", "doctor", "writer"]),
        json!([]),
        json!(["gardener"]),
        json!(1),
        json!({"doctor": true}),
        json!([["doctor"]]),
        json!("operator"),
        json!("system"),
    ] {
        forge.refuses_claims(&json!({ "role": role }));
    }
}

#[test]
fn a_unit_of_another_shape_is_no_unit() {
    let forge = Forge::with(&json!({"mapping": {
        "role_claim": "role", "roles": {"doctor": "clinician"}, "unit_claim": "unit", "default_unit": "clinic",
    }}));
    let secretary = forge.world.alpha().secretary();
    secretary.registers(&forge.world.person());
    let seen = |unit: Value| {
        let answer = forge.bearing(&forge.ec.token(&with(&forge.claims(), &json!({ "unit": unit }))));
        if answer.status == 200 { answer.items().len() } else { 0 }
    };
    assert_eq!(seen(Value::Null), 1, "no unit: the default one");
    assert_eq!(seen(json!("clinic")), 1);
    assert_eq!(seen(json!("ward")), 0);
    for odd in [json!(["ward"]), json!(1), json!(""), json!("x".repeat(201)), json!({"unit": "ward"})] {
        assert_eq!(seen(odd.clone()), 0, "{odd} must not become the default unit");
    }
}

#[test]
fn no_tenant_can_make_operators_or_the_system() {
    let forge = Forge::new();
    let operator = forge.world.operator();
    let before = operator.get("/v1/tenants/alpha").expect(200).body;
    for role in ["operator", "system"] {
        let mut issuers = before["issuers"].as_array().cloned().expect("issuers");
        issuers[1]["mapping"]["roles"] = json!({"doctor": "clinician", "boss": role});
        let body = json!({ "issuers": issuers });
        operator.patch("/v1/tenants/alpha", version(&before), &body).fault(
            422,
            "/issuers/1/mapping/roles",
            "unknown_option",
        );
        let body = json!({"slug": "gamma", "name": "Gamma", "issuers": issuers});
        operator.post("/v1/tenants", &body).fault(422, "/issuers/1/mapping/roles", "unknown_option");
    }
    // Even where somebody writes it into the platform's table by hand.
    let mut sql = forge.world.sql();
    painreg_tests::execute(
        &mut sql,
        "UPDATE platform.issuer SET settings = jsonb_set(settings, '{mapping,roles}', \
         '{\"doctor\": \"clinician\", \"boss\": \"operator\", \"root\": \"system\"}') WHERE issuer = 'https://forge.example'; \
         UPDATE platform.generation SET value = value + 1;",
    );
    // Noticed with the next look at the table; the mapping without `writer` shows that it was.
    let writer = forge.ec.token(&with(&forge.claims(), &json!({"role": "writer"})));
    forge.world.within(std::time::Duration::from_secs(10), || (forge.bearing(&writer).status == 401).then_some(()));
    forge.accepts_claims(&json!({"role": "doctor"}));
    forge.refuses_claims(&json!({"role": "boss"}));
    forge.refuses_claims(&json!({"role": "root"}));
}

#[test]
fn a_token_of_one_tenant_opens_no_other() {
    let world = World::new();
    let patient = world.alpha().clinician().registers(&world.person());
    let here = format!("/v1/tenants/alpha/patients/{}", patient.id);
    let stranger = world.beta().clinician();
    // Another's object, another's list, another's registry and one that does not exist: the same 404.
    for path in [here.as_str(), PATH, "/v1/tenants/alpha", "/v1/tenants/gamma/patients", "/v1/tenants/Beta/patients"] {
        stranger.get(path).problem(404, "not_found");
    }
    let claims = stranger.claims.json(world.clock.now(), 600);
    let signed = |claims: &Value| world.nobody().with_token(Some(painreg_tests::Cluster::shared().signer.sign(claims)));
    signed(&claims).get("/v1/tenants/beta/patients").expect(200);
    // A claim that no tenant of this issuer asks for, and none at all.
    for registry in [json!("gamma"), json!("Alpha"), json!(["alpha"]), json!(""), Value::Null] {
        signed(&with(&claims, &json!({ "registry": registry })))
            .get("/v1/tenants/beta/patients")
            .problem(401, "unauthenticated");
    }
    // Operators are nobody in a tenant, and the other way round.
    world.operator().get(PATH).problem(403, "forbidden");
    stranger.get("/v1/tenants").problem(403, "forbidden");
    let claims = with(&claims, &json!({"role": "operator"}));
    signed(&claims).get("/v1/tenants").problem(401, "unauthenticated");
}

#[test]
fn two_tenants_cannot_both_be_meant() {
    // Without a claim that tells them apart, one issuer of two tenants is trusted by neither.
    let forge = Forge::new();
    let token = forge.ec.token(&forge.claims());
    forge.accepts("one tenant", &token);
    trust(&forge.world, "beta", &settings(&forge.keys));
    forge.refuses("two tenants", &token);
}

#[test]
fn keys_are_fetched_once_and_again_for_an_unknown_id_at_most_once_a_minute() {
    let forge = Forge::new();
    assert_eq!(forge.keys.asked(), 0, "nobody has needed a key");
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

    // A flood of different unknown ids is one question.
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

    // After a day the set is fetched anew.
    advance(&forge.world, 25 * 3600);
    forge.accepts_claims(&json!({}));
    assert_eq!(forge.keys.asked(), 4);
}

#[test]
fn keys_rotate() {
    let forge = Forge::new();
    let old = forge.ec.token(&with(&forge.claims(), &json!({"exp": now(&forge.world) + 7200})));
    forge.accepts("the old key", &old);
    let new = Forger::ec("ec-2");
    // Both for a while, then the new one alone.
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
fn an_issuer_that_fails_for_a_while_locks_nobody_out() {
    let forge = Forge::new();
    forge.accepts_claims(&json!({}));
    for (status, body) in [("500 Internal Server Error", &b"{}"[..]), ("200 OK", b"not keys"), ("404 Not Found", b"")] {
        forge.keys.answer(status, &[], body);
        advance(&forge.world, 61);
        // Anybody can name an unknown key and so have the set fetched; the one in use stays.
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
fn bad_key_sets_are_not_used() {
    let forge = Forge::new();
    let good = forge.ec.jwk();
    let set = |keys: &[Value]| json!({ "keys": keys }).to_string().into_bytes();
    let step = |what: &str, status: &str, headers: &[&str], body: Vec<u8>, used: bool| {
        forge.keys.answer(status, headers, &body);
        // A day and a minute: whatever was fetched before is old.
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
    step(
        "an id that stands twice",
        ok,
        &[],
        set(&[good.clone(), with(&forge.rsa.jwk(), &json!({"kid": "ec-1"}))]),
        false,
    );
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
fn key_addresses_are_https_or_on_this_machine() {
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

#[test]
fn the_level_of_assurance_must_be_high_enough() {
    let forge = Forge::with(&json!({"mapping": {
        "role_claim": "role", "roles": {"doctor": "clinician"}, "unit_claim": "unit",
        "assurance": {"claim": "helseid://claims/identity/security_level", "accepted": ["4"]},
    }}));
    let claim = "helseid://claims/identity/security_level";
    for level in [json!("4"), json!(4)] {
        forge.accepts_claims(&json!({ claim: level }));
    }
    for level in [Value::Null, json!("3"), json!(3), json!("04"), json!("high"), json!(["4"]), json!(4.0), json!(true)]
    {
        let caller =
            forge.world.nobody().with_token(Some(forge.ec.token(&with(&forge.claims(), &json!({ claim: level })))));
        caller.get("/v1/tenants/alpha/instruments").expect(200);
        for path in ["patients", "summary", "patient-lookups"] {
            let path = format!("/v1/tenants/alpha/{path}");
            if path.ends_with("lookups") {
                let body = json!({"national_id": {"type": "fnr", "value": "01818012337"}});
                caller.post(&path, &body).problem(403, "low_assurance");
            } else {
                caller.get(&path).problem(403, "low_assurance");
            }
        }
    }
    assert_eq!(forge.world.number("SELECT count(*) AS n FROM {alpha}.audit_event WHERE outcome = 'forbidden'"), 3 * 8);
}

#[test]
fn a_patient_is_known_by_national_id_and_reads_nobody_else() {
    let forge = Forge::with(&json!({"mapping": {
        "role_claim": "role", "roles": {"citizen": "patient"}, "national_id_claim": "pid",
    }}));
    let world = &forge.world;
    let clinician = world.alpha().clinician();
    let (own, other) = (clinician.registers(&world.person()), clinician.registers(&world.person()));
    let by_pid = |pid: Value| {
        let claims = with(&forge.claims(), &json!({"role": "citizen", "unit": null, "pid": pid}));
        world.nobody().with_token(Some(forge.ec.token(&claims)))
    };
    let citizen = by_pid(json!(own.person.national_id));
    let read = citizen.reads(&own).expect(200);
    assert_eq!(read.body["id"], json!(own.id));
    citizen.reads_answers_of(&own).expect(200);
    citizen.reads_access_log_of(&own).expect(200);
    for answer in [citizen.reads(&other), citizen.reads_answers_of(&other), citizen.reads_access_log_of(&other)] {
        answer.problem(404, "not_found");
    }
    citizen.lists_patients("").problem(403, "forbidden");
    // Somebody who is not registered, somebody who is nobody, somebody whose number is none.
    by_pid(json!(world.person().national_id)).reads(&own).problem(404, "not_found");
    by_pid(Value::Null).reads(&own).problem(404, "not_found");
    for wrong in ["12345678910", real_looking(1).as_str(), "", "x"] {
        let status = by_pid(json!(wrong)).reads(&own).status;
        assert!(matches!(status, 401 | 404), "{wrong}: {status}");
    }
}

// ---- proof of possession ----

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
fn a_bound_token_needs_its_proof_and_a_proof_counts_once() {
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
    // Two servers' worth of haste: one of the same proofs wins.
    let proof = bound.proof("raced");
    let accepted = std::thread::scope(|threads| {
        let sent: Vec<_> = (0..4).map(|_| threads.spawn(|| bound.presents("DPoP", &[&proof]).status)).collect();
        sent.into_iter().map(|one| one.join().expect("an answer")).filter(|status| *status == 200).count()
    });
    assert_eq!(accepted, 1);
    // The same id under another holder's key is another proof; and an id is forgotten only when its time is over.
    advance(&bound.forge.world, 30);
    bound.presents("DPoP", &[&proof]).problem(401, "unauthenticated");
    advance(&bound.forge.world, 300);
    bound.presents("DPoP", &[&proof]).problem(401, "unauthenticated");
}

#[test]
fn a_proof_must_fit_request_token_key_and_time() {
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
    try_with(&none, &json!({"htu": format!("http://{}{PATH}?limit=3#part", world.address)})).expect(200);
    let at = now(world);
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
        json!({"iat": at - 90}),
        json!({"iat": at + 90}),
        json!({"iat": null}),
        json!({"iat": at.to_string()}),
        json!({"iat": i64::MAX}),
        json!({"iat": i64::MIN}),
        json!({"jti": null}),
        json!({"jti": 1}),
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
    // A sound proof of somebody else's key: not the one the token is bound to.
    let header = with(&bound.header(), &json!({"jwk": other.bare()}));
    bound.presents("DPoP", &[&other.sign(&header, &bound.claims("other"))]).problem(401, "unauthenticated");
    bound.presents("DPoP", &["x.y.z"]).problem(401, "unauthenticated");
    bound.presents("DPoP", &[&"x".repeat(9000)]).problem(401, "unauthenticated");
    try_with(&none, &none).expect(200);
}

#[test]
fn a_token_without_a_key_is_no_bound_token() {
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
fn a_bound_token_is_never_a_bearer_token() {
    // Also where the issuer's tokens need not be bound.
    let forge = Forge::new();
    let holder = Forger::ec("unused");
    forge.refuses_claims(&json!({"cnf": {"jkt": holder.thumbprint()}}));
    forge.accepts_claims(&json!({"cnf": null}));
}
