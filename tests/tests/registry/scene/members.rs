//! Values of members that the examples of the document do not give, or that are valid only together with others.

use painreg_domain::clinical::EntryKind;
use painreg_tests::{Cluster, issuer};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::example::Request;
use crate::document::Operation;
use crate::examples;

/// The value of a member, with the members that belong to it.
struct Member {
    /// The end of the ids of the operations; empty for all.
    operations: &'static str,
    /// The end of the member's pointer.
    pointer: &'static str,
    /// Returns what is merged into the body.
    with: fn(&Request<'_>) -> Value,
}

const fn member(operations: &'static str, pointer: &'static str, with: fn(&Request<'_>) -> Value) -> Member {
    Member { operations, pointer, with }
}

/// Members that are sent. The first row that fits counts.
const SENT: &[Member] = &[
    member("", "/episode_id", |request| json!({"episode_id": request.known(EntryKind::Episode)})),
    member("", "/implant_id", |request| json!({"implant_id": request.known(EntryKind::Implant)})),
    member("", "/referral_id", |request| json!({"referral_id": request.known(EntryKind::Referral)})),
    member("", "/component_ids", |request| json!({"component_ids": [request.known(EntryKind::ImplantComponent)]})),
    member("Sample", "/project", |_| json!({"project": examples::PROJECT})),
    member("ProjectParticipation", "/project", |_| json!({"project": examples::PROJECT})),
    member("registerMany", "/patient/unit", |_| json!({"patient": {"unit": "clinic"}})),
    member("Diagnosis", "/system", |_| json!({"system": "icd11", "code": "MG30.02"})),
    member("Diagnosis", "/code", |_| json!({"system": "icd11", "code": "MG30.02"})),
    member("Procedure", "/code", |_| json!({"code": "ZDRF01"})),
    member("Episode", "/closed_on", closed),
    member("Episode", "/closing_reason", closed),
    member("Implant", "/trial_ended_on", trial),
    member("Implant", "/trial_outcome", trial),
    member(
        "ImplantCheck",
        "/impedances",
        |request| json!({"impedances": [{"component_id": request.known(EntryKind::ImplantComponent), "contact": 1, "ohm": 500}]}),
    ),
    member("ImplantProgramme", "/leads", |request| {
        let lead = json!({"component_id": request.known(EntryKind::ImplantComponent), "polarity": "+-000000"});
        json!({"leads": [lead]})
    }),
    member("ImplantProgramme", "/cycle_on_s", |_| json!({"cycle_on_s": 30, "cycle_off_s": 30})),
    member("ImplantProgramme", "/cycle_off_s", |_| json!({"cycle_on_s": 30, "cycle_off_s": 30})),
    member("ImplantComponent", "/component", |_| json!({"component": "lead_paddle"})),
    member(
        "ImplantComponent",
        "/ipg_site",
        |_| json!({"component": "ipg_primary_cell", "contacts": null, "tip_level": null, "ipg_site": "gluteal"}),
    ),
    member("ImplantProgramme", "/amplitude_unit", |_| json!({"amplitude": 3, "amplitude_unit": "volt"})),
    member("ImplantComponent", "/lot", |_| json!({"lot": "LOT42"})),
    member("ImplantComponent", "/serial", |_| json!({"serial": "SER42"})),
    member("LegalBasis", "/basis", consent),
    member("LegalBasis", "/decision", consent),
    member("LegalBasis", "/against", |_| json!({"basis": "reservation", "against": "questionnaires"})),
    member("Medication", "/stop_reason", |_| json!({"ended_on": "2025-08-01", "stop_reason": "tapered"})),
    member("Medication", "/strength_mg", tablets),
    member("Medication", "/unit", tablets),
    member("", "/unit", |_| json!({"unit": "clinic"})),
    member("Referral", "/received_on", |_| json!({"received_on": "2025-01-11"})),
    member("TreatmentGoal", "/assessed_on", assessed),
    member("TreatmentGoal", "/attainment", assessed),
    member("updatePatient", "/birth_date", |_| json!({"birth_date": "1950-05-05"})),
    member("updatePatient", "/deceased_on", |_| json!({"deceased_on": "2025-12-31"})),
    member("", "/language", |_| json!({"language": "en"})),
    member("changeSettings", "/channels", |_| json!({"channels": ["sms", "email", "digital_mailbox", "helsenorge"]})),
    member("changeSettings", "/value_sets", |_| json!({"value_sets": ["NO_5L_2024"]})),
    member("rescore", "/value_sets", |_| json!({"instrument": "eq5d5l", "value_sets": ["DK_5L_2021"]})),
    member("Webhook", "/url", |_| json!({"url": "https://receiver.example/other"})),
    member("replayWebhook", "/after", |request| json!({"after": position(request)})),
    member("createTenant", "/dsn", |_| {
        let cluster = Cluster::shared();
        json!({"dsn": cluster.local.address_of(&cluster.empty_database()).expose_secret()})
    }),
    member("createTenant", "/template", |_| json!({"template": "opr"})),
    member("updateTenant", "/issuers", |request| json!({"issuers": [issuer(Some(&request.tenant))]})),
    member("reportInvitation", "/reason", |_| json!({"outcome": "failed", "reason": "blocked"})),
    member("submitAnswers", "/form_version", |_| json!({"form_version": "1"})),
    member("submitMany", "/form_version", |_| json!({"form_version": "1"})),
    member("", "/representation", |_| json!({"answered_by": "representative", "representation": "PARENT"})),
    member("registerMany", "/patient_id", |request| json!({"patient": null, "patient_id": request.objects.patient})),
];

/// Members that are left out or null together with others.
const ABSENT: &[Member] = &[
    // Only some wording needs an agreement.
    member("Licence", "/agreement", |_| json!({"agreement": null, "instruments": ["nrs"]})),
    member("ImplantProgramme", "/amplitude", |_| json!({"amplitude": null, "amplitude_unit": null})),
    member("ImplantProgramme", "/amplitude_unit", |_| json!({"amplitude": null, "amplitude_unit": null})),
    member("Medication", "/dose", |_| json!({"dose": null, "unit": null})),
    member("Medication", "/unit", |_| json!({"dose": null, "unit": null})),
    member("registerMany", "/patient", |request| json!({"patient": null, "patient_id": request.objects.patient})),
];

/// Returns what is merged into the body where the member is sent; `None` where its sample is sent alone.
pub fn sent(operation: &Operation, pointer: &str, request: &Request<'_>) -> Option<Value> {
    find(SENT, operation, pointer).map(|row| (row.with)(request))
}

/// Returns what is merged into the body where the member is absent; `None` where it is absent alone.
pub fn absent(operation: &Operation, pointer: &str, request: &Request<'_>) -> Option<Value> {
    find(ABSENT, operation, pointer).map(|row| (row.with)(request))
}

fn find<'a>(rows: &'a [Member], operation: &Operation, pointer: &str) -> Option<&'a Member> {
    rows.iter().find(|row| operation.id.ends_with(row.operations) && pointer.ends_with(row.pointer))
}

/// Returns a position in the feed of events.
fn position(request: &Request<'_>) -> Value {
    let manager = request.scene.world.place(&request.tenant).manager();
    manager.get(&manager.at("events")).body["next_after"].clone()
}

fn tablets(_: &Request<'_>) -> Value {
    json!({"unit": "tablet", "strength_mg": 10})
}

fn closed(_: &Request<'_>) -> Value {
    json!({"closed_on": "2025-09-01", "closing_reason": "completed"})
}

fn trial(_: &Request<'_>) -> Value {
    json!({"trial_started_on": "2025-03-10", "trial_ended_on": "2025-03-20", "trial_outcome": "success"})
}

fn consent(_: &Request<'_>) -> Value {
    json!({"basis": "consent", "decision": "given"})
}

fn assessed(_: &Request<'_>) -> Value {
    json!({"assessed_on": "2025-06-01", "attainment": 1})
}
