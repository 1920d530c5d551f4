//! The body map (kroppskart): named regions, each with its sides. Regions have names, so that maps drawn differently
//! can be compared; other maps are mapped to these regions.

use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr};

use super::words;
use crate::fault::{Fault, FaultCode};

words! {
    /// The side of a region.
    Side {
        /// The patient's left.
        Left,
        /// The patient's right.
        Right,
        /// Left and right.
        Both,
        /// In the middle; of regions that have one.
        Midline,
    }
}

macro_rules! regions {
    ($($region:ident $midline:literal $en:literal $nb:literal;)+) => {
        /// A region of the body.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, EnumIter, EnumString,
            IntoStaticStr, utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum Region { $(#[doc = $en] $region),+ }

        impl Region {
            /// The name in English.
            pub const fn en(self) -> &'static str { match self { $(Self::$region => $en),+ } }
            /// The name in Norwegian.
            pub const fn nb(self) -> &'static str { match self { $(Self::$region => $nb),+ } }
            /// Whether it has a middle, so that pain can be neither left nor right.
            pub const fn has_midline(self) -> bool { match self { $(Self::$region => $midline),+ } }
        }
    };
}

regions! {
    Head            true  "Top of the head"       "Isse";
    Forehead        true  "Forehead"              "Panne";
    Temple          false "Temple"                "Tinning";
    BackOfHead      true  "Back of the head"      "Bakhode";
    Face            true  "Face"                  "Ansikt";
    Eye             false "Eye"                   "Øye";
    Ear             false "Ear"                   "Øre";
    Jaw             false "Jaw"                   "Kjeve";
    Mouth           true  "Mouth and teeth"       "Munn og tenner";
    Throat          true  "Throat"                "Hals, foran";
    Neck            true  "Neck"                  "Nakke";
    Shoulder        false "Shoulder"              "Skulder";
    UpperArm        false "Upper arm"             "Overarm";
    Elbow           false "Elbow"                 "Albue";
    Forearm         false "Forearm"               "Underarm";
    Wrist           false "Wrist"                 "Håndledd";
    Hand            false "Hand"                  "Hånd";
    Fingers         false "Fingers"               "Fingre";
    Chest           true  "Chest"                 "Bryst";
    Ribs            false "Ribs"                  "Ribbein";
    UpperAbdomen    true  "Upper abdomen"         "Øvre del av magen";
    LowerAbdomen    true  "Lower abdomen"         "Nedre del av magen";
    Groin           false "Groin"                 "Lyske";
    Pelvis          true  "Pelvis"                "Bekken";
    Genitals        true  "Genitals"              "Kjønnsorganer";
    UpperBack       true  "Upper back"            "Øvre del av ryggen";
    MiddleBack      true  "Middle back"           "Midtre del av ryggen";
    LowerBack       true  "Lower back"            "Korsrygg";
    Sacrum          true  "Sacrum and tailbone"   "Korsbein og halebein";
    Buttock         false "Buttock"               "Sete";
    Hip             false "Hip"                   "Hofte";
    FrontOfThigh    false "Front of the thigh"    "Lår, foran";
    BackOfThigh     false "Back of the thigh"     "Lår, bak";
    Knee            false "Knee"                  "Kne";
    BackOfKnee      false "Back of the knee"      "Knehase";
    Shin            false "Shin"                  "Legg, foran";
    Calf            false "Calf"                  "Legg, bak";
    Ankle           false "Ankle"                 "Ankel";
    Foot            false "Foot"                  "Fot";
    Toes            false "Toes"                  "Tær";
}

/// A region and a side of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// The region of the body.
    pub region: Region,
    /// The side of the region.
    pub side: Side,
}

impl Area {
    /// Whether some of the one is some of the other.
    fn overlaps(self, other: Self) -> bool {
        let one_of_both = |one, other| one == Side::Both && matches!(other, Side::Left | Side::Right);
        self.region == other.region
            && (self.side == other.side || one_of_both(self.side, other.side) || one_of_both(other.side, self.side))
    }
}

/// Returns the faults of places under `prefix`: a middle that the region does not have, or a repeated place.
pub(super) fn faults_of(prefix: &str, areas: &[Area]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, area) in areas.iter().enumerate() {
        let mut refuse = |member| faults.push(Fault::new(format!("{prefix}/{at}/{member}"), FaultCode::Contradiction));
        if area.side == Side::Midline && !area.region.has_midline() {
            refuse("side");
        }
        if areas.iter().take(at).any(|before| before.overlaps(*area)) {
            refuse("region");
        }
    }
    faults
}
