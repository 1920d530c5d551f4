//! Clinical entries: `{Kind}` and `{Kinds}` stand for the names of every kind, in the singular and the plural.

use painreg_domain::clinical::EntryKind;
use serde_json::{Value, json};

use super::example::{Example, ROW, Request, Whose};
use super::parameters::{ENTRY, PATIENT, SPARE_ENTRY};
use crate::examples;

pub const ROWS: &[Example] = &[
    Example { operation: "list{Kinds}", path: &[PATIENT], whose: Whose::Patient, ..ROW },
    Example { operation: "record{EntryKind}", path: &[PATIENT], body: Some(content), whose: Whose::Patient, ..ROW },
    Example { operation: "read{EntryKind}", path: &[PATIENT, ENTRY], whose: Whose::Patient, ..ROW },
    Example {
        operation: "change{EntryKind}",
        path: &[PATIENT, ENTRY],
        body: Some(|_| json!({})),
        version: Some("{kind} WHERE id = '{entry}'"),
        whose: Whose::Patient,
        ..ROW
    },
    Example {
        operation: "withdraw{EntryKind}",
        path: &[PATIENT, SPARE_ENTRY],
        version: Some("{kind} WHERE id = '{entry}'"),
        whose: Whose::Patient,
        ..ROW
    },
    Example { operation: "list{EntryKind}Versions", path: &[PATIENT, ENTRY], whose: Whose::Patient, ..ROW },
    Example { operation: "listAll{Kinds}", whose: Whose::Listed, ..ROW },
    Example {
        operation: "recategoriseReferral",
        path: &[PATIENT, ENTRY],
        body: Some(|_| json!({"category": "second_opinion"})),
        version: Some("referral WHERE id = '{entry}'"),
        whose: Whose::Patient,
        ..ROW
    },
    Example { operation: "listRecalled", query: "?model=L-8", whose: Whose::Listed, ..ROW },
];

/// Returns a valid entry of the operation's kind.
pub fn content(request: &Request<'_>) -> Value {
    examples::entry(request.kind(), request.known(EntryKind::Episode), request.known(EntryKind::Implant))
}
