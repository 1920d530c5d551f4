//! A valid entry of every kind, and other valid bodies.

use painreg_domain::clinical::EntryKind;
use serde_json::{Map, Value, json};

/// The project of every furnished registry.
pub const PROJECT: &str = "scene-project";

/// The form of which every furnished registry can have a draft.
pub const DRAFT: &str = "scene-form";

/// The version of it that every furnished registry has published.
pub const VERSION: &str = "scene";

/// Returns a form of one item.
pub fn form(code: &str, version: &str) -> Value {
    json!({"code": code, "version": version, "title": {"nb": "Et skjema", "en": "A form"}, "wave": "project",
        "items": [{"code": "walks", "kind": {"integer": {"min": 0, "max": 7}},
            "label": {"nb": "Turer", "en": "Walks"}}]})
}

/// Returns a FHIR questionnaire of one item.
pub fn questionnaire(code: &str) -> Value {
    json!({"resourceType": "Questionnaire", "url": format!("https://elsewhere.example/{code}"), "version": "1",
        "status": "draft", "title": "Et skjema", "item": [{"linkId": "walks", "type": "integer", "text": "Turer"}]})
}

/// Returns a FHIR response to the short follow-up, whose forms are at `base`.
pub fn response(base: &str, patient: &str, id: &str) -> Value {
    json!({"resourceType": "QuestionnaireResponse", "questionnaire": format!("{base}/opr-follow-up-short|1"),
        "identifier": {"system": "urn:painreg:source:portal:7", "value": id}, "status": "completed",
        "subject": {"reference": format!("Patient/{patient}")}, "authored": "2026-01-02T10:00:00Z",
        "item": [{"linkId": "instrument:pgic", "item": [{"linkId": "pgic", "answer": [{"valueInteger": 2}]}]}]})
}

/// Returns the plan that every registry starts with.
pub fn plan() -> Value {
    let plan = painreg_tenants::template::plan("opr").expect("a plan");
    serde_json::to_value(plan.definition()).expect("serializes")
}

/// Returns an invented licence of the ISI.
pub fn licence() -> Value {
    json!({"instruments": ["isi"], "languages": ["nb"], "valid_from": "2020-01-01", "licensor": "A holder",
        "agreement": "A-1", "invoices": [{"issued_on": "2026-01-10", "amount": "1250.00", "currency": "EUR",
            "due_on": "2026-02-10", "paid_on": null}]})
}

/// Returns invented wording of the ISI.
pub fn wording() -> Value {
    let items = (1..=7).map(|item| {
        let worded = json!({"text": format!("Invented {item}?"), "responses": {"0": "Least", "4": "Most"}});
        (format!("isi_{item:02}"), worded)
    });
    json!({"source": "invented.docx", "instructions": "Invented.", "items": items.collect::<Map<_, _>>()})
}

/// A GTIN-14 with a valid check digit that belongs to no product.
pub const DEVICE: &str = "07350000000009";

/// Returns the registration of a project.
pub fn project(code: &str) -> Value {
    json!({"code": code, "title": "A project", "kind": "research", "starts_on": "2020-01-01",
        "excludes_from_follow_up": true, "fields": [{"code": "grip", "kind": "integer"}]})
}

/// Returns a valid entry, with references to these entries if the kind has such.
pub fn entry(kind: EntryKind, episode: &str, implant: &str) -> Value {
    match kind {
        EntryKind::Referral => json!({"received_on": "2025-01-10", "source": "gp", "category": "right_granted",
            "assessed_on": "2025-01-20", "unit": "clinic", "pas_id": "P-1"}),
        EntryKind::Episode => json!({"unit": "clinic", "opened_on": "2025-02-01"}),
        EntryKind::Consultation => json!({"episode_id": episode, "held_on": "2025-02-03", "sequence": "first",
            "mode": "physical", "attendance": "attended",
            "professionals": [{"profession": "physician", "hpr": "9144900"}]}),
        EntryKind::Diagnosis => json!({"episode_id": episode, "system": "icd11", "code": "MG30.02", "rank": 1,
            "set_on": "2025-02-03"}),
        EntryKind::Procedure => json!({"episode_id": episode, "system": "ncmp", "code": "ZDRF01",
            "performed_on": "2025-03-01", "sites": [{"region": "lower_back", "side": "left"}]}),
        EntryKind::PainSite => json!({"episode_id": episode, "recorded_on": "2025-02-03", "reported_by": "patient",
            "areas": [{"region": "lower_back", "side": "both", "intensity": 7, "main": true}]}),
        EntryKind::TreatmentGoal => json!({"episode_id": episode, "set_on": "2025-02-03", "set_by": "patient",
            "category": "function", "text": "Gå tur med hunden"}),
        EntryKind::Medication => {
            json!({"atc": "N02AA05", "route": "oral", "dose": 10, "unit": "mg", "doses_per_day": 2,
            "started_on": "2025-02-03"})
        }
        EntryKind::Implant => json!({"modality": "scs", "indication": "persistent_spinal_pain_type2",
            "decided_on": "2025-03-01", "stages": "two_stage"}),
        EntryKind::ImplantComponent => json!({"implant_id": implant, "component": "lead_percutaneous",
            "manufacturer": "Invented", "model": "L-8", "contacts": 8, "tip_level": "T8", "side": "left",
            "udi": format!("(01){DEVICE}(17)291231(10)LOT42(21)SER42"), "mri": "full_body15t",
            "implanted_on": "2025-04-01"}),
        EntryKind::ImplantProgramme => json!({"implant_id": implant, "set_on": "2025-04-02", "number": 1,
            "waveform": "tonic", "amplitude": 4.5, "amplitude_unit": "milliampere", "pulse_width_us": 300,
            "frequency_hz": 50}),
        EntryKind::ImplantEvent => json!({"implant_id": implant, "happened_on": "2025-05-01", "event": "ipg_site_pain",
            "note": "Verst når pasienten sitter"}),
        EntryKind::ImplantCheck => json!({"implant_id": implant, "checked_on": "2025-05-01", "battery": "normal",
            "battery_percent": 90}),
        EntryKind::LegalBasis => json!({"basis": "exemption", "valid_from": "2021-06-01", "source": "registry",
            "letter_version": "2021-06"}),
        EntryKind::ProjectParticipation => {
            json!({"project": PROJECT, "joined_on": "2025-02-03", "left_on": "2025-06-30",
            "field_values": {"grip": 31}})
        }
        EntryKind::Sample => json!({"sample_type": "serum", "taken_on": "2025-02-03", "storage_reference": "box 1",
            "legal_basis": "REK (invented)", "state": "stored"}),
    }
}
