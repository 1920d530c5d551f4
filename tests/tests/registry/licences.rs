//! Licences of instruments: registration, the wording that a valid one opens, deadlines, and answers outside a licence.

mod answers;
mod deadlines;

use std::sync::Barrier;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use painreg_domain::policy::Role;
use painreg_tests::{Actor, Answer, World};
use serde_json::{Value, json};

use crate::examples::{licence, wording};
use crate::kit::{AnswerAssertions as _, pages};

/// Returns the example with these members changed.
fn with(change: &Value) -> Value {
    let mut members = licence();
    for (name, value) in change.as_object().expect("an object") {
        members[name] = value.clone();
    }
    members
}

fn registers(manager: &Actor<'_>, change: &Value) -> Value {
    manager.post(&manager.at("licences"), &with(change)).expect(201).body
}

fn one(actor: &Actor<'_>, licence: &Value) -> String {
    actor.at(&format!("licences/{}", licence["id"].as_str().expect("an id")))
}

fn loads(manager: &Actor<'_>, place: &str, version: i64, texts: &Value) -> Answer {
    let request = manager.request("PUT", &manager.at(&format!("instruments/{place}")));
    request.header("if-match", &format!("\"v{version}\"")).json(texts).send()
}

/// Advances the clock to just after this Norwegian midnight, or just before it.
fn midnight(world: &World, day: Date, after: bool) {
    let oslo = TimeZone::get("Europe/Oslo").expect("a zone");
    let start = day.to_zoned(oslo).expect("a day").timestamp();
    let second = jiff::SignedDuration::from_secs(if after { 1 } else { -1 });
    world.advance(start.duration_since(world.clock.now()) + second);
}

/// Returns the day `days` days from the service's day.
fn day(world: &World, days: i64) -> Date {
    let oslo = TimeZone::get("Europe/Oslo").expect("a zone");
    let today = world.clock.now().to_zoned(oslo).date();
    today.checked_add(jiff::Span::new().days(days)).expect("a day")
}

#[test]
fn licence_is_registered_changed_and_withdrawn_with_history() {
    let world = World::new();
    let manager = world.alpha().manager();
    let made = manager.post(&manager.at("licences"), &licence()).expect(201);
    let path = one(&manager, &made.body);
    assert_eq!((made.header("location"), made.header("etag")), (path.as_str(), "\"v1\""));
    assert_eq!(made.body["licence"]["lead_days"], 90);
    assert_eq!(made.body["licence"]["invoices"], licence()["invoices"]);
    let read = manager.get(&path).expect(200);
    assert_eq!((&read.body, read.header("etag")), (&made.body, "\"v1\""));

    let changed = manager.patch(&path, 1, &json!({"valid_to": "2030-12-31", "note": "Ring først"})).expect(200);
    assert_eq!((changed.header("etag"), &changed.body["licence"]["note"]), ("\"v2\"", &json!("Ring først")));
    assert_eq!(changed.body["licence"]["invoices"], licence()["invoices"]);
    manager.patch(&path, 1, &json!({"valid_to": null})).problem(412, "stale");
    let opened = manager.patch(&path, 2, &json!({"valid_to": null, "languages": ["nb", "en"]})).expect(200);
    assert_eq!(opened.body["licence"]["valid_to"], Value::Null);
    for (change, pointer, code) in [
        (json!({"valid_from": null}), "/valid_from", "wrong_type"),
        (json!({"valid_to": "2019-12-31"}), "/valid_to", "wrong_order"),
        (json!({"instruments": ["none"]}), "/instruments/0", "unknown_reference"),
        (json!({"agreement": null}), "/agreement", "required"),
        (json!({"holder": "x"}), "/holder", "unknown_item"),
        (json!({"volume_cap": -1}), "/volume_cap", "invalid_format"),
        (
            json!({"invoices": [{"issued_on": "2026-01-10", "amount": 1250, "currency": "EUR",
            "due_on": "2026-02-10"}]}),
            "/invoices/0/amount",
            "wrong_type",
        ),
    ] {
        manager.patch(&path, 3, &change).fault(422, pointer, code);
    }
    manager.post(&manager.at("licences"), &with(&json!({"languages": []}))).fault(422, "/languages", "required");

    manager.delete(&path, 2).problem(412, "stale");
    manager.delete(&path, 3).expect(204);
    manager.delete(&path, 4).problem(404, "not_found");
    manager.get(&path).problem(404, "not_found");
    manager.patch(&path, 4, &json!({})).problem(404, "not_found");
    assert_eq!(manager.get(&manager.at("licences")).expect(200).items(), [] as [Value; 0]);
    let versions = manager.get(&format!("{path}/versions")).expect(200);
    let result: Vec<_> = versions.items().iter().map(|it| (&it["version"], &it["licence"]["valid_to"])).collect();
    let ended = json!("2030-12-31");
    let null = Value::Null;
    assert_eq!(result, [(&json!(4), &null), (&json!(3), &null), (&json!(2), &ended), (&json!(1), &null)]);
    assert_eq!(versions.items()[0]["licence"], Value::Null);
    assert_eq!(versions.items()[3], made.body);
}

#[test]
fn read_licence_hides_costs_from_other_roles() {
    let world = World::new();
    let manager = world.alpha().manager();
    let made = registers(&manager, &json!({"note": "Dyrt"}));
    let patient = manager.registers(&world.person());
    registers(&manager, &json!({"instruments": ["pcs"]}));
    for actor in [world.alpha().clinician(), world.alpha().secretary(), world.alpha().dpo()] {
        let read = actor.get(&one(&actor, &made)).expect(200);
        assert_eq!(read.body["licence"]["agreement"], "A-1");
        let versions = actor.get(&format!("{}/versions", one(&actor, &made))).expect(200);
        let listed = pages(&actor, &actor.at("licences?limit=1")).concat();
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[0], read.body);
        for shown in [read.text(), versions.text(), json!(listed).to_string()] {
            assert!(!shown.contains("1250") && !shown.contains("Dyrt"), "{shown}");
        }
        actor.post(&actor.at("licences"), &licence()).problem(403, "forbidden");
        actor.patch(&one(&actor, &made), 1, &json!({})).problem(403, "forbidden");
        actor.delete(&one(&actor, &made), 1).problem(403, "forbidden");
        actor.get(&actor.at("licence-deadlines")).problem(403, "forbidden");
    }
    for actor in [world.alpha().importer(), world.alpha().sender(), world.alpha().patient(&patient.id)] {
        actor.get(&actor.at("licences")).problem(403, "forbidden");
    }
    // Another registry does not see it.
    let theirs = world.beta().manager();
    theirs.get(&one(&theirs, &made)).problem(404, "not_found");
    theirs.patch(&one(&theirs, &made), 1, &json!({})).problem(404, "not_found");
    theirs.delete(&one(&theirs, &made), 1).problem(404, "not_found");
    assert_eq!(theirs.get(&theirs.at("licences")).expect(200).items(), [] as [Value; 0]);
}

#[test]
fn read_item_texts_within_the_licence_period_only() {
    let world = World::new();
    let (manager, patient) = (world.alpha().manager(), world.alpha().caller(Role::Patient));
    let (first, last) = (day(&world, 10), day(&world, 20));
    let path = manager.at("instruments/isi/texts/nb");
    let refused = |code: &str| {
        patient.get(&path).problem(403, "unlicensed").fault(403, "", code);
        let list = manager.get(&manager.at("instruments/isi/texts")).expect(200);
        assert_eq!((list.items().len(), &list.items()[0]["refused"]), (1, &json!(code)));
        assert!(!list.text().contains("Invented 1"));
    };
    // Wording may be loaded before there is a licence.
    let loaded = loads(&manager, "isi/texts/nb", 0, &wording()).expect(200);
    assert_eq!(loaded.header("etag"), "\"v1\"");
    refused("licence_missing");
    registers(&manager, &json!({"languages": ["en"]}));
    refused("licence_of_another_language");
    registers(&manager, &json!({"valid_from": first, "valid_to": last}));
    refused("licence_not_yet_valid");

    let shown = || {
        let read = patient.get(&path).expect(200);
        assert_eq!((&read.body, read.header("etag")), (&loaded.body, "\"v1\""));
        assert_eq!(read.body["texts"]["items"], wording()["items"]);
        let list = patient.get(&manager.at("instruments/isi/texts")).expect(200);
        assert_eq!(list.items()[0]["refused"], Value::Null);
    };
    midnight(&world, first, false);
    refused("licence_not_yet_valid");
    midnight(&world, first, true);
    shown();
    midnight(&world, last.tomorrow().expect("a day"), false);
    shown();
    midnight(&world, last.tomorrow().expect("a day"), true);
    refused("licence_expired");

    // Independent of the settings: a warning does not open wording, and blocking does not close it.
    let settings = manager.get(&manager.at("settings")).expect(200).body;
    assert_eq!(settings["settings"]["use_outside_licence"], "warn");
    refused("licence_expired");
    manager.patch(&manager.at("settings"), 1, &json!({"use_outside_licence": "block"})).expect(200);
    refused("licence_expired");
    let next = registers(&manager, &json!({"valid_from": last}));
    shown();
    manager.delete(&one(&manager, &next), 1).expect(204);
    refused("licence_expired");
}

#[test]
fn read_item_texts_of_free_instruments_without_licence() {
    let world = World::new();
    let manager = world.alpha().manager();
    let texts = json!({"source": "invented.docx", "items": {"pgic": {"text": "Invented?"}}});
    loads(&manager, "pgic/texts/nb", 0, &texts).expect(200);
    let read = world.alpha().clinician().get(&manager.at("instruments/pgic/texts/nb")).expect(200);
    assert_eq!(read.body["texts"]["items"]["pgic"]["text"], "Invented?");
    assert_eq!((read.text_at("/texts/source"), read.text_at("/loaded_by")), ("invented.docx", "registry_manager-1"));
    world.beta().manager().get("/v1/tenants/beta/instruments/pgic/texts/nb").problem(404, "not_found");
    world.alpha().importer().get(&manager.at("instruments/pgic/texts/nb")).problem(403, "forbidden");
}

#[test]
fn load_item_texts_requires_every_item_and_the_current_version() {
    let world = World::new();
    let manager = world.alpha().manager();
    let place = "isi/texts/nb-NO";
    let mut wrong = wording();
    wrong["items"]["isi_08"] = json!({"text": "Invented?"});
    loads(&manager, place, 0, &wrong).fault(422, "/items/isi_08", "unknown_item");
    wrong = wording();
    wrong["items"].as_object_mut().expect("items").remove("isi_07");
    loads(&manager, place, 0, &wrong).fault(422, "/items/isi_07", "required");
    wrong = wording();
    wrong["items"]["isi_01"]["responses"]["5"] = json!("x");
    loads(&manager, place, 0, &wrong).fault(422, "/items/isi_01/responses/5", "out_of_range");
    wrong = wording();
    wrong["loaded_by"] = json!("me");
    loads(&manager, place, 0, &wrong).fault(422, "/loaded_by", "unknown_item");
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.item_text"), 0);

    loads(&manager, place, 1, &wording()).problem(412, "stale");
    loads(&manager, place, 0, &wording()).expect(200);
    loads(&manager, place, 0, &wording()).problem(412, "stale");
    let mut second = wording();
    second["source"] = json!("second.docx");
    assert_eq!(loads(&manager, place, 1, &second).expect(200).header("etag"), "\"v2\"");
    registers(&manager, &json!({}));
    let path = manager.at("instruments/isi/texts/nb-NO");
    assert_eq!(manager.get(&path).expect(200).text_at("/texts/source"), "second.docx");
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.item_text"), 2);
    for (place, texts) in [("none/texts/nb", &wording()), ("isi/texts/norsk", &wording()), ("isi/texts/n", &wording())]
    {
        loads(&manager, place, 0, texts).problem(404, "not_found");
        manager.get(&manager.at(&format!("instruments/{place}"))).problem(404, "not_found");
    }
    manager.get(&manager.at("instruments/isi/texts/en")).problem(404, "not_found");
    loads(&world.alpha().clinician(), place, 2, &wording()).problem(403, "forbidden");
}

#[test]
fn change_settings_applies_to_one_registry() {
    let world = World::new();
    let manager = world.alpha().manager();
    let path = manager.at("settings");
    let read = manager.get(&path).expect(200);
    assert_eq!(
        read.body["settings"],
        json!({"use_outside_licence": "warn", "value_sets": ["NO_5L_2024"],
        "channels": ["sms", "digital_mailbox", "helsenorge"]})
    );
    assert_eq!(read.header("etag"), "\"v1\"");
    let sets = json!(["NO_5L_2024", "UK_XW_2012"]);
    let changed = manager.patch(&path, 1, &json!({"value_sets": sets})).expect(200);
    assert_eq!((changed.header("etag"), &changed.body["settings"]["value_sets"]), ("\"v2\"", &sets));
    assert_eq!(changed.body["settings"]["use_outside_licence"], "warn");
    manager.patch(&path, 1, &json!({})).problem(412, "stale");
    for (change, pointer, code) in [
        (json!({"value_sets": []}), "/value_sets", "required"),
        (json!({"value_sets": ["NO"]}), "/value_sets/0", "unknown_option"),
        (json!({"value_sets": ["NO_5L_2024", "NO_5L_2024"]}), "/value_sets/1", "already_exists"),
        (json!({"value_sets": null}), "/value_sets", "wrong_type"),
        (json!({"use_outside_licence": "ignore"}), "/use_outside_licence", "unknown_option"),
        (json!({"use_outside_licence": null}), "/use_outside_licence", "wrong_type"),
        (json!({"channels": ["sms", "pigeon"]}), "/channels/1", "unknown_option"),
        (json!({"channels": ["sms", "sms"]}), "/channels/1", "already_exists"),
        (json!({"colour": "red"}), "/colour", "unknown_item"),
    ] {
        manager.patch(&path, 2, &change).fault(422, pointer, code);
    }
    for actor in [world.alpha().clinician(), world.alpha().secretary(), world.alpha().dpo()] {
        assert_eq!(actor.get(&path).expect(200).body, changed.body);
        actor.patch(&path, 2, &json!({})).problem(403, "forbidden");
    }
    let theirs = world.beta().manager();
    assert_eq!(theirs.get(&theirs.at("settings")).expect(200).body["version"], 1);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.registry_setting"), 2);
}

/// Runs a request six times at once and returns the statuses.
fn six_at_once(request: impl Fn() -> u16 + Sync) -> Vec<u16> {
    let start = Barrier::new(6);
    let one = || {
        start.wait();
        request()
    };
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    statuses.sort_unstable();
    statuses
}

#[test]
fn concurrent_changes_of_one_version_succeed_once() {
    const ONE: [u16; 6] = [200, 412, 412, 412, 412, 412];
    let world = World::new();
    let manager = || world.alpha().manager();
    let path = one(&manager(), &registers(&manager(), &json!({})));
    assert_eq!(six_at_once(|| manager().patch(&path, 1, &json!({"lead_days": 7})).status), ONE);
    assert_eq!(six_at_once(|| loads(&manager(), "isi/texts/nb", 0, &wording()).status), ONE);
    let settings = manager().at("settings");
    let block = json!({"use_outside_licence": "block"});
    assert_eq!(six_at_once(|| manager().patch(&settings, 1, &block).status), ONE);
    let withdrawn = six_at_once(|| manager().delete(&path, 2).status);
    assert_eq!(withdrawn.first(), Some(&204));
    assert!(withdrawn.iter().skip(1).all(|status| [404, 412].contains(status)), "{withdrawn:?}");
    for (table, rows) in [("licence", 3), ("item_text", 1), ("registry_setting", 2)] {
        assert_eq!(world.number(&format!("SELECT count(*) FROM {{alpha}}.{table}")), rows, "{table}");
    }
}
