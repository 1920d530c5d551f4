//! Checks of a plan, and the versions of its rules.

use std::collections::BTreeMap;

use super::*;

#[test]
fn parse_names_every_fault_of_a_plan() {
    let refused = |change: &dyn Fn(&mut FollowUpPlanDefinition)| {
        let mut plan = definition();
        change(&mut plan);
        parse(plan).expect_err("a faulty plan")
    };
    let one = |pointer: &str, code, change: &dyn Fn(&mut FollowUpPlanDefinition)| {
        assert_eq!(refused(change), [(pointer.to_owned(), code)], "{pointer}");
    };
    one("/tracks/2/waves/1/months", FaultCode::WrongOrder, &|plan| plan.tracks[2].waves[1].months = 3);
    one("/tracks/2/waves/1/window", FaultCode::Overlapping, &|plan| plan.tracks[2].waves[0].window.late_days = 60);
    one("/tracks/1/waves/0/window", FaultCode::Overlapping, &|plan| plan.tracks[1].waves[0].window.late_days = 300);
    one("/tracks/0/waves/0/repeats", FaultCode::NeverHappens, &|plan| plan.tracks[0].waves[0].repeats = true);
    one("/tracks/2/start/group", FaultCode::UnknownReference, &|plan| {
        plan.tracks[2].start = Start::Procedure { group: "laser".to_owned() };
    });
    one("/tracks/2/start/group", FaultCode::NeverHappens, &|plan| {
        plan.tracks[2].start = Start::Procedure { group: "block".to_owned() };
    });
    one("/tracks/2/start/project", FaultCode::UnknownReference, &|plan| {
        plan.tracks[2].start = Start::Project { project: "none".to_owned() };
    });
    one("/tracks/0/channels/1", FaultCode::NotServed, &|plan| plan.tracks[0].channels[1] = Channel::Email);
    one("/tracks/0/channels/1", FaultCode::AlreadyExists, &|plan| plan.tracks[0].channels[1] = Channel::Sms);
    one("/tracks/0/channels", FaultCode::Required, &|plan| plan.tracks[0].channels.clear());
    one("/tracks/0/reminders/1", FaultCode::WrongOrder, &|plan| plan.tracks[0].reminders = vec![7, 7]);
    one("/tracks/2/reminders/1", FaultCode::OutsidePeriod, &|plan| plan.tracks[2].reminders = vec![7, 31]);
    one("/tracks/0/form", FaultCode::UnknownReference, &|plan| {
        "opr-baseline".clone_into(&mut plan.tracks[0].form);
        plan.links.forms.insert("opr-baseline".to_owned(), "1000001".to_owned());
    });
    one("/links/forms/opr-rf", FaultCode::Required, &|plan| drop(plan.links.forms.remove("opr-rf")));
    for (address, code) in [
        ("opr-rf", FaultCode::Sensitive),
        ("smerte-3", FaultCode::Sensitive),
        ("a/b", FaultCode::InvalidFormat),
        ("100003", FaultCode::UnknownReference),
        ("1000006", FaultCode::Contradiction),
    ] {
        one("/links/forms/opr-rf", code, &|plan| {
            drop(plan.links.forms.insert("opr-rf".to_owned(), address.to_owned()));
        });
    }
    one("/tracks/2/waves/0/window/after_days", FaultCode::OutOfRange, &|plan| {
        plan.tracks[2].waves[0].window.after_days = 4;
        plan.tracks[2].reminders.clear();
    });
    one("/tracks/0/larger_form", FaultCode::AlreadyExists, &|plan| {
        plan.tracks[0].larger_form = Some(plan.tracks[0].form.clone());
    });
    one("/tracks/0/exclusions/4", FaultCode::AlreadyExists, &|plan| plan.tracks[0].exclusions.push(Exclusion::Child));
    one("/sending/until_hour", FaultCode::WrongOrder, &|plan| plan.sending.until_hour = 9);
    one("/adult_from", FaultCode::OutOfRange, &|plan| plan.adult_from = 3);
    one("/messages/nb", FaultCode::Required, &|plan| drop(plan.messages.remove("nb")));
    let say = |text: &str| {
        let text = text.to_owned();
        move |plan: &mut FollowUpPlanDefinition| text.clone_into(&mut plan.messages.get_mut("nb").expect("nb").reminder)
    };
    let place = "/messages/nb/reminder";
    one(place, FaultCode::Required, &say("Svar her: {link}"));
    one(place, FaultCode::UnknownReference, &say("Hei {name}! {link} {rights}"));
    one(place, FaultCode::Sensitive, &say("Om smertene dine: {link} {rights}"));
    one(place, FaultCode::TooLong, &say(&format!("{} {{link}} {{rights}}", "svar ".repeat(80))));
    one(place, FaultCode::TooLong, &say(&format!("{} {{link}} {{rights}} \u{2728}", "svar ".repeat(30))));
    one("/links/answer", FaultCode::InvalidFormat, &|plan| {
        plan.links.answer = "http://nettskjema.example/{token}".to_owned();
    });
    one("/links/answer", FaultCode::Required, &|plan| plan.links.answer = "https://nettskjema.example/".to_owned());
    let wrong = refused(&|plan| plan.links.rights.push_str("{token}"));
    assert_eq!(wrong.first(), Some(&("/links/rights".to_owned(), FaultCode::UnknownReference)));
    // Of another track with the same event and the same form.
    let twice = refused(&|plan| {
        let mut again = plan.tracks[2].clone();
        "rf_again".clone_into(&mut again.code);
        plan.tracks.push(again);
    });
    assert!(
        twice.iter().all(|(pointer, code)| pointer.starts_with("/tracks/4/waves/") && *code == FaultCode::Overlapping)
    );
    assert_eq!(twice.len(), 3);
    let lists = CodeLists::new(
        lists()
            .all()
            .iter()
            .filter(|(list, _)| *list != List::TreatmentRight)
            .flat_map(|(list, codes)| codes.iter().map(|code| (*list, code.clone())).collect::<Vec<_>>()),
        Vec::new(),
    );
    let known = Known { forms: &[], lists: &lists, channels: &[], nettskjema: &BTreeMap::new() };
    let faults = Plan::parse(definition(), &known).expect_err("nothing it refers to is there");
    assert!(faults.iter().any(|it| it.pointer == "/tracks/0/needs_category" && it.code == FaultCode::NeverHappens));
}

#[test]
fn versions_keep_the_version_of_an_unchanged_rule() {
    let first = plan();
    let versions = first.rule_versions_after(None, 1);
    assert!(versions.values().all(|version| *version == 1));
    let first = Plan::published(definition(), &versions);
    let mut changed = definition();
    changed.tracks[2].waves[0].window.after_days = 31;
    let second = parse(changed.clone()).expect("a sound plan").rule_versions_after(Some(&first), 2);
    let new: Vec<&str> = second.iter().filter(|(_, version)| **version == 2).map(|(rule, _)| rule.as_str()).collect();
    assert_eq!(new, ["rf_3"]);
    changed.tracks[3].reminders = vec![10];
    let third = Plan::published(changed, &second).rule_versions_after(Some(&first), 3);
    assert_eq!((third["scs_6"], third["closed_12"]), (3, 1));
}
