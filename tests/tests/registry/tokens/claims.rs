//! Claims of a token: times, audience, role, unit, tenant, level of assurance and patient.

use painreg_tests::World;
use serde_json::{Value, json};

use super::{Forge, ISSUER, PATH, settings};
use crate::kit::{AnswerAssertions as _, advance, now, real_looking, trust, version, with};

#[test]
fn token_times_have_five_seconds_leeway() {
    let forge = Forge::new();
    let now = now(&forge.world);
    // The machine's clock runs on: accepted times have room, refused ones stay refused.
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
fn token_expires() {
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
fn token_audience_issuer_and_subject_are_checked() {
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
    // The harness's issuer is trusted with its key only.
    let claims = forge.world.alpha().clinician().claims.json(forge.world.clock.now(), 600);
    forge.refuses("another issuer's key", &forge.ec.token(&claims));
}

#[test]
fn token_has_one_known_role() {
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
fn token_unit_of_another_type_is_ignored() {
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
fn tenant_issuer_cannot_issue_operators_or_system() {
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
    // The rule holds for a row that SQL wrote into the platform's table too.
    let mut sql = forge.world.sql();
    painreg_tests::execute(
        &mut sql,
        "UPDATE platform.issuer SET settings = jsonb_set(settings, '{mapping,roles}', \
         '{\"doctor\": \"clinician\", \"boss\": \"operator\", \"root\": \"system\"}') WHERE issuer = 'https://forge.example'; \
         UPDATE platform.generation SET value = value + 1;",
    );
    // The change is noticed when the table is read next; the mapping without `writer` proves it.
    let writer = forge.ec.token(&with(&forge.claims(), &json!({"role": "writer"})));
    forge.world.within(std::time::Duration::from_secs(10), || (forge.bearing(&writer).status == 401).then_some(()));
    forge.accepts_claims(&json!({"role": "doctor"}));
    forge.refuses_claims(&json!({"role": "boss"}));
    forge.refuses_claims(&json!({"role": "root"}));
}

#[test]
fn token_of_one_tenant_is_refused_by_others() {
    let world = World::new();
    let patient = world.alpha().clinician().registers(&world.person());
    let here = format!("/v1/tenants/alpha/patients/{}", patient.id);
    let stranger = world.beta().clinician();
    // Another patient's object or list, another registry and one that does not exist: the same 404.
    for path in [here.as_str(), PATH, "/v1/tenants/alpha", "/v1/tenants/gamma/patients", "/v1/tenants/Beta/patients"] {
        stranger.get(path).problem(404, "not_found");
    }
    let claims = stranger.claims.json(world.clock.now(), 600);
    let signed =
        |claims: &Value| world.unauthenticated().with_token(Some(painreg_tests::Cluster::shared().signer.sign(claims)));
    signed(&claims).get("/v1/tenants/beta/patients").expect(200);
    // A claim that no tenant of this issuer expects, and no claim.
    for registry in [json!("gamma"), json!("Alpha"), json!(["alpha"]), json!(""), Value::Null] {
        signed(&with(&claims, &json!({ "registry": registry })))
            .get("/v1/tenants/beta/patients")
            .problem(401, "unauthenticated");
    }
    // Operators have no rights in a tenant, and users of tenants have none on the platform.
    world.operator().get(PATH).problem(403, "forbidden");
    stranger.get("/v1/tenants").problem(403, "forbidden");
    let claims = with(&claims, &json!({"role": "operator"}));
    signed(&claims).get("/v1/tenants").problem(401, "unauthenticated");
}

#[test]
fn token_with_two_tenants_is_refused() {
    // Without a claim that distinguishes them, one issuer of two tenants is trusted by neither.
    let forge = Forge::new();
    let token = forge.ec.token(&forge.claims());
    forge.accepts("one tenant", &token);
    trust(&forge.world, "beta", &settings(&forge.keys));
    forge.refuses("two tenants", &token);
}

#[test]
fn token_level_of_assurance_is_checked() {
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
        let caller = forge
            .world
            .unauthenticated()
            .with_token(Some(forge.ec.token(&with(&forge.claims(), &json!({ claim: level })))));
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
fn patient_token_by_national_id_reads_own_record_only() {
    let forge = Forge::with(&json!({"mapping": {
        "role_claim": "role", "roles": {"citizen": "patient"}, "national_id_claim": "pid",
    }}));
    let world = &forge.world;
    let clinician = world.alpha().clinician();
    let (own, other) = (clinician.registers(&world.person()), clinician.registers(&world.person()));
    let by_pid = |pid: Value| {
        let claims = with(&forge.claims(), &json!({"role": "citizen", "unit": null, "pid": pid}));
        world.unauthenticated().with_token(Some(forge.ec.token(&claims)))
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
    // An unregistered person, an unknown id, a malformed number.
    by_pid(json!(world.person().national_id)).reads(&own).problem(404, "not_found");
    by_pid(Value::Null).reads(&own).problem(404, "not_found");
    for wrong in ["12345678910", real_looking(1).as_str(), "", "x"] {
        let status = by_pid(json!(wrong)).reads(&own).status;
        assert!(matches!(status, 401 | 404), "{wrong}: {status}");
    }
}
