//! Wire documents from drawn levels: items, gaps, demography and the TSD document. The distribution of scores is
//! decided elsewhere.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Map, Value, json};

use super::latent::{Latent, Levels, Traits};
use super::random::{Random, along, whole};
use super::{Person, SCS_FORM_ID, SHORT_FORM_ID};

/// Share of respondents who skip a whole instrument: our choice, within the 2 to 5 % of most fields in OPR.
const SKIPPED: f64 = 0.03;
/// Share of single items left open otherwise: our choice.
const GAP: f64 = 0.004;
/// Share who leave the ODI's eighth item (sex life) open, which is legitimate: our choice.
const ODI_08_GAP: f64 = 0.10;

/// The codebook answers of one baseline by those traits, at an age in whole years.
pub(super) fn answers(random: &mut Random, latent: &Latent, age: i16, traits: &Traits) -> Map<String, Value> {
    let levels = latent.levels(random, traits);
    let mut answers = Map::new();
    pain(random, levels.nrs, &mut answers);
    flat("odi", &spread::<10>(levels.odi, random, 5, None), &mut answers, random);
    if random.chance(ODI_08_GAP) {
        answers.insert("odi_08".to_owned(), Value::Null);
    }
    eq5d(random, levels.eq5d, levels.vas, &mut answers);

    let anxiety: [i32; 10] = spread(levels.anxiety, random, 3, None);
    // Item 20 (suicidal thoughts) is the tenth of the depression items and must keep its low frequency.
    let depression: [i32; 15] = spread(levels.depression, random, 3, Some(9));
    let hscl: Vec<i32> = anxiety.iter().chain(&depression).map(|units| units + 1).collect();
    matrix("hscl", two_digits, &hscl, &mut answers, random);
    matrix("isi", two_digits, &spread::<7>(levels.isi, random, 4, None), &mut answers, random);
    matrix("catastrophizing", |n| n.to_string(), &spread::<13>(levels.pcs, random, 4, None), &mut answers, random);
    matrix("cfq", two_digits, &spread::<11>(levels.cfq, random, 3, None), &mut answers, random);
    let gse = spread::<10>(levels.gse, random, 3, None).map(|units| units + 1);
    matrix("self_efficacy", |n| format!("s{n}"), &gse, &mut answers, random);
    // Added later: a separate stream keeps the results of old seeds.
    let mut later = random.clone().fork();
    matrix("ieq", two_digits, &spread::<12>(levels.ieq, &mut later, 4, None), &mut answers, &mut later);
    matrix("bds", two_digits, &spread::<25>(levels.bds, &mut later, 4, None), &mut answers, &mut later);
    let years = demography(random, f64::from(age), &mut answers);
    background(&mut later, &levels, traits, years, &mut answers);
    treatment(&mut later, &levels, &mut answers);
    answers
}

/// Shares of improvement, from very much improved on. Assumption: about half improve.
const CHANGES: [(f64, &str); 6] = [(0.08, "1"), (0.2, "2"), (0.24, "3"), (0.28, "4"), (0.1, "5"), (0.07, "6")];

/// The codebook answers of a form of follow-up.
pub(super) fn follow_up(random: &mut Random, latent: &Latent, traits: &Traits, form_id: &str) -> Map<String, Value> {
    let levels = latent.levels(random, traits);
    let mut answers = Map::new();
    answers.insert("pgic".to_owned(), random.pick(&CHANGES, "7").into());
    eq5d(random, levels.eq5d, levels.vas, &mut answers);
    if form_id != SHORT_FORM_ID {
        pain(random, levels.nrs, &mut answers);
        flat("odi", &spread::<10>(levels.odi, random, 5, None), &mut answers, random);
        answers.insert("relief_percent".to_owned(), Value::from(random.between(0, 10) * 10));
        answers.insert("would_repeat".to_owned(), random.pick(&[(0.6, "yes"), (0.2, "no")], "unsure").into());
    }
    if form_id == SCS_FORM_ID {
        answers.insert("stimulator_use".to_owned(), "daily".into());
        answers.insert("hours_a_day".to_owned(), Value::from(random.between(4, 24)));
        matrix("isi", two_digits, &spread::<7>(levels.isi, random, 4, None), &mut answers, random);
    }
    answers
}

/// The TSD document around the answers.
pub(super) fn document(
    random: &mut Random,
    person: &Person,
    submission_id: u64,
    created: Timestamp,
    mut answers: Map<String, Value>,
    representative: Option<String>,
) -> Value {
    let (version, minor) = random.pick(&[(0.15, ("2022-07", 0)), (0.25, ("2023-03", 1))], ("2024-09", 2));
    let sub = format!("{:016x}", random.next());
    let (provider, task) =
        if random.chance(0.2) { ("helsenorge", Some(format!("task-{submission_id}"))) } else { ("idporten", None) };
    let answer_time = 900_000 + random.below(2_700_000);
    // A few forms are open to all and ask for the number themselves.
    let open = representative.is_none() && random.chance(0.03);
    let patient = person.national_id.as_str();
    let respondent = match representative {
        _ if open => {
            answers.insert("fnr".to_owned(), Value::from(patient));
            Value::Null
        }
        None => json!({ "provider": provider, "sub": sub, "task_id": task, "personal_identifier": patient }),
        Some(other) => json!({
            "provider": provider, "sub": sub, "task_id": task, "personal_identifier": other,
            "representation": {
                "representation_type": "POWER_OF_ATTORNEY", "pid_authorizer": patient, "representative_pid": other,
            },
        }),
    };
    let mut metadata = Map::from_iter([
        ("created".to_owned(), Value::from(created.display_with_offset(Offset::constant(1)).to_string())),
        ("answer_time".to_owned(), Value::from(answer_time)),
        ("submission_id".to_owned(), Value::from(submission_id)),
        ("number_of_attachments".to_owned(), Value::from(0)),
        ("respondent".to_owned(), respondent),
    ]);
    // Optional members are absent rather than null.
    metadata.retain(|_, value| !value.is_null());
    if let Some(respondent) = metadata.get_mut("respondent").and_then(Value::as_object_mut) {
        respondent.retain(|_, value| !value.is_null());
    }
    json!({ "version": version, "version_minor": minor, "metadata": metadata, "answers": answers })
}

fn pain(random: &mut Random, average: i32, answers: &mut Map<String, Value>) {
    let worst = (average + random.pick(&[(0.15, 0), (0.3, 1), (0.3, 2)], 3)).min(10);
    let least = (average - random.pick(&[(0.15, 0), (0.25, 1), (0.3, 2), (0.2, 3)], 4)).max(0);
    let now = least + i32::try_from(random.below(u32::try_from(worst - least).unwrap_or(0) + 1)).unwrap_or(0);
    let skipped = random.chance(SKIPPED);
    for (key, value) in [("nrs_worst", worst), ("nrs_least", least), ("nrs_average", average), ("nrs_now", now)] {
        let open = skipped || random.chance(GAP);
        answers.insert(key.to_owned(), if open { Value::Null } else { Value::from(value) });
    }
}

fn eq5d(random: &mut Random, levels: [i32; 5], vas: i32, answers: &mut Map<String, Value>) {
    let skipped = random.chance(SKIPPED);
    for (key, level) in ["eq5d_mo", "eq5d_sc", "eq5d_ua", "eq5d_pd", "eq5d_ad"].into_iter().zip(levels) {
        answers.insert(key.to_owned(), option(random, skipped, level));
    }
    let open = skipped || random.chance(GAP);
    answers.insert("eq5d_vas".to_owned(), if open { Value::Null } else { Value::from(vas) });
}

/// The codebook value of a radio button; null without an answer.
fn option(random: &mut Random, skipped: bool, value: i32) -> Value {
    if skipped || random.chance(GAP) { Value::Null } else { Value::from(value.to_string()) }
}

fn flat(prefix: &str, items: &[i32], answers: &mut Map<String, Value>, random: &mut Random) {
    let skipped = random.chance(SKIPPED);
    for (number, item) in (1..).zip(items) {
        answers.insert(format!("{prefix}_{number:02}"), option(random, skipped, *item));
    }
}

fn matrix(
    key: &str,
    row: impl Fn(u32) -> String,
    items: &[i32],
    answers: &mut Map<String, Value>,
    random: &mut Random,
) {
    let skipped = random.chance(SKIPPED);
    let rows = (1..).zip(items).map(|(number, item)| (row(number), option(random, skipped, *item))).collect();
    answers.insert(key.to_owned(), Value::Object(rows));
}

fn two_digits(number: u32) -> String {
    format!("{number:02}")
}

/// Spreads a total over items of 0 to `cap`, so that their sum is exactly the total (or the most they can hold): about half
/// of it evenly, the rest by chance. The `rare` item takes part seldom.
fn spread<const ITEMS: usize>(total: i32, random: &mut Random, cap: i32, rare: Option<usize>) -> [i32; ITEMS] {
    let count = i32::try_from(ITEMS).unwrap_or(i32::MAX);
    let total = total.clamp(0, cap * count);
    let mut items = [total / (2 * count); ITEMS];
    if let Some(item) = rare.and_then(|at| items.get_mut(at)) {
        *item = 0;
    }
    let mut left = total - items.iter().sum::<i32>();
    while left > 0 {
        let at = usize::try_from(random.below(count.unsigned_abs())).unwrap_or(0);
        if rare == Some(at) && !random.chance(0.15) {
            continue;
        }
        if let Some(item) = items.get_mut(at)
            && *item < cap
        {
            *item += 1;
            left -= 1;
        }
    }
    items
}

/// Shares among those who answered and non-response by field: OPR 2015–2020, N = 4286. How they hang together (age,
/// benefit and work; living alone and civil status) is our choice, made so that the shares come out.
fn demography(random: &mut Random, age: f64, answers: &mut Map<String, Value>) -> f64 {
    let mut put = |random: &mut Random, key: &str, value: Value, open: f64| put(random, answers, key, value, open);

    let alone = random.chance(0.301);
    let civil = if alone {
        random.pick(&[(0.45, "unmarried"), (0.33, "divorced"), (0.08, "separated")], "widowed")
    } else {
        let shares = [(0.5, "married"), (0.3, "cohabiting"), (0.15, "unmarried"), (0.01, "registered_partnership")];
        random.pick(&shares, "divorced")
    };
    put(random, "sivilstand", civil.into(), 0.03);
    put(random, "lives_alone", yes(alone), 0.052);

    let parent = random.chance(match age {
        ..25.0 => 0.07,
        ..35.0 => 0.38,
        ..45.0 => 0.68,
        _ => 0.82,
    });
    let children = if parent { random.pick(&[(0.22, 1), (0.44, 2), (0.24, 3), (0.07, 4)], 5) } else { 0 };
    put(random, "children", children.into(), 0.030);

    let shares = [(0.154, "primary"), (0.444, "upper_secondary"), (0.313, "university")];
    let education = random.pick(&shares, "university_higher");
    put(random, "education", education.into(), 0.029);

    let (benefit, work) = livelihood(random, age);
    put(random, "benefit", benefit.into(), 0.178);
    put(random, "work", work.into(), 0.046);

    let economy = random.pick(&[(0.264, "good"), (0.487, "medium")], "poor");
    put(random, "economy", economy.into(), 0.023);
    let applied = yes(random.chance(0.299));
    put(random, "applied_disability_pension", applied, 0.092);
    let compensation = yes(random.chance(0.138));
    put(random, "compensation_case", compensation, 0.043);

    let years = duration(random.unit()).min(age - 8.0).max(0.0);
    // A number element may deliver a whole number with a decimal point.
    put(random, "pain_duration_years", Value::from(f64::from(whole(years))), 0.087);
    years
}

/// Stores a value, or leaves it unanswered with the given share.
fn put(random: &mut Random, answers: &mut Map<String, Value>, key: &str, value: Value, open: f64) {
    let value = if random.chance(open) { Value::Null } else { value };
    answers.insert(key.to_owned(), value);
}

/// Habits, pain sites and satisfaction: assumptions, correlated with the same traits as the instruments.
fn background(random: &mut Random, levels: &Levels, traits: &Traits, years: f64, answers: &mut Map<String, Value>) {
    const SITES: [(f64, &str); 13] = [
        (0.28, "head"),
        (0.08, "face"),
        (0.45, "neck"),
        (0.42, "shoulder"),
        (0.3, "arm"),
        (0.15, "chest"),
        (0.22, "abdomen"),
        (0.35, "upper_back"),
        (0.54, "lower_back"),
        (0.25, "pelvis"),
        (0.38, "hip"),
        (0.44, "leg"),
        (0.28, "foot"),
    ];
    let [_, _, disability, .., sites] = *traits;
    let smoking = random.pick(&[(0.45, "never"), (0.3, "former"), (0.08, "sometimes")], "daily");
    put(random, answers, "smoking", smoking.into(), 0.03);
    // 31 % are not active at all (St Olav, Haukeland, UNN); the more disabled, the fewer move.
    let idle = (0.31 + 0.12 * disability).clamp(0.05, 0.8);
    let active = [(idle, "none"), (0.2, "less_than_weekly"), (0.2, "weekly"), (0.17, "two_to_three_weekly")];
    let activity = random.pick(&active, "almost_daily");
    put(random, answers, "activity", activity.into(), 0.03);

    let onset = match years {
        ..0.25 => "months_0_3",
        ..0.5 => "months_4_6",
        ..1.0 => "months_7_12",
        ..2.0 => "years_1_2",
        ..4.0 => "years_2_4",
        ..6.0 => "years_4_6",
        ..10.0 => "years_6_10",
        _ => "years_over_10",
    };
    put(random, answers, "pain_onset", onset.into(), 0.06);
    let pattern = random.pick(&[(0.42, "constant"), (0.4, "constant_with_attacks"), (0.15, "attacks")], "seldom");
    put(random, answers, "pain_pattern", pattern.into(), 0.03);
    let often =
        [(0.34, "lower_back"), (0.14, "neck"), (0.1, "head"), (0.1, "leg"), (0.08, "shoulder"), (0.07, "pelvis")];
    let main = random.pick(&often, "elsewhere");
    put(random, answers, "main_pain_site", main.into(), 0.04);
    let ticked = SITES.iter().map(|(share, site)| {
        let also = random.chance((share * (1.0 + 0.5 * sites)).clamp(0.02, 0.95));
        ((*site).to_owned(), Value::Bool(*site == main || also))
    });
    let ticked = Value::Object(ticked.collect());
    put(random, answers, "pain_sites", ticked, 0.02);
    let bothersome = (levels.nrs + random.pick(&[(0.2, -1), (0.4, 0), (0.3, 1)], 2)).clamp(0, 10);
    put(random, answers, "bothersomeness", bothersome.into(), GAP);
    let health = ((100 - levels.vas) / 20 + random.pick(&[(0.15, -1), (0.7, 0)], 1)).clamp(0, 4);
    put(random, answers, "general_health", health.into(), GAP);
}

/// Tried treatments: an assumption. Questions that other answers hide are unanswered.
fn treatment(random: &mut Random, levels: &Levels, answers: &mut Map<String, Value>) {
    const TRIED: [(f64, &str); 9] = [
        (0.85, "medicines"),
        (0.75, "physiotherapy"),
        (0.4, "manual_therapy"),
        (0.3, "psychologist"),
        (0.28, "injections"),
        (0.25, "surgery"),
        (0.2, "rehabilitation"),
        (0.22, "acupuncture"),
        (0.1, "other"),
    ];
    let before = random.chance(0.88);
    put(random, answers, "treated_before", yes(before), 0.0);
    if before {
        let tried = TRIED.iter().map(|(share, kind)| ((*kind).to_owned(), Value::Bool(random.chance(*share))));
        let tried: Map<String, Value> = tried.collect();
        if tried.get("other") == Some(&Value::Bool(true)) {
            put(random, answers, "treatments_other", "Varmebasseng".into(), 0.3);
        }
        answers.insert("treatments".to_owned(), Value::Object(tried));
        let effects = [(0.04, "much_better"), (0.22, "better"), (0.52, "unchanged"), (0.17, "worse")];
        let effect = random.pick(&effects, "much_worse");
        put(random, answers, "treatment_effect", effect.into(), 0.04);
    }
    let daily = 0.15 + 0.07 * f64::from(levels.nrs);
    let medication = random.pick(&[(daily.min(0.9), "daily"), (0.1, "sometimes")], "never");
    put(random, answers, "pain_medication", medication.into(), 0.0);
    if medication != "never" {
        let opioids = random.pick(&[(0.38, "yes"), (0.57, "no")], "unknown");
        put(random, answers, "opioids", opioids.into(), 0.04);
    }
    let hopes = [(0.4, "Sove bedre"), (0.3, "Mindre smerter i hverdagen")];
    let hope = random.pick(&hopes, "Komme tilbake til jobb");
    put(random, answers, "expectations", hope.into(), 0.45);
}

/// Benefit and work: the old are retired, those on a full disability pension do not work, and of the rest so many work that
/// 36.6 % of all do.
fn livelihood(random: &mut Random, age: f64) -> (&'static str, &'static str) {
    let retired = random.chance(match age {
        67.0.. => 1.0,
        62.0.. => 0.48,
        _ => 0.0,
    });
    if retired {
        return ("retirement_pension", "retired");
    }
    // The shares of the eight other categories, which add up to 2980 of 3524.
    let benefit = random.pick(
        &[
            (256.0 / 2980.0, "sickness_benefit_full"),
            (167.0 / 2980.0, "sickness_benefit_partial"),
            (1130.0 / 2980.0, "work_assessment_allowance"),
            (1016.0 / 2980.0, "disability_pension_full"),
            (174.0 / 2980.0, "disability_pension_partial"),
            (25.0 / 2980.0, "unemployment_benefit"),
            (72.0 / 2980.0, "social_assistance"),
        ],
        "other",
    );
    let work = if benefit == "disability_pension_full" || !random.chance(0.656) {
        random.pick(&[(0.7, "on_benefits")], "unoccupied")
    } else {
        let shares = [(0.5, "full_time"), (0.33, "part_time"), (0.11, "education"), (0.05, "part_time_and_education")];
        random.pick(&shares, "military_service")
    };
    (benefit, work)
}

fn yes(value: bool) -> Value {
    Value::from(if value { "yes" } else { "no" })
}

/// Years with pain by quantile: median 5, mean about 7.9, 0 to 66 (OPR 2015–2020).
fn duration(quantile: f64) -> f64 {
    const POINTS: [(f64, f64); 9] = [
        (0.0, 0.0),
        (0.08, 1.0),
        (0.25, 2.0),
        (0.5, 5.0),
        (0.75, 10.2),
        (0.9, 19.0),
        (0.97, 30.0),
        (0.995, 45.0),
        (1.0, 66.0),
    ];
    along(&POINTS, quantile)
}
