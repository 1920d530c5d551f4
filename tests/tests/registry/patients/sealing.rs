//! Encryption of identifying data, and the blind index.

use painreg_tests::{World, registration};
use serde_json::{Value, json};

use super::registers;

#[test]
fn identifying_data_is_encrypted_at_rest() {
    let world = World::new();
    let secretary = world.alpha().secretary();
    let person = world.person();
    let h_number = json!({"type": "hnr", "value": "13527248013", "assigner": "ous"});
    let patient = secretary.registers(&person);
    registers(&secretary, &h_number).expect(201);
    secretary.looks_up(&person).expect(200);
    secretary
        .request("POST", &secretary.at("patients"))
        .key("key-1")
        .json(&registration(&world.person()))
        .send()
        .expect(201);
    secretary
        .changes(&patient, 1, &json!({"contact": {"mobile": "+46701740611", "email": "hemmelig@example.org"}}))
        .expect(200);
    world.alpha().importer().delivers(&world.delivery(&person, 1)).expect(201);
    let citizen = world.alpha().patient("").changed(|claims| {
        claims.patient = None;
        claims.national_id = Some(person.national_id.clone());
    });
    citizen.reads(&patient).expect(200);

    // Every column of every table, as in a dump.
    let tables = world.rows(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_catalog.pg_tables \
         WHERE schemaname = 'platform' OR schemaname LIKE 't\\_%'",
    );
    assert!(tables.len() > 20);
    let mut dump = String::new();
    for table in tables.iter().filter_map(|row| row["name"].as_str()) {
        for row in world.rows(&format!("SELECT whole::text AS line FROM {table} AS whole")) {
            dump.push_str(row["line"].as_str().unwrap_or_default());
            dump.push('\n');
        }
    }
    // The scan works: it finds the patient's id, and bytes as hexadecimal.
    assert!(dump.contains(&patient.id) && dump.contains("\\x01"));
    let log = std::fs::read_to_string(painreg_tests::Cluster::shared().folder.join("postgres.log")).unwrap_or_default();
    for secret in [
        person.national_id.as_str(),
        "13527248013",
        person.mobile.as_str(),
        &person.mobile[1..],
        person.email.as_str(),
        "+46701740611",
        "46701740611",
        "hemmelig",
    ] {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for (where_, text) in [("the tables", &dump), ("the database's log", &log)] {
            assert!(!text.contains(secret), "{secret} in {where_}");
            assert!(!text.contains(&hex), "{secret} in {where_}, in hexadecimal");
        }
    }
    // Encrypted values cannot be decrypted in another row: moved values are not shown.
    let alpha = world.schema("alpha");
    painreg_tests::execute(
        &mut world.sql(),
        &format!(
            "UPDATE {alpha}.patient SET contact = (SELECT contact FROM {alpha}.patient WHERE id = '{}') WHERE contact IS NOT NULL",
            patient.id
        ),
    );
    let others = world
        .rows(&format!("SELECT id::text FROM {alpha}.patient WHERE contact IS NOT NULL AND id <> '{}'", patient.id));
    let other = others[0]["id"].as_str().expect("an id");
    let answer = secretary.get(&secretary.at(&format!("patients/{other}"))).problem(500, "internal");
    assert!(!answer.text().contains("hemmelig"));
    secretary.reads(&patient).expect(200);
}

#[test]
fn blind_index_differs_between_registries() {
    let world = World::new();
    let person = world.person();
    world.alpha().secretary().registers(&person);
    world.beta().secretary().registers(&person);
    let of = |tenant: &str| {
        let rows =
            world.rows(&format!("SELECT encode(blind_index, 'hex') AS blind FROM {{{tenant}}}.patient_identifier"));
        rows[0]["blind"].as_str().expect("an index").to_owned()
    };
    let (alpha, beta) = (of("alpha"), of("beta"));
    assert_eq!((alpha.len(), beta.len()), (64, 64));
    assert_ne!(alpha, beta);
    // The index is keyed, not a plain hash of the number: hashing all numbers does not find it.
    let hashes = world.rows(&format!(
        "SELECT encode(sha256('{0}'), 'hex') AS plain, encode(sha256('fnr:{0}'), 'hex') AS canonical",
        person.national_id
    ));
    for hash in hashes[0].values().filter_map(Value::as_str) {
        assert!(hash != alpha && hash != beta);
    }
}
