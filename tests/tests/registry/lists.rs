//! Lists: every item once and in order; a cursor is valid for one list of one caller.

use painreg_tests::{Actor, World};
use serde_json::{Value, json};

use crate::kit::{AnswerAssertions as _, bearer, call, decoded, encoded, pages};

/// Registers `count` patients in `alpha` and returns their ids by registry number.
fn registered(world: &World, count: usize) -> Vec<String> {
    let secretary = world.alpha().secretary();
    (0..count).map(|_| secretary.registers(&world.person()).id).collect()
}

fn ids(pages: &[Vec<Value>]) -> Vec<String> {
    pages.iter().flatten().map(|item| item["id"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn list_patients_pages_show_every_patient_once_in_order() {
    let world = World::new();
    let all = registered(&world, 45);
    let clinician = world.alpha().clinician();
    let path = clinician.at("patients");
    let read = pages(&clinician, &format!("{path}?limit=20"));
    assert_eq!(read.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20, 5]);
    assert_eq!(ids(&read), all);
    let numbers: Vec<i64> = read.iter().flatten().filter_map(|item| item["registry_number"].as_i64()).collect();
    assert_eq!(numbers, (1..=45).collect::<Vec<_>>());
    for (limit, sizes) in [("limit=45", &[45][..]), ("limit=44", &[44, 1]), ("limit=200", &[45]), ("", &[45])] {
        let read = pages(&clinician, &format!("{path}?{limit}"));
        assert_eq!(read.iter().map(Vec::len).collect::<Vec<_>>(), sizes, "{limit}");
        assert_eq!(ids(&read), all, "{limit}");
    }
    assert_eq!(ids(&pages(&clinician, &format!("{path}?limit=9"))), all);
    // A patient registered during paging is at the end; none is shown twice or left out.
    let first = clinician.get(&format!("{path}?limit=44")).expect(200);
    let late = registered(&world, 1);
    let rest = clinician.get(&format!("{path}?limit=44&cursor={}", first.text_at("/next_cursor"))).expect(200);
    assert_eq!(ids(&[first.items().to_vec(), rest.items().to_vec()]), [all, late].concat());
}

#[test]
fn list_filter_applies_to_every_page() {
    let world = World::new();
    let manager = world.alpha().manager();
    let mut mine = Vec::new();
    for at in 0..12 {
        let unit = if at % 3 == 0 { "øre & hals" } else { "clinic" };
        let patient = world.alpha().secretary().of_unit(unit).registers(&world.person());
        if at % 3 == 0 {
            mine.push(patient.id);
        }
    }
    let path = manager.at("patients?unit=%C3%B8re%20%26%20hals&limit=3");
    let read = pages(&manager, &path);
    assert_eq!(read.iter().map(Vec::len).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(ids(&read), mine);
    // A caller with the reach of a unit sees only that unit, with every filter.
    let clinician = world.alpha().clinician();
    assert_eq!(clinician.get(&clinician.at("patients?unit=%C3%B8re%20%26%20hals")).expect(200).items().len(), 0);
    assert_eq!(clinician.get(&clinician.at("patients")).expect(200).items().len(), 8);
    assert_eq!(manager.get(&manager.at("patients")).expect(200).items().len(), 12);
    let long = format!("unit={}", "x".repeat(101));
    for (bad, code) in [("unit=", "invalid_format"), ("unit=%00", "forbidden_character"), (&long, "too_long")] {
        manager.get(&manager.at(&format!("patients?{bad}"))).fault(400, "/query/unit", code);
    }
}

#[test]
fn every_list_pages_by_cursor() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    for at in 0..5 {
        clinician.submits(&patient, &at.to_string(), &json!({"isi_01": 1})).expect(201);
    }
    // All five were submitted at the same instant; the id decides.
    let path = clinician.at(&format!("patients/{}/submissions", patient.id));
    let whole = ids(&pages(&clinician, &path));
    assert_eq!(whole.len(), 5);
    assert_eq!(ids(&pages(&clinician, &format!("{path}?limit=2"))), whole);

    let forms = pages(&clinician, &clinician.at("forms?limit=1"));
    let codes: Vec<&str> = forms.iter().flatten().filter_map(|form| form["code"].as_str()).collect();
    assert_eq!(
        codes,
        ["opr-baseline", "opr-baseline-short", "opr-follow-up-full", "opr-follow-up-short", "opr-rf", "opr-scs"]
    );

    let operator = world.operator();
    let slugs = pages(&operator, "/v1/tenants?limit=1");
    let slugs: Vec<&str> = slugs.iter().flatten().filter_map(|tenant| tenant["slug"].as_str()).collect();
    assert_eq!(slugs, ["alpha", "beta"]);

    // Every page that is read adds to the log; the entries of before are listed once, newest first.
    let dpo = world.alpha().dpo();
    let logs = dpo.at(&format!("patients/{}/access-log", patient.id));
    let before = ids(&pages(&dpo, &format!("{logs}?limit=200")));
    let read = ids(&pages(&dpo, &format!("{logs}?limit=3")));
    assert_eq!(read.iter().filter(|id| before.contains(id)).collect::<Vec<_>>(), before.iter().collect::<Vec<_>>());
    let times: Vec<String> = pages(&dpo, &dpo.at("audit-events?limit=4"))
        .iter()
        .flatten()
        .map(|event| event["at"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert!(times.len() > 8);
    let instants: Vec<jiff::Timestamp> = times.iter().map(|at| at.parse().expect("an instant")).collect();
    assert!(instants.is_sorted_by(|a, b| a >= b), "newest first");
}

#[test]
fn cursor_is_bound_to_list_and_caller() {
    let world = World::new();
    registered(&world, 4);
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    for at in 0..3 {
        clinician.submits(&patient, &at.to_string(), &json!({"isi_01": 1})).expect(201);
        world.beta().clinician().registers(&world.person());
    }
    let cursor_of =
        |actor: &Actor<'_>, path: &str| actor.get(&actor.at(path)).expect(200).text_at("/next_cursor").to_owned();
    let cursor = cursor_of(&clinician, "patients?limit=2");
    let using = |actor: &Actor<'_>, path: &str, cursor: &str| {
        let joint = if path.contains('?') { '&' } else { '?' };
        actor.get(&actor.at(&format!("{path}{joint}cursor={cursor}")))
    };
    using(&clinician, "patients?limit=2", &cursor).expect(200);
    using(&clinician, "patients?limit=1", &cursor).expect(200);

    let submissions = format!("patients/{}/submissions", patient.id);
    let of_submissions = cursor_of(&clinician, &format!("{submissions}?limit=1"));
    let manager = world.alpha().manager();
    let of_manager = cursor_of(&manager, "patients?limit=2");
    let of_unit = cursor_of(&clinician, "patients?unit=clinic&limit=2");
    let of_beta = cursor_of(&world.beta().clinician(), "patients?limit=1");
    let of_forms = cursor_of(&clinician, "forms?limit=1");
    let of_operator = world.operator().get("/v1/tenants?limit=1").expect(200).text_at("/next_cursor").to_owned();
    for (what, path, cursor) in [
        ("another list's", "patients", of_submissions.as_str()),
        ("another list's", submissions.as_str(), cursor.as_str()),
        ("another list's", "forms", cursor.as_str()),
        ("another list's", "patients", of_forms.as_str()),
        ("another caller's", "patients", of_manager.as_str()),
        ("another filter's", "patients", of_unit.as_str()),
        ("another filter's", "patients?unit=clinic", cursor.as_str()),
        ("another filter's", "patients?unit=ward", of_unit.as_str()),
        ("another registry's", "patients", of_beta.as_str()),
        ("an operator's", "patients", of_operator.as_str()),
        ("nothing", "patients", ""),
        ("no base64", "patients", "%25%25"),
        ("words", "patients", "next"),
        ("a number", "patients", "2"),
        ("padding", "patients", &format!("{cursor}=")),
    ] {
        let answer = using(&clinician, path, cursor);
        assert_eq!((answer.status, answer.code()), (400, "invalid_cursor"), "{what} on {path}");
    }
    // The same role and registry, another person.
    using(&clinician.clone().called("clinician-2"), "patients", &cursor).problem(400, "invalid_cursor");

    let sealed = decoded(&cursor);
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        using(&clinician, "patients", &encoded(changed)).problem(400, "invalid_cursor");
    }
    for length in [0, 1, 12, 13, 28, sealed.len() - 1] {
        using(&clinician, "patients", &encoded(&sealed[..length])).problem(400, "invalid_cursor");
    }
    using(&clinician, "patients", &encoded([sealed.clone(), vec![0]].concat())).problem(400, "invalid_cursor");
    // The cursor does not show its position.
    assert!(!String::from_utf8_lossy(&sealed).contains("patients"));
    // The same page requested twice has two different cursors: they do not reveal their position.
    assert_ne!(cursor_of(&clinician, "patients?limit=2"), cursor);
}

#[test]
fn cursor_survives_a_new_token_and_does_not_widen_a_role() {
    let world = World::new();
    registered(&world, 3);
    world.alpha().secretary().of_unit("ward").registers(&world.person());
    let clinician = world.alpha().clinician();
    let first = clinician.lists_patients("?limit=2").expect(200);
    crate::kit::advance(&world, 2 * 3600);
    let rest = clinician.lists_patients(&format!("?cursor={}", first.text_at("/next_cursor"))).expect(200);
    assert_eq!(rest.items().len(), 1, "a fresh token of the same person");
    // The same person, now of another unit: the cursor is a place, not a right.
    let moved = clinician.clone().of_unit("ward");
    let seen = moved.lists_patients(&format!("?cursor={}", first.text_at("/next_cursor"))).expect(200);
    assert!(seen.items().iter().all(|item| item["unit"] == "ward"));
}

#[test]
fn query_parameters_are_known_and_within_bounds() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let manager = world.alpha().manager();
    let operator = world.operator();
    let lists: Vec<(&Actor<'_>, String)> = vec![
        (&clinician, clinician.at("patients")),
        (&clinician, clinician.at(&format!("patients/{}/submissions", patient.id))),
        (&clinician, clinician.at("forms")),
        (&manager, manager.at(&format!("patients/{}/access-log", patient.id))),
        (&operator, "/v1/tenants".to_owned()),
    ];
    for (actor, path) in &lists {
        for good in ["limit=1", "limit=200", "", "&", "limit=%31"] {
            assert_eq!(actor.get(&format!("{path}?{good}")).status, 200, "{path}?{good}");
        }
        for bad in [
            "limit=0",
            "limit=201",
            "limit=-1",
            "limit=abc",
            "limit=",
            "limit=1.5",
            "limit=99999999999999999999",
            "limit=1&limit=2",
            "limit=0x10",
            "limit",
            "Limit=1",
            "surprise=1",
            "offset=1",
            "limit=1&page=2",
            "tenant=beta",
            "cursor[]=1",
        ] {
            let answer = actor.get(&format!("{path}?{bad}"));
            assert_eq!((answer.status, answer.code()), (400, "invalid_parameter"), "{path}?{bad}");
        }
        actor.get(&format!("{path}?limit=0")).fault(400, "/query/limit", "out_of_range");
    }
}

#[test]
fn link_header_survives_raw_bytes_in_the_query() {
    let world = World::new();
    for _ in 0..2 {
        world.alpha().secretary().of_unit("ø").registers(&world.person());
    }
    let manager = world.alpha().manager();
    let authorization = bearer(&manager);
    // Not percent-encoded, as a careless client sends it: accepted or refused, never an internal error.
    let answer = call(
        world.address,
        "GET",
        "/v1/tenants/alpha/patients?limit=1&unit=ø",
        &[("Authorization", authorization.as_str())],
        None,
    );
    assert!(answer.status == 200 || answer.status == 400, "{}: {}", answer.status, answer.text());
    if answer.status == 200 {
        let link = answer.header("link");
        assert!(link.starts_with("</v1/tenants/alpha/patients?limit=1&unit=%C3%B8&cursor="), "{link}");
    }
}
