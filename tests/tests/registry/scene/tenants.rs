//! Tenants, and operations without a caller. An operator's request needs a registry in a certain state.

use painreg_tests::issuer;
use serde_json::{Value, json};

use super::Scene;
use super::example::{Example, ROW};

/// The registry that operators suspend and resume.
const QUIET: &str = "quiet";

pub const ROWS: &[Example] = &[
    Example { operation: "live", ..ROW },
    Example { operation: "ready", ..ROW },
    Example { operation: "metrics", ..ROW },
    Example { operation: "specification", ..ROW },
    Example { operation: "listTenants", ..ROW },
    Example {
        operation: "createTenant",
        body: Some(|request| {
            let slug = request.fresh("made");
            json!({"slug": slug, "name": "Made", "issuers": [issuer(Some(&slug))]})
        }),
        ..ROW
    },
    Example { operation: "readTenant", ..ROW },
    Example {
        operation: "updateTenant",
        body: Some(|_| json!({"name": "Another name"})),
        version: Some("platform.tenant WHERE slug = '{tenant}'"),
        ..ROW
    },
    Example {
        operation: "dropTenant",
        tenant: |scene| in_state(scene, format!("gone-{}", scene.next()), true),
        version: Some("platform.tenant WHERE slug = '{tenant}'"),
        ..ROW
    },
    Example {
        operation: "suspendTenant",
        tenant: |scene| in_state(scene, QUIET.to_owned(), false),
        version: Some("platform.tenant WHERE slug = '{tenant}'"),
        ..ROW
    },
    Example {
        operation: "resumeTenant",
        tenant: |scene| in_state(scene, QUIET.to_owned(), true),
        version: Some("platform.tenant WHERE slug = '{tenant}'"),
        ..ROW
    },
    Example { operation: "migrateTenant", ..ROW },
];

/// Returns the slug of a registry that is suspended or not; it is created if it does not exist.
fn in_state(scene: &Scene, slug: String, suspended: bool) -> String {
    let operator = scene.world.operator();
    let found = operator.get(&format!("/v1/tenants/{slug}"));
    let tenant: Value = if found.status == 200 {
        found.body
    } else {
        operator.post("/v1/tenants", &json!({"slug": slug, "name": "Quiet"})).expect(201).body
    };
    if (tenant["state"] == "suspended") != suspended {
        let method = if suspended { "PUT" } else { "DELETE" };
        let request = operator.request(method, &format!("/v1/tenants/{slug}/suspension"));
        request.header("if-match", &format!("\"v{}\"", tenant["version"])).send().expect(200);
    }
    slug
}
