//! EQ-5D: published indices, sums of every coefficient, gaps.

use super::*;

/// The index of a state, such as `21343`, by one set.
fn index(state: &str, set: &str) -> f64 {
    let eq5d = instrument(if set.contains("_3L_") { "eq5d3l" } else { "eq5d5l" });
    let levels = state.chars().map(|digit| json!(digit.to_digit(10).expect("a digit")));
    let value = eq5d.items().iter().map(|item| item.code().to_owned()).zip(levels).collect::<Map<_, _>>();
    let options = Options::parse(&[set.to_owned()]).expect("a known set");
    let scores = eq5d.score(&eq5d.parse(&value).expect("legal"), &options);
    let found = scores.scales.iter().find(|scale| scale.code == "index").expect("an index");
    assert_eq!(found.value_set, Some(set));
    number(&scores, "index").expect("an index")
}

#[test]
fn score_with_norwegian_value_set_equals_published_indices() {
    for (state, published) in [
        ("11111", 1.0),
        ("15432", 0.460),
        ("22222", 0.779),
        ("33333", 0.539),
        ("44444", -0.126),
        ("55555", -0.453),
        ("21231", 0.818),
        ("32342", 0.472),
    ] {
        let found = index(state, "NO_5L_2024");
        assert!((found - published).abs() <= 0.000_5, "{state}: {found}");
    }
    assert_eq!(serde_json::to_string(&index("31342", "NO_5L_2024")).ok().as_deref(), Some("0.503503"));
}

#[test]
fn norwegian_coefficients_follow_from_the_eight_published_numbers() {
    let weights = [205, 206, 179, 391, 472];
    for (level, factor) in [(2, 152), (3, 317), (4, 775), (5, 1000)] {
        for (dimension, weight) in weights.iter().enumerate() {
            let state: String = (0..5).map(|at| if at == dimension { char::from(b'0' + level) } else { '1' }).collect();
            let expected = 1.0 - f64::from(weight * factor) / 1_000_000.0;
            assert!((index(&state, "NO_5L_2024") - expected).abs() < 1e-12, "{state}");
        }
    }
}

#[test]
fn score_with_other_additive_sets_equals_published_indices() {
    for (set, worst, mixed) in [
        ("DK_5L_2021", -0.758, 1.0 - 0.041 - 0.033 - 0.094 - 0.072),
        ("SE_5L_2022", -0.314, 1.0 - 0.022 - 0.022 - 0.047 - 0.031),
        ("UK_5L_2026", -0.567, 1.0 - 0.032 - 0.049 - 0.066 - 0.041),
        ("DE_5L_2018", -0.661, 1.0 - 0.026 - 0.036 - 0.109 - 0.030),
        ("EN_5L_2018", -0.285, 1.0 - 0.058 - 0.050 - 0.084 - 0.078),
        ("NL_5L_2016", -0.446, 1.0 - 0.047 - 0.035 - 0.039 - 0.092 - 0.070),
    ] {
        assert!((index("11111", set) - 1.0).abs() < 1e-12, "{set}");
        assert!((index("55555", set) - worst).abs() < 1e-9, "{set}: {}", index("55555", set));
        assert!((index("21232", set) - mixed).abs() < 1e-9, "{set}: {}", index("21232", set));
    }
}

#[test]
fn score_counts_every_coefficient_once() {
    // Five states that use each level of each dimension exactly once: their indices add up to five times full health plus
    // every coefficient of the published table.
    for (set, sum_of_coefficients) in [
        ("NO_5L_2024", -(0.205 + 0.206 + 0.179 + 0.391 + 0.472) * (0.152 + 0.317 + 0.775 + 1.0)),
        ("DK_5L_2021", -(0.472 + 0.438 + 0.386 + 1.06 + 1.311)),
        ("SE_5L_2022", -(0.267 + 0.347 + 0.388 + 0.818 + 0.824)),
        ("UK_5L_2026", -(0.548 + 0.466 + 0.531 + 0.972 + 0.871)),
        ("DE_5L_2018", -(0.431 + 0.535 + 0.423 + 1.182 + 0.712)),
        ("EN_5L_2018", -(0.615 + 0.497 + 0.459 + 0.758 + 0.756)),
        ("NL_5L_2016", -(0.461 + 0.435 + 0.510 + 0.933 + 0.992) - 5.0 * 0.047),
    ] {
        let sum: f64 = ["12345", "23451", "34512", "45123", "51234"].iter().map(|state| index(state, set)).sum();
        assert!((sum - 5.0 - sum_of_coefficients).abs() < 1e-9, "{set}: {}", sum - 5.0);
    }
}

#[test]
fn crosswalk_equals_van_hout() {
    // Level 3 of five is level 2 of three with certainty, so 33333 is the three-level 22222.
    for (state, published) in [("11111", 1.0), ("55555", -0.594), ("33333", 0.516), ("11112", 0.879), ("21111", 0.877)]
    {
        let found = index(state, "UK_XW_2012");
        assert!((found - published).abs() <= 0.000_6, "{state}: {found}");
    }
}

#[test]
fn score_of_eq5d_with_a_missing_answer_has_partial_results() {
    let full = score("eq5d5l", &json!({"eq5d_mo":3,"eq5d_sc":1,"eq5d_ua":3,"eq5d_pd":4,"eq5d_ad":2,"eq5d_vas":45}));
    assert_eq!(
        serde_json::to_value(&full).ok(),
        Some(json!({"instrument":"eq5d5l","algorithm":"eq5d5l/1","status":"scored","scales":[
            {"code":"state","value":"31342","n_answered":5,"n_items":5},
            {"code":"lss","value":13,"n_answered":5,"n_items":5},
            {"code":"lfs","value":"11210","n_answered":5,"n_items":5},
            {"code":"index","value":0.503_503,"value_set":"NO_5L_2024","n_answered":5,"n_items":5},
            {"code":"vas","value":45,"n_answered":1,"n_items":1}],"flags":{}}))
    );
    let gap = score("eq5d5l", &json!({"eq5d_mo":3,"eq5d_sc":null,"eq5d_ua":3,"eq5d_pd":4,"eq5d_ad":2}));
    assert_eq!(gap.status, Status::Partial);
    assert_eq!(
        gap.scales.iter().map(|scale| (scale.code, scale.value.clone())).collect::<Vec<_>>(),
        [("state", ScaleValue::Text("39342".into()))]
    );
    let no_vas = score("eq5d5l", &json!({"eq5d_mo":1,"eq5d_sc":1,"eq5d_ua":1,"eq5d_pd":1,"eq5d_ad":1}));
    assert_eq!((no_vas.status, number(&no_vas, "index")), (Status::Partial, Some(1.0)));
    assert_eq!(score("eq5d5l", &json!({})).status, Status::Incomplete);
}

#[test]
fn score_names_an_unknown_value_set() {
    let faults = Options::parse(&["NO_5L_2024".into(), "XX".into()]).err();
    assert_eq!(faults, Some(vec![Fault::new("/value_sets/1", FaultCode::UnknownOption)]));
    let faults = Options::parse(&["NO_5L_2024".into(), "NO_5L_2024".into()]).err();
    assert_eq!(faults, Some(vec![Fault::new("/value_sets/1", FaultCode::AlreadyExists)]));
}

#[test]
fn catalogue_has_every_value_set_with_its_publication() {
    let five = "NO_5L_2024 DK_5L_2021 SE_5L_2022 SE_5L_2020_exp DE_5L_2018 NL_5L_2016 EN_5L_2018 UK_5L_2026 \
                UK_XW_2012 DK_XW_2012 DE_XW_2012 NL_XW_2012";
    let three = "UK_3L_TTO_1997 DK_3L_TTO_2009 SE_3L_TTO_2014_exp DE_3L_TTO_2005 NL_3L_TTO_2006";
    for (code, sets) in [("eq5d5l", five), ("eq5d3l", three), ("isi", "")] {
        let found: Vec<&str> = instrument(code).value_sets().map(ValueSet::code).collect();
        assert_eq!(found, sets.split_whitespace().collect::<Vec<_>>());
        assert!(instrument(code).value_sets().all(|set| set.publication().len() > 20));
    }
    assert_eq!(value_set_codes().len(), 17);
}

#[test]
fn swedish_experience_based_set_starts_below_full_health() {
    // Published range 0.243 to 0.976; the last level of any dimension costs once more.
    let set = "SE_5L_2020_exp";
    assert!((index("11111", set) - 0.9755).abs() < 1e-12);
    assert!((index("55555", set) - 0.243).abs() < 0.000_5);
    assert!((index("51111", set) - (0.9755 - 0.0523 - 0.0023)).abs() < 1e-12);
    assert!((index("41111", set) - (0.9755 - 0.0523)).abs() < 1e-12);
}

#[test]
fn score_with_three_level_tariffs_equals_published_indices() {
    // UK: Dolan 1997 prints 11111, 33333 and 11223 (0.255); the others are computed by hand from the published table.
    for (state, set, published) in [
        ("11111", "UK_3L_TTO_1997", 1.0),
        ("33333", "UK_3L_TTO_1997", -0.594),
        ("11223", "UK_3L_TTO_1997", 0.255),
        ("22222", "UK_3L_TTO_1997", 0.516),
        ("11112", "UK_3L_TTO_1997", 0.848),
        ("33333", "DK_3L_TTO_2009", -0.624),
        ("22222", "DK_3L_TTO_2009", 1.0 - 0.114 - 0.053 - 0.063 - 0.048 - 0.062 - 0.068),
        ("11111", "SE_3L_TTO_2014_exp", 0.9694),
        ("33333", "SE_3L_TTO_2014_exp", 0.9694 - 0.0433 - 0.1247 - 0.0276 - 0.1355 - 0.0904 - 0.2077),
        ("33333", "DE_3L_TTO_2005", -0.205),
        ("11211", "DE_3L_TTO_2005", 0.999),
        ("33333", "NL_3L_TTO_2006", -0.329),
        ("21111", "NL_3L_TTO_2006", 1.0 - 0.071 - 0.036),
    ] {
        let found = index(state, set);
        assert!((found - published).abs() < 1e-9, "{state} {set}: {found}");
    }
}

#[test]
fn score_deducts_level_three_once_for_any_number_of_dimensions() {
    let (one, two) = (index("31111", "UK_3L_TTO_1997"), index("33111", "UK_3L_TTO_1997"));
    assert!((one - (1.0 - 0.081 - 0.269 - 0.314)).abs() < 1e-12);
    assert!((one - two - 0.214).abs() < 1e-12);
}

#[test]
fn crosswalk_agrees_with_its_target_set() {
    // Levels 1, 3 and 5 of five are levels 1, 2 and 3 of three with certainty.
    for (crosswalk, through) in [
        ("UK_XW_2012", "UK_3L_TTO_1997"),
        ("DK_XW_2012", "DK_3L_TTO_2009"),
        ("DE_XW_2012", "DE_3L_TTO_2005"),
        ("NL_XW_2012", "NL_3L_TTO_2006"),
    ] {
        for three in ["11111", "22222", "33333", "12321", "31213", "11211", "22111"] {
            let five: String = three
                .chars()
                .map(|level| {
                    if level == '1' {
                        '1'
                    } else if level == '2' {
                        '3'
                    } else {
                        '5'
                    }
                })
                .collect();
            let (found, wanted) = (index(&five, crosswalk), index(three, through));
            assert!((found - wanted).abs() < 1e-9, "{crosswalk} {five}: {found}, {wanted}");
        }
    }
}

#[test]
fn crosswalk_equals_the_expectation_over_three_level_states() {
    // By hand from the rule: the sum over all 243 states of chance times value.
    let chances = |dimension: usize, level: char| -> [f64; 3] {
        let second = [
            [0.177_347_242_921_013, 0.927_884_615_384_615],
            [0.167_346_938_775_51, 0.756_944_444_444_444],
            [0.197_815_533_980_583, 0.671_568_627_450_98],
            [0.198_868_991_517_436, 0.600_502_512_562_814],
            [0.206_603_773_584_906, 0.509_316_770_186_335],
        ][dimension];
        match level {
            '1' => [1.0, 0.0, 0.0],
            '2' => [second[0], 1.0 - second[0], 0.0],
            '3' => [0.0, 1.0, 0.0],
            '4' => [0.0, second[1], 1.0 - second[1]],
            _ => [0.0, 0.0, 1.0],
        }
    };
    let states: Vec<String> = (0..243)
        .map(|n| {
            [81, 27, 9, 3, 1]
                .map(|place| char::from(b'1' + u8::try_from(n / place % 3).expect("small")))
                .iter()
                .collect()
        })
        .collect();
    for five in ["22222", "44444", "12345", "42424", "21114"] {
        let chance = |three: &String| -> f64 {
            five.chars()
                .zip(three.bytes())
                .enumerate()
                .map(|(at, (level, to))| chances(at, level)[usize::from(to - b'1')])
                .product()
        };
        let expected: f64 = states.iter().map(|three| chance(three) * index(three, "UK_3L_TTO_1997")).sum();
        assert!((index(five, "UK_XW_2012") - expected).abs() < 1e-9, "{five}");
    }
}

#[test]
fn value_sets_match_the_levels_of_the_instrument() {
    let options = Options::parse(&["DK_5L_2021".into(), "NO_5L_2024".into(), "DK_3L_TTO_2009".into()]).expect("known");
    let sets = |code: &str, options: &Options| -> Vec<&str> {
        let slots: Vec<_> = instrument(code).items().iter().map(|_| Some(1)).collect();
        instrument(code).score(&slots, options).scales.iter().filter_map(|scale| scale.value_set).collect()
    };
    assert_eq!(sets("eq5d5l", &options), ["DK_5L_2021", "NO_5L_2024"]);
    assert_eq!(sets("eq5d3l", &options), ["DK_3L_TTO_2009"]);
    let options = Options::parse(&["DK_5L_2021".into()]).expect("known");
    assert_eq!(sets("eq5d3l", &options), ["UK_3L_TTO_1997"]);
    // A value set of another instrument is refused.
    let asked = ["DK_3L_TTO_2009".to_owned(), "DK_5L_2021".to_owned()];
    let refused = |at: usize| vec![Fault::new(format!("/value_sets/{at}"), FaultCode::UnknownOption)];
    assert_eq!(instrument("eq5d3l").options(&asked).err(), Some(refused(1)));
    assert_eq!(instrument("isi").options(&asked[..1]).err(), Some(refused(0)));
    assert!(instrument("eq5d3l").options(&asked[..1]).is_ok());
    assert_eq!(
        (sets("eq5d5l", &Options::default()), sets("eq5d3l", &Options::default())),
        (vec!["NO_5L_2024"], vec!["UK_3L_TTO_1997"])
    );
}

#[test]
fn score_of_three_levels_has_state_and_level_sum() {
    let scores = score(
        "eq5d3l",
        &json!({"eq5d3l_mo":2,"eq5d3l_sc":1,"eq5d3l_ua":3,"eq5d3l_pd":3,"eq5d3l_ad":2,"eq5d3l_vas":40}),
    );
    assert_eq!((text(&scores, "state").as_deref(), number(&scores, "lss")), (Some("21332"), Some(11.0)));
    assert_eq!((number(&scores, "vas"), scores.status), (Some(40.0), Status::Scored));
    let gap = score("eq5d3l", &json!({"eq5d3l_mo":2,"eq5d3l_vas":40}));
    assert_eq!(
        (text(&gap, "state").as_deref(), number(&gap, "index"), gap.status),
        (Some("29999"), None, Status::Partial)
    );
}
