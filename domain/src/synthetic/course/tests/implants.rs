//! Courses with an implant: consistency of components and published outcomes.

use super::*;

/// Courses with a decision for an implant, from a large sample, because implants are rare.
pub(super) fn stimulated() -> &'static [Made] {
    static STIMULATED: OnceLock<Vec<Made>> = OnceLock::new();
    STIMULATED.get_or_init(|| {
        let mut generator = Generator::new(11);
        let mut found = Vec::new();
        while found.len() < 160 {
            let person = generator.person();
            let course = generator.course(&person, TODAY);
            if course.entries.iter().any(|entry| entry.kind == EntryKind::Implant) {
                let remarks = course.entries.iter().map(|entry| remarks(&course, &person, entry)).collect();
                found.push(Made { person, course, remarks });
            }
        }
        found
    })
}

#[test]
fn course_removes_implanted_components_only() {
    let (mut explants, mut revisions, mut implanted) = (0, 0, 0);
    for made in stimulated() {
        check(made);
        let course = &made.course;
        let mut in_place: Vec<Uuid> = Vec::new();
        let mut leads: BTreeMap<Uuid, i32> = BTreeMap::new();
        let mut is_over = false;
        for (place, entry) in (0_u128..).zip(&course.entries) {
            let content = resolved(course, entry);
            let of_implant = matches!(
                entry.kind,
                EntryKind::ImplantComponent
                    | EntryKind::ImplantEvent
                    | EntryKind::ImplantProgramme
                    | EntryKind::ImplantCheck
            );
            assert!(!(is_over && of_implant), "{} after the explant", entry.r#as);
            match entry.kind {
                EntryKind::ImplantComponent => {
                    let part: ImplantComponent = serde_json::from_value(content).expect("a component");
                    assert!(part.trial || part.removed_on.is_none(), "the explant marks it");
                    if !part.trial {
                        in_place.push(Uuid::from_u128(place));
                    }
                    if let Some(contacts) = part.contacts {
                        leads.insert(Uuid::from_u128(place), contacts);
                    }
                }
                EntryKind::ImplantEvent => {
                    let event: ImplantEvent = serde_json::from_value(content).expect("an event");
                    let named: Vec<Uuid> = event.component_ids.iter().map(|id| id.uuid()).collect();
                    assert!(named.iter().all(|id| in_place.contains(id)));
                    if event.event.class() == EventClass::Surgical {
                        assert_eq!(removal_class(in_place.len(), named.len()), Some(event.event));
                        in_place.retain(|id| !named.contains(id));
                        is_over = event.event == EventKind::Explant;
                        explants += i32::from(is_over);
                        revisions += i32::from(!is_over);
                    }
                }
                EntryKind::ImplantProgramme => {
                    let programme: ImplantProgramme = serde_json::from_value(content).expect("a programme");
                    for lead in programme.leads {
                        assert!(in_place.contains(&lead.component_id.uuid()));
                        let contacts = leads[&lead.component_id.uuid()];
                        assert_eq!(i32::try_from(lead.polarity.len()), Ok(contacts));
                    }
                }
                EntryKind::ImplantCheck => {
                    let check: ImplantCheck = serde_json::from_value(content).expect("a check");
                    assert!(check.impedances.iter().all(|it| in_place.contains(&it.component_id.uuid())));
                }
                _ => {}
            }
        }
        implanted += i32::from(!leads.is_empty() && !in_place.is_empty() || is_over);
    }
    assert!(implanted > 80 && explants > 5 && revisions > 5, "{implanted} {explants} {revisions}");
}

#[test]
fn course_implants_have_the_published_outcomes() {
    let implants: Vec<Implant> = stimulated().iter().flat_map(Made::of).collect();
    let tried: Vec<&Implant> = implants.iter().filter(|it| it.trial_outcome.is_some()).collect();
    near("trials that succeed", share(&tried, |it| it.trial_outcome == Some(TrialOutcome::Success)), 0.77, 0.09);
    let old: Vec<&Made> = stimulated()
        .iter()
        .filter(|made| {
            let parts: Vec<ImplantComponent> = made.of();
            parts.iter().any(|it| !it.trial && it.implanted_on < date(2023, 11, 22))
        })
        .collect();
    let has = |made: &&&Made, event: EventKind| made.of::<ImplantEvent>().iter().any(|it| it.event == event);
    near("explanted by now", share(&old, |made| has(&made, EventKind::Explant)), 0.22, 0.1);
    near("pain at the generator", share(&old, |made| has(&made, EventKind::IpgSitePain)), 0.18, 0.1);
    let parts: Vec<ImplantComponent> = stimulated().iter().flat_map(Made::of).collect();
    let named = parts.iter().filter_map(|it| it.udi.as_deref());
    assert!(named.clone().all(|udi| udi.starts_with("(01)0290000000")));
    near("without UDI", share(&parts, |it| it.udi.is_none()), 0.10, 0.08);
    let mut lots: BTreeMap<&str, usize> = BTreeMap::new();
    parts.iter().filter_map(|it| it.lot.as_deref()).for_each(|lot| *lots.entry(lot).or_default() += 1);
    assert!(lots.values().any(|carriers| *carriers > 1), "a recall finds more than one");
}
