//! The timeline: each line is what the operation shows that reads it alone.

use std::collections::BTreeSet;

use painreg_domain::clinical::EntryKind;
use painreg_domain::policy::Role;
use serde_json::json;
use strum::IntoEnumIterator as _;

use crate::scene::Scene;

#[test]
fn timeline_shows_every_line_as_its_own_operation_does() {
    let scene = Scene::new();
    let objects = &scene.alpha;
    let clinician = scene.actor("alpha", Role::Clinician, objects);
    let record = clinician.at(&format!("patients/{}", objects.patient));
    let answers =
        painreg_tests::submission(&objects.patient, "timeline", &json!({"isi_01": 2, "expectations": "Gå tur"}));
    clinician.post(&clinician.at("submissions"), &answers).expect(201);
    let lines = clinician.get(&format!("{record}/timeline")).expect(200);
    let mut seen = BTreeSet::new();
    for line in lines.items() {
        let (kind, id) = (line["kind"].as_str().expect("a kind"), line["id"].as_str().expect("an id"));
        let path = match kind.parse::<EntryKind>() {
            Ok(kind) => format!("{record}/{}/{id}", kind.row().path),
            Err(_) => clinician.at(&format!("submissions/{id}")),
        };
        let alone = clinician.get(&path).expect(200);
        assert_eq!(line["entry"], alone.body, "{kind}");
        assert_eq!(format!("\"v{}\"", line["version"]), alone.header("etag"), "{kind}");
        seen.insert(kind.to_owned());
    }
    let all = EntryKind::iter().map(|kind| kind.to_string()).chain(["submission".to_owned()]);
    assert_eq!(seen, all.collect());
}
