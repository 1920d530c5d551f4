use std::collections::BTreeMap;

use jiff::civil::date;
use proptest::prelude::*;
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use super::*;

const DAY: Date = date(2026, 11, 22);
const TEMPLATE: &str = include_str!("../../../tenants/templates/opr/code-lists.toml");

/// An object with some members replaced.
fn with(whole: Value, members: Value) -> Value {
    let (Value::Object(mut whole), Value::Object(members)) = (whole, members) else { panic!("no objects") };
    whole.extend(members);
    Value::Object(whole)
}

fn listed(code: &str, members: Value) -> Listed {
    let whole = json!({"code": code, "nb": format!("{code} på norsk"), "en": "in English"});
    serde_json::from_value(with(whole, members)).expect("a code")
}

fn lists(codes: Vec<(List, Listed)>) -> CodeLists {
    CodeLists::new(codes, Vec::new())
}

/// Pointers and codes: `/nb too_long, /en invalid_format`.
fn told(faults: &[Fault]) -> String {
    let told = faults.iter().map(|fault| {
        let code: &'static str = fault.code.into();
        format!("{} {code}", fault.pointer)
    });
    told.collect::<Vec<_>>().join(", ")
}

#[test]
fn template_lists_are_complete_and_without_faults() {
    let template = CodeLists::from_toml(TEMPLATE).unwrap_or_else(|error| panic!("{error}"));
    let names: Vec<List> = template.all().iter().map(|(list, _)| *list).collect();
    assert_eq!(names, List::iter().collect::<Vec<_>>());
    for (list, codes) in template.all() {
        assert!(!codes.is_empty(), "{list:?}");
        for (at, code) in codes.iter().enumerate() {
            assert_eq!(told(&code.faults()), "", "{list:?} {}", code.code);
            assert!(!codes[..at].iter().any(|other| other.code == code.code), "{list:?} {}", code.code);
            assert_eq!(template.find(*list, &code.code), Some(code));
            assert!(template.check(*list, &code.code, DAY).is_ok());
        }
    }
    // CodeListFlags stand only where rules read them.
    let flagged = |list| template.of(list).iter().any(|code| code.flags != CodeListFlags::default());
    let with_flags: Vec<List> = List::iter().filter(|list| flagged(*list)).collect();
    assert_eq!(with_flags, [List::TreatmentRight, List::ProcedureGroup]);
    assert!(template.of(List::ProcedureGroup).iter().all(|code| !code.flags.codes.is_empty()));
    assert!(CodeLists::default().of(List::Unit).is_empty());
}

#[test]
fn from_toml_refuses_unknown_members() {
    let code = "{ code = \"a\", nb = \"A\", en = \"A\" }";
    assert!(CodeLists::from_toml(&format!("[[lists]]\nlist = \"unit\"\ncodes = [{code}]")).is_ok());
    for wrong in [
        String::new(),
        format!("[[lists]]\nlist = \"units\"\ncodes = [{code}]"),
        format!("[[lists]]\nlist = \"unit\"\ncode = [{code}]"),
        format!("[[lists]]\nlist = \"unit\"\ncodes = [{code}]\norder = 1"),
        format!("more = 1\n[[lists]]\nlist = \"unit\"\ncodes = [{code}]"),
        "[[lists]]\nlist = \"unit\"\ncodes = [{ code = \"a\", nb = \"A\" }]".to_owned(),
        "[[lists]]\nlist = \"unit\"\ncodes = [{ code = \"a\", nb = \"A\", en = \"A\", flag = 1 }]".to_owned(),
        "[[lists]]\nlist = \"unit\"\ncodes = [{ code = \"a\", nb = \"A\", en = \"A\", flags = { x = 1 } }]".to_owned(),
    ] {
        assert!(CodeLists::from_toml(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn check_accepts_codes_from_first_to_last_day() {
    let period = json!({"valid_from": "2020-01-01", "valid_to": "2022-12-31"});
    let (first, last) = (date(2020, 1, 1), date(2022, 12, 31));
    let lists = lists(vec![
        (List::Unit, listed("was", period)),
        (List::GoalCategory, listed("other", json!({}))),
        (List::Unit, listed("is", json!({"valid_from": "2023-01-01"}))),
        (List::Unit, listed("always", json!({}))),
    ]);
    assert_eq!(lists.of(List::Unit).iter().map(|it| it.code.as_str()).collect::<Vec<_>>(), ["was", "is", "always"]);
    assert!(lists.find(List::Unit, "other").is_none() && lists.find(List::GoalCategory, "other").is_some());
    let refused = |list, code: &str, on| {
        lists.check(list, code, on).err().map(|refused| {
            let fault = refused.at("unit");
            assert_eq!(fault.pointer, "/unit");
            assert!(fault.suggestions.iter().all(|near| near.title == format!("{} på norsk", near.code)));
            (fault.code, fault.suggestions.into_iter().map(|near| near.code).collect::<Vec<_>>())
        })
    };
    let refusal = |code, near: &[&str]| Some((code, near.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()));
    let day = |day: Date, span: i8| if span < 0 { day.yesterday() } else { day.tomorrow() }.expect("a day");
    for (code, on, expected) in [
        ("was", first, None),
        ("was", last, None),
        ("was", day(first, -1), refusal(FaultCode::ExpiredCode, &["always"])),
        ("was", day(last, 1), refusal(FaultCode::ExpiredCode, &["is", "always"])),
        ("is", last, refusal(FaultCode::ExpiredCode, &["was", "always"])),
        ("is", day(last, 1), None),
        ("always", date(1900, 1, 1), None),
        ("always", DAY, None),
        ("other", DAY, refusal(FaultCode::UnknownCode, &["is", "always"])),
        ("Is", DAY, refusal(FaultCode::UnknownCode, &["is", "always"])),
        ("is ", DAY, refusal(FaultCode::UnknownCode, &["is", "always"])),
        ("", DAY, refusal(FaultCode::UnknownCode, &["is", "always"])),
    ] {
        assert_eq!(refused(List::Unit, code, on), expected, "{code} on {on}");
    }
    assert_eq!(refused(List::SampleType, "serum", DAY), refusal(FaultCode::UnknownCode, &[]));
}

#[test]
fn check_suggests_at_most_five_codes() {
    let many = (0..20).map(|number| (List::Unit, listed(&format!("unit_{number:02}"), json!({})))).collect();
    let refused = lists(many).check(List::Unit, "none", DAY).expect_err("none").at("unit");
    let near: Vec<String> = refused.suggestions.into_iter().map(|near| near.code).collect();
    assert_eq!(near, ["unit_00", "unit_01", "unit_02", "unit_03", "unit_04"]);
}

fn group(code: &str, prefixes: &[&str]) -> (List, Listed) {
    (List::ProcedureGroup, listed(code, json!({"flags": {"codes": prefixes}})))
}

#[test]
fn procedure_group_prefers_the_longest_prefix() {
    let ended = json!({"valid_to": "2020-12-31", "flags": {"codes": ["ZDRF01"]}});
    let lists = lists(vec![
        (List::ProcedureGroup, listed("old", ended)),
        group("broad", &["ZD"]),
        group("rf", &["ZX", "ZDRF", "ZDR"]),
        group("same", &["ZDRF"]),
        group("one", &["ZDRF02"]),
        group("lower", &["aag"]),
        group("none", &[]),
        (List::GoalCategory, listed("no_group", json!({"flags": {"codes": ["ZDRF03"]}}))),
    ]);
    for (code, on, expected) in [
        ("ZDRF01", DAY, Some("rf")),
        ("ZDRF01", date(2020, 12, 31), Some("old")),
        ("ZDRF02", DAY, Some("one")),
        ("ZDRF03", DAY, Some("rf")),
        ("ZDR", DAY, Some("rf")),
        ("ZDNB01", DAY, Some("broad")),
        ("Z", DAY, None),
        ("AAG16", DAY, Some("lower")),
        ("XZDRF", DAY, None),
        ("", DAY, None),
        ("ÅÅÅ", DAY, None),
    ] {
        assert_eq!(lists.procedure_group(code, on), expected, "{code} on {on}");
    }
}

proptest! {
    #[test]
    fn procedure_group_prefers_the_first_of_equal_prefixes(
        groups in proptest::collection::vec(proptest::collection::vec("[AB]{1,4}", 0..4), 0..6), code in "[AB]{0,5}",
    ) {
        let name = |at: usize| format!("group_{at}");
        let named = groups.iter().enumerate().map(|(at, prefixes)| {
            let prefixes: Vec<&str> = prefixes.iter().map(String::as_str).collect();
            group(&name(at), &prefixes)
        });
        let mut best: Option<(usize, usize)> = None;
        for (at, prefixes) in groups.iter().enumerate() {
            for length in prefixes.iter().filter(|prefix| code.starts_with(prefix.as_str())).map(String::len) {
                if best.is_none_or(|(longest, _)| length > longest) {
                    best = Some((length, at));
                }
            }
        }
        let lists = lists(named.collect());
        prop_assert_eq!(lists.procedure_group(&code, DAY).map(str::to_owned), best.map(|(_, at)| name(at)));
    }
}

#[test]
fn faults_name_every_fault_of_a_code() {
    let codes = |codes: Value| json!({"flags": {"codes": codes}});
    for (code, members, faults) in [
        ("a", json!({}), ""),
        ("right_granted_2", json!({}), ""),
        ("", json!({}), "/code invalid_format"),
        ("A", json!({}), "/code invalid_format"),
        ("a-b", json!({}), "/code invalid_format"),
        ("a b", json!({}), "/code invalid_format"),
        ("a ", json!({}), "/code invalid_format"),
        ("å", json!({}), "/code invalid_format"),
        ("a", json!({"nb": " "}), "/nb invalid_format"),
        ("a", json!({"nb": "æ".repeat(200)}), ""),
        ("a", json!({"en": "x".repeat(201)}), "/en too_long"),
        ("a", json!({"valid_from": "2020-01-01", "valid_to": "2020-01-01"}), ""),
        ("a", json!({"valid_from": "2020-01-02", "valid_to": "2020-01-01"}), "/valid_to wrong_order"),
        ("a", json!({"valid_from": "1899-12-31"}), "/valid_from invalid_date"),
        ("a", json!({"valid_to": "1899-12-31"}), "/valid_to invalid_date"),
        ("a", codes(json!(["AAG16", "aag", "Z"])), ""),
        ("a", codes(json!(vec!["A"; 200])), ""),
        ("a", codes(json!(vec!["A"; 201])), "/flags/codes too_long"),
        (
            "a",
            codes(json!(["A", "", "A G", "Å"])),
            "/flags/codes/1 invalid_format, /flags/codes/2 invalid_format, \
            /flags/codes/3 invalid_format",
        ),
        ("a", codes(json!(["ABCDEFGHIJKL", "ABCDEFGHIJKLM"])), "/flags/codes/1 invalid_format"),
    ] {
        assert_eq!(told(&listed(code, members.clone()).faults()), faults, "{code} {members}");
    }
    assert_eq!(told(&listed(&"x".repeat(40), json!({})).faults()), "");
    assert_eq!(told(&listed(&"x".repeat(41), json!({})).faults()), "/code invalid_format");
}

fn project(members: Value) -> Project {
    let whole = json!({"code": "opioid-taper", "title": "Nedtrapping", "kind": "quality", "approval": "REK 1",
        "starts_on": "2024-01-01", "ends_on": "2026-12-31"});
    serde_json::from_value(with(whole, members)).expect("a project")
}

#[test]
fn faults_name_every_fault_of_a_project() {
    let field = |members: Value| {
        let whole = with(json!({"code": "grip", "kind": "integer"}), members);
        json!({"fields": [{"code": "arm", "kind": "option", "options": ["a", "b"]}, whole]})
    };
    let options = |options: Value| field(json!({"kind": "option", "options": options}));
    let texts = |many: usize| (0..many).map(|number| format!("option {number}")).collect::<Value>();
    let fields = |many: usize| (0..many).map(|number| json!({"code": format!("f{number}"), "kind": "boolean"}));
    for (members, faults) in [
        (json!({}), ""),
        (json!({"approval": null, "ends_on": null}), ""),
        (json!({"code": "a_b-2"}), ""),
        (json!({"code": "a"}), "/code invalid_format"),
        (json!({"code": "Ab"}), "/code invalid_format"),
        (json!({"code": "a b"}), "/code invalid_format"),
        (json!({"code": "x".repeat(41)}), "/code invalid_format"),
        (json!({"title": ""}), "/title invalid_format"),
        (json!({"title": "æ".repeat(300)}), ""),
        (json!({"title": "æ".repeat(301)}), "/title too_long"),
        (json!({"approval": " "}), "/approval invalid_format"),
        (json!({"approval": "x".repeat(101)}), "/approval too_long"),
        (json!({"starts_on": "1899-12-31"}), "/starts_on invalid_date"),
        (json!({"ends_on": "2024-01-01"}), ""),
        (json!({"ends_on": "2023-12-31"}), "/ends_on wrong_order"),
        (json!({"fields": fields(50).collect::<Vec<_>>()}), ""),
        (json!({"fields": fields(51).collect::<Vec<_>>()}), "/fields too_long"),
        (field(json!({})), ""),
        (field(json!({"code": "arm"})), "/fields/1/code already_exists"),
        (field(json!({"code": ""})), "/fields/1/code invalid_format"),
        (field(json!({"code": "a-b"})), "/fields/1/code invalid_format"),
        (field(json!({"options": ["a"]})), "/fields/1/options contradiction"),
        (field(json!({"kind": "option"})), "/fields/1/options required"),
        (options(texts(50)), ""),
        (options(texts(51)), "/fields/1/options too_long"),
        (options(json!(["å".repeat(40)])), ""),
        (
            options(json!(["ja", "", " nei", "x".repeat(41), "ja"])),
            "/fields/1/options/1 invalid_format, \
            /fields/1/options/2 invalid_format, /fields/1/options/3 too_long, /fields/1/options/4 already_exists",
        ),
    ] {
        assert_eq!(told(&project(members.clone()).faults()), faults, "{members}");
    }
}

#[test]
fn faults_of_values_follow_the_kind_of_field() {
    for (kind, right, wrong) in [
        (
            "integer",
            vec![json!(0), json!(-3), json!(i64::MAX), json!(i64::MIN)],
            vec![
                (json!(1.0), "wrong_type"),
                (json!(1.5), "wrong_type"),
                (json!(u64::MAX), "wrong_type"),
                (json!("1"), "wrong_type"),
                (json!(true), "wrong_type"),
                (json!([1]), "wrong_type"),
            ],
        ),
        (
            "decimal",
            vec![json!(0), json!(-0.5), json!(1e300), json!(u64::MAX)],
            vec![(json!("0.5"), "wrong_type"), (json!("0,5"), "wrong_type"), (json!({}), "wrong_type")],
        ),
        (
            "date",
            vec![json!("2026-11-22"), json!("2024-02-29"), json!("0001-01-01")],
            vec![
                (json!("2025-02-29"), "invalid_date"),
                (json!("22.11.2026"), "invalid_date"),
                (json!("20261122"), "invalid_date"),
                (json!("2026-11-22T12:00:00"), "invalid_date"),
                (json!("2026-11-22T12:00:00+01:00[Europe/Oslo]"), "invalid_date"),
                (json!("2026-11-22 "), "invalid_date"),
                (json!("2026-W47-7"), "invalid_date"),
                (json!("today"), "invalid_date"),
                (json!(""), "invalid_date"),
                (json!(20_261_122), "wrong_type"),
            ],
        ),
        (
            "boolean",
            vec![json!(true), json!(false)],
            vec![(json!("true"), "wrong_type"), (json!(1), "wrong_type"), (json!(0), "wrong_type")],
        ),
        (
            "option",
            vec![json!("ja"), json!("vet ikke")],
            vec![
                (json!("Ja"), "unknown_option"),
                (json!("ja "), "unknown_option"),
                (json!(""), "unknown_option"),
                (json!(0), "wrong_type"),
                (json!(["ja"]), "wrong_type"),
            ],
        ),
    ] {
        let options = if kind == "option" { vec!["ja", "nei", "vet ikke"] } else { vec![] };
        let field = |required: bool| {
            project(json!({"fields": [{"code": "it", "kind": kind, "options": options, "required": required}]}))
        };
        let faults = |required: bool, value: Option<Value>| {
            let values = value.into_iter().map(|value| ("it".to_owned(), value)).collect();
            told(&field(required).faults_of(&values))
        };
        assert_eq!(field(true).faults(), [], "{kind}");
        for value in right {
            assert_eq!(faults(true, Some(value.clone())), "", "{kind} {value}");
        }
        for (value, code) in wrong {
            assert_eq!(faults(false, Some(value.clone())), format!("/it {code}"), "{kind} {value}");
        }
        for nothing in [None, Some(Value::Null)] {
            assert_eq!(faults(false, nothing.clone()), "", "{kind}");
            assert_eq!(faults(true, nothing), "/it required", "{kind}");
        }
    }
    let unknown = BTreeMap::from([("a/b".to_owned(), Value::Null), ("other".to_owned(), json!(1))]);
    assert_eq!(told(&project(json!({})).faults_of(&unknown)), "/a~1b unknown_item, /other unknown_item");
}

#[test]
fn project_is_found_by_code() {
    let lists = CodeLists::new([], vec![project(json!({})), project(json!({"code": "audit"}))]);
    assert_eq!(lists.project("audit").map(|it| it.code.as_str()), Some("audit"));
    assert!(lists.project("Audit").is_none() && lists.project("").is_none() && lists.all().is_empty());
}

#[test]
fn faults_as_refuses_narrowed_fields() {
    let project = |fields: serde_json::Value, starts: &str| -> Project {
        let body =
            serde_json::json!({"code": "p1", "title": "P", "kind": "quality", "starts_on": starts, "fields": fields});
        serde_json::from_value(body).expect("a project")
    };
    let before = project(
        serde_json::json!([{"code": "grip", "kind": "integer"},
            {"code": "hand", "kind": "option", "options": ["left", "right"], "required": true}]),
        "2020-01-01",
    );
    let faults = |fields: serde_json::Value, starts: &str| -> Vec<String> {
        let next = project(fields, starts);
        before.faults_as(&next).into_iter().map(|fault| format!("{} {:?}", fault.pointer, fault.code)).collect()
    };
    let hand = serde_json::json!({"code": "hand", "kind": "option", "options": ["left", "right", "both"]});
    let grip = serde_json::json!({"code": "grip", "kind": "integer"});
    assert_eq!(faults(serde_json::json!([hand, grip, {"code": "new", "kind": "date"}]), "2019-01-01"), [""; 0]);
    assert_eq!(faults(serde_json::json!([hand]), "2020-01-01"), ["/fields InUse"]);
    assert_eq!(faults(serde_json::json!([hand, grip]), "2020-01-02"), ["/starts_on InUse"]);
    let changed = serde_json::json!([{"code": "grip", "kind": "decimal", "required": true},
        {"code": "hand", "kind": "option", "options": ["left"]}, {"code": "new", "kind": "date", "required": true}]);
    assert_eq!(
        faults(changed, "2020-01-01"),
        ["/fields/0/kind InUse", "/fields/0/required InUse", "/fields/1/options InUse", "/fields/2/required InUse"]
    );
}
