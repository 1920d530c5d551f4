//! Pain, function and fear of movement: bands, cut-offs and prorating by the published rules.

use super::*;

#[test]
fn score_of_pcs_subscales_uses_the_published_items() {
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
fn score_of_odi_adapts_down_to_eight_answers() {
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
fn score_of_chalder_has_both_methods() {
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
fn score_of_pgic_and_pain_scales_equals_the_answer() {
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
fn score_of_tampa_reverses_four_items() {
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
fn score_of_short_tampa_scales_keeps_the_original_numbers() {
    let codes = |code: &str| instrument(code).items().iter().map(InstrumentItem::code).collect::<Vec<_>>().join(" ");
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
fn score_of_bpi_requires_four_of_seven_for_interference_and_all_for_severity() {
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
fn score_of_paindetect_adds_pattern_and_radiation() {
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
fn score_of_opioid_risk_tool_depends_on_sex() {
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
fn score_of_promis_domains_equals_the_published_tables() {
    // Rows 4, 12 and 20 of the published tables; each domain is scored separately.
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
