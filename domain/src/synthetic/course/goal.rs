//! Treatment goals in fixed words, and samples for the biobank.

use jiff::civil::{Date, date};

use super::super::random::Random;
use super::line::Line;
use super::{Patient, calendar};
use crate::clinical::{Sample, SampleState, SetBy, TreatmentGoal};
use crate::ids::EntryId;

/// Since when clinicians record goals (report: registration of what the clinic does began in April 2020).
const RECORDED_SINCE: Date = date(2020, 4, 1);
/// The number of goals of an episode. Assumption; some have none, because the field is not mandatory (report).
const GOALS: [(f64, usize); 3] = [(0.25, 0), (0.30, 1), (0.30, 2)];
const GOALS_MOST: usize = 3;
/// Share of goals that are the patient's own. Assumption.
const OWN: f64 = 0.6;
/// Days until a goal should be reached.
const TARGET: (i32, i32) = (60, 365);
/// Share of goals that are judged when the episode is closed. Assumption.
const JUDGED: f64 = 0.75;
/// Goal attainment: as expected mostly, and less rather than more. Assumption.
const ATTAINMENT: [(f64, i32); 4] = [(0.13, -2), (0.25, -1), (0.35, 0), (0.19, 1)];

/// Goals in the words of patients and clinicians, invented. No names, no numbers.
const TEXTS: &[(&str, SetBy, &str)] = &[
    ("pain", SetBy::Patient, "Ha færre dager der smerten bestemmer alt."),
    ("pain", SetBy::Patient, "Kunne sitte gjennom et måltid uten å måtte reise meg."),
    ("pain", SetBy::Patient, "Få en roligere kveld med mindre smerte."),
    ("pain", SetBy::Clinician, "Lavere gjennomsnittlig smerte ved neste kontroll."),
    ("pain", SetBy::Clinician, "Finne strategier for å håndtere smertetopper."),
    ("function", SetBy::Patient, "Gå til butikken og hjem igjen uten pause."),
    ("function", SetBy::Patient, "Kunne leke på gulvet med barnebarna."),
    ("function", SetBy::Patient, "Ta trappene hjemme uten hjelp."),
    ("function", SetBy::Patient, "Komme tilbake til turgruppa."),
    ("function", SetBy::Clinician, "Gradvis økt aktivitet etter avtalt plan."),
    ("function", SetBy::Clinician, "Jevnere fordeling av aktivitet og hvile gjennom uka."),
    ("work", SetBy::Patient, "Komme tilbake på jobb i en liten stilling."),
    ("work", SetBy::Patient, "Fullføre utdanningen jeg er i gang med."),
    ("work", SetBy::Clinician, "Tilrettelagt arbeid i samarbeid med arbeidsgiver."),
    ("sleep", SetBy::Patient, "Sove gjennom natten uten å våkne av smerte."),
    ("sleep", SetBy::Patient, "Våkne uthvilt noen dager i uka."),
    ("sleep", SetBy::Clinician, "Fast døgnrytme og mindre søvnmedisin."),
    ("mood", SetBy::Patient, "Bekymre meg mindre for smerten."),
    ("mood", SetBy::Patient, "Glede meg over noe hver dag."),
    ("mood", SetBy::Clinician, "Mindre katastrofetenkning rundt smerte."),
    ("medication", SetBy::Patient, "Klare meg uten sterke smertestillende."),
    ("medication", SetBy::Patient, "Færre bivirkninger av medisinene."),
    ("medication", SetBy::Clinician, "Trappe ned opioider etter plan."),
    ("medication", SetBy::Clinician, "Rydde i legemiddellisten sammen med fastlegen."),
    ("social", SetBy::Patient, "Være med på familiesammenkomster igjen."),
    ("social", SetBy::Patient, "Møte venner oftere."),
    ("social", SetBy::Clinician, "Gjenoppta en sosial aktivitet utenfor hjemmet."),
    ("other", SetBy::Patient, "Forstå bedre hvorfor det gjør vondt."),
    ("other", SetBy::Clinician, "Felles forståelse av smertetilstanden."),
];

/// The goals of an episode.
pub(super) fn tell(
    line: &mut Line,
    random: &mut Random,
    patient: &Patient,
    episode: EntryId,
    (opened, closed): (Date, Option<Date>),
) {
    if opened < RECORDED_SINCE {
        return;
    }
    let mut told = Vec::new();
    for _ in 0..random.pick(&GOALS, GOALS_MOST) {
        let wanted = if random.chance(OWN) { SetBy::Patient } else { SetBy::Clinician };
        let fitting: Vec<_> = TEXTS.iter().filter(|(.., text)| !told.contains(text)).collect();
        let Some((category, set_by, text)) =
            random.weighted(&fitting, |(_, set_by, _)| if *set_by == wanted { 1.0 } else { 0.0 })
        else {
            continue;
        };
        told.push(*text);
        let judged = closed.filter(|day| *day <= patient.last()).filter(|_| random.chance(JUDGED));
        let attainment = random.pick(&ATTAINMENT, 2);
        line.add(&TreatmentGoal {
            episode_id: Some(episode),
            set_on: opened,
            set_by: *set_by,
            category: (!random.chance(0.05)).then(|| (*category).to_owned()),
            text: (*text).to_owned(),
            target_on: Some(calendar::after(opened, random.between(TARGET.0, TARGET.1))),
            attainment: judged.map(|_| attainment),
            assessed_on: judged,
        });
    }
}

/// Since when samples are taken: the biobank's procedures were to be ready at the end of 2022 (report).
const SAMPLES_SINCE: Date = date(2023, 1, 1);
/// Share of the patients seen since then who give some. Assumption.
const SAMPLED: f64 = 0.03;
const SAMPLE_TYPES: [&str; 4] = ["serum", "plasma", "whole_blood", "saliva"];

/// Samples, taken at the first consultation.
pub(super) fn samples(line: &mut Line, random: &mut Random, patient: &Patient, taken_on: Date) {
    if taken_on < SAMPLES_SINCE || taken_on > patient.last() || !random.chance(SAMPLED) {
        return;
    }
    let first = random.between(0, 1);
    for sample_type in SAMPLE_TYPES.iter().skip(usize::from(first == 1)).take(if random.chance(0.5) { 1 } else { 2 }) {
        line.add(&Sample {
            sample_type: (*sample_type).to_owned(),
            taken_on,
            storage_reference: format!("INVENTED-{:08X}", random.next() >> 32),
            legal_basis: "REK (invented)".to_owned(),
            project: None,
            state: random.pick(&[(0.85, SampleState::Stored), (0.12, SampleState::Used)], SampleState::Destroyed),
        });
    }
}
