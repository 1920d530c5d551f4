//! Chains of merges, and concurrent merges.

use std::sync::Barrier;

use painreg_domain::clinical::EntryKind;
use painreg_tests::{Actor, Answer, Patient, World};

use super::super::alone;

#[test]
fn concurrent_opposite_merges_refuse_one() {
    let world = World::new();
    let manager = world.alpha().manager();
    let clinician = world.alpha().clinician();
    for _ in 0..4 {
        let [one, two] = [0, 1].map(|_| clinician.registers(&world.person()));
        let barrier = Barrier::new(2);
        let pairs = [(&one, &two), (&two, &one)];
        let answers: Vec<Answer> = std::thread::scope(|threads| {
            let sent: Vec<_> = pairs
                .iter()
                .map(|(survivor, duplicate)| {
                    threads.spawn(|| {
                        barrier.wait();
                        manager.merges(survivor, duplicate)
                    })
                })
                .collect();
            sent.into_iter().map(|one| one.join().expect("an answer")).collect()
        });
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert!(matches!(statuses[..], [201, 409 | 412]), "{statuses:?}");
        assert_eq!(clinician.reads(&one).expect(200).body, clinician.reads(&two).expect(200).body);
    }
}

/// Returns the patient that each id opens, by position in the list.
#[track_caller]
fn opened(actor: &Actor<'_>, patients: &[Patient]) -> Vec<Option<usize>> {
    let opened = |patient: &Patient| {
        let read = actor.reads(patient).expect(200);
        patients.iter().position(|other| read.body["id"] == other.id.as_str())
    };
    patients.iter().map(opened).collect()
}

#[test]
fn undo_merge_takes_chains_apart_in_any_order() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let manager = world.alpha().manager();
    let apart = [Some(0), Some(1), Some(2)];
    // (undone first, what each id opens then)
    for (first, between) in [(0, [Some(0), Some(2), Some(2)]), (1, [Some(1), Some(1), Some(2)])] {
        let patients = [0, 1, 2].map(|_| clinician.registers(&world.person()));
        let [a, b, c] = &patients;
        let entries = patients
            .each_ref()
            .map(|patient| clinician.records(patient, EntryKind::Diagnosis, &alone(EntryKind::Diagnosis)));
        let merges = [manager.merges(b, a).expect(201).body, manager.merges(c, b).expect(201).body];
        assert_eq!(opened(&clinician, &patients), [Some(2); 3]);
        assert_eq!(clinician.lists(a, EntryKind::Diagnosis, "").expect(200).items().len(), 3);
        assert_eq!(clinician.reads(a).expect(200).body["national_ids"].as_array().map(Vec::len), Some(3));
        manager.undoes(&merges[first]).expect(200);
        assert_eq!(opened(&clinician, &patients), between);
        manager.undoes(&merges[1 - first]).expect(200);
        assert_eq!(opened(&clinician, &patients), apart);
        for (patient, entry) in patients.iter().zip(&entries) {
            assert_eq!(
                clinician.lists(patient, EntryKind::Diagnosis, "").expect(200).items(),
                std::slice::from_ref(entry)
            );
        }
    }
}

#[test]
fn undo_merge_in_a_chain_keeps_the_other_merges() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let manager = world.alpha().manager();
    // a into b, b into c, c into d; the middle one was a mistake; then the last one too.
    let patients = [0, 1, 2, 3].map(|_| clinician.registers(&world.person()));
    let [a, b, c, d] = &patients;
    manager.merges(b, a).expect(201);
    let middle = manager.merges(c, b).expect(201).body;
    let last = manager.merges(d, c).expect(201).body;
    assert_eq!(opened(&clinician, &patients), [Some(3); 4]);
    manager.undoes(&middle).expect(200);
    assert_eq!(opened(&clinician, &patients), [Some(1), Some(1), Some(3), Some(3)]);
    manager.undoes(&last).expect(200);
    assert_eq!(opened(&clinician, &patients), [Some(1), Some(1), Some(2), Some(3)]);
    // A patient who was separated and merged elsewhere stays there.
    let patients = [0, 1, 2].map(|_| clinician.registers(&world.person()));
    let [a, b, c] = &patients;
    let first = manager.merges(b, a).expect(201).body;
    let second = manager.merges(c, b).expect(201).body;
    manager.undoes(&first).expect(200);
    manager.merges(c, a).expect(201);
    manager.undoes(&second).expect(200);
    assert_eq!(opened(&clinician, &patients), [Some(2), Some(1), Some(2)]);
}
