//! The table of kinds of entries: path, rights, day, parent, filters and free text of each.

use strum::{Display, EnumCount, EnumIter, EnumString, IntoStaticStr};

use crate::policy::Action;

/// Which rights a kind of entry asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// The course through the clinic, which secretaries and the patient administration keep too.
    Course,
    /// What was found, done and given.
    Treatment,
    /// What lies in the patient.
    Implants,
    /// On what grounds the patient is in the registry.
    LegalBasis,
    /// Projects and samples.
    Research,
}

/// The rights of a [`Room`].
#[derive(Clone, Copy, Debug)]
pub struct Rights {
    /// To read.
    pub read: Action,
    /// To record something new.
    pub record: Action,
    /// To change what was recorded; what stood there stays in the history.
    pub change: Action,
    /// To take back what should not have been recorded; it stays in the history.
    pub withdraw: Action,
}

impl Room {
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

/// What a kind of entry is, as far as everything that treats entries alike must know.
#[derive(Clone, Copy, Debug)]
pub struct KindRow {
    /// The last part of its paths.
    pub path: &'static str,
    /// Its rights.
    pub room: Room,
    /// The member that says when it happened or began.
    pub day: &'static str,
    /// The member that refers to the entry it belongs to, and that entry's kind.
    pub parent: Option<(&'static str, Kind)>,
    /// Members that lists can be narrowed by: their value must equal the one given.
    pub filters: &'static [&'static str],
    /// The member whose absence means that it still goes on; lists can be narrowed to what does or does not.
    pub until: Option<&'static str>,
    /// Members of free text: sealed wherever they are stored.
    pub free_text: &'static [&'static str],
    /// One word for people, in English.
    pub en: &'static str,
    /// One word for people, in Norwegian.
    pub nb: &'static str,
}

macro_rules! kinds {
    ($($kind:ident $path:literal $room:ident $day:literal $parent:expr, $until:expr, [$($filter:literal)*], [$($text:literal)*], $en:literal $nb:literal;)+) => {
        /// Every kind of entry. The name in snake case is the table's and what the timeline calls it.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, EnumCount, EnumString, Display,
            IntoStaticStr, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        #[strum(serialize_all = "snake_case")]
        #[serde(rename_all = "snake_case")]
        #[schema(as = EntryKind)]
        pub enum Kind { $(#[doc = $en] $kind),+ }

        impl Kind {
            /// What the kind is.
            pub const fn row(self) -> KindRow {
                match self { $(Self::$kind => KindRow {
                    path: $path, room: Room::$room, day: $day, parent: $parent, until: $until,
                    filters: &[$($filter),*], free_text: &[$($text),*], en: $en, nb: $nb,
                }),+ }
            }
        }
    };
}

impl Kind {
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

/// What belongs to an episode of care.
const EPISODE: Option<(&str, Kind)> = Some(("episode_id", Kind::Episode));

/// What belongs to an implant.
const IMPLANT: Option<(&str, Kind)> = Some(("implant_id", Kind::Implant));

kinds! {
    Referral             "referrals"              Course     "received_on"  None, None, ["category" "source" "unit" "pas_id"], [], "referral" "henvisning";
    Episode              "episodes"               Course     "opened_on"    Some(("referral_id", Kind::Referral)), Some("closed_on"), ["unit" "closing_reason" "referral_id"], [], "episode of care" "behandlingsforløp";
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
