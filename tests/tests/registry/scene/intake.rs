//! Submissions, Nettskjema deliveries, quarantine and alerts.

use painreg_tests::submission;
use serde_json::json;

use super::example::{Example, ROW, Whose};
use super::parameters::{ALERT, FORM_ID, QUARANTINED, SUBMISSION};
use crate::examples;

pub const ROWS: &[Example] = &[
    Example {
        operation: "submitAnswers",
        body: Some(|request| submission(&request.objects.patient, &request.fresh("s"), &json!({"nrs_average": 7}))),
        whose: Whose::Patient,
        ..ROW
    },
    Example {
        operation: "submitMany",
        keeps: true,
        body: Some(|request| {
            json!({
            "source": {"system": "painsoft", "form_id": "1", "submission_id": request.fresh("m")},
            "patient": {"id": request.objects.patient}, "form": "opr-baseline",
            "submitted_at": "2026-01-05T08:15:00Z", "answers": {"nrs_average": 7}})
        }),
        whose: Whose::Patient,
        ..ROW
    },
    Example {
        operation: "submitFhirResponse",
        body: Some(|request| {
            let base = format!("http://{}/v1/tenants/{}/forms", request.scene.world.address, request.tenant);
            examples::response(&base, &request.objects.patient, &request.fresh("f"))
        }),
        whose: Whose::Patient,
        ..ROW
    },
    Example { operation: "readSubmission", path: &[SUBMISSION], whose: Whose::Patient, ..ROW },
    Example { operation: "readSubmissionDifferences", path: &[SUBMISSION], whose: Whose::Patient, ..ROW },
    Example { operation: "readFhirResponse", path: &[SUBMISSION], whose: Whose::Patient, ..ROW },
    Example { operation: "listScores", path: &[SUBMISSION], whose: Whose::Patient, ..ROW },
    Example { operation: "readAlert", path: &[ALERT], whose: Whose::Patient, ..ROW },
    Example { operation: "rescore", body: Some(|_| json!({"instrument": "comm"})), ..ROW },
    Example { operation: "listAlerts", whose: Whose::Listed, ..ROW },
    Example {
        operation: "acknowledgeAlert",
        path: &[ALERT],
        version: Some("alert WHERE id = '{alert}'"),
        whose: Whose::Patient,
        ..ROW
    },
    Example { operation: "listNettskjemaMappings", ..ROW },
    Example { operation: "listNettskjemaDefinitions", path: &[FORM_ID], ..ROW },
    Example {
        operation: "describeNettskjema",
        path: &[FORM_ID],
        body: Some(|_| {
            json!({"generatedDate": "2026-01-05T09:15:00+01:00", "elements": [
            {"elementId": 1, "elementType": "RADIO", "externalElementId": "isi_01"}]})
        }),
        ..ROW
    },
    Example {
        operation: "deliverNettskjema",
        path: &[FORM_ID],
        keeps: true,
        body: Some(|request| request.scene.world.delivery(&request.objects.person, 30_000_000 + request.scene.next())),
        whose: Whose::Patient,
        ..ROW
    },
    Example {
        operation: "deliverMany",
        path: &[FORM_ID],
        keeps: true,
        body: Some(|request| request.scene.world.delivery(&request.objects.person, 40_000_000 + request.scene.next())),
        whose: Whose::Patient,
        ..ROW
    },
    Example { operation: "readNettskjemaMapping", path: &[FORM_ID], ..ROW },
    Example {
        operation: "saveNettskjemaMapping",
        path: &[FORM_ID],
        body: Some(|request| {
            let manager = request.scene.world.place(&request.objects.tenant).manager();
            let saved = manager.get(&manager.at(&request.filled("nettskjema/{form_id}/mapping"))).body;
            let keys = if saved["keys"].is_object() { saved["keys"].clone() } else { json!({}) };
            json!({"form": "opr-baseline", "form_version": "1", "keys": keys})
        }),
        version: Some("nettskjema_form WHERE nettskjema_id = '{form_id}'"),
        ..ROW
    },
    Example { operation: "listQuarantine", ..ROW },
    Example { operation: "readQuarantined", path: &[QUARANTINED], ..ROW },
    Example {
        operation: "setAsideQuarantined",
        path: &[QUARANTINED],
        version: Some("quarantine WHERE id = '{quarantined}'"),
        ..ROW
    },
    Example {
        operation: "replayQuarantined",
        path: &[QUARANTINED],
        body: Some(|request| json!({"corrections": {"patient_id": request.objects.patient}})),
        whose: Whose::Patient,
        ..ROW
    },
    Example { operation: "replayQuarantine", body: Some(|_| json!({"form_id": "0"})), ..ROW },
    Example { operation: "listReceiptKeys", ..ROW },
];
