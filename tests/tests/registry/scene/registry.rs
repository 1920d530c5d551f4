//! The registry's settings, code lists, projects, code systems, long operations and log.

use serde_json::json;

use super::example::{Example, ROW};
use super::parameters::{CODE, LIST, OPERATION, PROJECT, SYSTEM};
use crate::examples;

pub const ROWS: &[Example] = &[
    Example { operation: "readSettings", ..ROW },
    Example { operation: "changeSettings", body: Some(|_| json!({})), version: Some("registry_setting"), ..ROW },
    Example { operation: "readSummary", ..ROW },
    Example { operation: "listAuditEvents", ..ROW },
    Example { operation: "listOperations", ..ROW },
    Example { operation: "readOperation", path: &[OPERATION], ..ROW },
    Example {
        operation: "cancelOperation",
        path: &[OPERATION],
        version: Some("operation WHERE id::text = '{operation}'"),
        ..ROW
    },
    Example { operation: "listBodyRegions", ..ROW },
    Example { operation: "listCodeLists", ..ROW },
    Example { operation: "readCodeList", path: &[LIST], ..ROW },
    Example {
        operation: "replaceCodeList",
        path: &[LIST],
        body: Some(|request| {
            let manager = request.scene.world.place(&request.objects.tenant).manager();
            let lists = manager.get(&manager.at("code-lists"));
            let codes = lists.items().iter().find(|list| list["list"] == "goal_category");
            let some = json!([{"code": "pain", "nb": "Smerte", "en": "Pain"}]);
            json!({"codes": codes.map_or(some, |list| list["codes"].clone())})
        }),
        version: Some("code_list_version WHERE list = '{list}'"),
        ..ROW
    },
    Example { operation: "listCodeSystems", ..ROW },
    Example { operation: "searchCodes", path: &[SYSTEM], ..ROW },
    Example { operation: "readCode", path: &[SYSTEM, CODE], ..ROW },
    Example { operation: "listProjects", ..ROW },
    Example { operation: "registerProject", body: Some(|request| examples::project(&request.fresh("project"))), ..ROW },
    Example { operation: "readProject", path: &[PROJECT], ..ROW },
    Example {
        operation: "changeProject",
        path: &[PROJECT],
        body: Some(|_| examples::project(examples::PROJECT)),
        version: Some("project WHERE code = '{project}'"),
        ..ROW
    },
];
