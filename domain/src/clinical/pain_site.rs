//! Pain drawings (smertetegninger): the painful regions with intensity.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::body::{Area, Region, Side, faults_of};
use super::{Entry, EntryKind, Examination};
use crate::fault::{Fault, FaultCode};
use crate::ids::EntryId;
use crate::words::words;

words! {
    /// The person who reported the sites.
    ReportedBy {
        /// The patient's own drawing.
        Patient,
        /// The findings of the clinician.
        Clinician,
    }
}

/// One place that hurts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PainArea {
    /// The region of the body.
    pub region: Region,
    /// The side of the region.
    pub side: Side,
    /// The intensity of the pain, 0 to 10.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 10)]
    pub intensity: Option<i32>,
    /// Whether the site has the most pain.
    #[serde(default)]
    pub main: bool,
}

/// A pain drawing (smertetegning): all places that hurt on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PainSite {
    /// The episode it was made in.
    #[serde(default)]
    pub episode_id: Option<EntryId>,
    /// The day of the drawing.
    pub recorded_on: Date,
    /// The person who reported the sites.
    pub reported_by: ReportedBy,
    /// The places, each at most once.
    #[schema(min_items = 1, max_items = 100)]
    pub areas: Vec<PainArea>,
}

/// The derived members of a pain drawing.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Drawn {
    /// The number of painful places; both sides of a region count as two.
    #[schema(minimum = 1, maximum = 200)]
    pub area_count: i32,
}

impl Entry for PainSite {
    const KIND: EntryKind = EntryKind::PainSite;
    type Derived = Drawn;

    fn examine(&self, exam: &mut Examination<'_>) -> Drawn {
        exam.day("recorded_on", self.recorded_on);
        let areas = exam.many("areas", &self.areas, 1..=100);
        let places: Vec<Area> = areas.iter().map(|it| Area { region: it.region, side: it.side }).collect();
        exam.faults(faults_of("/areas", &places));
        for (at, area) in areas.iter().enumerate() {
            if area.intensity.is_some_and(|it| !(0..=10).contains(&it)) {
                exam.faults([Fault::new(format!("/areas/{at}/intensity"), FaultCode::OutOfRange)]);
            }
        }
        let area_count = places.iter().map(|place| if place.side == Side::Both { 2 } else { 1 }).sum();
        Drawn { area_count }
    }
}
