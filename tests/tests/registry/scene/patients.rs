//! Patients, merges and the views of one patient's record.

use painreg_domain::clinical::EntryKind;
use painreg_tests::registration;
use serde_json::json;

use super::example::{Example, ROW, Whose};
use super::parameters::{MERGE, PATIENT, another_patient};
use crate::examples;

pub const ROWS: &[Example] = &[
    Example { operation: "listPatients", whose: Whose::Listed, ..ROW },
    Example {
        operation: "registerPatient",
        body: Some(|request| registration(&request.scene.world.person())),
        whose: Whose::Answered("/id"),
        ..ROW
    },
    Example {
        operation: "registerMany",
        body: Some(|request| {
            json!({"patient": registration(&request.scene.world.person()), "entries": [
                {"kind": "referral", "as": "r1", "content": examples::entry(EntryKind::Referral, "", "")},
                {"kind": "episode", "content": {"referral_id": "#r1", "opened_on": "2025-02-01"}},
            ]})
        }),
        whose: Whose::Answered("/registered/patient_id"),
        ..ROW
    },
    Example {
        operation: "lookUpPatient",
        body: Some(|request| json!({"national_id": {"type": "fnr", "value": request.objects.person.national_id}})),
        whose: Whose::Patient,
        ..ROW
    },
    Example { operation: "readPatient", path: &[PATIENT], whose: Whose::Patient, ..ROW },
    Example {
        operation: "updatePatient",
        path: &[PATIENT],
        body: Some(|_| json!({"interpreter_needed": true})),
        version: Some("patient WHERE id = '{patient}'"),
        whose: Whose::Patient,
        ..ROW
    },
    Example { operation: "listPatientVersions", path: &[PATIENT], whose: Whose::Patient, ..ROW },
    Example { operation: "readAccessLog", path: &[PATIENT], whose: Whose::Patient, ..ROW },
    Example { operation: "readPermissions", path: &[PATIENT], whose: Whose::Patient, ..ROW },
    Example { operation: "readTimeline", path: &[PATIENT], whose: Whose::Patient, ..ROW },
    Example { operation: "readDifferences", path: &[PATIENT], whose: Whose::Patient, ..ROW },
    Example { operation: "readCurrentImplants", path: &[PATIENT], whose: Whose::Patient, ..ROW },
    Example { operation: "readOmeqSeries", path: &[PATIENT], whose: Whose::Patient, ..ROW },
    Example { operation: "readFollowUp", path: &[PATIENT], whose: Whose::Patient, ..ROW },
    Example { operation: "listSubmissions", path: &[PATIENT], whose: Whose::Patient, ..ROW },
    Example { operation: "listDuplicates", whose: Whose::Listed, ..ROW },
    Example { operation: "listMerges", whose: Whose::Listed, ..ROW },
    Example {
        operation: "mergePatients",
        body: Some(|request| json!({"survivor_id": request.objects.patient, "duplicate_id": another_patient(request)})),
        whose: Whose::AndSent("/duplicate_id"),
        ..ROW
    },
    Example {
        operation: "readMerge",
        path: &[MERGE],
        whose: Whose::AndFound("duplicate", "patient_merge WHERE id = '{merge}'"),
        ..ROW
    },
    Example {
        operation: "undoMerge",
        path: &[MERGE],
        version: Some("patient_merge WHERE id = '{merge}'"),
        whose: Whose::Patient,
        ..ROW
    },
];
