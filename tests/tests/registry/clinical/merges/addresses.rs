//! Reads through the id of a merged patient name the survivor's address.

use painreg_tests::Patient;
use serde_json::{Value, json};

use crate::scene::{Objects, Scene};

#[test]
fn every_read_through_a_merged_id_names_the_address_of_the_survivor() {
    let scene = Scene::new();
    let manager = scene.world.alpha().manager();
    let patient = |objects: &Objects| Patient {
        id: objects.patient.clone(),
        tenant: objects.tenant.clone(),
        body: Value::Null,
        person: objects.person.clone(),
    };
    let duplicate = scene.another();
    manager.merges(&patient(&scene.alpha), &patient(&duplicate)).expect(201);
    let mut read = 0;
    for operation in scene.document.protected() {
        if operation.method != "GET" || !operation.takes("path", "patient") {
            continue;
        }
        let actor = scene.permitted_actor(operation);
        let request = scene.prepare(operation, &actor, &scene.alpha);
        let own = actor.get(&request.path).expect(200);
        assert_eq!(own.header("content-location"), "", "{}: its own address", operation.id);
        let other = request.path.replace(&scene.alpha.patient, &duplicate.patient);
        assert_ne!(other, request.path, "{}", operation.id);
        let answer = actor.get(&other).expect(200);
        assert_eq!(answer.header("content-location"), request.path, "{}", operation.id);
        let queried = actor.get(&format!("{other}?lang=nb"));
        if queried.status == 200 {
            assert_eq!(queried.header("content-location"), format!("{}?lang=nb", request.path), "{}", operation.id);
        }
        assert!(
            operation.json.pointer("/responses/200/headers/Content-Location").is_some(),
            "{}: the header is documented",
            operation.id
        );
        read += 1;
    }
    assert!(read > 20, "{read} reads only");
    // Refusals and writes name none.
    let read = |path: &str| manager.get(&manager.at(&format!("patients/{}/{path}", duplicate.patient)));
    assert_eq!(read("medications?limit=0").header("content-location"), "");
    let changed = manager.patch(&manager.at(&format!("patients/{}", duplicate.patient)), 2, &json!({"language": "en"}));
    assert_eq!((changed.status, changed.header("content-location")), (200, ""));
}
