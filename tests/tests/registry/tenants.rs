//! Registries: created, changed, suspended and dropped over the API, and never confused with each other.

mod migrations;
mod placement;

use std::time::Duration;

use painreg_tests::{Actor, Cluster, World, execute, issuer, try_rows};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::kit::{AnswerAssertions as _, bearer, call, version, with};

/// Returns the body that creates a registry which trusts the test issuer.
fn creation(slug: &str) -> Value {
    json!({"slug": slug, "name": format!("{slug} sykehus"), "issuers": [issuer(Some(slug))]})
}

fn tag(operator: &Actor<'_>, slug: &str) -> i64 {
    version(&operator.get(&format!("/v1/tenants/{slug}")).expect(200).body)
}

fn suspends(operator: &Actor<'_>, slug: &str) -> i64 {
    let at = tag(operator, slug);
    version(&operator.put(&format!("/v1/tenants/{slug}/suspension"), at).expect(200).body)
}

#[test]
fn operator_creates_reads_updates_and_lists_tenants() {
    let world = World::new();
    let operator = world.operator();
    let body = with(&creation("gamma"), &json!({"organisation_number": "993467049"}));
    let made = operator.post("/v1/tenants", &body).expect(201);
    assert_eq!((made.header("location"), made.header("etag")), ("/v1/tenants/gamma", "\"v1\""));
    let expected = json!({
        "slug": "gamma", "name": "gamma sykehus", "organisation_number": "993467049", "placement": "login", "state": "active",
        "template": "opr",
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&made.body[name], value, "{name}");
    }
    let text = made.text();
    assert!(!text.contains(&world.schema("gamma")) && !text.contains("password") && !text.contains("dsn"), "{text}");
    let read = operator.get("/v1/tenants/gamma").expect(200);
    assert_eq!((&read.body, read.header("etag")), (&made.body, "\"v1\""));
    // The registry answers at once.
    let patient = world.place("gamma").clinician().registers(&world.person());
    world.place("gamma").clinician().reads(&patient).expect(200);
    let forms = world.place("gamma").clinician().get("/v1/tenants/gamma/forms").expect(200);
    assert_eq!(forms.items().len(), 6);
    let renamed = operator.patch("/v1/tenants/gamma", 1, &json!({"name": "Gamma universitetssykehus"})).expect(200);
    assert_eq!((&renamed.body["name"], version(&renamed.body)), (&json!("Gamma universitetssykehus"), 2));
    assert_eq!(renamed.body["issuers"], made.body["issuers"]);
    assert_eq!(operator.get("/v1/tenants/gamma").expect(200).body, renamed.body);
    let list = operator.get("/v1/tenants").expect(200);
    let slugs: Vec<&str> = list.items().iter().filter_map(|item| item["slug"].as_str()).collect();
    assert_eq!(slugs, ["alpha", "beta", "gamma"]);
    operator.post("/v1/tenants", &creation("gamma")).fault(409, "/slug", "already_exists");
    // All actions of the operator are in the platform's log.
    let result = world.rows(
        "SELECT action, object, outcome, actor FROM platform.audit_event WHERE actor = 'operator-1' ORDER BY at, id",
    );
    let actions: Vec<&str> = result.iter().filter_map(|row| row["action"].as_str()).collect();
    assert_eq!(actions, ["CreateTenant", "ReadTenant", "UpdateTenant", "ReadTenant", "ListTenants"]);
    assert_eq!(result[0]["object"], json!("gamma"));
    // Operators never reach a patient.
    operator.get("/v1/tenants/gamma/patients").problem(403, "forbidden");
    operator.get(&format!("/v1/tenants/gamma/patients/{}", patient.id)).problem(403, "forbidden");
}

#[test]
fn create_tenant_refuses_invalid_settings() {
    let world = World::new();
    let operator = world.operator();
    for slug in [
        "",
        "ab",
        "Alpha",
        "ALPHA",
        "-alpha",
        "alpha-",
        "1alpha",
        "al_pha",
        "alpha ",
        " alpha",
        "al pha",
        "alphå",
        "al.pha",
        "alpha/",
        "../alpha",
        "alpha%20",
        "alpha\n",
        "α-lpha",
        &"a".repeat(41),
    ] {
        operator.post("/v1/tenants", &creation(slug)).fault(422, "/slug", "invalid_format");
    }
    for (changed, pointer, code) in [
        (json!({"name": ""}), "/name", "invalid_format"),
        (json!({"name": " "}), "/name", "invalid_format"),
        (json!({"name": "x".repeat(201)}), "/name", "too_long"),
        (json!({"name": null}), "/name", "required"),
        (json!({"template": "none"}), "/template", "unknown_reference"),
        (json!({"organisation_number": "993467048"}), "/organisation_number", "invalid_checksum"),
        (json!({"organisation_number": "99346704"}), "/organisation_number", "invalid_format"),
        (json!({"organisation_number": "000000000"}), "/organisation_number", "invalid_format"),
        (json!({"surprise": 1}), "/surprise", "unknown_item"),
        (json!({"placement": "dsn"}), "/placement", "unknown_item"),
        (json!({"state": "suspended"}), "/state", "unknown_item"),
        (json!({"issuers": vec![json!(issuer(Some("gamma"))); 21]}), "/issuers", "too_long"),
    ] {
        operator.post("/v1/tenants", &with(&creation("gamma"), &changed)).fault(422, pointer, code);
    }
    assert_eq!(world.number("SELECT count(*) FROM platform.tenant"), 2);
}

#[test]
fn tenant_slug_has_one_spelling() {
    let world = World::new();
    let patient = world.alpha().clinician().registers(&world.person());
    let authorization = bearer(&world.alpha().clinician());
    let operator = bearer(&world.operator());
    for spelling in [
        "Alpha",
        "ALPHA",
        "al-pha",
        "alpha_",
        "alpha%20",
        "%20alpha",
        "alpha%00",
        "alpha%2F",
        "alpha.",
        "alpha-",
        "%C3%A5lpha",
        "alpha%0A",
        "alpha;x=1",
        "%",
        "%zz",
        "alph%D0%B0",
        "*",
        "{tenant}",
        ".",
    ] {
        let path = format!("/v1/tenants/{spelling}/patients/{}", patient.id);
        for target in [path.as_str(), &format!("/v1/tenants/{spelling}/patients"), &format!("/v1/tenants/{spelling}")] {
            let answer = call(world.address, "GET", target, &[("Authorization", authorization.as_str())], None);
            assert_eq!((answer.status, answer.code()), (404, "not_found"), "{target}");
        }
        let target = format!("/v1/tenants/{spelling}");
        let answer = call(world.address, "GET", &target, &[("Authorization", operator.as_str())], None);
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "operator {target}");
    }
    for target in [
        "/v1/tenants/alpha//patients",
        "/v1/tenants//alpha/patients",
        "/v1/tenants/alpha/patients/",
        "/v1/tenants/alpha/",
        "//v1/tenants/alpha/patients",
        "/v1//tenants/alpha/patients",
        "/V1/tenants/alpha/patients",
        "/v1/tenants/alpha/Patients",
    ] {
        let answer = call(world.address, "GET", target, &[("Authorization", authorization.as_str())], None);
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{target}");
    }
}

#[test]
fn tenants_with_similar_slugs_share_nothing() {
    let world = World::new();
    let operator = world.operator();
    let person = world.person();
    let patient = world.alpha().clinician().registers(&person);
    for slug in ["al-pha", "alpha2", "alph", "beta-alpha"] {
        operator.post("/v1/tenants", &creation(slug)).expect(201);
        let there = world.place(slug).clinician();
        assert_eq!(there.lists_patients("").expect(200).items().len(), 0);
        there.get(&format!("/v1/tenants/{slug}/patients/{}", patient.id)).problem(404, "not_found");
        there.reads(&painreg_tests::Patient { tenant: slug.to_owned(), ..patient.clone() }).problem(404, "not_found");
        there.get(&format!("/v1/tenants/alpha/patients/{}", patient.id)).problem(404, "not_found");
        there.looks_up(&person).problem(404, "not_found");
        there.registers(&person);
    }
    // Names in the database are random: they contain nothing of a slug, and none is a prefix of another.
    let rows = world.rows("SELECT slug, schema_name FROM platform.tenant");
    let mut schemas: Vec<&str> = rows.iter().filter_map(|row| row["schema_name"].as_str()).collect();
    schemas.sort_unstable();
    schemas.dedup();
    assert_eq!(schemas.len(), 6);
    for schema in schemas {
        assert!(
            schema.len() == 34 && schema.starts_with("t_") && schema[2..].bytes().all(|byte| byte.is_ascii_hexdigit())
        );
    }
    assert_eq!(world.alpha().clinician().lists_patients("").expect(200).items().len(), 1);
}

#[test]
fn tenant_login_cannot_read_another_schema() {
    let world = World::new();
    let operator = world.operator();
    operator.post("/v1/tenants", &creation("gamma")).expect(201);
    let schema_of = |slug: &str| world.schema(slug);
    let (alpha, gamma) = (schema_of("alpha"), schema_of("gamma"));
    // The login role with a known password: injected SQL would run as this role.
    let password = "0123456789abcdef0123456789abcdef";
    let mut sql = world.sql();
    execute(&mut sql, &format!("ALTER ROLE {gamma}_login PASSWORD '{password}'"));
    let owner = Cluster::shared().local.address_of(world.database());
    let address = format!("{}&user={gamma}_login&password={password}", owner.expose_secret());
    let mut inside = Cluster::shared().connect(&address.into());
    for query in [
        format!("SELECT * FROM {alpha}.patient"),
        format!("SELECT * FROM {alpha}.audit_event"),
        "SELECT * FROM platform.tenant".to_owned(),
        "SELECT * FROM platform.issuer".to_owned(),
        format!("SELECT * FROM {gamma}.patient"),
        "SELECT rolpassword FROM pg_authid".to_owned(),
        "SELECT pg_read_file('/etc/passwd')".to_owned(),
    ] {
        let refused = try_rows(&mut inside, &query);
        assert!(refused.is_err_and(|error| error.to_string().contains("permission denied")), "{query}");
    }
    assert!(try_rows(&mut inside, "SELECT * FROM patient").is_err(), "the path is empty");
    for (role, allowed) in [
        (format!("{alpha}_clinician"), false),
        (format!("{alpha}_login"), false),
        ("painreg".to_owned(), false),
        ("postgres".to_owned(), false),
        (format!("{gamma}_clinician"), true),
    ] {
        let tried = try_rows(&mut inside, &format!("SELECT set_config('role', '{role}', false)"));
        assert_eq!(tried.is_ok(), allowed, "{role}");
    }
}

#[test]
fn suspend_tenant_closes_it_to_its_callers_only() {
    let world = World::new();
    let operator = world.operator();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let before = tag(&operator, "alpha");
    let suspended = operator.put("/v1/tenants/alpha/suspension", before).expect(200);
    assert_eq!(suspended.body["state"], json!("suspended"));
    for answer in [
        clinician.reads(&patient),
        clinician.lists_patients(""),
        world.alpha().manager().get("/v1/tenants/alpha/summary"),
        world.alpha().importer().delivers(&world.delivery(&patient.person, 1)),
        world.alpha().patient(&patient.id).reads(&patient),
    ] {
        let answer = answer.problem(503, "suspended");
        assert_eq!(answer.header("retry-after"), "3600");
    }
    world.beta().clinician().lists_patients("").expect(200);
    assert_eq!(operator.get("/v1/tenants/alpha").expect(200).body["state"], json!("suspended"));
    world.unauthenticated().get("/v1/tenants/alpha/patients").problem(401, "unauthenticated");
    world.beta().clinician().get("/v1/tenants/alpha/patients").problem(404, "not_found");
    // Suspending or resuming again is no error; an old tag is one.
    operator.put("/v1/tenants/alpha/suspension", before).problem(412, "stale");
    let again = operator.put("/v1/tenants/alpha/suspension", version(&suspended.body)).expect(200);
    let resumed = operator.delete("/v1/tenants/alpha/suspension", version(&again.body)).expect(200);
    assert_eq!(resumed.body["state"], json!("active"));
    assert_eq!(clinician.reads(&patient).expect(200).body, patient.body, "nothing is lost");
}

#[test]
fn drop_tenant_requires_suspension_and_removes_everything() {
    let world = World::new();
    let operator = world.operator();
    operator.post("/v1/tenants", &creation("gamma")).expect(201);
    let clinician = world.place("gamma").clinician();
    clinician.registers(&world.person());
    let schema = world.schema("gamma");
    operator.delete("/v1/tenants/gamma", 1).problem(409, "state_conflict");
    let at = suspends(&operator, "gamma");
    operator.delete("/v1/tenants/gamma", at - 1).problem(412, "stale");
    let gone = operator.delete("/v1/tenants/gamma", at).expect(204);
    assert!(gone.bytes.is_empty());
    for query in [
        format!("SELECT count(*) FROM pg_roles WHERE rolname LIKE '{schema}%'"),
        format!("SELECT count(*) FROM pg_namespace WHERE nspname = '{schema}'"),
        format!("SELECT count(*) FROM pg_stat_activity WHERE usename LIKE '{schema}%'"),
        "SELECT count(*) FROM platform.tenant WHERE slug = 'gamma'".to_owned(),
        "SELECT count(*) FROM platform.issuer WHERE settings::text LIKE '%gamma%'".to_owned(),
        format!(
            "SELECT count(*) FROM pg_database, aclexplode(datacl) AS acl JOIN pg_roles ON pg_roles.oid = acl.grantee \
                 WHERE datname = current_database() AND rolname LIKE '{schema}%'"
        ),
    ] {
        world.within(Duration::from_secs(10), || (world.number(&query) == 0).then_some(()));
    }
    clinician.lists_patients("").problem(401, "unauthenticated");
    operator.get("/v1/tenants/gamma").problem(404, "not_found");
    operator.delete("/v1/tenants/gamma", at).problem(404, "not_found");
    world.alpha().clinician().lists_patients("").expect(200);
    // The name is free again, and nothing of the old registry is in the new one.
    operator.post("/v1/tenants", &creation("gamma")).expect(201);
    assert_eq!(clinician.lists_patients("").expect(200).items().len(), 0);
    assert_ne!(world.schema("gamma"), schema);
}

#[test]
fn update_tenant_revokes_removed_issuers() {
    let world = World::new();
    let operator = world.operator();
    let clinician = world.alpha().clinician();
    clinician.lists_patients("").expect(200);
    let before = operator.get("/v1/tenants/alpha").expect(200).body;
    let none = operator.patch("/v1/tenants/alpha", version(&before), &json!({"issuers": []})).expect(200).body;
    assert_eq!(none["issuers"], json!([]));
    clinician.lists_patients("").problem(401, "unauthenticated");
    world.beta().clinician().lists_patients("").expect(200);
    // Every other server notices it as well.
    let generation = || world.number("SELECT value FROM platform.generation");
    let moved = generation();
    let changed = json!({"issuers": before["issuers"]});
    operator.patch("/v1/tenants/alpha", version(&none), &changed).expect(200);
    assert!(generation() > moved);
    clinician.lists_patients("").expect(200);
    let mut other = changed;
    other["issuers"][0]["mapping"]["roles"] = json!({"secretary": "secretary"});
    operator.patch("/v1/tenants/alpha", version(&none) + 1, &other).expect(200);
    clinician.lists_patients("").problem(401, "unauthenticated");
    world.alpha().secretary().lists_patients("").expect(200);
}
