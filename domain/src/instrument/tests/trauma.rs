//! PCL-5 and PC-PTSD-5, computed by hand from the published rules.

use super::*;

#[test]
fn score_of_clusters_uses_the_published_items() {
    for (scale, items) in [("b", 1..=5), ("c", 6..=7), ("d", 8..=14), ("e", 15..=20)] {
        let scores = score("pcl5", &whole("pcl5", |number| if items.contains(&number) { 4 } else { 0 }));
        let most = f64::from(u8::try_from(items.clone().count() * 4).expect("small"));
        assert_eq!((number(&scores, scale), number(&scores, "total")), (Some(most), Some(most)), "{scale}");
    }
}

#[test]
fn score_of_pattern_requires_one_one_two_and_two_symptoms() {
    let pattern = |present: &[usize]| {
        score("pcl5", &whole("pcl5", |number| if present.contains(&number) { 2 } else { 1 })).flags.get("dsm5_pattern")
    };
    assert_eq!(pattern(&[1, 6, 8, 9, 15, 16]), Some(true));
    for missing in [1, 6, 8, 9, 15, 16] {
        let left: Vec<usize> = [1, 6, 8, 9, 15, 16].into_iter().filter(|item| *item != missing).collect();
        assert_eq!(pattern(&left), Some(false), "{missing}");
    }
    // The pattern and the cut-offs are different questions: six items at 2 are 12 points, all at 1 are 20.
    let scores = score("pcl5", &whole("pcl5", |number| if [1, 6, 8, 9, 15, 16].contains(&number) { 2 } else { 0 }));
    assert_eq!(
        (number(&scores, "total"), scores.flags.get("ge31"), scores.flags.get("dsm5_pattern")),
        (Some(12.0), Some(false), Some(true))
    );
    let scores = score("pcl5", &without(whole("pcl5", |_| 4), &["pcl5_20"]));
    assert_eq!((number(&scores, "total"), number(&scores, "b"), number(&scores, "e")), (None, Some(20.0), None));
    assert_eq!(
        (scores.flags.get("ge31"), scores.flags.get("dsm5_pattern"), scores.status),
        (None, None, Status::Partial)
    );
}

#[test]
fn score_without_an_event_has_no_values() {
    let scores = score("pcptsd5", &json!({"pcptsd5_trauma": 0}));
    assert_eq!((number(&scores, "total"), scores.status), (Some(0.0), Status::Scored));
    assert_eq!((scores.flags.get("ge3"), scores.scales[0].n_answered, scores.scales[0].n_items), (Some(false), 1, 1));
    for (sum, sensitive, efficient) in [(2, false, false), (3, true, false), (4, true, true), (5, true, true)] {
        let scores = score("pcptsd5", &whole("pcptsd5", |number| i32::from(number == 1 || number - 1 <= sum)));
        assert_eq!(number(&scores, "total"), Some(f64::from(u8::try_from(sum).expect("small"))));
        assert_eq!((scores.flags.get("ge3"), scores.flags.get("ge4")), (Some(sensitive), Some(efficient)));
    }
    assert_eq!(score("pcptsd5", &without(whole("pcptsd5", |_| 1), &["pcptsd5_3"])).status, Status::Incomplete);
    assert_eq!(score("pcptsd5", &without(whole("pcptsd5", |_| 1), &["pcptsd5_trauma"])).status, Status::Incomplete);
}
