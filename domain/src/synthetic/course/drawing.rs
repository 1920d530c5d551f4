//! Pain drawings: how many places, which ones, how much it hurts there.

use jiff::civil::Date;

use super::super::random::{Random, exponential, whole};
use super::Patient;
use super::line::Line;
use crate::clinical::body::{Region, Side};
use crate::clinical::{PainArea, PainSite, ReportedBy};
use crate::ids::EntryId;

/// Places, both sides of a region counted as two: log-normal with CHOIR's median and, nearly, its mean of 10.6 of 74
/// regions (quartiles 4 and 13, 5th and 95th per cent 2 and 34). This map has other regions than CHOIR's.
const PLACES: (f64, f64) = (7.0, 0.89);
/// The most places that are drawn.
const MOST: i32 = 60;
/// Share of drawings with the lower back in any case, so that each side of it is drawn by about 54 %, more than any
/// other place (CHOIR 54 and 53 %).
const LOWER_BACK: f64 = 0.52;
/// Share of places without intensity. Assumption.
const INTENSITY_OPEN: f64 = 0.12;

/// Relative frequency of additional regions. CHOIR: most of them 18 to 30 %; the order is an assumption.
const REGIONS: &[(f64, Region)] = &[
    (0.6, Region::Head),
    (0.6, Region::Forehead),
    (0.7, Region::Temple),
    (0.9, Region::BackOfHead),
    (0.4, Region::Face),
    (0.25, Region::Eye),
    (0.2, Region::Ear),
    (0.5, Region::Jaw),
    (0.2, Region::Mouth),
    (0.2, Region::Throat),
    (2.2, Region::Neck),
    (2.2, Region::Shoulder),
    (1.2, Region::UpperArm),
    (1.0, Region::Elbow),
    (1.0, Region::Forearm),
    (1.1, Region::Wrist),
    (1.4, Region::Hand),
    (1.1, Region::Fingers),
    (0.7, Region::Chest),
    (0.6, Region::Ribs),
    (0.6, Region::UpperAbdomen),
    (0.8, Region::LowerAbdomen),
    (0.8, Region::Groin),
    (0.7, Region::Pelvis),
    (0.2, Region::Genitals),
    (1.8, Region::UpperBack),
    (1.5, Region::MiddleBack),
    (3.0, Region::LowerBack),
    (1.3, Region::Sacrum),
    (1.7, Region::Buttock),
    (2.0, Region::Hip),
    (1.3, Region::FrontOfThigh),
    (1.3, Region::BackOfThigh),
    (1.9, Region::Knee),
    (0.7, Region::BackOfKnee),
    (1.1, Region::Shin),
    (1.3, Region::Calf),
    (1.2, Region::Ankle),
    (1.6, Region::Foot),
    (0.9, Region::Toes),
];

/// Draws the number of painful places.
pub(super) fn places(patient: &Patient) -> i32 {
    let [.., sites] = patient.traits;
    whole(PLACES.0 * exponential(PLACES.1 * sites)).clamp(1, MOST)
}

/// A drawing of about so many places.
pub(super) fn tell(
    line: &mut Line,
    random: &mut Random,
    patient: &Patient,
    episode: EntryId,
    (recorded_on, reported_by): (Date, ReportedBy),
    places: i32,
) {
    let mut areas = Vec::new();
    let mut left = places;
    let mut add = |random: &mut Random, region: Region, side: Side, main: bool, left: &mut i32| {
        *left -= if side == Side::Both { 2 } else { 1 };
        let pain = if main { patient.pain } else { patient.pain - random.pick(&[(0.3, 0), (0.3, 1), (0.25, 2)], 3) };
        let intensity = (!random.chance(INTENSITY_OPEN)).then_some(pain.clamp(1, 10));
        areas.push(PainArea { region, side, intensity, main });
    };
    let mut open = REGIONS.to_vec();
    let mut take = |region: Region| open.retain(|(_, other)| *other != region);
    let place = patient.place;
    // A patient with one place draws one side of it.
    let one = random.pick(&[(0.5, Side::Left)], Side::Right);
    let fits = |side: Side, left: i32| if side == Side::Both && left < 2 { one } else { side };
    take(place.region);
    add(random, place.region, fits(place.side, left), true, &mut left);
    if place.region != Region::LowerBack && left > 0 && random.chance(LOWER_BACK) {
        take(Region::LowerBack);
        add(random, Region::LowerBack, fits(Side::Both, left), false, &mut left);
    }
    while left > 0 {
        let Some((_, region)) = random.weighted(&open, |(weight, _)| *weight).copied() else { break };
        open.retain(|(_, other)| *other != region);
        let middle = if region.has_midline() { 0.25 } else { 0.0 };
        let side = random.pick(&[(middle, Side::Midline), (0.2, Side::Left), (0.2, Side::Right)], Side::Both);
        add(random, region, fits(side, left), false, &mut left);
    }
    line.add(&PainSite { episode_id: Some(episode), recorded_on, reported_by, areas });
}
