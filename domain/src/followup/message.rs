//! The messages to patients: neutral words, the questionnaire's address and the page on patients' rights. They do not
//! disclose to third parties what the registry is about.

use std::collections::BTreeSet;

use super::check::{Faults, text_place};
use super::plan::{FollowUpPlanDefinition, Known, Messages, Plan};
use crate::fault::{FaultCode, escape};

/// Words, parts and prefixes of words that must not be read by others, in Norwegian and English.
const SENSITIVE: [&str; 28] = [
    "smert",
    "pain",
    "diagnos",
    "sykdom",
    "disease",
    "pasient",
    "patient",
    "behandl",
    "treatm",
    "sykehus",
    "hospital",
    "klinik",
    "clinic",
    "avdeling",
    "radiofrek",
    "radiofreq",
    "stimul",
    "implant",
    "opioid",
    "medisin",
    "medicin",
    "psyk",
    "psych",
    "depres",
    "angst",
    "anxiety",
    "helse",
    "health",
];
/// The characters of the GSM alphabet that a Norwegian text needs (3GPP TS 23.038), letters and digits of ASCII aside.
const GSM: &str = " \n\r@£$¥èéùìòÇØøÅåÆæßÉ!\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà_";
/// The length of a text of three parts: 153 characters each, or 67 where one is outside the alphabet.
const THREE_PARTS: (usize, usize) = (459, 201);
/// The length of invitation tokens: 128 bits in base 32.
pub const TOKEN_LENGTH: usize = 26;

impl Plan {
    /// The invitation, or a reminder, in the patient's language or else in Norwegian.
    pub fn message(&self, reminds: bool, language: &str, form: &str, token: &str) -> String {
        let definition = self.definition();
        let own = definition.messages.get(language).or_else(|| definition.messages.get("nb"));
        own.map_or_else(String::new, |messages| rendered(definition, text(messages, reminds), form, token))
    }
}

fn text(messages: &Messages, reminds: bool) -> &str {
    if reminds { &messages.reminder } else { &messages.invitation }
}

fn rendered(plan: &FollowUpPlanDefinition, text: &str, form: &str, token: &str) -> String {
    let form = plan.links.forms.get(form).map_or(form, String::as_str);
    let link = plan.links.answer.replace("{form}", form).replace("{token}", token);
    text.replace("{link}", &link).replace("{rights}", &plan.links.rights)
}

/// Returns the faults of the plan's texts and links.
pub(super) fn faults(plan: &FollowUpPlanDefinition, known: &Known<'_>, faults: &mut Faults) {
    link("/links/answer", &plan.links.answer, &["{form}", "{token}"], faults);
    if !plan.links.answer.contains("{token}") {
        faults.add("/links/answer", FaultCode::Required);
    }
    link("/links/rights", &plan.links.rights, &[], faults);
    forms(plan, known, faults);
    if !plan.messages.contains_key("nb") {
        faults.add("/messages/nb", FaultCode::Required);
    }
    let longest_form = plan.tracks.iter().map(|track| track.form.as_str()).max_by_key(|form| form.len());
    for (language, messages) in &plan.messages {
        let is_language = (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_lowercase());
        if !is_language {
            faults.add(text_place(language, "").trim_end_matches('/'), FaultCode::InvalidFormat);
        }
        for (member, text) in [("invitation", &messages.invitation), ("reminder", &messages.reminder)] {
            let place = text_place(language, member);
            for needed in ["{link}", "{rights}"] {
                if !text.contains(needed) {
                    faults.add(&place, FaultCode::Required);
                }
            }
            let bare = text.replace("{link}", "").replace("{rights}", "");
            if bare.contains(['{', '}']) {
                faults.add(&place, FaultCode::UnknownReference);
            }
            let words = bare.to_lowercase();
            if SENSITIVE.iter().any(|part| words.contains(part)) {
                faults.add(&place, FaultCode::Sensitive);
            }
            let whole = rendered(plan, text, longest_form.unwrap_or_default(), &"X".repeat(TOKEN_LENGTH));
            let is_gsm = whole.chars().all(|letter| letter.is_ascii_alphanumeric() || GSM.contains(letter));
            if whole.chars().count() > if is_gsm { THREE_PARTS.0 } else { THREE_PARTS.1 } {
                faults.add(&place, FaultCode::TooLong);
            }
        }
    }
}

/// A form's code may disclose the treatment; the address contains its public name instead. Answers given at a number in
/// Nettskjema arrive under that number: unless its mapping leads to the form, they could not be placed.
fn forms(plan: &FollowUpPlanDefinition, known: &Known<'_>, faults: &mut Faults) {
    let asked: BTreeSet<&String> = plan.tracks.iter().map(|track| &track.form).collect();
    let place = |form: &str| format!("/links/forms/{}", escape(form));
    for (form, address) in &plan.links.forms {
        let is_sound = (1..=40).contains(&address.len())
            && address.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !is_sound {
            faults.add(&place(form), FaultCode::InvalidFormat);
        }
        let words = address.to_lowercase();
        if words.contains(form.as_str()) || SENSITIVE.iter().any(|part| words.contains(part)) {
            faults.add(&place(form), FaultCode::Sensitive);
        }
        if is_sound && address.bytes().all(|byte| byte.is_ascii_digit()) {
            match known.nettskjema.get(address) {
                None => faults.add(&place(form), FaultCode::UnknownReference),
                Some(mapped) if mapped != form => faults.add(&place(form), FaultCode::Contradiction),
                Some(_) => {}
            }
        }
    }
    if plan.links.answer.contains("{form}") {
        for form in asked.into_iter().filter(|form| !plan.links.forms.contains_key(*form)) {
            faults.add(&place(form), FaultCode::Required);
        }
    }
}

fn link(place: &str, address: &str, placeholders: &[&str], faults: &mut Faults) {
    let host =
        address.strip_prefix("https://").filter(|rest| rest.starts_with(|first: char| first.is_ascii_alphanumeric()));
    let well_formed =
        address.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b'\\'));
    if host.is_none() || !well_formed || address.contains('@') {
        faults.add(place, FaultCode::InvalidFormat);
    }
    if address.len() > 300 {
        faults.add(place, FaultCode::TooLong);
    }
    let bare = placeholders.iter().fold(address.to_owned(), |bare, placeholder| bare.replace(placeholder, ""));
    if bare.contains(['{', '}']) {
        faults.add(place, FaultCode::UnknownReference);
    }
}
