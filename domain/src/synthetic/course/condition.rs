//! The condition of a patient: one chronic-pain category of ICD-11 with its diagnoses, pain sites and treatments.

use jiff::civil::{Date, date};

use super::super::latent::Traits;
use super::super::random::Random;
use super::Patient;
use super::line::Line;
use crate::clinical::body::{Area, Region, Side};
use crate::clinical::{Diagnosis, DiagnosisSystem, Indication};
use crate::ids::EntryId;
use crate::patient::Sex;

/// A category and what goes with it.
pub(super) struct Condition {
    /// Its share among all who are not widespread.
    share: f64,
    /// The MG30 code.
    mg30: &'static str,
    /// ICD-11 codes that may follow.
    icd11: &'static [&'static str],
    /// ICD-10 codes that may follow, the common ones several times.
    icd10: &'static [&'static str],
    /// The regions of most pain.
    regions: &'static [Region],
    /// Share who get radiofrequency treatment, and spinal cord stimulation.
    pub(super) rf: f64,
    pub(super) scs: f64,
    /// The indication for stimulation.
    pub(super) indication: Indication,
    /// Whether medicines for neuropathic pain are given first.
    pub(super) is_neuropathic: bool,
}

/// The region of most pain, and the spread of the pain in it.
pub(super) type Place = Area;

impl Condition {
    /// Returns whether the pain comes from an active cancer.
    pub(super) fn is_malignant(&self) -> bool {
        self.mg30 == "MG30.10"
    }

    pub(super) fn place(&self, random: &mut Random) -> Place {
        let region = random.any(self.regions).copied().unwrap_or(Region::LowerBack);
        let sides = if region.has_midline() {
            [(0.2, Side::Left), (0.2, Side::Right), (0.3, Side::Midline)]
        } else {
            [(0.35, Side::Left), (0.35, Side::Right), (0.0, Side::Midline)]
        };
        Place { region, side: random.pick(&sides, Side::Both) }
    }
}

/// Since when ICD-11 codes are valid in the built-in book. The registry began with them about 2020; what was coded
/// before is in ICD-10 alone here, and is remarked upon.
const ICD11_SINCE: Date = date(2022, 1, 1);
/// Share of diagnoses since then without an MG30 code in first place. Assumption.
const MG30_FORGOTTEN: f64 = 0.04;
/// The number of ICD-10 codes after a MG30 code. Assumption.
const ICD10_CODES: [(f64, usize); 3] = [(0.10, 0), (0.50, 1), (0.28, 2)];
const ICD10_CODES_MOST: usize = 3;
/// ICD-10 codes that anybody in a pain clinic may have besides.
const COMMON: [&str; 6] = ["R52.2", "M79.6", "G44.2", "M54.5", "F45.4", "M25.5"];

/// Widespread pain goes with many sites: its share among those above and below that many (standard normal). Together
/// 17.5 % of all. Assumption.
const MANY_SITES: f64 = 0.25;
const WIDESPREAD: (f64, f64) = (0.42, 0.012);

const SPINE: &[Region] = &[Region::LowerBack, Region::LowerBack, Region::LowerBack, Region::Neck, Region::UpperBack];
const LIMBS: &[Region] =
    &[Region::Foot, Region::Shin, Region::Hand, Region::Knee, Region::Forearm, Region::BackOfThigh];
const HEAD: &[Region] = &[Region::Temple, Region::Forehead, Region::BackOfHead, Region::Head];
const FACE: &[Region] = &[Region::Face, Region::Jaw];
const BELLY: &[Region] = &[Region::LowerAbdomen, Region::Pelvis, Region::UpperAbdomen];

const WIDE: Condition = Condition {
    share: 0.0,
    mg30: "MG30.01",
    icd11: &[],
    icd10: &["M79.7", "M79.7", "M79.7", "M79.7", "M79.7", "M79.1", "M79.1", "M54.8", "M79.0", "Q79.6"],
    regions: &[Region::LowerBack, Region::Neck, Region::Shoulder, Region::Hip],
    rf: 0.02,
    scs: 0.0,
    indication: Indication::Other,
    is_neuropathic: false,
};

/// A category by its code, its share in per mille of all patients, its treatments, and its regions.
const fn condition(
    mg30: &'static str,
    share: f64,
    icd11: &'static [&'static str],
    icd10: &'static [&'static str],
    regions: &'static [Region],
) -> Condition {
    let indication = Indication::Other;
    Condition { share, mg30, icd11, icd10, regions, rf: 0.0, scs: 0.0, indication, is_neuropathic: false }
}

impl Condition {
    const fn rf(self, rf: f64) -> Self {
        Self { rf, ..self }
    }

    const fn scs(self, scs: f64, indication: Indication) -> Self {
        Self { scs, indication, ..self }
    }

    const fn neuropathic(self) -> Self {
        Self { is_neuropathic: true, ..self }
    }
}

/// Per mille of all patients. Assumption: primary pain 450 with the widespread, most of it widespread or
/// musculoskeletal; no distribution over the categories was at hand (Munk 2022 uses them). Shares that get
/// radiofrequency treatment add up to about 7 % of all, those that try spinal cord stimulation to about 2.8 %, because
/// within a year 28 and 16 first invitations of about a thousand patients went out for them (report), fewer than the
/// hospital expected.
const CONDITIONS: &[Condition] = &[
    condition("MG30.02", 180.0, &[], &["M54.5", "M54.5", "M54.5", "M54.4", "M54.2", "M54.6", "M53.1", "M79.1"], SPINE)
        .rf(0.15),
    condition("MG30.03", 40.0, &[], &["G44.2", "G43.9", "R51", "G44.4", "G50.1"], HEAD).rf(0.08),
    condition("MG30.00", 30.0, &[], &["K58.8", "R10.4", "R10.2", "N30.1"], BELLY),
    condition("MG30.0Y", 15.0, &["8D8A.00"], &["G90.5", "G90.5", "G90.5", "M89.0"], LIMBS)
        .scs(0.22, Indication::CrpsType1)
        .neuropathic(),
    condition("MG30.0Y", 5.0, &["8D8A.01"], &["G90.6"], LIMBS).scs(0.22, Indication::CrpsType2).neuropathic(),
    condition("MG30.0Z", 5.0, &[], &["R52.2", "F45.4"], SPINE),
    condition("MG30.21", 50.0, &["8B93.6"], &["M96.1", "M96.1", "M96.1", "M54.4", "M51.1"], &[Region::LowerBack])
        .rf(0.14)
        .scs(0.30, Indication::PersistentSpinalPainType2)
        .neuropathic(),
    condition("MG30.21", 25.0, &[], &["T98.3", "R52.2", "M79.2"], &[Region::Groin, Region::Chest, Region::Knee]),
    condition("MG30.20", 75.0, &[], &["T91.8", "T92.3", "T93.2", "T91.1", "G44.3", "T94.0"], SPINE).rf(0.13),
    condition("MG30.51", 75.0, &["8E43.0Z"], &["M79.2", "G57.8", "G56.8", "G58.0", "G62.9", "M54.1"], LIMBS)
        .rf(0.05)
        .scs(0.03, Indication::Other)
        .neuropathic(),
    condition("MG30.51", 20.0, &[], &["G63.2", "E11.4", "E11.4", "E10.4"], &[Region::Foot, Region::Toes])
        .scs(0.15, Indication::PainfulDiabeticNeuropathy)
        .neuropathic(),
    condition("MG30.51", 15.0, &["1E91.5"], &["G53.0", "B02.2"], &[Region::Ribs, Region::Chest]).neuropathic(),
    condition("MG30.51", 8.0, &["8E43.00"], &["G54.6"], &[Region::Foot, Region::Toes, Region::Hand]).neuropathic(),
    condition("MG30.50", 30.0, &[], &["T91.3", "R52.2"], LIMBS).neuropathic(),
    condition("MG30.31", 80.0, &[], &["M47.8", "M48.0", "M17.1", "M16.1", "M51.3", "M50.3"], SPINE).rf(0.26),
    condition("MG30.30", 30.0, &[], &["M06.9", "M45"], &[Region::Hand, Region::LowerBack, Region::Knee]),
    condition("MG30.32", 8.0, &[], &["T91.3", "G58.7"], LIMBS),
    condition("MG30.62", 14.0, &["8B82.0"], &["G50.0", "G50.1"], FACE).rf(0.10).neuropathic(),
    condition("MG30.6Y", 16.0, &[], &["G44.4", "G44.8", "G43.1"], HEAD),
    condition("MG30.42", 25.0, &[], &["N80.3", "N80.9", "K86.1", "R10.2", "R10.1"], BELLY),
    condition("MG30.40", 10.0, &[], &["R10.4", "R10.3"], BELLY),
    condition("MG30.41", 6.0, &[], &["I20.8", "R07.3"], &[Region::Chest]).scs(0.40, Indication::RefractoryAngina),
    condition("MG30.41", 4.0, &[], &["I73.9"], &[Region::Calf, Region::Foot])
        .scs(0.30, Indication::PeripheralVascularDisease),
    condition("MG30.10", 12.0, &[], &["R52.1"], &[Region::UpperAbdomen, Region::Pelvis, Region::MiddleBack]),
    condition("MG30.11", 26.0, &[], &["G62.9", "R52.2", "G58.0"], &[Region::Chest, Region::Foot]).neuropathic(),
    condition("MG30.Z", 21.0, &[], &["R52.2", "R52.9"], SPINE),
];

/// Draws the condition of a patient with the given traits.
pub(super) fn drawn(random: &mut Random, traits: &Traits) -> &'static Condition {
    let [.., sites] = *traits;
    let widespread = if sites > MANY_SITES { WIDESPREAD.0 } else { WIDESPREAD.1 };
    if random.chance(widespread) {
        return &WIDE;
    }
    random.weighted(CONDITIONS, |condition| condition.share).unwrap_or(&WIDE)
}

/// The diagnoses of an episode, set on one day.
pub(super) fn tell(line: &mut Line, random: &mut Random, patient: &Patient, episode: EntryId, set_on: Date) {
    let condition = patient.condition;
    let mut codes = Vec::new();
    if set_on >= ICD11_SINCE && !random.chance(MG30_FORGOTTEN) {
        codes.push((DiagnosisSystem::Icd11, condition.mg30));
        if let Some(code) = random.any(condition.icd11) {
            codes.push((DiagnosisSystem::Icd11, *code));
        }
    }
    let fitting = |code: &&&str| patient.sex == Sex::Female || !code.starts_with("N80");
    let mut own: Vec<&str> = condition.icd10.iter().filter(fitting).copied().collect();
    let least = usize::from(codes.is_empty());
    for number in 0..random.pick(&ICD10_CODES, ICD10_CODES_MOST).max(least) {
        // The disease's own code first, then more of them or what anybody may have.
        let pool: &[&str] = if own.is_empty() || (number > 0 && random.chance(0.3)) { &COMMON } else { &own };
        let Some(code) = random.any(pool).copied() else { continue };
        own.retain(|other| *other != code);
        if !codes.iter().any(|(_, known)| *known == code) {
            codes.push((DiagnosisSystem::Icd10, code));
        }
    }
    for (rank, (system, code)) in (1..).zip(codes) {
        line.add(&Diagnosis { episode_id: Some(episode), system, code: code.to_owned(), rank, set_on });
    }
}
