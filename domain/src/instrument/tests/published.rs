//! Bands, cut-offs and subscales of the scales that only add up. Where no worked example is published, the figures are
//! computed by hand from the published rule.

use super::*;

#[test]
fn score_of_isi_has_published_bands_and_cases() {
    let total = |sum: i32| {
        let value = whole("isi", |number| (sum - i32::try_from(number - 1).expect("small") * 4).clamp(0, 4));
        let scores = score("isi", &value);
        assert_eq!(number(&scores, "total"), Some(f64::from(sum)));
        (band(&scores, "total"), scores.flags.get("community_case_ge10"), scores.flags.get("clinical_insomnia_ge15"))
    };
    assert_eq!(total(7), (Some("none"), Some(false), Some(false)));
    assert_eq!(total(8), (Some("subthreshold"), Some(false), Some(false)));
    assert_eq!(total(10), (Some("subthreshold"), Some(true), Some(false)));
    assert_eq!(total(15), (Some("moderate"), Some(true), Some(true)));
    assert_eq!(total(22), (Some("severe"), Some(true), Some(true)));
    assert_eq!(total(28), (Some("severe"), Some(true), Some(true)));
    let gap = score("isi", &without(whole("isi", |_| 4), &["isi_03"]));
    assert_eq!((gap.status, gap.scales.len(), gap.flags.get("community_case_ge10")), (Status::Incomplete, 0, None));
}

#[test]
fn score_of_hscl_has_exact_means_and_cut_offs() {
    // 25 items: 19 at 2 and 6 at 1 is 44/25 = 1.76; 18 and 7 is 43/25 = 1.72.
    let scores = score("hscl25", &whole("hscl25", |number| if number <= 19 { 2 } else { 1 }));
    assert_eq!(number(&scores, "total"), Some(1.76));
    assert_eq!((scores.flags.get("total_ge_1_75"), scores.flags.get("total_ge_1_70")), (Some(true), Some(true)));
    let scores = score("hscl25", &whole("hscl25", |number| if number <= 18 { 2 } else { 1 }));
    assert_eq!((scores.flags.get("total_ge_1_75"), scores.flags.get("total_ge_1_70")), (Some(false), Some(true)));
    // Twenty answered, 15 at 2 and 5 at 1: exactly 1.75.
    let gaps = ["hscl_01", "hscl_02", "hscl_23", "hscl_24", "hscl_25"];
    let scores = score("hscl25", &without(whole("hscl25", |number| if number <= 17 { 2 } else { 1 }), &gaps));
    assert_eq!(
        (number(&scores, "total"), scores.flags.get("total_ge_1_75"), scores.status),
        (Some(1.75), Some(true), Status::Prorated)
    );
    let scores = score("hscl25", &whole("hscl25", |number| if number <= 10 { 4 } else { 1 }));
    assert_eq!((number(&scores, "anxiety"), number(&scores, "depression")), (Some(4.0), Some(1.0)));
    let scores = score("hscl25", &without(whole("hscl25", |_| 2), &["hscl_01", "hscl_02", "hscl_03"]));
    assert_eq!(
        (number(&scores, "anxiety"), number(&scores, "depression"), scores.status),
        (None, Some(2.0), Status::Partial)
    );
}

#[test]
fn score_of_gse_prorates_up_to_three_missing_answers() {
    let scores = score("gse10", &without(whole("gse10", |_| 3), &["gse_01", "gse_02", "gse_03"]));
    assert_eq!((number(&scores, "total"), scores.status), (Some(30.0), Status::Prorated));
    assert_eq!(
        score("gse10", &without(whole("gse10", |_| 3), &["gse_01", "gse_02", "gse_03", "gse_04"])).status,
        Status::Incomplete
    );
    assert_eq!(
        score("gse10", &whole("gse10", |_| 4)).scales.first().map(|scale| scale.value.clone()),
        Some(ScaleValue::Integer(40))
    );
}

#[test]
fn parse_refuses_invalid_answers_by_item() {
    let isi = instrument("isi");
    for (value, code) in [
        (json!("2"), FaultCode::WrongType),
        (json!(true), FaultCode::WrongType),
        (json!(2.5), FaultCode::WrongType),
        (json!([2]), FaultCode::WrongType),
        (json!(5), FaultCode::OutOfRange),
        (json!(-1), FaultCode::OutOfRange),
        (json!(u64::MAX), FaultCode::OutOfRange),
        (json!(i64::MIN), FaultCode::OutOfRange),
    ] {
        assert_eq!(isi.parse(&answers(&json!({ "isi_03": value }))), Err(vec![Fault::new("/isi_03", code)]), "{value}");
    }
    for value in ["2", "2.0", "2e0", "20e-1"] {
        let value: Value = serde_json::from_str(value).expect("JSON");
        assert_eq!(isi.parse(&answers(&json!({ "isi_03": value }))).map(|slots| slots[2]), Ok(Some(2)));
    }
    let faults = isi.parse(&answers(&json!({"isi_03": 9, "isi_08": 1, "a/b": 1})));
    let expected = vec![
        Fault::new("/a~1b", FaultCode::UnknownItem),
        Fault::new("/isi_03", FaultCode::OutOfRange),
        Fault::new("/isi_08", FaultCode::UnknownItem),
    ];
    assert_eq!(faults, Err(expected));
}

/// Exactly these items at their largest answer, the others at their smallest.
fn only(code: &str, numbers: &[usize]) -> Scores {
    let items = instrument(code).items();
    score(
        code,
        &whole(
            code,
            |number| if numbers.contains(&number) { items[number - 1].max() } else { items[number - 1].min() },
        ),
    )
}

#[test]
fn score_of_subscales_uses_the_published_items() {
    for (code, scale, items, most) in [
        ("ieq", "severity", &[1, 2, 4, 5, 6, 8][..], 24.0),
        ("ieq", "blame", &[3, 7, 9, 10, 11, 12], 24.0),
        ("iesr", "intrusion", &[1, 2, 3, 6, 9, 14, 16, 20], 32.0),
        ("iesr", "avoidance", &[5, 7, 8, 11, 12, 13, 17, 22], 32.0),
        ("iesr", "hyperarousal", &[4, 10, 15, 18, 19, 21], 24.0),
        ("dn4", "interview", &[1, 2, 3, 4, 5, 6, 7], 7.0),
        ("dn4", "examination", &[8, 9, 10], 3.0),
        ("bpi_sf", "severity", &[1, 2, 3, 4], 10.0),
        ("bpi_sf", "interference", &[5, 6, 7, 8, 9, 10, 11], 10.0),
        // General activity, walking, work; mood, relations, enjoyment.
        ("bpi_sf", "interference_activity", &[5, 7, 8], 10.0),
        ("bpi_sf", "interference_affective", &[6, 9, 11], 10.0),
    ] {
        let scores = only(code, items);
        assert_eq!(number(&scores, scale), Some(most), "{code} {scale}");
        let others: Vec<usize> =
            (1..=instrument(code).items().len()).filter(|number| !items.contains(number)).collect();
        assert_eq!(number(&only(code, &others), scale), Some(0.0), "{code} {scale}");
    }
}

#[test]
fn score_assigns_totals_to_bands() {
    for (code, bounds) in [
        (
            "paindetect",
            &[(0, "unlikely"), (12, "unlikely"), (13, "uncertain"), (18, "uncertain"), (19, "likely"), (35, "likely")]
                [..],
        ),
        ("pcs", &[(0, "low"), (19, "low"), (20, "high"), (29, "high"), (30, "severe"), (52, "severe")]),
        (
            "pseq",
            &[
                (0, "severe"),
                (19, "severe"),
                (20, "moderate"),
                (30, "moderate"),
                (31, "mild"),
                (40, "mild"),
                (41, "minimal"),
                (60, "minimal"),
            ],
        ),
        (
            "tsk13",
            &[
                (13, "subclinical"),
                (22, "subclinical"),
                (23, "mild"),
                (32, "mild"),
                (33, "moderate"),
                (42, "moderate"),
                (43, "severe"),
                (52, "severe"),
            ],
        ),
    ] {
        for (sum, name) in bounds {
            let scores = score(code, &summing_to(code, *sum));
            assert_eq!(
                (number(&scores, "total"), band(&scores, "total")),
                (Some(f64::from(*sum)), Some(*name)),
                "{code}"
            );
        }
    }
    for (worst, name) in
        [(0, "none"), (1, "mild"), (4, "mild"), (5, "moderate"), (6, "moderate"), (7, "severe"), (10, "severe")]
    {
        assert_eq!(band(&score("bpi_sf", &json!({ "bpi_worst": worst })), "worst"), Some(name));
    }
}

#[test]
fn score_sets_flags_at_cut_offs() {
    for (code, flag, reached_from) in [
        ("ieq", "ge19", 19),
        ("ieq", "ge30", 30),
        ("iesr", "ge33", 33),
        ("pcl5", "ge31", 31),
        ("pcl5", "ge33", 33),
        ("comm", "ge9", 9),
        ("dn4", "neuropathic_ge4", 4),
        ("dn4i", "neuropathic_ge3", 3),
        ("pcs", "ge30", 30),
    ] {
        for sum in [reached_from - 1, reached_from, reached_from + 1] {
            let scores = score(code, &summing_to(code, sum));
            assert_eq!(number(&scores, "total"), Some(f64::from(sum)), "{code}");
            assert_eq!(scores.flags.get(flag), Some(sum >= reached_from), "{code} {flag} at {sum}");
        }
    }
}

#[test]
fn score_of_short_hopkins_lists_has_means_with_exact_cut_offs() {
    // Ten items: 18/10 and 19/10; nine answered, 16/9 and 17/9 around 1.85.
    for (sum, reached) in [(18, false), (19, true)] {
        assert_eq!(score("hscl10", &summing_to("hscl10", sum)).flags.get("ge_1_85"), Some(reached));
    }
    let gap = |answer| without(whole("hscl10", |number| if number <= answer { 2 } else { 1 }), &["hscl10_10"]);
    assert_eq!(score("hscl10", &gap(7)).flags.get("ge_1_85"), Some(false));
    assert_eq!(score("hscl10", &gap(8)).flags.get("ge_1_85"), Some(true));
    // Five items: exactly 2.0 reaches one cut-off and not the other.
    for (sum, at_least, above) in [(9, false, false), (10, true, false), (11, true, true)] {
        let flags = score("scl5", &summing_to("scl5", sum)).flags;
        assert_eq!((flags.get("ge_2_0"), flags.get("gt_2_0")), (Some(at_least), Some(above)));
    }
    let scores = score("scl5", &without(whole("scl5", |_| 2), &["scl5_03"]));
    assert_eq!(
        (number(&scores, "total"), scores.flags.get("gt_2_0"), scores.status),
        (Some(2.0), Some(false), Status::Prorated)
    );
    assert_eq!(score("scl5", &without(whole("scl5", |_| 2), &["scl5_03", "scl5_04"])).status, Status::Incomplete);
}

#[test]
fn score_of_self_efficacy_prorates_within_published_limits() {
    let gaps = ["pseq_01", "pseq_02", "pseq_03"];
    let scores = score("pseq", &without(whole("pseq", |_| 4), &gaps[..2]));
    assert_eq!(
        (number(&scores, "total"), band(&scores, "total"), scores.status),
        (Some(40.0), Some("mild"), Status::Prorated)
    );
    assert_eq!(score("pseq", &without(whole("pseq", |_| 4), &gaps)).status, Status::Incomplete);
    // Eight answers with the sum 25 make 31.25.
    let scores = score("pseq", &without(whole("pseq", |number| if number == 10 { 4 } else { 3 }), &gaps[..2]));
    assert_eq!((number(&scores, "total"), band(&scores, "total")), (Some(31.25), Some("mild")));
    for (code, all) in [("gse6", 18.0), ("gse5", 15.0)] {
        assert_eq!(number(&score(code, &whole(code, |_| 3)), "total"), Some(all));
        let first = instrument(code).items()[0].code();
        assert_eq!(score(code, &without(whole(code, |_| 3), &[first])).status, Status::Incomplete, "{code}");
    }
}

#[test]
fn score_of_bodily_distress_counts_symptoms_by_group() {
    let with = |present: &[usize], from: Option<i32>| {
        let bds = instrument("bds25");
        let answers = whole("bds25", |number| if present.contains(&number) { 2 } else { 1 });
        bds.score(&bds.parse(&self::answers(&answers)).expect("legal"), &Options::default().with_symptom_from(from))
    };
    for (present, name) in [
        (&[1, 2, 7, 8, 14, 15, 21, 22][..], "none"),
        (&[1, 2, 3], "single_organ"),
        (&[1, 2, 3, 7, 8, 9], "single_organ"),
        (&[1, 2, 3, 7, 8, 9, 14, 15, 16], "multi_organ"),
        (&[1, 2, 3, 7, 8, 9, 14, 15, 16, 21, 22, 23], "multi_organ"),
    ] {
        let scores = with(present, None);
        assert_eq!(text(&scores, "classification").as_deref(), Some(name));
        let counted: f64 = ["cardiopulmonary", "gastrointestinal", "musculoskeletal", "general"]
            .iter()
            .filter_map(|it| number(&scores, it))
            .sum();
        assert_eq!(
            (counted.to_bits(), scores.symptom_from),
            (f64::from(u8::try_from(present.len()).expect("small")).to_bits(), None)
        );
    }
    // The result contains the caller's threshold.
    let scores = with(&[1, 2, 3], Some(1));
    assert_eq!((text(&scores, "classification").as_deref(), scores.symptom_from), (Some("multi_organ"), Some(1)));
    let scores = with(&[1, 2, 3], Some(3));
    assert_eq!((text(&scores, "classification").as_deref(), number(&scores, "total")), (Some("none"), Some(28.0)));
    assert_eq!(
        instrument("isi").score(&[Some(1); 7], &Options::default().with_symptom_from(Some(3))).symptom_from,
        None
    );
    let scores = score("bds25", &without(whole("bds25", |_| 4), &["bds_25"]));
    assert_eq!(
        (number(&scores, "cardiopulmonary"), number(&scores, "general"), text(&scores, "classification")),
        (Some(6.0), None, None)
    );
}

#[test]
fn score_of_exposure_counts_events() {
    for code in ["lec", "slesq"] {
        assert_eq!(
            number(&score(code, &whole(code, |number| i32::from(number % 4 == 0))), "count"),
            Some(if code == "lec" { 4.0 } else { 3.0 })
        );
    }
}
