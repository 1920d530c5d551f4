//! Oral morphine equivalents: published ratios, patches, methadone bands and unknown factors.

use super::*;

#[test]
fn omeq_factors_equal_the_published_ratios() {
    for (atc, route, mg, expected) in [
        ("N02AA01", Route::Oral, "30", "30"),
        ("R05DA04", Route::Oral, "300", "30"),
        ("N02AJ06", Route::Rectal, "300", "30"),
        ("N02AX02", Route::Oral, "200", "30"),
        ("N02AJ13", Route::Oral, "200", "30"),
        ("N02AA05", Route::Oral, "20", "30"),
        ("N02AA55", Route::Oral, "20", "30"),
        ("N02AB01", Route::Oral, "30", "30"),
        ("N02AA03", Route::Oral, "6", "30"),
        ("N02AX06", Route::Oral, "150", "30"),
        ("N02AE01", Route::Sublingual, "0.625", "30"),
        ("N07BC01", Route::Sublingual, "16", "768"),
        ("N02AB02", Route::Rectal, "300", "30"),
        ("N02AB03", Route::Sublingual, "0.1", "25"),
        ("N02AB03", Route::Intranasal, "0.1", "25"),
    ] {
        assert_eq!(known(&of(atc, route, decimal(mg))), Some(decimal(expected)), "{atc} {route}");
    }
    let Omeq::Known { factor_version, .. } = medication().daily_omeq() else { panic!("oxycodone is known") };
    assert_eq!(factor_version, "hdir-konvertering-av-opioiddoser/1");
}

#[test]
fn omeq_of_patches_counts_the_daily_release() {
    let rounded = |atc, dose| known(&patch(atc, dose)).map(|mg| format!("{:.1}", half_up(mg)));
    for (dose, expected) in [("12", "28.8"), ("25", "60.0"), ("50", "120.0"), ("75", "180.0"), ("100", "240.0")] {
        assert_eq!(rounded("N02AB03", dose).as_deref(), Some(expected), "fentanyl {dose}");
    }
    for (dose, expected) in
        [("5", "11.1"), ("10", "22.2"), ("20", "44.4"), ("35", "77.7"), ("52.5", "116.6"), ("70", "155.4")]
    {
        assert_eq!(rounded("N02AE01", dose).as_deref(), Some(expected), "buprenorphine {dose}");
    }
}

fn half_up(mg: Decimal) -> Decimal {
    mg.round_dp_with_strategy(1, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
}

#[test]
fn omeq_of_methadone_uses_the_lowest_consistent_band() {
    let starts = [0, 90, 300, 600, 1000].map(Decimal::from);
    let ratios = [5, 6, 8, 10, 12].map(Decimal::from);
    for (mg, expected) in [
        ("1", "5"),
        ("6", "30"),
        ("15", "75"),
        ("17.5", "87.5"),
        ("17.8", "89"),
        ("17.9", "107.4"),
        ("20", "120"),
        ("49.8", "298.8"),
        ("49.9", "399.2"),
        ("74.8", "598.4"),
        ("74.9", "749"),
        ("90", "900"),
        ("90.1", "1081.2"),
        ("100", "1200"),
    ] {
        let (mg, omeq) = (decimal(mg), decimal(expected));
        assert_eq!(known(&of("N07BC02", Route::Oral, mg)), Some(omeq), "{mg}");
        let band = starts.iter().zip(ratios).rfind(|(start, _)| omeq >= **start);
        assert_eq!(band.map(|(_, ratio)| mg * ratio), Some(omeq), "{mg} is outside the band of its ratio");
    }
}

#[test]
fn omeq_without_factor_is_unknown_and_not_zero() {
    use OmeqUnknown::{
        DoseMissing, NoFactorForRoute, NoFactorForSubstance, OutOfRange, Parenteral, StrengthMissing,
        UnitNotConvertible,
    };
    let mg = Decimal::TEN;
    for (medication, reason) in [
        (of("N02AA01", Route::Intravenous, mg), Parenteral),
        (of("N02AB03", Route::Intrathecal, mg), Parenteral),
        (of("N02AA08", Route::Oral, mg), NoFactorForSubstance),
        (of("R05DA01", Route::Oral, mg), NoFactorForSubstance),
        (of("N07BC51", Route::Sublingual, mg), NoFactorForSubstance),
        (of("N01AH01", Route::Other, mg), NoFactorForSubstance),
        (of("N02AB03", Route::Buccal, mg), NoFactorForRoute),
        (of("N02AA05", Route::Rectal, mg), NoFactorForRoute),
        (with(|it| it.dose = None), DoseMissing),
        (with(|it| it.unit = None), DoseMissing),
        (with(|it| it.doses_per_day = None), DoseMissing),
        (with(|it| it.unit = Some(DoseUnit::Tablet)), StrengthMissing),
        (with(|it| it.unit = Some(DoseUnit::Iu)), UnitNotConvertible),
        (with(|it| it.unit = Some(DoseUnit::UgPerHour)), UnitNotConvertible),
        (of("N02AB03", Route::Transdermal, mg), UnitNotConvertible),
        (with(|it| it.dose = Some(-mg)), OutOfRange),
        (with(|it| it.doses_per_day = Some(Decimal::MAX)), OutOfRange),
    ] {
        assert_eq!(unknown(&medication), Some(reason), "{medication:?}");
    }
    for atc in ["N02BE01", "V03AB15", "N07BB04", "N07BC04", "R05DA09", "N03AX16", "", "N02"] {
        assert_eq!(of(atc, Route::Oral, mg).daily_omeq(), Omeq::NotOpioid, "{atc}");
    }
}

#[test]
fn omeq_table_is_complete() {
    let table = Table::shipped();
    let codes = |of: &crate::medication::omeq::Factor| -> Vec<(String, Route)> {
        of.atc.iter().flat_map(|atc| of.routes.iter().map(move |route| (atc.clone(), *route))).collect()
    };
    let mut keys: Vec<(String, Route)> = table.factors.iter().flat_map(codes).collect();
    let all = keys.len();
    keys.sort_by_key(|(atc, route)| format!("{atc} {route}"));
    keys.dedup();
    assert_eq!(keys.len(), all, "one factor a substance and route");
    for (atc, route) in keys {
        assert!(is_substance(&atc) && table.counts(&atc) && !route.is_parenteral(), "{atc} {route}");
    }
    for factor in &table.factors {
        let (last, others) = factor.ratios.split_last().expect("a ratio");
        assert!(last.up_to.is_none() && others.iter().all(|band| band.up_to.is_some()));
        assert!(factor.ratios.iter().all(|band| band.ratio > Decimal::ZERO));
    }
    assert!(table.version.starts_with("hdir-"));
}
