//! Wording, all of it invented.

use super::*;

fn whole(code: &str) -> Value {
    let items = instrument(code).items().iter().map(|item| (item.code().to_owned(), json!({"text": "Invented?"})));
    json!({"source": "invented.docx", "items": items.collect::<serde_json::Map<_, _>>()})
}

fn faults(code: &str, wording: &Value) -> Vec<String> {
    let wording: Wording = serde_json::from_value(wording.clone()).expect("a wording");
    let told = |fault: &Fault| format!("{} {}", fault.pointer, <&str>::from(fault.code));
    wording.faults(instrument(code)).iter().map(told).collect()
}

#[test]
fn wording_requires_exactly_the_items_of_the_instrument() {
    for instrument in Catalogue::shipped().iter() {
        assert_eq!(faults(instrument.code(), &whole(instrument.code())), [""; 0], "{}", instrument.code());
    }
    let mut wrong = whole("isi");
    let items = wording_items(&mut wrong);
    items.remove("isi_03");
    items.insert("isi_08".to_owned(), json!({"text": "Invented?"}));
    items["isi_01"]["text"] = json!(" ");
    items["isi_02"]["text"] = json!("x".repeat(2001));
    assert_eq!(
        faults("isi", &wrong),
        [
            "/items/isi_01/text required",
            "/items/isi_02/text too_long",
            "/items/isi_03 required",
            "/items/isi_08 unknown_item"
        ]
    );
    assert_eq!(faults("pgic", &whole("isi")).len(), 8);
}

#[test]
fn wording_refuses_labels_of_impossible_answers() {
    let mut wording = whole("isi");
    wording_items(&mut wording)["isi_01"]["responses"] = json!({"0": "Least", "4": "Most"});
    assert_eq!(faults("isi", &wording), [""; 0]);
    wording_items(&mut wording)["isi_01"]["responses"] =
        json!({"5": "x", "-1": "x", "00": "x", "+1": "x", "a": "x", "1": " ", "2": "x".repeat(501)});
    let expected = [
        "+1 invalid_format",
        "-1 out_of_range",
        "00 invalid_format",
        "1 required",
        "2 too_long",
        "5 out_of_range",
        "a invalid_format",
    ];
    assert_eq!(faults("isi", &wording), expected.map(|told| format!("/items/isi_01/responses/{told}")));
}

#[test]
fn wording_names_its_source() {
    let mut wording = whole("pgic");
    wording["source"] = json!("");
    wording["instructions"] = json!("x".repeat(4001));
    assert_eq!(faults("pgic", &wording), ["/instructions too_long", "/source required"]);
    wording["source"] = json!("x".repeat(201));
    wording["instructions"] = json!("Invented.");
    assert_eq!(faults("pgic", &wording), ["/source too_long"]);
}

fn wording_items(wording: &mut Value) -> &mut serde_json::Map<String, Value> {
    wording["items"].as_object_mut().expect("items")
}
