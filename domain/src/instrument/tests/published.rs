//! Bands, cut-offs and subscales of the scales that only add up. Where no worked example is published, the figures are
//! computed by hand from the published rule.

use super::*;

#[test]
fn isi_bands_and_cases() {
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
fn pcs_subscales_are_the_published_items() {
    for (scale, items) in
        [("rumination", &[8, 9, 10, 11][..]), ("magnification", &[6, 7, 13]), ("helplessness", &[1, 2, 3, 4, 5, 12])]
    {
        let scores = score("pcs", &whole("pcs", |number| if items.contains(&number) { 4 } else { 0 }));
        let expected = 4.0 * f64::from(u8::try_from(items.len()).expect("small"));
        assert_eq!((number(&scores, scale), number(&scores, "total")), (Some(expected), Some(expected)), "{scale}");
    }
    let scores = score("pcs", &whole("pcs", |number| if number <= 10 { 3 } else { 0 }));
    assert_eq!(
        (number(&scores, "total"), band(&scores, "total"), scores.flags.get("ge30")),
        (Some(30.0), Some("severe"), Some(true))
    );
    let scores = score("pcs", &without(whole("pcs", |_| 2), &["pcs_13"]));
    assert_eq!(scores.status, Status::Partial, "rumination and helplessness stand");
    assert_eq!((number(&scores, "total"), number(&scores, "rumination")), (None, Some(8.0)));
}

#[test]
fn hscl_means_and_cut_offs_are_exact() {
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
fn odi_adapts_to_what_was_answered_down_to_eight() {
    for code in ["odi", "odi_opr_mod"] {
        let scores = score(code, &without(whole(code, |_| 1), &["odi_08"]));
        assert_eq!(
            (number(&scores, "total"), band(&scores, "total"), scores.status),
            (Some(20.0), Some("minimal"), Status::Prorated)
        );
        // 10 of 45 is 22.2 %.
        let scores = score(code, &without(whole(code, |number| if number == 1 { 2 } else { 1 }), &["odi_08"]));
        assert_eq!(band(&scores, "total"), Some("moderate"));
        assert_eq!(score(code, &without(whole(code, |_| 5), &["odi_08", "odi_09"])).status, Status::Prorated);
        assert_eq!(
            score(code, &without(whole(code, |_| 5), &["odi_08", "odi_09", "odi_10"])).status,
            Status::Incomplete
        );
        for (sum, name) in [
            (0, "minimal"),
            (10, "minimal"),
            (11, "moderate"),
            (20, "moderate"),
            (21, "severe"),
            (30, "severe"),
            (31, "crippled"),
            (40, "crippled"),
            (41, "bed_bound"),
            (50, "bed_bound"),
        ] {
            let scores =
                score(code, &whole(code, |number| (sum - i32::try_from(number - 1).expect("small") * 5).clamp(0, 5)));
            assert_eq!((number(&scores, "total"), band(&scores, "total")), (Some(f64::from(sum) * 2.0), Some(name)));
        }
    }
}

#[test]
fn gse_prorates_up_to_three() {
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
fn chalder_scores_both_ways() {
    let scores = score("cfq11", &whole("cfq11", |_| 1));
    assert_eq!(
        (number(&scores, "total"), number(&scores, "bimodal"), scores.flags.get("case_ge4")),
        (Some(11.0), Some(0.0), Some(false))
    );
    let scores = score("cfq11", &whole("cfq11", |number| if number <= 7 { 3 } else { 0 }));
    assert_eq!(
        (number(&scores, "physical"), number(&scores, "mental"), number(&scores, "bimodal")),
        (Some(21.0), Some(0.0), Some(7.0))
    );
    let scores = score("cfq11", &whole("cfq11", |number| if number <= 4 { 2 } else { 1 }));
    assert_eq!((number(&scores, "bimodal"), scores.flags.get("case_ge4")), (Some(4.0), Some(true)));
}

#[test]
fn pgic_and_pain_scales() {
    for (answer, responder, improved, worse) in [
        (1, true, true, false),
        (2, true, true, false),
        (3, false, true, false),
        (4, false, false, false),
        (5, false, false, true),
        (7, false, false, true),
    ] {
        let flags = score("pgic", &json!({ "pgic": answer })).flags;
        assert_eq!(
            (flags.get("responder"), flags.get("improved"), flags.get("worse")),
            (Some(responder), Some(improved), Some(worse)),
            "{answer}"
        );
    }
    for (answer, name) in
        [(0, "none"), (1, "mild"), (3, "mild"), (4, "moderate"), (6, "moderate"), (7, "severe"), (10, "severe")]
    {
        let scores = score("nrs", &json!({ "nrs_average": answer }));
        assert_eq!((band(&scores, "average"), scores.status), (Some(name), Status::Partial));
    }
    let scores = score("nrs", &json!({"nrs_worst": 9, "nrs_least": 2, "nrs_average": 6, "nrs_now": 5}));
    assert_eq!((number(&scores, "mean"), scores.status), (Some(5.5), Status::Scored));
}

#[test]
fn what_is_no_answer_is_refused_by_name() {
    let isi = instrument("isi");
    for (value, code) in [
        (json!("2"), FaultCode::WrongType),
        (json!(true), FaultCode::WrongType),
        (json!(2.5), FaultCode::WrongType),
        (json!(2.0), FaultCode::WrongType),
        (json!([2]), FaultCode::WrongType),
        (json!(5), FaultCode::OutOfRange),
        (json!(-1), FaultCode::OutOfRange),
        (json!(u64::MAX), FaultCode::OutOfRange),
        (json!(i64::MIN), FaultCode::OutOfRange),
    ] {
        assert_eq!(isi.parse(&answers(&json!({ "isi_03": value }))), Err(vec![Fault::new("/isi_03", code)]), "{value}");
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
fn subscales_are_the_published_items() {
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
fn totals_fall_into_their_bands() {
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
fn totals_reach_their_cut_offs() {
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
fn short_hopkins_lists_are_means_with_exact_cut_offs() {
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
fn four_items_of_the_tampa_scale_are_turned() {
    // All 4: thirteen at 4 and four at 1.
    assert_eq!(number(&score("tsk17", &whole("tsk17", |_| 4)), "total"), Some(56.0));
    let turned = |number: usize| [4, 8, 12, 16].contains(&number);
    assert_eq!(
        number(&score("tsk17", &whole("tsk17", |number| if turned(number) { 1 } else { 4 })), "total"),
        Some(68.0)
    );
    assert_eq!(
        number(&score("tsk17", &whole("tsk17", |number| if turned(number) { 4 } else { 1 })), "total"),
        Some(17.0)
    );
    // 17 and so many more from the items that are not turned.
    for (more, above, from) in [(19, false, false), (20, false, true), (21, true, true)] {
        let before = |number| i32::try_from((1..number).filter(|it| !turned(*it)).count()).expect("small");
        let plain = |number| 1 + (more - 3 * before(number)).clamp(0, 3);
        let scores = score("tsk17", &whole("tsk17", |number| if turned(number) { 4 } else { plain(number) }));
        assert_eq!(number(&scores, "total"), Some(f64::from(17 + more)));
        assert_eq!((scores.flags.get("gt37"), scores.flags.get("ge37")), (Some(above), Some(from)));
    }
}

#[test]
fn short_tampa_scales_keep_the_original_numbers() {
    let codes = |code: &str| instrument(code).items().iter().map(Item::code).collect::<Vec<_>>().join(" ");
    assert_eq!(
        codes("tsk13"),
        "tsk_01 tsk_02 tsk_03 tsk_05 tsk_06 tsk_07 tsk_09 tsk_10 tsk_11 tsk_13 tsk_14 tsk_15 tsk_17"
    );
    assert_eq!(codes("tsk11"), "tsk_01 tsk_02 tsk_03 tsk_05 tsk_06 tsk_07 tsk_10 tsk_11 tsk_13 tsk_15 tsk_17");
    let focus = ["tsk_03", "tsk_05", "tsk_06", "tsk_07", "tsk_11"];
    for (code, total, avoidance) in [("tsk13", 13.0 + 15.0, 8.0), ("tsk11", 11.0 + 15.0, 6.0)] {
        let items = instrument(code).items();
        let scores = score(code, &whole(code, |number| if focus.contains(&items[number - 1].code()) { 4 } else { 1 }));
        assert_eq!(number(&scores, "total"), Some(total));
        assert_eq!(
            (number(&scores, "somatic_focus"), number(&scores, "activity_avoidance")),
            (Some(20.0), Some(avoidance))
        );
    }
}

#[test]
fn self_efficacy_prorates_as_far_as_its_authors_say() {
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
fn interference_needs_four_of_seven_and_severity_all_four() {
    let full = whole("bpi_sf", |number| if number <= 4 { 8 } else { 5 });
    let three = ["bpi_int_5", "bpi_int_6", "bpi_int_7"];
    let scores = score("bpi_sf", &without(full.clone(), &three));
    assert_eq!((number(&scores, "severity"), number(&scores, "interference")), (Some(8.0), Some(5.0)));
    assert_eq!(
        (number(&scores, "interference_activity"), number(&scores, "interference_affective")),
        (Some(5.0), None)
    );
    let scores = score("bpi_sf", &without(full, &["bpi_int_4", "bpi_int_5", "bpi_int_6", "bpi_int_7", "bpi_now"]));
    assert_eq!(
        (number(&scores, "severity"), number(&scores, "interference"), scores.status),
        (None, None, Status::Partial)
    );
}

#[test]
fn paindetect_weighs_pattern_and_radiation() {
    let with = |sensory: i32, pattern: i32, radiation: i32| {
        let scores = score(
            "paindetect",
            &whole("paindetect", |number| match number {
                8 => pattern,
                9 => radiation,
                _ => sensory,
            }),
        );
        number(&scores, "total").expect("a total")
    };
    assert!([0.0, -1.0, 1.0, 1.0].into_iter().eq((0..4).map(|pattern| with(0, pattern, 0))));
    assert_eq!(
        [with(0, 1, 0), with(5, 2, 1), with(5, 3, 1), with(2, 1, 1)].map(f64::to_bits),
        [-1.0, 38.0, 38.0, 15.0].map(f64::to_bits)
    );
    assert_eq!(
        band(&score("paindetect", &whole("paindetect", |number| i32::from(number == 8))), "total"),
        Some("unlikely")
    );
    assert_eq!(score("paindetect", &without(whole("paindetect", |_| 1), &["pdq_09"])).status, Status::Incomplete);
}

#[test]
fn the_opioid_risk_tool_weighs_by_sex() {
    let all = |sex: i32| whole("ort", |number| if number == 11 { sex } else { 1 });
    assert_eq!(
        (number(&score("ort", &all(1)), "total"), number(&score("ort", &all(2)), "total")),
        (Some(26.0), Some(26.0))
    );
    for (place, female, male) in [
        (1, 1.0, 3.0),
        (2, 2.0, 3.0),
        (3, 4.0, 4.0),
        (4, 3.0, 3.0),
        (5, 4.0, 4.0),
        (6, 5.0, 5.0),
        (7, 1.0, 1.0),
        (8, 3.0, 0.0),
        (9, 2.0, 2.0),
        (10, 1.0, 1.0),
    ] {
        let one = |sex: i32| {
            number(&score("ort", &whole("ort", |at| if at == 11 { sex } else { i32::from(at == place) })), "total")
        };
        assert_eq!((one(1), one(2)), (Some(female), Some(male)), "{place}");
    }
    for (ticks, points, name) in
        [(&[7, 9][..], 3.0, "low"), (&[3], 4.0, "moderate"), (&[3, 9, 7], 7.0, "moderate"), (&[3, 5], 8.0, "high")]
    {
        let scores = score("ort", &whole("ort", |at| if at == 11 { 1 } else { i32::from(ticks.contains(&at)) }));
        assert_eq!(
            (number(&scores, "total"), band(&scores, "total"), scores.status),
            (Some(points), Some(name), Status::Scored)
        );
    }
    assert_eq!(score("ort", &without(all(1), &["ort_sex"])).status, Status::Incomplete);
    assert_eq!(score("ort", &without(all(1), &["ort_07"])).status, Status::Incomplete);
}

#[test]
fn promis_domains_are_looked_up() {
    // Rows 4, 12 and 20 of the published tables; each domain stands alone.
    for (answer, published) in [
        (1, [22.5, 40.3, 41.0, 33.7, 32.0, 27.5, 41.6]),
        (3, [36.7, 63.4, 62.2, 57.0, 54.3, 44.2, 61.2]),
        (5, [57.0, 81.6, 79.4, 75.8, 73.3, 64.2, 75.6]),
    ] {
        let scores = score("promis29", &whole("promis29", |_| answer));
        let found: Vec<f64> =
            ["pf", "anx", "dep", "fat", "slp", "soc", "pi"].iter().filter_map(|it| number(&scores, it)).collect();
        assert_eq!(found, published);
        assert_eq!(number(&scores, "pain_nrs"), Some(f64::from(answer)));
    }
    let scores = score(
        "promis29",
        &json!({"promis29_pf_1": 5, "promis29_pf_2": 5, "promis29_pf_3": 5, "promis29_pf_4": 4, "promis29_anx_1": 3}),
    );
    assert_eq!((number(&scores, "pf"), number(&scores, "anx"), scores.status), (Some(48.3), None, Status::Partial));
}

#[test]
fn bodily_distress_counts_symptoms_by_group() {
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
    // The caller's own threshold is told in the result.
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
fn exposure_is_counted() {
    for code in ["lec", "slesq"] {
        assert_eq!(
            number(&score(code, &whole(code, |number| i32::from(number % 4 == 0))), "count"),
            Some(if code == "lec" { 4.0 } else { 3.0 })
        );
    }
}
