//! One row of the tables: the parts of a valid request that the OpenAPI document does not determine. Data only.

use std::collections::HashMap;

use painreg_domain::clinical::EntryKind;
use painreg_domain::policy::Role;
use serde_json::Value;
use strum::IntoEnumIterator as _;

use super::{Objects, Scene};
use crate::document::Operation;

/// A row: one operation, or the same operation of every kind of entry (`{EntryKind}` and `{Kinds}` in its id).
pub struct Example {
    /// Operation id, for example `readPatient` or `read{EntryKind}`.
    pub operation: &'static str,
    /// Path parameters except `tenant`, in any order.
    pub path: &'static [Parameter],
    /// The slug of the registry that an operator's request is about.
    pub tenant: fn(&Scene) -> String,
    /// The query, with its question mark.
    pub query: &'static str,
    /// Runs before the request is sent, to create what the operation requires.
    pub setup: Option<fn(&Request<'_>)>,
    /// A valid body.
    pub body: Option<fn(&Request<'_>) -> Value>,
    /// The source of `If-Match`, as the end of `SELECT max(version) FROM`: a table of the registry, or
    /// `platform.` and a table, and a condition. Path parameters stand in braces.
    pub version: Option<&'static str>,
    /// The patients that the audit trace names.
    pub whose: Whose,
    /// Whether a delivery about an unknown patient is kept in quarantine instead of refused.
    pub keeps: bool,
}

/// The defaults of a row: a request without parameters, body, version or patient.
pub const ROW: Example = Example {
    operation: "",
    path: &[],
    tenant: |_| "alpha".to_owned(),
    query: "",
    setup: None,
    body: None,
    version: None,
    whose: Whose::Nobody,
    keeps: false,
};

/// The patients that the audit trace of a request names.
#[derive(Clone, Copy)]
pub enum Whose {
    /// The trace names no patient.
    Nobody,
    /// The patient of the objects.
    Patient,
    /// The patient with the id at this pointer of the answer.
    Answered(&'static str),
    /// The patient of the objects, and the one with the id at this pointer of the body.
    AndSent(&'static str),
    /// The patient of the objects, and the one in this column of the row that the text after `FROM` finds.
    AndFound(&'static str, &'static str),
    /// Every patient of the list.
    Listed,
}

/// A path parameter with its value.
pub struct Parameter {
    /// Its name in the path.
    pub name: &'static str,
    /// Whether it names one of the objects, so that the request is answered with 404 if the object does not exist.
    pub object: bool,
    /// Returns the value in the path.
    pub value: fn(&Request<'_>) -> String,
}

/// The context from which a row makes its values.
pub struct Request<'a> {
    /// The furnished world.
    pub scene: &'a Scene,
    /// The objects that the request is about.
    pub objects: &'a Objects,
    /// The slug in the path.
    pub tenant: String,
    /// The kind of entry that the operation is about.
    pub kind: Option<EntryKind>,
    /// The values of path parameters so far.
    pub values: HashMap<&'static str, String>,
}

impl Request<'_> {
    /// Returns the kind of entry of an operation on entries.
    pub fn kind(&self) -> EntryKind {
        self.kind.expect("an operation on entries")
    }

    /// Returns the id of the objects' entry of this kind.
    pub fn known(&self, kind: EntryKind) -> &str {
        &self.objects.entries[&kind]
    }

    /// Returns an unused name: `prefix` and a number.
    pub fn fresh(&self, prefix: &str) -> String {
        format!("{prefix}-{}", self.scene.next())
    }

    /// Returns the text with the names in braces replaced by schema, kind and path parameters.
    pub fn filled(&self, text: &str) -> String {
        let kind = self.kind.map(|kind| kind.to_string()).unwrap_or_default();
        let text = text.replace("{kind}", &kind).replace("{tenant}", &self.tenant);
        self.values.iter().fold(text, |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }
}

impl Example {
    /// Returns the ids of its operations: one, or one for each kind of entry.
    pub fn operations(&self) -> Vec<String> {
        if self.operation.contains('{') {
            EntryKind::iter().map(|kind| self.of(kind)).collect()
        } else {
            vec![self.operation.to_owned()]
        }
    }

    fn of(&self, kind: EntryKind) -> String {
        let names = self.operation.replace("{Kinds}", &pascal(kind.row().path));
        names.replace("{EntryKind}", &pascal(&kind.to_string()))
    }

    /// Fails if the row and the document differ in parameters, body or version.
    pub fn check(&self, operation: &Operation) {
        let id = &operation.id;
        let mut said: Vec<&str> = self.path.iter().map(|parameter| parameter.name).collect();
        let names = operation.parameters("path").map(|parameter| parameter["name"].as_str().expect("a name"));
        let mut documented: Vec<&str> = names.filter(|name| *name != "tenant").collect();
        said.sort_unstable();
        documented.sort_unstable();
        assert_eq!(said, documented, "{id}: path parameters of the row, and of the document");
        assert_eq!(self.body.is_some(), operation.media().is_some(), "{id}: a body in the row, and in the document");
        let required = operation.takes("header", "If-Match");
        assert_eq!(self.version.is_some(), required, "{id}: a version in the row, and If-Match in the document");
    }

    /// Returns whether the request is answered with 404 if its objects do not exist.
    pub fn refers(&self) -> bool {
        let about = matches!(self.whose, Whose::Patient | Whose::AndSent(_) | Whose::AndFound(..));
        !self.keeps && (about || self.path.iter().any(|parameter| parameter.object))
    }
}

/// Returns the row of an operation; fails with a skeleton of the row if there is none.
pub fn find<'a>(rows: impl IntoIterator<Item = &'a Example>, operation: &Operation) -> &'a Example {
    let found: Vec<&Example> = rows.into_iter().filter(|row| row.operations().contains(&operation.id)).collect();
    assert!(found.len() < 2, "{}: several rows", operation.id);
    let Some(row) = found.first() else {
        panic!("{} has no example. Add a row to tests/tests/registry/scene/:\n{}", operation.id, skeleton(operation));
    };
    row.check(operation);
    row
}

/// Returns a row to be filled in, made from the document.
pub fn skeleton(operation: &Operation) -> String {
    let mut lines = vec!["Example {".to_owned(), format!("    operation: \"{}\",", operation.id)];
    let names = operation.parameters("path").filter_map(|parameter| parameter["name"].as_str());
    let names: Vec<&str> = names.filter(|name| *name != "tenant").collect();
    if !names.is_empty() {
        lines.push(format!("    path: &[{}],", names.join(", ").to_uppercase()));
    }
    if operation.media().is_some() {
        lines.push("    body: Some(|request| json!({})), // a valid body".to_owned());
    }
    if operation.takes("header", "If-Match") {
        let (table, last) = names.last().map_or(("registry_setting", None), |name| (*name, Some(*name)));
        let condition = last.map(|name| format!(" WHERE id::text = '{{{name}}}'")).unwrap_or_default();
        lines.push(format!("    version: Some(\"{table}{condition}\"), // the table and its key"));
    }
    let whose = if names.contains(&"patient") { "Patient" } else { "Nobody" };
    lines.push(format!("    whose: Whose::{whose}, // or Listed, Answered(\"/pointer\"): whom the trace names"));
    lines.push("    ..ROW".to_owned());
    lines.push("},".to_owned());
    lines.join("\n")
}

/// Returns the kind of entry of an operation; `None` for other operations.
pub fn kind_of(operation: &Operation) -> Option<EntryKind> {
    let named = |kind: &EntryKind| operation.path.split('/').any(|part| part == kind.row().path);
    EntryKind::iter().find(named)
}

/// Returns every role that a token can carry.
pub fn roles() -> impl Iterator<Item = Role> {
    Role::iter().filter(|role| *role != Role::System)
}

/// Returns `PainSite` for `pain_site` and `PainSites` for `pain-sites`.
fn pascal(name: &str) -> String {
    let words = name.split(['_', '-']).map(|word| {
        let (first, rest) = word.split_at(1);
        format!("{}{rest}", first.to_uppercase())
    });
    words.collect()
}
