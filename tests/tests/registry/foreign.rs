//! Foreign objects: the answer is byte for byte the one for an id that never existed.

use painreg_domain::policy::{self, Reach, Role};
use painreg_tests::{Actor, Answer};

use crate::document::Operation;
use crate::scene::{Objects, Prepared, Scene, may, roles};

/// Returns status, headers and body without members that depend on the time.
fn shown(answer: &Answer) -> (u16, Vec<(String, Vec<u8>)>, String) {
    let mut headers: Vec<(String, Vec<u8>)> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "ratelimit"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    headers.sort();
    (answer.status, headers, answer.text())
}

struct Comparison<'s> {
    scene: &'s Scene,
    wrong: Vec<String>,
    compared: usize,
}

impl Comparison<'_> {
    fn same(&mut self, what: &str, operation: &Operation, actor: &Actor<'_>, foreign: Prepared, never: Prepared) {
        let id = format!("compared-{}", self.scene.next());
        let foreign = foreign.with("x-request-id", &id).send(actor);
        let never = never.with("x-request-id", &id).send(actor);
        self.compared += 1;
        let role = actor.claims.role;
        if (never.status, never.code()) != (404, "not_found") {
            self.wrong.push(format!(
                "{what} {role} {}: what never was: {} {}",
                operation.id,
                never.status,
                never.text()
            ));
        }
        if shown(&foreign) != shown(&never) {
            self.wrong.push(format!("{what} {role} {}:\n  {:?}\n  {:?}", operation.id, shown(&foreign), shown(&never)));
        }
        self.wrong.extend(self.scene.document.faults(operation, &foreign));
    }

    fn about(&mut self, what: &str, operation: &Operation, actor: &Actor<'_>, foreign: &Objects) {
        let nothing = self.scene.nothing();
        let foreign = self.scene.prepare(operation, actor, foreign);
        let never = self.scene.prepare(operation, actor, &nothing);
        if foreign.refers {
            self.same(what, operation, actor, foreign, never);
        }
    }

    fn done(self, at_least: usize) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        assert!(self.compared >= at_least, "only {} comparisons", self.compared);
    }
}

#[test]
fn another_registrys_object_is_404_as_one_that_never_existed() {
    let scene = Scene::new();
    let mut comparison = Comparison { scene: &scene, wrong: Vec::new(), compared: 0 };
    for operation in scene.document.protected() {
        for role in roles().filter(|role| may(*role, operation) && *role != Role::Operator) {
            comparison.about("alpha's object", operation, &scene.actor("beta", role, &scene.beta), &scene.alpha);
        }
    }
    comparison.done(15);
}

#[test]
fn another_registrys_path_is_404_as_one_that_never_existed() {
    let scene = Scene::new();
    let mut comparison = Comparison { scene: &scene, wrong: Vec::new(), compared: 0 };
    for operation in scene.document.protected().filter(|operation| operation.takes("path", "tenant")) {
        for role in roles().filter(|role| *role != Role::Operator) {
            let beta = scene.actor("beta", role, &scene.beta);
            let at = |slug: &str, objects: &Objects| {
                let mut request = scene.prepare(operation, &beta, objects);
                request.path = request.path.replacen("/v1/tenants/beta", &format!("/v1/tenants/{slug}"), 1);
                request
            };
            // The actor of beta requests both registries' objects through alpha's path, and objects that never existed
            // through a path that does not: the answers are equal.
            let nothing = scene.nothing();
            comparison.same("alpha's path", operation, &beta, at("alpha", &scene.alpha), at("nowhere", &nothing));
            comparison.same("alpha's path", operation, &beta, at("alpha", &scene.beta), at("nowhere", &nothing));
        }
    }
    comparison.done(200);
}

#[test]
fn another_units_patient_is_404_as_one_that_never_existed() {
    let scene = Scene::new();
    let mut comparison = Comparison { scene: &scene, wrong: Vec::new(), compared: 0 };
    for operation in scene.document.protected() {
        for role in roles().filter(|role| policy::reach(*role, operation.right()) == Reach::Unit) {
            for elsewhere in ["elsewhere", "Clinic", ""] {
                let actor = scene.actor("alpha", role, &scene.alpha).of_unit(elsewhere);
                comparison.about("another unit's", operation, &actor, &scene.alpha);
            }
            let nowhere = scene.actor("alpha", role, &scene.alpha).changed(|claims| claims.unit = None);
            comparison.about("no unit's", operation, &nowhere, &scene.alpha);
        }
    }
    comparison.done(12);
}

#[test]
fn another_patients_record_is_404_as_one_that_never_existed() {
    let scene = Scene::new();
    let other = scene.another();
    let mut comparison = Comparison { scene: &scene, wrong: Vec::new(), compared: 0 };
    for operation in scene.document.protected() {
        if policy::reach(Role::Patient, operation.right()) != Reach::Own {
            continue;
        }
        comparison.about("another's", operation, &scene.actor("alpha", Role::Patient, &scene.alpha), &other);
        // A token without a patient, of another registry's patient or of an unknown person reads nothing.
        let patient = scene.actor("alpha", Role::Patient, &scene.alpha);
        comparison.about("nobody's", operation, &patient.clone().changed(|claims| claims.patient = None), &other);
        let stranger = scene.actor("alpha", Role::Patient, &scene.beta);
        comparison.about("beta's", operation, &stranger, &other);
        let by_number = patient.changed(|claims| {
            claims.patient = None;
            claims.national_id = Some(scene.beta.person.national_id.clone());
        });
        comparison.about("by number", operation, &by_number, &other);
    }
    comparison.done(12);
}

#[test]
fn patient_reaches_own_record_by_id_and_by_national_id() {
    let scene = Scene::new();
    let by_number = scene.world.alpha().caller(Role::Patient).changed(|claims| {
        claims.national_id = Some(scene.alpha.person.national_id.clone());
    });
    for operation in scene.document.protected() {
        if policy::reach(Role::Patient, operation.right()) == Reach::Own {
            for patient in [&scene.actor("alpha", Role::Patient, &scene.alpha), &by_number] {
                let answer = scene.prepare(operation, patient, &scene.alpha).send(patient);
                assert!(answer.status < 300, "{}: {}", operation.id, answer.text());
            }
        }
    }
}
