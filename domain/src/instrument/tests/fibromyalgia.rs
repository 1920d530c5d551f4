//! The criteria of 2016, computed by hand from the published rule.

use super::*;

/// Every site named is ticked, the severities and the duration are as given, everything else is answered with no.
fn answered(sites: &[&str], severities: [i32; 3], symptoms: i32, duration: i32) -> Value {
    whole("fm2016", |number| {
        let code = instrument("fm2016").items()[number - 1].code();
        match number {
            1..=19 => i32::from(sites.contains(&code.trim_start_matches("wpi_"))),
            20..=22 => severities[number - 20],
            23..=25 => i32::from(number - 23 < usize::try_from(symptoms).expect("small")),
            _ => duration,
        }
    })
}

fn met(answers: &Value) -> Option<bool> {
    score("fm2016", answers).flags.get("criteria_2016")
}

/// Seven sites in four regions.
const SEVEN: &[&str] = &["shoulder_l", "shoulder_r", "hip_l", "neck", "upper_back", "lower_back", "chest"];

#[test]
fn score_returns_sums_and_regions() {
    let scores = score("fm2016", &answered(SEVEN, [2, 1, 1], 1, 1));
    let found = ["wpi", "sss", "fs", "regions"].map(|scale| number(&scores, scale));
    assert_eq!((found, scores.status), ([Some(7.0), Some(5.0), Some(12.0), Some(4.0)], Status::Scored));
    let scores = score("fm2016", &answered(&["jaw_l", "jaw_r", "chest", "abdomen"], [0, 0, 0], 0, 0));
    assert_eq!((number(&scores, "wpi"), number(&scores, "regions")), (Some(4.0), Some(0.0)));
    let scores = score("fm2016", &whole("fm2016", |number| if (20..=22).contains(&number) { 3 } else { 1 }));
    let found = ["wpi", "sss", "fs", "regions"].map(|scale| number(&scores, scale));
    assert_eq!(found, [Some(19.0), Some(12.0), Some(31.0), Some(5.0)]);
}

#[test]
fn score_requires_each_condition() {
    assert_eq!(met(&answered(SEVEN, [2, 1, 1], 1, 1)), Some(true), "7 sites, 5 points");
    assert_eq!(met(&answered(SEVEN, [2, 1, 1], 0, 1)), Some(false), "7 sites, 4 points");
    assert_eq!(met(&answered(SEVEN, [2, 1, 1], 1, 0)), Some(false), "shorter than three months");
    // Six sites need nine points; four are enough then, three are not.
    assert_eq!(met(&answered(&SEVEN[..6], [3, 3, 2], 0, 1)), Some(false));
    assert_eq!(met(&answered(&SEVEN[..6], [3, 3, 2], 1, 1)), Some(true));
    let four = ["shoulder_l", "shoulder_r", "hip_l", "neck"];
    assert_eq!(met(&answered(&four, [3, 3, 3], 0, 1)), Some(true));
    assert_eq!(met(&answered(&four[..3], [3, 3, 3], 3, 1)), Some(false), "three sites, as in 2011");
    // Seven sites in three regions.
    let narrow = ["shoulder_l", "upper_arm_l", "lower_arm_l", "shoulder_r", "upper_arm_r", "lower_arm_r", "neck"];
    assert_eq!(met(&answered(&narrow, [3, 3, 3], 3, 1)), Some(false));
}

#[test]
fn score_counts_unticked_boxes_as_no_in_a_sent_block_only() {
    // Only ticked boxes were sent.
    let mut sent = json!({"sss_fatigue": 2, "sss_unrefreshed": 2, "sss_cognitive": 1, "fm_duration_3m": 1});
    for site in SEVEN {
        sent[format!("wpi_{site}")] = json!(1);
    }
    let scores = score("fm2016", &sent);
    assert_eq!(
        ["wpi", "sss", "fs", "regions"].map(|it| number(&scores, it)),
        [Some(7.0), Some(5.0), Some(12.0), Some(4.0)]
    );
    assert_eq!((scores.flags.get("criteria_2016"), scores.status), (Some(true), Status::Prorated));
    // A single no is a block that was sent.
    let scores = score("fm2016", &json!({"wpi_jaw_l": 0}));
    assert_eq!(
        (number(&scores, "wpi"), number(&scores, "regions"), scores.status),
        (Some(0.0), Some(0.0), Status::Partial)
    );
    // Nothing of the block, or a severity or the duration missing.
    let scores =
        score("fm2016", &json!({"sss_fatigue": 2, "sss_unrefreshed": 2, "sss_cognitive": 1, "fm_duration_3m": 1}));
    assert_eq!(["wpi", "sss", "fs", "regions"].map(|it| number(&scores, it)), [None, Some(5.0), None, None]);
    let full = answered(SEVEN, [3, 3, 3], 3, 1);
    let scores = score("fm2016", &without(full.clone(), &["sss_cognitive"]));
    assert_eq!((number(&scores, "sss"), number(&scores, "fs"), scores.flags.get("criteria_2016")), (None, None, None));
    let scores = score("fm2016", &without(full, &["fm_duration_3m"]));
    assert_eq!(
        (number(&scores, "fs"), scores.flags.get("criteria_2016"), scores.status),
        (Some(19.0), None, Status::Partial)
    );
}
