//! Every operation by every role follows the policy table, and every answer the document.

use painreg_domain::policy::Category;

use crate::scene::{Scene, may, roles};

#[test]
fn every_operation_by_every_role_equals_the_policy_table() {
    let scene = Scene::new();
    let mut wrong = Vec::new();
    for operation in scene.document.protected() {
        for role in roles() {
            let actor = scene.actor("alpha", role, &scene.alpha);
            let answer = scene.prepare(operation, &actor, &scene.alpha).send(&actor);
            let expected = may(role, operation);
            let met = if expected {
                (200..300).contains(&answer.status)
            } else {
                (answer.status, answer.code()) == (403, "forbidden")
            };
            if !met {
                wrong.push(format!("{role} {}: {expected} but {} {}", operation.id, answer.status, answer.text()));
            }
            wrong.extend(scene.document.faults(operation, &answer));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn operators_have_platform_operations_only() {
    let scene = Scene::new();
    for operation in scene.document.protected() {
        let of_platform = operation.right().category() == Category::Platform;
        assert_eq!(may(painreg_domain::policy::Role::Operator, operation), of_platform, "{}", operation.id);
        assert_eq!(
            roles().any(|role| !matches!(role, painreg_domain::policy::Role::Operator) && may(role, operation)),
            !of_platform
        );
        assert!(of_platform || operation.takes("path", "tenant"), "{} is of no registry", operation.id);
    }
}
