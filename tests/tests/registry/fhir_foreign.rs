//! FHIR resources as other systems write them: harmless elements are accepted and listed, modifiers are refused.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use painreg_tests::{Actor, Patient, World};
use serde_json::{Map, Value, json};

use crate::examples::response;
use crate::kit::AnswerAssertions as _;

const ELSEWHERE: &str = "https://elsewhere.example/x";

/// Returns every element of FHIR R4 types with a value, by an independent implementation.
fn elements(kinds: &[&str]) -> BTreeMap<String, Map<String, Value>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = root.join(".painreg/fhir/bin/python");
    assert!(python.exists(), "the FHIR validator is not installed: start the tests with `make test`");
    let script = root.join("tests/tests/registry/fhir_elements.py");
    let listed = Command::new(python).arg(script).args(kinds).output().expect("a list");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    serde_json::from_slice(&listed.stdout).expect("JSON")
}

/// Returns the path and the number of each ignored element.
fn ignored(body: &Value) -> BTreeMap<String, u64> {
    let listed = body["ignored"].as_array().expect("a list").iter();
    listed
        .map(|it| (it["element"].as_str().unwrap_or_default().to_owned(), it["count"].as_u64().unwrap_or(0)))
        .collect()
}

/// Where elements of a type are in a resource, and their path in FHIR.
type Place = (&'static str, &'static str, &'static str);

/// Sends `resource` with every element that R4 has: those that it has not itself and that are not among `refused` must be
/// accepted and listed, and each of `refused` must be a fault at its place.
fn every_element_is_accepted_or_refused(
    places: &[Place],
    refused: &[&str],
    resource: &Value,
    send: impl Fn(&Value, usize) -> painreg_tests::Answer,
) {
    let kinds: Vec<&str> = places.iter().map(|(kind, ..)| *kind).collect();
    let elements = elements(&kinds);
    let (mut full, mut listed, mut wrong) = (resource.clone(), Vec::new(), Vec::new());
    for (kind, path, pointer) in places {
        for (name, value) in &elements[*kind] {
            let known = &resource.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"))[name];
            let element = format!("{path}.{name}");
            if !known.is_null() {
                continue;
            }
            if refused.contains(&element.as_str()) {
                let mut changed = resource.clone();
                changed.pointer_mut(pointer).expect("there")[name] = value.clone();
                wrong.push((format!("{pointer}/{name}"), changed));
            } else {
                full.pointer_mut(pointer).expect("there")[name] = value.clone();
                listed.push(element);
            }
        }
    }
    let answer = send(&full, 0).expect(201);
    let found = ignored(&answer.body);
    // An extension beside a primitive that is read is listed as the primitive's.
    let missing: Vec<_> =
        listed.iter().filter(|it| !found.keys().any(|found| found.starts_with(it.as_str()))).collect();
    assert!(missing.is_empty(), "neither read nor listed: {missing:?}; {found:?}");
    assert_eq!(wrong.len(), refused.len(), "an element that is to be refused is not there");
    for (at, (pointer, changed)) in wrong.iter().enumerate() {
        let answer = send(changed, at + 1).expect(422);
        let faults = answer.faults();
        assert!(faults.iter().any(|(place, _)| place.starts_with(pointer)), "{pointer}: {faults:?}");
    }
}

#[test]
fn import_fhir_questionnaire_accepts_or_refuses_every_element() {
    let world = World::new();
    let manager = world.alpha().manager();
    let resource = json!({
        "resourceType": "Questionnaire", "language": "nb", "url": "https://elsewhere.example/sleep", "version": "1",
        "status": "active", "title": "Søvn", "subjectType": ["Patient"],
        "code": [{"system": "urn:painreg:wave", "code": "baseline"}],
        "item": [
            {"linkId": "tired", "type": "boolean", "text": "Trøtt"},
            {"linkId": "when", "type": "choice", "text": "Når", "required": true, "enableBehavior": "all",
             "answerOption": [{"valueCoding": {"code": "day", "display": "Dag"}}],
             "enableWhen": [{"question": "tired", "operator": "=", "answerBoolean": true},
                            {"question": "tired", "operator": "exists", "answerBoolean": true}],
             "item": [{"linkId": "help:when", "type": "display", "text": "Den siste uken", "extension": [
                {"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-itemControl", "valueCodeableConcept":
                    {"coding": [{"system": "http://hl7.org/fhir/questionnaire-item-control", "code": "help"}]}}]}]},
            {"linkId": "why", "type": "text", "text": "Hvorfor", "maxLength": 20}]
    });
    let places: [Place; 5] = [
        ("Questionnaire", "Questionnaire", ""),
        ("QuestionnaireItem", "Questionnaire.item", "/item/1"),
        ("QuestionnaireItemEnableWhen", "Questionnaire.item.enableWhen", "/item/1/enableWhen/0"),
        ("QuestionnaireItemAnswerOption", "Questionnaire.item.answerOption", "/item/1/answerOption/0"),
        ("Coding", "Questionnaire.item.answerOption.valueCoding", "/item/1/answerOption/0/valueCoding"),
    ];
    let refused = [
        "Questionnaire.implicitRules",
        "Questionnaire._implicitRules",
        "Questionnaire.modifierExtension",
        "Questionnaire.item.modifierExtension",
        "Questionnaire.item.repeats",
        "Questionnaire.item.readOnly",
        "Questionnaire.item.initial",
        "Questionnaire.item.answerValueSet",
        "Questionnaire.item.maxLength",
        "Questionnaire.item.enableWhen.modifierExtension",
        "Questionnaire.item.enableWhen.answerDecimal",
        "Questionnaire.item.enableWhen.answerInteger",
        "Questionnaire.item.enableWhen.answerDate",
        "Questionnaire.item.enableWhen.answerDateTime",
        "Questionnaire.item.enableWhen.answerTime",
        "Questionnaire.item.enableWhen.answerString",
        "Questionnaire.item.enableWhen.answerQuantity",
        "Questionnaire.item.enableWhen.answerReference",
        "Questionnaire.item.answerOption.modifierExtension",
        "Questionnaire.item.answerOption.valueInteger",
        "Questionnaire.item.answerOption.valueDate",
        "Questionnaire.item.answerOption.valueTime",
        "Questionnaire.item.answerOption.valueString",
        "Questionnaire.item.answerOption.valueReference",
        "Questionnaire.item.answerOption.initialSelected",
    ];
    every_element_is_accepted_or_refused(&places, &refused, &resource, |resource, _| {
        manager.post(&manager.at("fhir-questionnaires"), resource)
    });
}

/// A response to the short follow-up with everything that the registry reads.
fn full_response(world: &World, patient: &Patient, id: &str) -> Value {
    let base = format!("http://{}/v1/tenants/alpha/forms", world.address);
    let mut resource = response(&base, &patient.id, id);
    let reference = resource["subject"]["reference"].clone();
    resource["subject"]["type"] = json!("Patient");
    resource["source"] = json!({"reference": reference, "type": "Patient"});
    resource["identifier"]["use"] = json!("usual");
    let answer = json!({"valueInteger": 2, "item": [{"linkId": "note", "text": "Inside an answer"}]});
    resource["item"] = json!([{"linkId": "instrument:pgic", "item": [{"linkId": "pgic", "answer": [answer]}]}]);
    resource
}

#[test]
fn submit_fhir_response_accepts_or_refuses_every_element() {
    let world = World::new();
    let (importer, clinician) = (world.alpha().importer(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    let resource = full_response(&world, &patient, "r-0");
    let places: [Place; 5] = [
        ("QuestionnaireResponse", "QuestionnaireResponse", ""),
        ("QuestionnaireResponseItem", "QuestionnaireResponse.item", "/item/0"),
        ("QuestionnaireResponseItemAnswer", "QuestionnaireResponse.item.answer", "/item/0/item/0/answer/0"),
        ("Identifier", "QuestionnaireResponse.identifier", "/identifier"),
        ("Reference", "QuestionnaireResponse.subject", "/subject"),
    ];
    let refused = [
        "QuestionnaireResponse.implicitRules",
        "QuestionnaireResponse._implicitRules",
        "QuestionnaireResponse.modifierExtension",
        "QuestionnaireResponse.item.modifierExtension",
        // No answer of a group.
        "QuestionnaireResponse.item.answer",
        "QuestionnaireResponse.item.answer.modifierExtension",
        "QuestionnaireResponse.item.answer.valueBoolean",
        "QuestionnaireResponse.item.answer.valueDecimal",
        "QuestionnaireResponse.item.answer.valueDate",
        "QuestionnaireResponse.item.answer.valueDateTime",
        "QuestionnaireResponse.item.answer.valueTime",
        "QuestionnaireResponse.item.answer.valueString",
        "QuestionnaireResponse.item.answer.valueUri",
        "QuestionnaireResponse.item.answer.valueAttachment",
        "QuestionnaireResponse.item.answer.valueCoding",
        "QuestionnaireResponse.item.answer.valueQuantity",
        "QuestionnaireResponse.item.answer.valueReference",
    ];
    every_element_is_accepted_or_refused(&places, &refused, &resource, |resource, at| {
        let mut resource = resource.clone();
        resource["identifier"]["value"] = json!(format!("r-{at}"));
        importer.post(&importer.at("fhir-questionnaire-responses"), &resource)
    });
}

#[test]
fn submit_fhir_response_refuses_what_changes_the_meaning() {
    let world = World::new();
    let (importer, clinician) = (world.alpha().importer(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    let good = full_response(&world, &patient, "r-1");
    let sends = |change: &dyn Fn(&mut Value)| {
        let mut resource = good.clone();
        change(&mut resource);
        importer.post(&importer.at("fhir-questionnaire-responses"), &resource)
    };
    let modifier = json!([{"url": ELSEWHERE, "valueBoolean": true}]);
    for place in ["", "/item/0", "/item/0/item/0", "/item/0/item/0/answer/0", "/subject"] {
        let answer = sends(&|it| it.pointer_mut(place).expect("there")["modifierExtension"] = modifier.clone());
        answer.fault(422, &format!("{place}/modifierExtension"), "unknown_modifier");
    }
    let contained = json!([{"resourceType": "Patient", "modifierExtension": modifier}]);
    sends(&|it| it["contained"] = contained.clone()).fault(422, "/contained/0/modifierExtension", "unknown_modifier");
    sends(&|it| it["implicitRules"] = json!(ELSEWHERE)).fault(422, "/implicitRules", "unknown_modifier");
    sends(&|it| it["identifier"]["use"] = json!("old")).fault(422, "/identifier/use", "unknown_option");
    sends(&|it| it["subject"]["type"] = json!("Group")).fault(422, "/subject/type", "contradiction");
    sends(&|it| it["subject"] = json!({"display": "Somebody"})).fault(422, "/subject/reference", "required");
    let other = json!({"reference": format!("Patient/{}", world.clock.random_id())});
    sends(&|it| it["source"] = other.clone()).fault(422, "/source/reference", "contradiction");
    let staff = json!({"reference": "Practitioner/1"});
    sends(&|it| it["source"] = staff.clone()).fault(422, "/source/reference", "unknown_option");
    sends(&|it| it["source"] = json!({"type": "Device"})).fault(422, "/source/type", "unknown_option");
    sends(&|it| it["source"] = json!({"reference": "#contained"})).fault(422, "/source/reference", "unknown_option");
    for incomplete in ["2026", "2026-01", "2026-01-02", "2026-01-02T10:00:00"] {
        sends(&|it| it["authored"] = json!(incomplete)).fault(422, "/authored", "invalid_format");
    }
    sends(&|it| it["source"] = json!({"reference": "RelatedPerson/1"})).expect(201);
}

#[test]
fn fhir_resources_may_be_larger_than_other_bodies() {
    let world = World::new();
    let (importer, manager, clinician) = (world.alpha().importer(), world.alpha().manager(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    let of = |bytes: usize| json!({"status": "generated", "div": "x".repeat(bytes)});
    let mut questionnaire = json!({"resourceType": "Questionnaire", "url": "https://elsewhere.example/sleep", "version": "1",
        "status": "draft", "title": "Søvn", "item": [{"linkId": "hours", "type": "integer", "text": "Timer"}]});
    let mut answers = full_response(&world, &patient, "r-1");
    let sends = |actor: &Actor<'_>, path: &str, resource: &Value| actor.post(&actor.at(path), resource);
    for (bytes, status) in [(1_900_000, 201), (2_100_000, 413)] {
        questionnaire["text"] = of(bytes);
        answers["text"] = of(bytes);
        sends(&manager, "fhir-questionnaires", &questionnaire).expect(status);
        sends(&importer, "fhir-questionnaire-responses", &answers).expect(status);
    }
}
