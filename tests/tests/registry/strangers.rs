//! Unauthenticated requests get 401 from every operation that is not public, and are counted.

use std::collections::BTreeMap;
use std::time::Duration;

use painreg_tests::{Cluster, Signer};
use serde_json::{Value, json};

use crate::scene::Scene;

#[test]
fn unauthenticated_requests_are_401_everywhere_and_counted() {
    let scene = Scene::new();
    let world = &scene.world;
    let mut expected: BTreeMap<String, i64> = BTreeMap::new();
    for operation in scene.document.protected() {
        let known = scene.permitted_actor(operation);
        let request = scene.prepare(operation, &known, &scene.alpha);
        let claims = known.claims.json(world.clock.now(), 3600);
        let changed = |name: &str, value: Value| {
            let mut claims = claims.clone();
            claims[name] = value;
            Cluster::shared().signer.sign(&claims)
        };
        let now = world.clock.now().as_second();
        let attempts = [
            ("no token", None),
            ("garbage", Some("garbage".to_owned())),
            ("three parts of garbage", Some("a.b.c".to_owned())),
            ("a stranger's key", Some(Signer::fresh().sign(&claims))),
            ("expired", Some(changed("exp", json!(now - 60)))),
            ("not yet valid", Some(changed("nbf", json!(now + 600)))),
            ("another audience", Some(changed("aud", json!("somebody-else")))),
            ("another issuer", Some(changed("iss", json!("https://evil.example")))),
            ("a registry that does not exist", Some(changed("registry", json!("nowhere")))),
            ("a role that is not mapped", Some(changed("role", json!("system")))),
        ];
        for (what, token) in attempts {
            let stranger = known.clone().with_token(token);
            let answer = request.send(&stranger);
            assert_eq!((answer.status, answer.code()), (401, "unauthenticated"), "{} with {what}", operation.id);
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{}", operation.id);
            assert!(!answer.text().contains("garbage"));
            scene.document.check(operation, &answer);
            *expected.entry(format!("{} {}", operation.method, operation.path)).or_default() += 1;
        }
    }
    world.within(Duration::from_secs(3), || {
        let counted: BTreeMap<String, i64> = world
            .rows("SELECT operation, sum(count)::bigint AS count FROM platform.refusal WHERE code = 'unauthenticated' GROUP BY 1")
            .iter()
            .map(|row| (row["operation"].as_str().expect("text").to_owned(), row["count"].as_i64().expect("a number")))
            .collect();
        (counted == expected).then_some(())
    });
}

#[test]
fn requests_for_another_registry_are_counted() {
    let scene = Scene::new();
    let clinician = scene.world.alpha().clinician();
    clinician.get("/v1/tenants/beta/patients").problem(404, "not_found");
    scene.world.within(Duration::from_secs(3), || {
        let counted = scene.world.number(
            "SELECT count(*) FROM platform.refusal WHERE code = 'not_found' \
             AND operation = 'GET /v1/tenants/{tenant}/patients' AND count = 1",
        );
        (counted == 1).then_some(())
    });
}

#[test]
fn public_operations_need_no_credentials() {
    let scene = Scene::new();
    for operation in scene.document.operations.iter().filter(|operation| operation.public) {
        let stranger = scene.world.unauthenticated();
        let answer = scene.prepare(operation, &stranger, &scene.alpha).send(&stranger).expect(200);
        scene.document.check(operation, &answer);
        assert!(!operation.path.starts_with("/v1/"), "{} is public", operation.id);
    }
}
