//! The legal basis (behandlingsgrunnlag) of a patient's presence in the registry, period by period, and the functions
//! that decide whether data may be kept and questionnaires may be sent. All other code asks them.
//!
//! Until June 2021 consent (samtykke) was needed; since then the registry is exempt (samtykkefritak) and patients may
//! opt out (reservasjon) of questionnaires, of the registry, or of both (GDPR Article 21; forskrift om medisinske
//! kvalitetsregistre section 3-2).

use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};

use super::{Entry, EntryKind, Examination, Nothing, Remark};
use crate::fault::FaultCode;
use crate::words::words;

words! {
    /// The kind of legal basis.
    Basis {
        /// Consent (samtykke): given, refused or withdrawn.
        Consent,
        /// Exemption from consent (samtykkefritak).
        Exemption,
        /// Reservation (reservasjon): against questionnaires, or against the registry.
        Reservation,
    }
    /// The answer to the request for consent.
    #[schema(as = Decision)]
    ConsentDecision {
        /// The consent was given.
        Given,
        /// The consent was refused.
        Refused,
        /// No longer (trukket).
        Withdrawn,
    }
    /// The scope of an opt-out (reservasjon).
    Against {
        /// Opt-out of further questionnaires.
        Questionnaires,
        /// Being in the registry.
        Registry,
    }
    /// The source of the information.
    BasisSource {
        /// A signed form.
        Paper,
        /// A digital form.
        Digital,
        /// Said in the clinic or by telephone.
        Oral,
        /// The patient administrative system.
        Pas,
        /// The registry's own decision, such as an exemption granted to it.
        Registry,
    }
    /// The reason for a permission or its absence.
    #[schema(as = Reason)]
    PermissionReason {
        /// Consent is in force.
        ConsentGiven,
        /// The registry is exempt from consent.
        Exempt,
        /// Consent was refused.
        ConsentRefused,
        /// Consent was withdrawn.
        ConsentWithdrawn,
        /// Reserved against the registry.
        ReservedAgainstRegistry,
        /// Reserved against questionnaires.
        ReservedAgainstQuestionnaires,
        /// No ground was recorded; the registry relies on its exemption, in force since June 2021.
        GeneralExemption,
        /// No ground was recorded, and the day is before the exemption.
        NoBasis,
        /// The patient is dead.
        Deceased,
        /// The patient cannot answer for cognitive reasons.
        CognitiveImpairment,
        /// The patient needs an interpreter.
        InterpreterNeeded,
    }
}

impl PermissionReason {
    /// The reason in a sentence, in English.
    pub const fn en(self) -> &'static str {
        match self {
            Self::ConsentGiven => "The patient consented.",
            Self::Exempt => "The registry is exempt from consent for this patient.",
            Self::ConsentRefused => "The patient refused to consent.",
            Self::ConsentWithdrawn => "The patient withdrew the consent.",
            Self::ReservedAgainstRegistry => "The patient has opted out of the registry (reservasjon).",
            Self::ReservedAgainstQuestionnaires => "The patient has opted out of questionnaires (reservasjon).",
            Self::GeneralExemption => "The registry has been exempt from consent since June 2021.",
            Self::NoBasis => "No legal basis covers this day.",
            Self::Deceased => "The patient is dead.",
            Self::CognitiveImpairment => "The patient cannot answer for cognitive reasons.",
            Self::InterpreterNeeded => "The patient needs an interpreter.",
        }
    }

    /// The reason in a sentence, in Norwegian bokmål.
    pub const fn nb(self) -> &'static str {
        match self {
            Self::ConsentGiven => "Pasienten har samtykket.",
            Self::Exempt => "Registeret har samtykkefritak for denne pasienten.",
            Self::ConsentRefused => "Pasienten har sagt nei til å samtykke.",
            Self::ConsentWithdrawn => "Pasienten har trukket samtykket.",
            Self::ReservedAgainstRegistry => "Pasienten har reservert seg mot registeret.",
            Self::ReservedAgainstQuestionnaires => "Pasienten har reservert seg mot spørreskjemaer.",
            Self::GeneralExemption => "Registeret har hatt samtykkefritak siden juni 2021.",
            Self::NoBasis => "Intet behandlingsgrunnlag dekker denne dagen.",
            Self::Deceased => "Pasienten er død.",
            Self::CognitiveImpairment => "Pasienten kan av kognitive grunner ikke svare.",
            Self::InterpreterNeeded => "Pasienten trenger tolk.",
        }
    }
}

/// One ground, for a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LegalBasis {
    /// The kind of legal basis.
    pub basis: Basis,
    /// The decision; for consent only.
    #[serde(default)]
    pub decision: Option<ConsentDecision>,
    /// The scope of the opt-out; for opt-outs only.
    #[serde(default)]
    pub against: Option<Against>,
    /// The first day it holds.
    pub valid_from: Date,
    /// The last day it holds; absent: until further notice.
    #[serde(default)]
    pub valid_to: Option<Date>,
    /// The source of the information.
    pub source: BasisSource,
    /// The version of the information letter (informasjonsskriv) that the patient had.
    #[serde(default)]
    #[schema(max_length = 40, example = "2021-06")]
    pub letter_version: Option<String>,
}

/// The first day of the exemption from consent.
pub const EXEMPT_SINCE: Date = date(2021, 6, 1);

impl Entry for LegalBasis {
    const KIND: EntryKind = EntryKind::LegalBasis;
    type Derived = Nothing;

    fn examine(&self, exam: &mut Examination<'_>) -> Nothing {
        exam.past_day("valid_from", self.valid_from);
        exam.end_from("valid_to", self.valid_to, self.valid_from);
        exam.label("letter_version", self.letter_version.as_deref(), 40);
        let mut goes_with = |member: &str, given: bool, asked: bool| match (given, asked) {
            (true, false) => exam.fault(member, FaultCode::Contradiction),
            (false, true) => exam.fault(member, FaultCode::Required),
            _ => {}
        };
        goes_with("decision", self.decision.is_some(), self.basis == Basis::Consent);
        goes_with("against", self.against.is_some(), self.basis == Basis::Reservation);
        if self.basis == Basis::Exemption && self.valid_from < EXEMPT_SINCE {
            exam.remark(Remark::ExemptionBeforeJune2021);
        }
        Nothing {}
    }
}

impl LegalBasis {
    fn holds(&self, on: Date) -> bool {
        self.valid_from <= on && self.valid_to.is_none_or(|last| on <= last)
    }

    fn reserves(&self, against: Against) -> bool {
        self.basis == Basis::Reservation && self.against == Some(against)
    }
}

/// An answer, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Verdict {
    /// Whether the legal basis permits it.
    pub allowed: bool,
    /// The reason of the answer.
    pub reason: PermissionReason,
}

const fn yes(reason: PermissionReason) -> Verdict {
    Verdict { allowed: true, reason }
}

const fn no(reason: PermissionReason) -> Verdict {
    Verdict { allowed: false, reason }
}

/// The facts besides the legal basis that decide whether questionnaires may be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// The day of death; absent for the living.
    pub deceased_on: Option<Date>,
    /// Whether cognitive impairment prevents the patient from answering.
    pub cognitive_impairment: bool,
    /// Whether the patient needs an interpreter.
    pub interpreter_needed: bool,
}

/// Whether what the clinic learns on that day may be kept in the registry.
///
/// A reservation against the registry outweighs everything. Else the last word on consent counts: given, it may; refused
/// or withdrawn, it may only where an exemption that began later covers the day. Where nothing was said, the exemption
/// that the registry has had since June 2021 does.
pub fn may_keep(grounds: &[LegalBasis], on: Date) -> Verdict {
    let holding = || grounds.iter().filter(|ground| ground.holds(on));
    if holding().any(|ground| ground.reserves(Against::Registry)) {
        return no(PermissionReason::ReservedAgainstRegistry);
    }
    let of = |basis| holding().filter(move |ground| ground.basis == basis);
    // Of two words on one day, the one that says no counts.
    let weight = |decision| match decision {
        ConsentDecision::Given => 0,
        ConsentDecision::Refused => 1,
        ConsentDecision::Withdrawn => 2,
    };
    let consent = of(Basis::Consent)
        .filter_map(|ground| Some((ground.decision?, ground.valid_from)))
        .max_by_key(|(decision, said)| (*said, weight(*decision)));
    let exempt_from = of(Basis::Exemption).map(|ground| ground.valid_from).max();
    match consent {
        Some((ConsentDecision::Given, _)) => yes(PermissionReason::ConsentGiven),
        Some((_, said)) if exempt_from.is_some_and(|from| from > said) => yes(PermissionReason::Exempt),
        Some((ConsentDecision::Refused, _)) => no(PermissionReason::ConsentRefused),
        Some((ConsentDecision::Withdrawn, _)) => no(PermissionReason::ConsentWithdrawn),
        None if exempt_from.is_some() => yes(PermissionReason::Exempt),
        None if on >= EXEMPT_SINCE => yes(PermissionReason::GeneralExemption),
        None => no(PermissionReason::NoBasis),
    }
}

/// Whether a questionnaire may be sent on that day: what may not be kept need not be asked for.
pub fn may_send(grounds: &[LegalBasis], circumstances: Circumstances, on: Date) -> Verdict {
    let Circumstances { deceased_on, cognitive_impairment, interpreter_needed } = circumstances;
    if deceased_on.is_some_and(|day| day <= on) {
        return no(PermissionReason::Deceased);
    }
    let keep = may_keep(grounds, on);
    if !keep.allowed {
        return keep;
    }
    if grounds.iter().any(|ground| ground.holds(on) && ground.reserves(Against::Questionnaires)) {
        return no(PermissionReason::ReservedAgainstQuestionnaires);
    }
    if cognitive_impairment {
        return no(PermissionReason::CognitiveImpairment);
    }
    if interpreter_needed {
        return no(PermissionReason::InterpreterNeeded);
    }
    keep
}
