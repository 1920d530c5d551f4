//! Pain drawings (smertetegninger): where it hurts, region by region.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::body::{Area, Region, Side, faults_of};
use super::{Entry, Examination, Kind};
use crate::fault::{Fault, FaultCode};
use crate::ids::EntryId;
use crate::words::words;

words! {
    /// Whose words they are.
    ReportedBy {
        /// The patient's own drawing.
        Patient,
        /// What the clinician found.
        Clinician,
    }
}

/// One place that hurts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PainArea {
    /// The region.
    pub region: Region,
    /// Which side of it.
    pub side: Side,
    /// How much it hurts there, 0 to 10.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 10)]
    pub intensity: Option<i32>,
    /// Whether it hurts most there.
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
    /// When it was made.
    pub recorded_on: Date,
    /// Whose words they are.
    pub reported_by: ReportedBy,
    /// The places, each at most once.
    #[schema(min_items = 1, max_items = 100)]
    pub areas: Vec<PainArea>,
}

/// What follows from a pain drawing.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Drawn {
    /// How many places hurt, both sides of a region counted as two.
    #[schema(minimum = 1, maximum = 200)]
    pub area_count: i32,
}

impl Entry for PainSite {
    const KIND: Kind = Kind::PainSite;
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
