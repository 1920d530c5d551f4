//! Shares and distributions of the synthetic courses against published figures.

use super::*;

#[test]
fn course_referrals_follow_the_published_volume() {
    let firsts: Vec<Date> = corpus().iter().filter_map(|made| made.course.received_on).collect();
    assert_eq!(firsts.len(), COUNT);
    let volumes = [202.0, 1046.0, 1015.0, 1054.0, 935.0, 821.0, 1000.0, 1000.0, 1000.0, 1000.0, 1000.0, 893.0];
    for (year, volume) in (2015..).zip(volumes) {
        let wanted = volume / volumes.iter().sum::<f64>();
        near(&format!("{year}"), share(&firsts, |day| day.year() == year), wanted, 0.02);
    }
    let referrals = all::<Referral>();
    near("category missing", share(&referrals, |it| it.category.is_none()), CATEGORY_MISSING, 0.01);
    let granted = |it: &Referral| it.category.as_deref().is_some_and(|code| code.starts_with("right_granted"));
    assert!(share(&referrals, granted) > 0.85);
    near("from a general practitioner", share(&referrals, |it| it.source.as_deref() == Some("gp")), 0.62, 0.03);
    let weeks: Vec<i32> = corpus()
        .iter()
        .filter_map(|made| Some(calendar::days(made.course.received_on?, made.course.first_seen_on?)))
        .collect();
    assert!(weeks.iter().all(|days| (14..=403).contains(days)));
    let slow =
        referrals.iter().filter_map(|it| Some(calendar::days(it.received_on, it.assessed_on?))).filter(|n| *n > 14);
    assert!(number(slow.count()) / number(referrals.len()) < 0.15);
}

#[test]
fn course_may_be_kept_with_the_published_consent() {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let mut reserved = 0;
    for made in corpus() {
        let grounds: Vec<LegalBasis> = made.of();
        let verdict = may_keep(&grounds, TODAY);
        assert!(verdict.allowed, "{grounds:?}");
        *reasons.entry(verdict.reason.into()).or_default() += 1;
        assert!(
            grounds.iter().all(|ground| ground.against != Some(Against::Registry) && ground.letter_version.is_some())
        );
        reserved += usize::from(grounds.iter().any(|ground| ground.against == Some(Against::Questionnaires)));
    }
    assert_eq!(reasons.keys().copied().collect::<Vec<_>>(), ["consent_given", "exempt"]);
    assert!(matches!(PermissionReason::Exempt.into(), "exempt"));
    let asked: Vec<LegalBasis> = all().into_iter().filter(|it: &LegalBasis| it.basis == Basis::Consent).collect();
    near("given of those asked", share(&asked, |it| it.decision == Some(ConsentDecision::Given)), 0.767, 0.035);
    near("reserved", number(reserved) / number(COUNT), 0.015, 0.008);
    let exempt: Vec<LegalBasis> = all().into_iter().filter(|it: &LegalBasis| it.basis == Basis::Exemption).collect();
    assert!(exempt.iter().all(|it| it.valid_from >= date(2021, 6, 1)));
}

#[test]
fn course_closes_episodes() {
    let episodes = all::<Episode>();
    let recent: Vec<&Episode> = episodes.iter().filter(|it| it.opened_on > date(2024, 11, 22)).collect();
    near("recent ones open", share(&recent, |it| it.closed_on.is_none()), 0.35, 0.08);
    let old: Vec<&Episode> = episodes.iter().filter(|it| it.opened_on < date(2022, 1, 1)).collect();
    assert!(share(&old, |it| it.closed_on.is_none()) < 0.08);
    let closed: Vec<&Episode> = episodes.iter().filter(|it| it.closed_on.is_some()).collect();
    near("completed", share(&closed, |it| it.closing_reason.as_deref() == Some("completed")), 0.62, 0.05);
    let dead = share(corpus(), |made| made.course.deceased_on.is_some());
    assert!((0.003..0.05).contains(&dead), "dead: {dead}");

    let held = all::<Consultation>();
    let came = |it: &Consultation| it.attendance == Attendance::Attended;
    near("attended", share(&held, came), 0.89, 0.04);
    let remote = |from: i16, to: i16| {
        let of_years: Vec<&Consultation> = held.iter().filter(|it| (from..=to).contains(&it.held_on.year())).collect();
        share(&of_years, |it| it.mode != crate::clinical::Mode::Physical)
    };
    assert!(remote(2015, 2019) < 0.10 && remote(2020, 2026) > 0.18, "{} {}", remote(2015, 2019), remote(2020, 2026));
    let professionals: Vec<_> = held.iter().flat_map(|it| &it.professionals).collect();
    assert!(professionals.iter().all(|it| it.hpr.as_ref().is_none_or(|number| number.starts_with("9900001"))));
}

#[test]
fn course_diagnoses_begin_with_a_chronic_pain_code() {
    let firsts: Vec<Diagnosis> = all().into_iter().filter(|it: &Diagnosis| it.rank == 1).collect();
    let since: Vec<&Diagnosis> = firsts.iter().filter(|it| it.set_on >= date(2022, 1, 1)).collect();
    let class = |it: &Diagnosis| PainClass::of(&it.code);
    near("chronic pain first", share(&since, |it| class(it).is_some()), 0.96, 0.02);
    near("primary", share(&since, |it| class(it) == Some(PainClass::Primary)), 0.45 * 0.96, 0.05);
    near("widespread", share(&since, |it| it.code == "MG30.01"), 0.175 * 0.96, 0.04);
    assert!(firsts.iter().all(|it| it.set_on >= date(2022, 1, 1) || class(it).is_none()));
    for made in corpus() {
        let diagnoses: Vec<Diagnosis> = made.of();
        assert!(made.person.sex == Sex::Female || diagnoses.iter().all(|it| !it.code.starts_with("N80")));
    }
}

#[test]
fn course_treats_the_published_share() {
    let seen: Vec<&Made> = corpus().iter().filter(|made| made.course.first_seen_on.is_some()).collect();
    let treated = |group: &str| {
        share(&seen, |made| {
            let mut procedures = made.of::<Procedure>().into_iter();
            procedures.any(|it| lists().procedure_group(&it.code, it.performed_on) == Some(group))
        })
    };
    near("radiofrequency", treated("rf"), 0.07, 0.016);
    near("spinal cord stimulation", treated("scs"), 0.021, 0.009);
    assert!(treated("block") > 0.15 && treated("rehabilitation") > 0.1 && treated("infusion") > 0.05);
    let procedures = all::<Procedure>();
    near("site missing", share(&procedures, |it| it.sites.is_empty()), 0.12, 0.025);
}

#[test]
fn course_drawings_have_the_published_number_of_places() {
    let drawings: Vec<PainSite> =
        all().into_iter().filter(|it: &PainSite| it.reported_by == ReportedBy::Patient).collect();
    let places = |it: &PainSite| it.areas.iter().map(|area| if area.side == Side::Both { 2 } else { 1 }).sum::<i32>();
    let mut counts: Vec<i32> = drawings.iter().map(places).collect();
    counts.sort_unstable();
    let mean = counts.iter().map(|count| f64::from(*count)).sum::<f64>() / number(counts.len());
    near("places", mean, 10.6, 1.2);
    assert!((6..=8).contains(&counts[counts.len() / 2]), "{}", counts[counts.len() / 2]);
    let left = |region: Region| {
        let is_drawn = |it: &PainSite| {
            it.areas.iter().any(|area| area.region == region && matches!(area.side, Side::Left | Side::Both))
        };
        share(&drawings, is_drawn)
    };
    near("lower back", left(Region::LowerBack), 0.54, 0.06);
    for region in Region::iter().filter(|region| *region != Region::LowerBack) {
        assert!(left(region) < 0.45, "{region:?}: {}", left(region));
    }
    assert!(drawings.iter().all(|it| it.areas.iter().filter(|area| area.main).count() == 1));
}

#[test]
fn course_opioids_follow_the_published_shares() {
    let mut users = Vec::new();
    let (mut seen, mut unknown) = (0, 0);
    for made in corpus() {
        let Some(opened) = made.course.first_seen_on else { continue };
        seen += 1;
        let now =
            |it: &Medication| it.is_opioid() && it.started_on <= opened && it.ended_on.is_none_or(|on| on >= opened);
        let doses: Vec<Omeq> =
            made.of::<Medication>().iter().filter(|it| now(it)).map(Medication::daily_omeq).collect();
        if doses.is_empty() {
            continue;
        }
        let known = doses.iter().filter_map(|omeq| match omeq {
            Omeq::Known { mg, .. } => mg.to_string().parse::<f64>().ok(),
            _ => None,
        });
        unknown += usize::from(known.clone().count() < doses.len());
        users.push(known.sum::<f64>());
    }
    near("users", number(users.len()) / f64::from(seen), 0.558, 0.03);
    near("mean", users.iter().sum::<f64>() / number(users.len()), 62.7, 6.0);
    near("over 100 mg", share(&users, |mg| *mg > 100.0), 0.16, 0.04);
    assert!((0.002..0.025).contains(&share(&users, |mg| *mg > 300.0)));
    assert!(unknown > 0 && number(unknown) / number(users.len()) < 0.015);
    let tapered =
        share(corpus(), |made| made.of::<Medication>().iter().any(|it| it.is_opioid() && it.ended_on.is_some()));
    assert!(tapered > 0.08, "{tapered}");
}

#[test]
fn course_goals_are_evaluated_at_the_end_of_an_episode() {
    let goals = all::<TreatmentGoal>();
    assert!(goals.iter().all(|it| it.set_on >= date(2020, 4, 1)));
    near("the patient's own", share(&goals, |it| it.set_by == crate::clinical::SetBy::Patient), 0.6, 0.05);
    near("judged", share(&goals, |it| it.attainment.is_some()), 0.6, 0.15);
    assert!(goals.iter().all(|it| !it.text.contains(|letter: char| letter.is_ascii_digit())));
    let sampled: Vec<&Made> =
        corpus().iter().filter(|it| it.course.first_seen_on.is_some_and(|day| day >= date(2023, 1, 1))).collect();
    near("sampled", share(&sampled, |made| !made.of::<Sample>().is_empty()), 0.03, 0.02);
}
