//! The table of kinds of entries: path, rights, day, parent, filters and free text of each.

use strum::{Display, EnumCount, EnumIter, EnumString, IntoStaticStr};

use crate::policy::Action;

/// The groups of kinds of entries that share rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryGroup {
    /// The course through the clinic, which secretaries and the patient administration keep too.
    Course,
    /// Diagnoses, procedures, pain drawings, goals and medication.
    Treatment,
    /// Implanted devices and their parts.
    Implants,
    /// On what grounds the patient is in the registry.
    LegalBasis,
    /// Projects and samples.
    Research,
}

/// The rights of a [`EntryGroup`].
#[derive(Clone, Copy, Debug)]
pub struct Rights {
    /// The right to read entries.
    pub read: Action,
    /// The right to record entries.
    pub record: Action,
    /// The right to change entries; earlier states are kept in the history.
    pub change: Action,
    /// The right to withdraw entries recorded by mistake; they are kept in the history.
    pub withdraw: Action,
}

impl EntryGroup {
    /// The rights it asks for.
    pub const fn rights(self) -> Rights {
        use Action::{
            ChangeCourse, ChangeImplants, ChangeLegalBasis, ChangeResearch, ChangeTreatment, ReadCourse, ReadImplants,
            ReadLegalBasis, ReadResearch, ReadTreatment, RecordCourse, RecordImplants, RecordLegalBasis,
            RecordResearch, RecordTreatment, WithdrawCourse, WithdrawImplants, WithdrawLegalBasis, WithdrawResearch,
            WithdrawTreatment,
        };
        let (read, record, change, withdraw) = match self {
            Self::Course => (ReadCourse, RecordCourse, ChangeCourse, WithdrawCourse),
            Self::Treatment => (ReadTreatment, RecordTreatment, ChangeTreatment, WithdrawTreatment),
            Self::Implants => (ReadImplants, RecordImplants, ChangeImplants, WithdrawImplants),
            Self::LegalBasis => (ReadLegalBasis, RecordLegalBasis, ChangeLegalBasis, WithdrawLegalBasis),
            Self::Research => (ReadResearch, RecordResearch, ChangeResearch, WithdrawResearch),
        };
        Rights { read, record, change, withdraw }
    }
}

/// The properties of a kind of entry that code for all kinds reads.
#[derive(Clone, Copy, Debug)]
pub struct KindRow {
    /// The last part of its paths.
    pub path: &'static str,
    /// The group with the rights that the kind needs.
    pub group: EntryGroup,
    /// The member that says when it happened or began.
    pub day: &'static str,
    /// The member that refers to the entry it belongs to, and that entry's kind.
    pub parent: Option<(&'static str, EntryKind)>,
    /// Members that lists can be narrowed by: their value must equal the one given.
    pub filters: &'static [&'static str],
    /// The member that is absent while the entry is ongoing; lists can be filtered by its presence.
    pub until: Option<&'static str>,
    /// Members of free text: sealed wherever they are stored.
    pub free_text: &'static [&'static str],
    /// One word for people, in English.
    pub en: &'static str,
    /// One word for people, in Norwegian.
    pub nb: &'static str,
}

macro_rules! kinds {
    ($($kind:ident $path:literal $group:ident $day:literal $parent:expr, $until:expr, [$($filter:literal)*], [$($text:literal)*], $en:literal $nb:literal;)+) => {
        /// The kinds of entries. The name in snake case is the table's and the timeline's.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, EnumCount, EnumString, Display,
            IntoStaticStr, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        #[strum(serialize_all = "snake_case")]
        #[serde(rename_all = "snake_case")]
        #[schema(as = EntryKind)]
        pub enum EntryKind { $(#[doc = $en] $kind),+ }

        impl EntryKind {
            /// Returns the row of the kind.
            pub const fn row(self) -> KindRow {
                match self { $(Self::$kind => KindRow {
                    path: $path, group: EntryGroup::$group, day: $day, parent: $parent, until: $until,
                    filters: &[$($filter),*], free_text: &[$($text),*], en: $en, nb: $nb,
                }),+ }
            }
        }
    };
}

impl EntryKind {
    /// Whether entries of this kind are facts that rules of follow-up read.
    pub const fn is_read_by_follow_up(self) -> bool {
        matches!(
            self,
            Self::Referral
                | Self::Episode
                | Self::Procedure
                | Self::Implant
                | Self::ImplantComponent
                | Self::LegalBasis
                | Self::ProjectParticipation
        )
    }
}

/// The parent of entries that belong to an episode of care.
const EPISODE: Option<(&str, EntryKind)> = Some(("episode_id", EntryKind::Episode));

/// The parent of entries that belong to an implant.
const IMPLANT: Option<(&str, EntryKind)> = Some(("implant_id", EntryKind::Implant));

kinds! {
    Referral             "referrals"              Course     "received_on"  None, None, ["category" "source" "unit" "pas_id"], [], "referral" "henvisning";
    Episode              "episodes"               Course     "opened_on"    Some(("referral_id", EntryKind::Referral)), Some("closed_on"), ["unit" "closing_reason" "referral_id"], [], "episode of care" "behandlingsforløp";
    Consultation         "consultations"          Course     "held_on"      EPISODE, None, ["sequence" "mode" "attendance" "episode_id"], [], "consultation" "konsultasjon";
    Diagnosis            "diagnoses"              Treatment  "set_on"       EPISODE, None, ["system" "code" "chronic_pain" "episode_id"], [], "diagnosis" "diagnose";
    Procedure            "procedures"             Treatment  "performed_on" EPISODE, None, ["system" "code" "effective_group" "episode_id"], [], "procedure" "prosedyre";
    PainSite             "pain-sites"             Treatment  "recorded_on"  EPISODE, None, ["reported_by"], [], "pain drawing" "smertetegning";
    TreatmentGoal        "treatment-goals"        Treatment  "set_on"       EPISODE, Some("assessed_on"), ["set_by" "category"], ["text"], "treatment goal" "behandlingsmål";
    Medication           "medications"            Treatment  "started_on"   None, Some("ended_on"), ["atc" "route"], [], "medication" "legemiddel";
    Implant              "implants"               Implants   "decided_on"   None, None, ["indication" "modality" "trial_outcome"], [], "implant" "implantat";
    ImplantComponent     "implant-components"     Implants   "implanted_on" IMPLANT, Some("removed_on"), ["component" "manufacturer" "model" "serial" "lot" "udi_di" "implant_id"], [], "implant component" "implantatdel";
    ImplantProgramme     "implant-programmes"     Implants   "set_on"       IMPLANT, Some("ended_on"), ["waveform" "implant_id"], [], "stimulation programme" "stimuleringsprogram";
    ImplantEvent         "implant-events"         Implants   "happened_on"  IMPLANT, None, ["event" "class" "implant_id"], ["note"], "implant event" "implantathendelse";
    ImplantCheck         "implant-checks"         Implants   "checked_on"   IMPLANT, None, ["battery" "implant_id"], [], "implant check" "implantatkontroll";
    LegalBasis           "legal-basis"            LegalBasis "valid_from"   None, Some("valid_to"), ["basis" "decision" "against" "letter_version"], [], "legal basis" "behandlingsgrunnlag";
    ProjectParticipation "project-participations" Research   "joined_on"    None, Some("left_on"), ["project" "arm"], [], "project participation" "prosjektdeltakelse";
    Sample               "samples"                Research   "taken_on"     None, None, ["sample_type" "state" "project"], [], "biobank sample" "biobankprøve";
}
