//! Procedures: radiofrequency, blocks, infusions, groups, botulinum toxin. All codes are demonstration codes.

use jiff::civil::Date;

use super::super::random::Random;
use super::line::Line;
use super::{Patient, calendar};
use crate::clinical::body::{Area, Region};
use crate::clinical::{Procedure, ProcedureSystem};
use crate::ids::EntryId;

/// Shares of patients and numbers of sessions. Assumption: all more common than radiofrequency treatment, but for
/// botulinum toxin, which is for headache mostly.
const BLOCKS: (f64, i32) = (0.18, 3);
const INFUSIONS: (f64, i32) = (0.05, 3);
const INFUSIONS_OF_NEUROPATHIC: (f64, i32) = (0.14, 4);
const GROUPS: (f64, i32) = (0.15, 2);
const BOTULINUM: (f64, i32) = (0.015, 2);
const BOTULINUM_OF_HEAD: (f64, i32) = (0.25, 4);
/// Share of those treated with radiofrequency who are treated once more, and days until then. Assumption.
const RF_AGAIN: f64 = 0.2;
const RF_AGAIN_AFTER: (i32, i32) = (200, 450);
/// Share of procedures without a site. Assumption: the report says that clinicians leave such fields empty.
const SITE_MISSING: f64 = 0.12;

/// The treatments of an episode, decided before it: the number of days after its start.
pub(super) struct Plan {
    procedures: Vec<(i32, &'static str)>,
    has_rf: bool,
    has_groups: bool,
    /// Whether spinal cord stimulation is tried.
    pub(super) has_scs: bool,
}

impl Plan {
    /// Stimulation is tried once in a course at most.
    pub(super) fn drawn(random: &mut Random, patient: &Patient, is_first: bool) -> Self {
        let condition = patient.condition;
        let has_scs = random.chance(condition.scs) && is_first;
        let has_rf = random.chance(condition.rf) && !has_scs;
        let mut procedures = Vec::new();
        if has_rf {
            // A diagnostic block comes first, to test whether the joint is the cause.
            let block = random.between(14, 90);
            let first = block + random.between(21, 70);
            let code = rf_code(patient.place.region);
            procedures.extend([(block, "ZDNB02"), (first, code)]);
            if random.chance(RF_AGAIN) {
                procedures.push((first + random.between(RF_AGAIN_AFTER.0, RF_AGAIN_AFTER.1), code));
            }
        }
        let is_head = matches!(patient.place.region, Region::Head | Region::Temple | Region::Forehead);
        let infusions = if condition.is_neuropathic { INFUSIONS_OF_NEUROPATHIC } else { INFUSIONS };
        let infusion = random.pick(&[(0.7, "ZDIN01")], "ZDIN02");
        let has_groups = random.chance(GROUPS.0);
        let certain = |(_, most): (f64, i32), does: bool| (if does { 1.0 } else { 0.0 }, most);
        let block = block_code(random, patient.place.region);
        for ((share, most), code, gap) in [
            (BLOCKS, block, (14, 60)),
            (infusions, infusion, (20, 60)),
            (certain(GROUPS, has_groups), "ZDRH01", (60, 120)),
            (if is_head { BOTULINUM_OF_HEAD } else { BOTULINUM }, "ZDBT01", (84, 100)),
        ] {
            if random.chance(share) {
                let mut on = random.between(0, 75);
                for _ in 0..random.between(1, most) {
                    procedures.push((on, code));
                    on += random.between(gap.0, gap.1);
                }
            }
        }
        procedures.sort_unstable();
        Self { procedures, has_rf, has_groups, has_scs }
    }

    pub(super) const fn is_intervention(&self) -> bool {
        self.has_rf || self.has_scs
    }

    /// The unit that treats.
    pub(super) const fn unit(&self) -> &'static str {
        match (self.has_scs, self.has_rf, self.has_groups) {
            (true, ..) => "neuromodulation",
            (_, true, _) => "interventional",
            (_, _, true) => "rehabilitation",
            _ => "clinic",
        }
    }

    /// The minimum length in days of an episode with all of it.
    pub(super) fn least_days(&self) -> i32 {
        self.procedures.last().map_or(0, |(on, _)| on + 14)
    }

    /// The procedures of an episode that began on `opened`, as far as they have been done by `last`.
    pub(super) fn tell(
        &self,
        line: &mut Line,
        random: &mut Random,
        patient: &Patient,
        episode: EntryId,
        (opened, last): (Date, Date),
    ) {
        for (on, code) in &self.procedures {
            let performed_on = calendar::workday(calendar::after(opened, *on));
            if performed_on <= last {
                let site = (!random.chance(SITE_MISSING)).then_some(patient.place);
                procedure(line, episode, ProcedureSystem::Ncmp, code, performed_on, site);
            }
        }
    }
}

/// Records one procedure.
pub(super) fn procedure(
    line: &mut Line,
    episode: EntryId,
    system: ProcedureSystem,
    code: &str,
    performed_on: Date,
    site: Option<Area>,
) {
    line.add(&Procedure {
        episode_id: Some(episode),
        system,
        code: code.to_owned(),
        performed_on,
        procedure_group: None,
        sites: site.into_iter().collect(),
    });
}

const fn rf_code(region: Region) -> &'static str {
    match region {
        Region::LowerBack => "ZDRF01",
        Region::Neck | Region::BackOfHead | Region::Head | Region::Shoulder => "ZDRF02",
        Region::Buttock | Region::Sacrum | Region::Pelvis | Region::Hip => "ZDRF03",
        _ => "ZDRF04",
    }
}

fn block_code(random: &mut Random, region: Region) -> &'static str {
    let special = match region {
        Region::LowerBack => "ZDNB04",
        Region::Hand | Region::Forearm | Region::Face => "ZDNB03",
        _ => "ZDNB01",
    };
    random.pick(&[(0.4, special), (0.15, "ZDNB02")], "ZDNB01")
}
